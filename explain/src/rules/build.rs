//! What the rules look at: the objects of one build, their earlier names, and the way back to the files.

use super::path::Path;
use serde_json::Value;
use std::fmt::Debug;
use std::sync::Arc;

/// A line to edit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, relative to the working directory.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// The way back from a field to its line.
pub trait Places: Debug + Send + Sync {
    /// The line to edit for a field of the object with this index. For a field that is not there, the line of what comes
    /// closest above it.
    fn place(&self, object: usize, field: &Path) -> Place;

    /// The text of a file that [`Places::place`] names.
    fn text(&self, file: &str) -> Option<String>;
}

/// One object of a build.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The object as it is applied.
    pub value: Value,
    /// The names it had before prefixes, suffixes and hashes; without the name it has now.
    pub earlier: Vec<String>,
    /// Its namespace before the build, where it had one.
    pub earlier_namespace: Option<String>,
}

impl Object {
    /// An object that no build changed.
    #[must_use]
    pub fn plain(value: Value) -> Self {
        let namespace = value.pointer("/metadata/namespace").and_then(Value::as_str);
        Self {
            earlier: Vec::new(),
            earlier_namespace: namespace.map(str::to_owned),
            value,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// Its API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        let version = self.value["apiVersion"].as_str().unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its namespace; `None` where the one who applies it decides.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        let namespace = self.value.pointer("/metadata/namespace").and_then(Value::as_str);
        namespace.filter(|namespace| !namespace.is_empty())
    }

    /// `Kind/name`, as findings print it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }

    /// Whether it is of one of our kinds.
    #[must_use]
    pub fn is_ours(&self, kind: &str) -> bool {
        self.kind() == kind && self.group() == serin_core::api::GROUP
    }

    /// Whether two objects can meet: one namespace, or one that is not known here.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self.namespace(), other.namespace()) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        }
    }
}

/// The objects of one build, and where they come from.
#[derive(Debug, Clone)]
pub struct Build {
    /// The overlay or the manifests, relative to the working directory.
    pub path: String,
    /// The objects, in the order of the build.
    pub objects: Vec<Object>,
    /// The way back.
    pub places: Arc<dyn Places>,
    /// What the kustomization says; absent for plain manifests.
    pub layers: Vec<Layer>,
}

/// One kustomization of a build.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    /// The file, relative to the working directory.
    pub file: String,
    /// Whether it is a Component.
    pub component: bool,
    /// The kustomization, as JSON.
    pub value: Value,
}
