//! What the rules look at: the objects of one build, their earlier names, and the way back to the files.

use serde_json::Value;
use serin_gitops::files::Files;
use serin_gitops::kustomize::{self, Built, Graph, Layer, SettingKind};
use serin_gitops::yaml::FieldPath;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A line to edit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, relative to the working directory.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// One object of a build.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The object as it is applied.
    pub value: Value,
    /// The names that it had before prefixes, suffixes and hashes, without the name that it has now.
    pub earlier: Vec<String>,
    /// Its namespace in the file that it comes from, where it has one.
    pub earlier_namespace: Option<String>,
}

/// The objects of one build, and where they come from.
#[derive(Debug, Clone)]
pub struct Build {
    /// The overlay or the manifests, relative to the working directory.
    pub path: String,
    /// The objects, in the order of the build.
    pub objects: Vec<Object>,
    /// What kustomize made of the overlay; of plain manifests, what stands in the files.
    pub built: Built,
    /// The same by other versions of kustomize, where the user names several.
    pub others: Vec<Built>,
    /// The tree that was built.
    pub files: Arc<dyn Files>,
    /// The tree's root, relative to the working directory.
    pub root: PathBuf,
}

impl Build {
    /// Prepares a build for the rules.
    #[must_use]
    pub fn new(built: Built, files: Arc<dyn Files>, root: &Path) -> Self {
        Self {
            path: shown(root, &built.overlay),
            objects: built.objects.iter().map(|object| of(&built.graph, object)).collect(),
            built,
            others: Vec::new(),
            files,
            root: root.to_owned(),
        }
    }

    /// The kustomizations of the build; none of plain manifests.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.built.graph.layers
    }

    /// The line to edit for a field of the object with this index. For a field that is not there, the line of what comes
    /// closest above it; for an object whose origin is not known, the first line of the kustomization.
    #[must_use]
    pub fn place(&self, object: usize, field: &FieldPath) -> Place {
        let place = self.built.place(object, field);
        place.map_or_else(|| self.first_line(), |place| self.show(&place))
    }

    fn first_line(&self) -> Place {
        let file = self.layers().first().map(|layer| &layer.file);
        Place {
            file: file.map_or_else(|| self.path.clone(), |file| shown(&self.root, file)),
            line: 1,
        }
    }

    /// A place of the tree, relative to the working directory.
    #[must_use]
    pub fn show(&self, place: &serin_gitops::files::Place) -> Place {
        Place {
            file: shown(&self.root, &place.file),
            line: u32::try_from(place.line).unwrap_or(u32::MAX),
        }
    }

    /// A path of the tree as seen from the working directory.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        shown(&self.root, path)
    }

    /// The path in the tree of a file that a [`Place`] names, if the build read it.
    #[must_use]
    pub fn in_tree(&self, file: &str) -> Option<PathBuf> {
        let mut paths = self.built.graph.texts.keys();
        paths.find(|path| shown(&self.root, path) == file).cloned()
    }

    /// The text of a file that a [`Place`] names.
    #[must_use]
    pub fn text(&self, file: &str) -> Option<String> {
        let text = self.built.graph.texts.get(&self.in_tree(file)?)?;
        String::from_utf8(text.bytes.to_vec()).ok()
    }
}

/// An object with the names it had on its way.
fn of(graph: &Graph, object: &kustomize::Object) -> Object {
    let now = object
        .value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut name = object.original.name.clone();
    let mut earlier = vec![name.clone()];
    for layer in object.layers.iter().filter_map(|index| graph.layers.get(*index)) {
        for setting in &layer.settings {
            match &setting.kind {
                SettingKind::NamePrefix(prefix) => name.insert_str(0, prefix),
                SettingKind::NameSuffix(suffix) => name.push_str(suffix),
                SettingKind::Namespace(_)
                | SettingKind::Label { .. }
                | SettingKind::Annotation(_)
                | SettingKind::Replacement { .. } => {}
            }
        }
        earlier.push(name.clone());
    }
    earlier.sort();
    earlier.dedup();
    earlier.retain(|name| name != now && !name.is_empty());
    Object {
        value: object.value.clone(),
        earlier,
        earlier_namespace: object.original.namespace.clone(),
    }
}

/// A path of the tree as seen from the working directory, with `/` between its parts.
#[must_use]
pub fn shown(root: &Path, path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in root.join(path).components() {
        match part {
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                parts.pop();
            }
            Component::CurDir => {}
            Component::RootDir => parts.push(String::new()),
            Component::ParentDir | Component::Normal(_) | Component::Prefix(_) => {
                parts.push(part.as_os_str().to_string_lossy().into_owned());
            }
        }
    }
    match parts.join("/") {
        empty if empty.is_empty() => ".".to_owned(),
        shown => shown,
    }
}

impl Object {
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
        let name = self.value.pointer("/metadata/name");
        name.and_then(Value::as_str).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_from_the_working_directory() {
        for (root, path, expected) in [
            (
                "",
                "overlays/prod/kustomization.yaml",
                "overlays/prod/kustomization.yaml",
            ),
            ("../..", "base/rollout.yaml", "../../base/rollout.yaml"),
            ("a/..", "./b.yaml", "b.yaml"),
            ("", "", "."),
            ("/tmp/x", "b.yaml", "/tmp/x/b.yaml"),
        ] {
            assert_eq!(shown(Path::new(root), Path::new(path)), expected, "{root} {path}");
        }
    }
}
