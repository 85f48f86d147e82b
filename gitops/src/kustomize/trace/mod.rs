//! The way back from a field of the output to the line that a person edits.

mod instances;
mod json_patch;
mod list;
mod names;
mod reach;
mod target;
mod writers;

pub(super) use instances::{Instance, instances};
pub(super) use names::assign;
pub(super) use reach::{Hits, reaches};
pub(super) use writers::{Tracing, place, writers};

use crate::files::Place;
use crate::yaml::Node;
use serde_json::Value;

/// What an object is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// API group; empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace, where the object names one.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl Identity {
    /// What an object calls itself; `None` of what is no object.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let (group, version) = split(object["apiVersion"].as_str().unwrap_or_default());
        Some(Self {
            group,
            version,
            kind: text(&object["kind"])?,
            namespace: text(&object["metadata"]["namespace"]),
            name: text(&object["metadata"]["name"])?,
        })
    }

    /// As [`Self::of`], of a document.
    pub(super) fn of_node(node: &Node) -> Option<Self> {
        let text = |node: Option<&Node>| node.and_then(Node::as_str).map(str::to_owned);
        let metadata = node.get("metadata")?;
        let (group, version) = split(node.get("apiVersion").and_then(Node::as_str).unwrap_or_default());
        Some(Self {
            group,
            version,
            kind: text(node.get("kind"))?,
            namespace: text(metadata.get("namespace")),
            name: text(metadata.get("name"))?,
        })
    }
}

fn split(api_version: &str) -> (String, String) {
    match api_version.rsplit_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), api_version.to_owned()),
    }
}

/// What wrote a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// What it is.
    pub kind: WriterKind,
    /// The layer that has it, an index into [`super::Graph::layers`]; `None` of plain manifests.
    pub layer: Option<usize>,
    /// The line to edit.
    pub place: Place,
}

/// What can write a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterKind {
    /// The file that has the object.
    Resource,
    /// A generator.
    Generator,
    /// A patch, by its index in [`super::Layer::patches`].
    Patch(usize),
    /// `images`.
    Image,
    /// `replicas`.
    Replicas,
    /// Anything else in a kustomization: prefix, suffix, namespace, labels, annotations, replacements.
    Setting,
}

/// What a patch touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The layer, an index into [`super::Graph::layers`].
    pub layer: usize,
    /// The patch, an index into [`super::Layer::patches`].
    pub patch: usize,
    /// The objects that it aims at, indexes into [`super::Built::objects`]. None: the patch changes nothing.
    pub objects: Vec<usize>,
    /// Whether it may have taken away an object that is therefore not in the output (`$patch: delete`).
    pub deletes: bool,
}
