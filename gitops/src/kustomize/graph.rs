//! What a kustomization refers to.

use super::problem::{BuildError, Note};
use super::reading;
use crate::files::{Files, Place};
use crate::yaml::{Document, Duplicate, Node, Stream};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All that the build of an overlay reads.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The folder that is built, relative to the tree's root.
    pub overlay: PathBuf,
    /// The kustomizations: the overlay's first, each before what it refers to. A folder that is referred to twice is here once.
    pub layers: Vec<Layer>,
    /// All files, by their path from the tree's root.
    pub texts: BTreeMap<PathBuf, Text>,
    /// Symbolic links within the tree on the way to files, with what they point to as written.
    pub links: BTreeMap<PathBuf, PathBuf>,
    /// Addresses in kustomization files that the build reads from Serin's own copies.
    pub replaced: Vec<Replaced>,
    /// Keys that stand twice in a patch, transformer or generator that is written into another file, with the lines of that file.
    pub inline_duplicates: Vec<(PathBuf, Duplicate)>,
    /// The layers that hold generators or transformers instead of objects.
    pub plugins: Vec<usize>,
    /// The names of Applications that have a `.argocd-source-NAME.yaml` beside the overlay.
    pub apps: Vec<String>,
    /// The overlay's kustomization with the changes of `.argocd-source*.yaml`, where there are any.
    pub(super) rewritten: Option<Map<String, Value>>,
    /// Remarks.
    pub notes: Vec<Note>,
}

/// An address that is read from Serin's own copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The kustomization file.
    pub file: PathBuf,
    /// The address's bytes in it.
    pub bytes: std::ops::Range<usize>,
    /// The name of the copy beside the kustomization file.
    pub name: String,
    /// The copy.
    pub text: &'static str,
}

/// A file of the build.
#[derive(Debug, Clone)]
pub struct Text {
    /// What it is for. A file with several uses has the first of them.
    pub role: Role,
    /// Its bytes.
    pub bytes: Arc<Vec<u8>>,
    /// Its documents; `None` of a file that is not read as YAML.
    pub stream: Option<Arc<Stream>>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A kustomization file.
    Kustomization,
    /// Objects.
    Resource,
    /// A patch.
    Patch,
    /// A configuration of transformers.
    Configuration,
    /// A schema.
    OpenApi,
    /// What a generator puts into a ConfigMap or Secret.
    Data,
    /// A transformer.
    Transformer,
    /// A generator.
    Generator,
    /// A validator.
    Validator,
    /// A replacement.
    Replacement,
    /// A CustomResourceDefinition that `crds` names.
    Crd,
    /// `.argocd-source*.yaml`: what Argo CD changes before it builds.
    ArgocdSource,
}

/// A kustomization.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its folder.
    pub folder: PathBuf,
    /// Its file.
    pub file: PathBuf,
    /// Whether it is a Component.
    pub is_component: bool,
    /// The file's document.
    pub document: Document,
    /// The layers that it refers to (`resources`, `bases`, `components`), with the place of each reference, in kustomize's
    /// order.
    pub below: Vec<(usize, Place)>,
    /// The files with objects, with the place of each reference.
    pub resources: Vec<(PathBuf, Place)>,
    /// Its patches, in the order in which kustomize applies them.
    pub patches: Vec<Patch>,
    /// `images`.
    pub images: Vec<Image>,
    /// `replicas`.
    pub replicas: Vec<Replicas>,
    /// `configMapGenerator` and `secretGenerator`.
    pub generators: Vec<Generator>,
    /// Transformer configurations and schemas, with the place of each reference.
    pub configurations: Vec<(PathBuf, Place)>,
    /// What else changes objects.
    pub settings: Vec<Setting>,
}

/// A patch.
#[derive(Debug, Clone)]
pub struct Patch {
    /// Its entry in the kustomization file.
    pub place: Place,
    /// The file that has its text: the patch's own, or the kustomization file.
    pub file: PathBuf,
    /// Whether its text stands in the kustomization file.
    pub is_inline: bool,
    /// Which kind it is.
    pub kind: PatchKind,
    /// `target`.
    pub target: Option<Target>,
    /// Its text.
    pub text: String,
    /// Its documents, with the lines of [`Self::file`]. Of a JSON patch, one list of operations.
    pub documents: Vec<Node>,
}

/// Which kind of patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// A strategic merge patch.
    Merge,
    /// A JSON patch (RFC 6902).
    Json,
}

/// What a patch aims at. Names, namespaces and kinds are regular expressions for the whole text; absent means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// API group.
    pub group: Option<String>,
    /// API version.
    pub version: Option<String>,
    /// Kind.
    pub kind: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Labels.
    pub label_selector: Option<String>,
    /// Annotations.
    pub annotation_selector: Option<String>,
}

/// An entry of `images`.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its place.
    pub place: Place,
    /// The name that is looked for.
    pub name: String,
    /// `newName`.
    pub new_name: Option<(String, Place)>,
    /// `newTag`.
    pub new_tag: Option<(String, Place)>,
    /// `digest`.
    pub digest: Option<(String, Place)>,
}

/// An entry of `replicas`.
#[derive(Debug, Clone)]
pub struct Replicas {
    /// Its place.
    pub place: Place,
    /// The name that is looked for.
    pub name: String,
    /// Where `count` stands.
    pub count: Place,
}

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone)]
pub struct Generator {
    /// Its place.
    pub place: Place,
    /// Whether it makes a Secret.
    pub is_secret: bool,
    /// The name before prefix, suffix and hash.
    pub name: String,
    /// Its namespace, where it names one.
    pub namespace: Option<String>,
    /// `create` (which is usual), `merge` or `replace`.
    pub behavior: String,
    /// Whether the name gets no hash.
    pub has_no_hash: bool,
    /// The keys that it sets.
    pub keys: Vec<Generated>,
}

/// A key that a generator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The key in `data`.
    pub key: String,
    /// The line to edit: the literal's, the line of an `envs` file, or the first line of a file.
    pub place: Place,
}

/// What changes many objects at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which.
    pub kind: SettingKind,
    /// The place of its key in the kustomization file.
    pub place: Place,
}

/// Which setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingKind {
    /// `namePrefix`.
    NamePrefix(String),
    /// `nameSuffix`.
    NameSuffix(String),
    /// `namespace`.
    Namespace(String),
    /// A label of `commonLabels` or `labels`.
    Label {
        /// Its key.
        key: String,
        /// Whether selectors get it.
        selectors: bool,
        /// Whether pod templates get it.
        templates: bool,
    },
    /// An annotation of `commonAnnotations`.
    Annotation(String),
    /// `replacements`.
    Replacement {
        /// The kinds and names of the targets, and their field paths, as written.
        targets: Vec<(Target, Vec<String>)>,
    },
}

impl Graph {
    /// Follows the kustomization of a folder to all that its build reads.
    ///
    /// # Errors
    /// All that kustomize must not be run on: files and folders that are links out of the tree, huge files, YAML that is broken
    /// or grows too much, remote bases and resources, functions that would be executed, Helm charts, schemas and
    /// configurations at addresses that Serin has no copy of.
    pub fn read(files: &dyn Files, overlay: &Path) -> Result<Self, BuildError> {
        reading::read(files, overlay, None)
    }

    /// As [`Self::read`], as the Application of that name has it: with its `.argocd-source-NAME.yaml`. Without a name the only such
    /// file is honoured; of several, none is.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_for(files: &dyn Files, overlay: &Path, app: Option<&str>) -> Result<Self, BuildError> {
        reading::read(files, overlay, app)
    }

    /// Manifests without a kustomization, as if one listed them.
    pub(super) fn of_manifests(texts: BTreeMap<PathBuf, Text>) -> Self {
        let nowhere = |file: &PathBuf| Place {
            file: file.clone(),
            line: 1,
            column: 1,
        };
        let layer = Layer {
            folder: PathBuf::new(),
            file: PathBuf::new(),
            is_component: false,
            document: Document {
                index: 0,
                root: Node::null(),
            },
            below: Vec::new(),
            resources: texts.keys().map(|file| (file.clone(), nowhere(file))).collect(),
            patches: Vec::new(),
            images: Vec::new(),
            replicas: Vec::new(),
            generators: Vec::new(),
            configurations: Vec::new(),
            settings: Vec::new(),
        };
        Self {
            layers: vec![layer],
            texts,
            ..Self::empty(Path::new(""))
        }
    }

    pub(super) fn empty(overlay: &Path) -> Self {
        Self {
            overlay: overlay.to_owned(),
            layers: Vec::new(),
            texts: BTreeMap::new(),
            links: BTreeMap::new(),
            replaced: Vec::new(),
            inline_duplicates: Vec::new(),
            plugins: Vec::new(),
            apps: Vec::new(),
            rewritten: None,
            notes: Vec::new(),
        }
    }
}
