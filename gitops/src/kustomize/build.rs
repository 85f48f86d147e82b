//! The run of kustomize.

use super::graph::{Graph, Patch};
use super::problem::{BuildError, Note};
use super::program::Program;
use super::trace::{Identity, Reach, Writer};
use crate::files::{Files, Place};
use crate::yaml::FieldPath;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How to build.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Application's name, for `.argocd-source-NAME.yaml`. Without one, the only such file is honoured; of several, none is.
    pub app: Option<String>,
    /// The longest time that kustomize may take.
    pub time_limit: Duration,
    /// The most memory that kustomize may take, in bytes of address space.
    pub memory_limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            app: None,
            time_limit: Duration::from_secs(60),
            memory_limit: 4 << 30,
        }
    }
}

/// What kustomize made of an overlay.
#[derive(Debug, Clone)]
pub struct Built {
    /// The overlay's folder, relative to the tree's root.
    pub overlay: PathBuf,
    /// The kustomize that ran; `None` of plain manifests.
    pub program: Option<Program>,
    /// The objects, in kustomize's order.
    pub objects: Vec<Object>,
    /// What was read.
    pub graph: Arc<Graph>,
    /// Warnings of kustomize and remarks of Serin.
    pub notes: Vec<Note>,
    /// How long kustomize ran.
    pub took: Duration,
}

/// An object of the output.
#[derive(Debug, Clone)]
pub struct Object {
    /// As built.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// As it stands in the file that it comes from, before anything changed it; `None` of a generated one.
    pub source: Option<Value>,
    /// What it was called in the file that it comes from or by its generator: before prefix, suffix, hash and namespace.
    pub original: Identity,
    /// The layers that it passed through, from the one that names its file to the overlay; indexes into [`Graph::layers`].
    pub layers: Vec<usize>,
}

/// Where an object comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A document of a file.
    File {
        /// Where the document begins.
        place: Place,
        /// Its number in the file, from 0.
        document: usize,
    },
    /// A generator.
    Generator {
        /// The layer, an index into [`Graph::layers`].
        layer: usize,
        /// The generator, an index into [`super::Layer::generators`].
        generator: usize,
    },
    /// It could not be told.
    Unknown,
}

/// Builds an overlay that was read.
///
/// # Errors
/// If kustomize fails (its own words, the likely cause, and the place where it can be told), takes too long, or too much memory.
pub fn build(
    _files: &dyn Files,
    _graph: &Arc<Graph>,
    _program: &Program,
    _options: &Options,
) -> Result<Built, BuildError> {
    Err(BuildError { problems: Vec::new() })
}

/// Plain manifests as if they had been built: each object is as it stands in its file.
///
/// # Errors
/// If a file cannot be read or is not YAML.
pub fn from_manifests(_files: &dyn Files, _paths: &[PathBuf]) -> Result<Built, BuildError> {
    Err(BuildError { problems: Vec::new() })
}

impl Built {
    /// The line that a person edits to change a field of an object. For a field that is not there, the line of what comes
    /// closest above it. `None` where the object's origin cannot be told.
    #[must_use]
    pub fn place(&self, _object: usize, _path: &FieldPath) -> Option<Place> {
        None
    }

    /// As [`Self::place`], for a path as findings write it ([`FieldPath::within`]).
    #[must_use]
    pub fn place_of(&self, object: usize, path: &str) -> Option<Place> {
        let path = FieldPath::within(path, &self.objects.get(object)?.value);
        self.place(object, &path)
    }

    /// All that wrote a field of an object, the last writer first; the file that the object comes from is the last entry.
    #[must_use]
    pub fn writers(&self, _object: usize, _path: &FieldPath) -> Vec<Writer> {
        Vec::new()
    }

    /// What each patch of the build touched.
    #[must_use]
    pub fn reaches(&self) -> Vec<Reach> {
        Vec::new()
    }

    /// A patch of the graph.
    #[must_use]
    pub fn patch(&self, reach: &Reach) -> Option<&Patch> {
        self.graph.layers.get(reach.layer)?.patches.get(reach.patch)
    }

    /// The build of an inner layer, as it is (`with_patches`) or with its own patches left out: what its patches were applied to.
    ///
    /// # Errors
    /// As [`build`]; a Component cannot be built on its own.
    pub fn layer(
        &self,
        _files: &dyn Files,
        _layer: usize,
        _with_patches: bool,
        _options: &Options,
    ) -> Result<Self, BuildError> {
        Err(BuildError { problems: Vec::new() })
    }

    /// The folder of an overlay, for messages.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.overlay
    }
}
