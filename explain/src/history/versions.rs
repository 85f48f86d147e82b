//! What an overlay makes at a commit. Builds of the same files are made once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use serin_gitops::files::{Files, FilesError, Kind};
use serin_gitops::git::{CommitId, Repository};
use serin_gitops::kustomize::{BuildError, Built, Graph, Options, Program, build, from_manifests};
use serin_gitops::yaml::{FieldPath, Node};

use super::error::HistoryError;
use super::related::Objects;
use super::source::Source;
use crate::explanation::ObjectName;

/// How many builds one question may take.
const MOST_BUILDS: usize = 150;

/// The names of kustomization files.
pub(super) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Builds at commits.
#[derive(Debug)]
pub(super) struct Versions<'a> {
    repository: &'a Repository,
    program: Option<&'a Program>,
    options: &'a Options,
    known: RefCell<Vec<(Inputs, Outcome)>>,
    builds: Cell<usize>,
}

/// What a build reads: the same inputs give the same output.
type Inputs = (PathBuf, BTreeMap<PathBuf, Arc<Vec<u8>>>, BTreeMap<PathBuf, PathBuf>);

/// A build, or why it failed.
pub(super) type Outcome = Result<Rc<Snapshot>, String>;

/// What an overlay makes at a commit.
#[derive(Debug)]
pub(super) struct Snapshot {
    built: Built,
    /// A file that stands for settings of the Application: nobody can edit it in Git.
    made_up: Option<PathBuf>,
    namespace: String,
}

impl<'a> Versions<'a> {
    pub(super) fn new(repository: &'a Repository, program: Option<&'a Program>, options: &'a Options) -> Self {
        Self {
            repository,
            program,
            options,
            known: RefCell::default(),
            builds: Cell::new(0),
        }
    }

    /// The build at a commit; an error in the commit's own files is an [`Outcome`], since such commits exist.
    pub(super) fn at(&self, commit: CommitId, source: &Source) -> Result<Outcome, HistoryError> {
        let tree = self.repository.files(commit)?;
        let made_up = source.made_up(&tree);
        let files = Beside {
            inner: &tree,
            extra: made_up.as_ref(),
        };
        match files.kind(&source.folder) {
            Ok(Some(Kind::Folder)) => {}
            Ok(_) => return Ok(Err("there is no such folder".to_owned())),
            Err(error) => return Ok(Err(error.to_string())),
        }
        let snapshot = |built| Snapshot {
            built,
            made_up: made_up.as_ref().map(|(path, _)| path.clone()),
            namespace: source.namespace.clone(),
        };
        let is_there = |name: &&str| {
            matches!(
                files.kind(&source.folder.join(name)),
                Ok(Some(Kind::File(_) | Kind::Link(_)))
            )
        };
        if KUSTOMIZATIONS.iter().any(is_there) {
            let graph = match Graph::read_for(&files, &source.folder, source.application.as_deref()) {
                Ok(graph) => Arc::new(graph),
                Err(error) => return Ok(Err(words(&error))),
            };
            let texts = graph
                .texts
                .iter()
                .map(|(path, text)| (path.clone(), Arc::clone(&text.bytes)))
                .collect();
            let inputs = (source.folder.clone(), texts, graph.links.clone());
            return Ok(self.once(inputs, || {
                let program = self.program.ok_or("there is neither kustomize nor kubectl in PATH")?;
                build(&graph, program, self.options)
                    .map(snapshot)
                    .map_err(|error| words(&error))
            }));
        }
        if is_there(&"Chart.yaml") {
            return Ok(Err("it is a Helm chart, which is not rendered".to_owned()));
        }
        let paths = match manifests(&files, &source.folder, source.recurses) {
            Ok(paths) => paths,
            Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(from_manifests(&files, &paths)
            .map(snapshot)
            .map(Rc::new)
            .map_err(|error| words(&error)))
    }

    /// Whether an overlay can make an object: one of its files has the kind, with a name that is a part of the object's. It is
    /// read without a build, so that only such overlays are built. One that cannot be read might.
    pub(super) fn might_make(
        &self,
        commit: CommitId,
        source: &Source,
        object: &ObjectName,
    ) -> Result<bool, HistoryError> {
        let files = self.repository.files(commit)?;
        let Ok(graph) = Graph::read(&files, &source.folder) else {
            return Ok(true);
        };
        let documents = graph
            .texts
            .values()
            .filter_map(|text| text.stream.as_ref())
            .flat_map(|stream| &stream.documents);
        let is_like_it = |root: &Node| {
            let name = root
                .get("metadata")
                .and_then(|metadata| metadata.get("name"))
                .and_then(Node::as_str);
            let kind = root.get("kind").and_then(Node::as_str);
            kind == Some(object.kind.as_str()) && name.is_some_and(|name| object.name.contains(name))
        };
        let inner = |root: &Node| {
            root.get("items")
                .is_some_and(|items| items.items().iter().any(is_like_it))
        };
        Ok(documents
            .map(|document| &document.root)
            .any(|root| is_like_it(root) || inner(root)))
    }

    /// The build at a commit, which must succeed.
    pub(super) fn must(&self, commit: CommitId, source: &Source) -> Result<Rc<Snapshot>, HistoryError> {
        let failed = |why| HistoryError::Build {
            overlay: source.folder.clone(),
            revision: short(commit),
            why,
        };
        self.at(commit, source)?.map_err(failed)
    }

    fn once(&self, inputs: Inputs, make: impl FnOnce() -> Result<Snapshot, String>) -> Outcome {
        if let Some((_, outcome)) = self.known.borrow().iter().find(|(known, _)| *known == inputs) {
            return outcome.clone();
        }
        if self.builds.get() >= MOST_BUILDS {
            return Err(format!("more than {MOST_BUILDS} builds would be needed"));
        }
        self.builds.set(self.builds.get() + 1);
        let outcome = make().map(Rc::new);
        self.known.borrow_mut().push((inputs, outcome.clone()));
        outcome
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let is_full = self.builds.get() >= MOST_BUILDS;
        let note = format!("Only {MOST_BUILDS} builds were made: commits can be missing or too many.");
        is_full.then_some(note).into_iter().collect()
    }
}

impl Snapshot {
    /// The objects.
    pub(super) fn objects(&self) -> Objects<'_> {
        let all = self.built.objects.iter().map(|object| &object.value).collect();
        Objects {
            all,
            namespace: &self.namespace,
        }
    }

    pub(super) fn object(&self, index: usize) -> Option<&Value> {
        self.built.objects.get(index).map(|object| &object.value)
    }

    /// Whether the build itself says the namespace of an object.
    pub(super) fn says_namespace(&self, index: usize) -> bool {
        self.object(index)
            .is_some_and(|object| object.pointer("/metadata/namespace").is_some())
    }

    /// The file and line that a person edits to change a field.
    pub(super) fn place(&self, index: usize, path: &FieldPath) -> Option<(String, u32)> {
        let place = self.built.place(index, path)?;
        if self.made_up.as_ref() == Some(&place.file) {
            return None;
        }
        Some((
            place.file.to_string_lossy().into_owned(),
            u32::try_from(place.line).ok()?,
        ))
    }

    /// All files that the build reads.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let graph = &self.built.graph;
        graph
            .texts
            .keys()
            .chain(graph.links.keys())
            .filter(|path| self.made_up.as_ref() != Some(*path))
            .cloned()
            .collect()
    }

    /// The folders that the build refers to, without the overlay's own.
    pub(super) fn folders_below(&self) -> Vec<PathBuf> {
        self.built
            .graph
            .layers
            .iter()
            .skip(1)
            .map(|layer| layer.folder.clone())
            .collect()
    }
}

/// The manifests of a folder.
fn manifests(files: &dyn Files, folder: &Path, recurses: bool) -> Result<Vec<PathBuf>, FilesError> {
    let mut paths = Vec::new();
    for name in files.list(folder)? {
        let path = folder.join(&name);
        let is_manifest = ["yaml", "yml", "json"]
            .iter()
            .any(|end| path.extension().is_some_and(|found| found == *end));
        match files.kind(&path)? {
            Some(Kind::File(_)) if is_manifest => paths.push(path),
            Some(Kind::Folder) if recurses => paths.extend(manifests(files, &path, true)?),
            Some(Kind::File(_) | Kind::Folder | Kind::Link(_)) | None => {}
        }
    }
    Ok(paths)
}

fn words(error: &BuildError) -> String {
    let problem = |problem: &serin_gitops::kustomize::Problem| {
        let line = problem.line.map_or(String::new(), |line| format!(":{line}"));
        let file = problem.file.display().to_string();
        let place = if file.is_empty() {
            String::new()
        } else {
            format!("{file}{line}: ")
        };
        format!("{place}{}", problem.message)
    };
    let first = error.problems.first().map(problem).unwrap_or_default();
    let more = error.problems.len().saturating_sub(1);
    if more == 0 {
        first
    } else {
        format!("{first} (and {more} more)")
    }
}

/// A tree with one more file.
#[derive(Debug)]
struct Beside<'a> {
    inner: &'a dyn Files,
    extra: Option<&'a (PathBuf, Vec<u8>)>,
}

impl Files for Beside<'_> {
    fn kind(&self, path: &Path) -> Result<Option<Kind>, FilesError> {
        match self.extra {
            Some((extra, bytes)) if extra == path => {
                Ok(Some(Kind::File(u64::try_from(bytes.len()).unwrap_or(u64::MAX))))
            }
            _ => self.inner.kind(path),
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        match self.extra {
            Some((extra, bytes)) if extra == path => Ok(bytes.clone()),
            _ => self.inner.read(path),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, FilesError> {
        let mut names = self.inner.list(folder)?;
        let extra = self.extra.filter(|(path, _)| path.parent() == Some(folder));
        names.extend(
            extra
                .and_then(|(path, _)| path.file_name())
                .map(|name| name.to_string_lossy().into_owned()),
        );
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// The beginning of a hash, as Git prints it.
pub(super) fn short(id: CommitId) -> String {
    id.to_string().chars().take(7).collect()
}
