//! The run of kustomize.

use super::cause;
use super::copy::{copy, replaced};
use super::graph::{Graph, Patch, Role, Text};
use super::problem::{BuildError, Note};
use super::problem::{Problem, ProblemKind};
use super::program::Program;
use super::program::ProgramKind;
use super::sandbox::{Limits, Output, Sandbox};
use super::trace::{self, Hits, Identity, Instance, Reach, Tracing, Writer};
use crate::files::{Files, Kind, Place};
use crate::yaml::{self, FieldPath, Node};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How to build.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest time that kustomize may take.
    pub time_limit: Duration,
    /// The most memory that kustomize may take, in bytes of address space.
    pub memory_limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
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
    /// What the build started from.
    pub(super) instances: Vec<Instance>,
    /// The instance of each object.
    pub(super) assigned: Vec<Option<usize>>,
    /// What the patches aim at.
    pub(super) hits: Hits,
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
pub fn build(graph: &Arc<Graph>, program: &Program, options: &Options) -> Result<Built, BuildError> {
    build_changed(graph, &graph.overlay, &[], program, options)
}

/// Builds a folder of a graph, with some of its files changed.
fn build_changed(
    graph: &Arc<Graph>,
    folder: &Path,
    changed: &[(PathBuf, Vec<u8>)],
    program: &Program,
    options: &Options,
) -> Result<Built, BuildError> {
    let output = run(graph, folder, changed, program, options).map_err(|problem| BuildError::from(*problem))?;
    let words = cause::words(&output.stderr, graph);
    if !output.is_success {
        return Err(cause::explain(&words, graph, program));
    }
    let values = objects_of(&output.stdout).map_err(|problem| BuildError::from(*problem))?;
    let notes = graph
        .notes
        .iter()
        .cloned()
        .chain(cause::remarks(&words, graph))
        .collect();
    Ok(assemble(
        graph,
        folder,
        Some(program.clone()),
        values,
        notes,
        output.took,
    ))
}

fn run(
    graph: &Graph,
    folder: &Path,
    changed: &[(PathBuf, Vec<u8>)],
    program: &Program,
    options: &Options,
) -> Result<Output, Box<Problem>> {
    let sandbox = Sandbox::new()?;
    copy(graph, changed, &sandbox.tree())?;
    let command = match program.kind {
        ProgramKind::Kustomize => "build",
        ProgramKind::Kubectl => "kustomize",
    };
    let folder = Path::new(".").join(folder);
    let limits = Limits {
        time: options.time_limit,
        memory: options.memory_limit,
    };
    let mut output = sandbox.run(&program.path, &[command, &folder.to_string_lossy()], limits)?;
    output.stderr = cause::without(&output.stderr, &sandbox.tree());
    Ok(output)
}

fn objects_of(stdout: &[u8]) -> Result<Vec<Value>, Box<Problem>> {
    // The output has no aliases but those of the input, and these were counted.
    let limits = yaml::Limits {
        bytes: 256 << 20,
        aliased_nodes: 10_000_000,
        depth: 200,
    };
    match yaml::read_with(stdout, limits) {
        Ok(stream) => Ok(stream
            .documents
            .iter()
            .map(|document| document.root.to_json())
            .collect()),
        Err(error) => {
            let message = format!("kustomize wrote what is not YAML: {error}");
            let action = "report it, with the version of kustomize";
            Err(Box::new(Problem::of_file(
                ProblemKind::Kustomize,
                Path::new(""),
                message,
                action,
            )))
        }
    }
}

/// Puts objects and what they started from together.
fn assemble(
    graph: &Arc<Graph>,
    folder: &Path,
    program: Option<Program>,
    values: Vec<Value>,
    notes: Vec<Note>,
    took: Duration,
) -> Built {
    let root = graph
        .layers
        .iter()
        .position(|layer| layer.folder == folder)
        .unwrap_or_default();
    let instances = trace::instances(graph, root);
    let assigned = trace::assign(&values, &instances);
    let pairs = assigned.iter().zip(&values);
    let of_instance = pairs
        .filter_map(|(instance, value)| Some(((*instance)?, value)))
        .collect();
    let hits = Hits::new(graph, root, &instances, &of_instance);
    let object = |(value, instance): (Value, &Option<usize>)| {
        let instance = instance.and_then(|instance| instances.get(instance));
        Object {
            origin: instance.map_or(Origin::Unknown, |instance| instance.origin.clone()),
            source: instance.and_then(|instance| instance.node.as_ref()).map(Node::to_json),
            original: match instance {
                Some(instance) => instance.original.clone(),
                None => Identity::of(&value).unwrap_or_default(),
            },
            layers: instance.map_or_else(Vec::new, |it| it.passes.iter().map(|pass| pass.layer).collect()),
            value,
        }
    };
    Built {
        overlay: folder.to_owned(),
        program,
        objects: values.into_iter().zip(&assigned).map(object).collect(),
        graph: Arc::clone(graph),
        notes,
        took,
        instances,
        assigned,
        hits,
    }
}

/// Plain manifests as if they had been built: each object is as it stands in its file.
///
/// # Errors
/// If a file cannot be read or is not YAML.
pub fn from_manifests(files: &dyn Files, paths: &[PathBuf]) -> Result<Built, BuildError> {
    let (mut texts, mut problems) = (BTreeMap::new(), Vec::new());
    for path in paths {
        match manifest(files, path) {
            Ok(text) => {
                texts.insert(path.clone(), text);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    if !problems.is_empty() {
        return Err(BuildError { problems });
    }
    let graph = Arc::new(Graph::of_manifests(texts));
    let instances = trace::instances(&graph, 0);
    let values = instances
        .iter()
        .filter_map(|instance| instance.node.as_ref())
        .map(Node::to_json)
        .collect();
    let mut built = assemble(&graph, Path::new(""), None, values, Vec::new(), Duration::ZERO);
    // Two objects may have one name here.
    built.assigned = (0..built.objects.len()).map(Some).collect();
    for (object, instance) in built.objects.iter_mut().zip(&built.instances) {
        object.origin.clone_from(&instance.origin);
        object.original.clone_from(&instance.original);
        object.source = Some(object.value.clone());
        object.layers.clear();
    }
    Ok(built)
}

fn manifest(files: &dyn Files, path: &Path) -> Result<Text, Box<Problem>> {
    let problem = |kind, message: String, action: &str| Box::new(Problem::of_file(kind, path, message, action));
    let unreadable = |why: String| problem(ProblemKind::Unreadable, why, "name a file that can be read");
    match files.kind(path).map_err(|error| unreadable(error.why))? {
        Some(Kind::File(length)) if length > yaml::Limits::default().bytes as u64 => {
            let message = format!("the file has {length} bytes, which is too much");
            return Err(problem(ProblemKind::Limit, message, "split it"));
        }
        Some(Kind::File(_)) => {}
        Some(Kind::Link(_)) => return Err(unreadable("it is a symbolic link".to_owned())),
        Some(Kind::Folder) => return Err(unreadable("it is a folder".to_owned())),
        None => return Err(unreadable("there is no such file".to_owned())),
    }
    let bytes = files.read(path).map_err(|error| unreadable(error.why))?;
    let stream = yaml::read(&bytes).map_err(|error| {
        Box::new(Problem {
            line: Some(error.line),
            column: Some(error.column),
            ..*problem(ProblemKind::Syntax, error.message.clone(), &error.action)
        })
    })?;
    Ok(Text {
        role: Role::Resource,
        bytes: Arc::new(bytes),
        stream: Some(Arc::new(stream)),
    })
}

impl Built {
    fn tracing(&self, object: usize) -> Option<Tracing<'_>> {
        let instance = (*self.assigned.get(object)?)?;
        Some(Tracing {
            graph: &self.graph,
            hits: &self.hits,
            instance: (instance, self.instances.get(instance)?),
            object: &self.objects.get(object)?.value,
        })
    }

    /// The line that a person edits to change a field of an object. For a field that is not there, the line of what comes
    /// closest above it. `None` where the object's origin cannot be told.
    #[must_use]
    pub fn place(&self, object: usize, path: &FieldPath) -> Option<Place> {
        trace::place(self.tracing(object)?, path)
    }

    /// As [`Self::place`], for a path as findings write it ([`FieldPath::within`]).
    #[must_use]
    pub fn place_of(&self, object: usize, path: &str) -> Option<Place> {
        let path = FieldPath::within(path, &self.objects.get(object)?.value);
        self.place(object, &path)
    }

    /// All that wrote a field of an object, the last writer first; the file that the object comes from is the last entry.
    #[must_use]
    pub fn writers(&self, object: usize, path: &FieldPath) -> Vec<Writer> {
        self.tracing(object)
            .map(|tracing| trace::writers(tracing, path))
            .unwrap_or_default()
    }

    /// What each patch of the build touched.
    #[must_use]
    pub fn reaches(&self) -> Vec<Reach> {
        let assigned = self.assigned.iter().enumerate();
        let object_of = assigned
            .filter_map(|(object, instance)| Some(((*instance)?, object)))
            .collect();
        trace::reaches(&self.graph, &self.hits, &object_of)
    }

    /// A patch of the graph.
    #[must_use]
    pub fn patch(&self, reach: &Reach) -> Option<&Patch> {
        self.graph.layers.get(reach.layer)?.patches.get(reach.patch)
    }

    /// The build of an inner layer, as it is, or (without `with_patches`) with its own patches left out: what they were applied
    /// to. A Component cannot be built on its own: it is the overlay, with or without the patches of the Component.
    ///
    /// # Errors
    /// As [`build`].
    pub fn layer(&self, layer: usize, with_patches: bool, options: &Options) -> Result<Self, BuildError> {
        let (Some(program), Some(content)) = (&self.program, self.graph.layers.get(layer)) else {
            let message = "plain manifests have no layers".to_owned();
            return Err(Problem::of_file(ProblemKind::Program, Path::new(""), message, "name a kustomization").into());
        };
        let mut changed = Vec::new();
        if !with_patches {
            let mut document = match &self.graph.rewritten {
                Some(fields) if layer == 0 => Value::Object(fields.clone()),
                _ => kustomization(&self.graph, &content.file).unwrap_or_else(|| content.document.root.to_json()),
            };
            if let Some(fields) = document.as_object_mut() {
                for key in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
                    fields.remove(key);
                }
            }
            changed.push((content.file.clone(), document.to_string().into_bytes()));
        }
        let folder = if content.is_component {
            &self.overlay
        } else {
            &content.folder
        };
        build_changed(&self.graph, folder, &changed, program, options)
    }
}

/// A kustomization as it is built, with the names of Serin's copies in the place of addresses.
fn kustomization(graph: &Graph, file: &Path) -> Option<Value> {
    let bytes = replaced(&graph.texts.get(file)?.bytes, file, graph);
    let stream = yaml::read(&bytes).ok()?;
    Some(stream.documents.first()?.root.to_json())
}
