//! The way back from a field of the output to the line that a person edits.

use crate::files::Place;

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
