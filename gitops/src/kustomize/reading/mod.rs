//! Following a kustomization to all that its build reads.

mod address;
mod argocd_source;
mod entries;
mod external;
mod generators;
mod patches;
mod paths;

use super::graph::{Graph, Layer, Role, Text};
use super::problem::{BuildError, Note, Problem, ProblemKind};
use crate::files::{Files, Kind, Place};
use crate::yaml::{self, Document, Node, ReadError, Stream};
use paths::{Fault, Found};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The names of kustomization files.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// The most bytes of a file.
const LARGEST: u64 = 10 * 1024 * 1024;
/// The most files of a build, and the most bytes of them together.
const MOST_FILES: usize = 10_000;
const MOST_BYTES: u64 = 200 * 1024 * 1024;
/// The most problems that are told.
const MOST_PROBLEMS: usize = 100;

/// [`Graph::read`].
pub(super) fn read(files: &dyn Files, overlay: &Path, app: Option<&str>) -> Result<Graph, BuildError> {
    let mut reading = Reading {
        files,
        graph: Graph::empty(overlay),
        by_folder: HashMap::new(),
        problems: Vec::new(),
        bytes: 0,
    };
    match reading.find(Path::new(""), &overlay.to_string_lossy()) {
        Ok(Found {
            path,
            kind: Kind::Folder,
        }) => {
            reading.graph.overlay.clone_from(&path);
            if reading.layer(&path, None).is_some() {
                reading.argocd_sources(&path, app);
            }
        }
        Ok(found) => {
            let action = "name the folder of a kustomization";
            reading.problem(Problem::of_file(
                ProblemKind::Missing,
                &found.path,
                "this is no folder",
                action,
            ));
        }
        Err(fault) => {
            let problem = fault.problem(&Place {
                file: overlay.to_owned(),
                line: 1,
                column: 1,
            });
            reading.problem(Problem {
                line: None,
                column: None,
                ..problem
            });
        }
    }
    if reading.problems.is_empty() {
        return Ok(reading.graph);
    }
    Err(BuildError {
        problems: reading.problems,
    })
}

struct Reading<'f> {
    files: &'f dyn Files,
    graph: Graph,
    by_folder: HashMap<PathBuf, usize>,
    problems: Vec<Problem>,
    bytes: u64,
}

impl Reading<'_> {
    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn note(&mut self, place: &Place, text: String) {
        self.graph.notes.push(Note {
            place: Some(place.clone()),
            text,
        });
    }

    /// The layer of a folder; `from` is where it is referred to.
    fn layer(&mut self, folder: &Path, from: Option<&Place>) -> Option<usize> {
        if let Some(known) = self.by_folder.get(folder) {
            return Some(*known);
        }
        let file = self.kustomization_of(folder, from)?;
        let document = self.kustomization(&file)?;
        let at = self.graph.layers.len();
        self.by_folder.insert(folder.to_owned(), at);
        let is_component = document.root.get("kind").and_then(Node::as_str) == Some("Component");
        self.graph.layers.push(Layer {
            folder: folder.to_owned(),
            file: file.clone(),
            is_component,
            document: document.clone(),
            below: Vec::new(),
            resources: Vec::new(),
            patches: Vec::new(),
            images: entries::images(&document.root, &file),
            replicas: entries::replicas(&document.root, &file),
            generators: Vec::new(),
            configurations: Vec::new(),
            settings: entries::settings(&document.root, &file),
        });
        self.charts(&file, &document.root);
        let patches = self.patches(folder, &file, &document.root);
        let generators = self.generators(folder, &file, &document.root);
        let configurations = self.configurations(folder, &file, &document.root);
        self.replacements(folder, &file, &document.root);
        self.plugins(folder, &file, &document.root);
        let layer = &mut self.graph.layers[at];
        layer.patches = patches;
        layer.generators = generators;
        layer.configurations = configurations;
        for key in ["resources", "bases", "components"] {
            for item in document.root.get(key).map_or(&[][..], Node::items) {
                self.resource(at, &file, key, item);
            }
        }
        Some(at)
    }

    /// The kustomization file of a folder.
    fn kustomization_of(&mut self, folder: &Path, from: Option<&Place>) -> Option<PathBuf> {
        let mut found = Vec::new();
        for name in NAMES {
            match self.files.kind(&folder.join(name)) {
                Ok(None) => {}
                Ok(Some(_)) => found.push(folder.join(name)),
                Err(error) => {
                    let action = "make it readable";
                    self.problem(Problem::of_file(
                        ProblemKind::Unreadable,
                        &error.path,
                        error.why,
                        action,
                    ));
                    return None;
                }
            }
        }
        let shown = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let (message, action) = match found.len() {
            1 => return found.pop(),
            0 => (
                format!("the folder {} has no kustomization file", shown.display()),
                "add a kustomization.yaml to it, or refer to its files one by one",
            ),
            _ => (
                format!("the folder {} has more than one kustomization file", shown.display()),
                "keep one of them",
            ),
        };
        self.problem(match from {
            Some(place) => Problem::at(ProblemKind::Missing, place, message, action),
            None => Problem::of_file(ProblemKind::Missing, shown, message, action),
        });
        None
    }

    fn kustomization(&mut self, file: &Path) -> Option<Document> {
        let place = start(file);
        let found = self.found(file.parent().unwrap_or(file), &name_of(file), &place)?;
        let stream = self.load(&found, Role::Kustomization, &place)?;
        // The copy stands under the name in the folder, link or not.
        let (message, action) = match stream.documents.as_slice() {
            [document] if !document.root.entries().is_empty() => return Some(document.clone()),
            [] => (
                "the kustomization file is empty",
                "list what it is made of under `resources:`",
            ),
            [_] => (
                "a kustomization file is expected to be a mapping",
                "write `key: value` lines, such as `resources:`",
            ),
            _ => (
                "a kustomization file is expected to have one document",
                "keep one document",
            ),
        };
        self.problem(Problem::at(ProblemKind::Syntax, &place, message, action));
        None
    }

    /// An entry of `resources`, `bases` or `components`.
    fn resource(&mut self, at: usize, file: &Path, key: &str, item: &Node) {
        let folder = self.graph.layers[at].folder.clone();
        let place = place(file, item);
        let Some(text) = item.as_str() else {
            let message = format!("an entry of `{key}` is expected to be a path");
            self.problem(Problem::at(ProblemKind::Syntax, &place, message, "write a path"));
            return;
        };
        let Some(found) = self.found(&folder, text, &place) else {
            return;
        };
        match found.kind {
            Kind::Folder => {
                if let Some(below) = self.layer(&found.path, Some(&place)) {
                    self.graph.layers[at].below.push((below, place));
                }
            }
            _ if key == "resources" => {
                if self.load(&found, Role::Resource, &place).is_some() {
                    self.graph.layers[at].resources.push((found.path, place));
                }
            }
            _ => {
                let message = format!("an entry of `{key}` is expected to be a folder");
                self.problem(Problem::at(
                    ProblemKind::Syntax,
                    &place,
                    message,
                    "name a folder with a kustomization file",
                ));
            }
        }
    }

    /// What stands at a path that a file names. What is wrong with it is told.
    fn found(&mut self, folder: &Path, text: &str, place: &Place) -> Option<Found> {
        match self.find(folder, text) {
            Ok(found) => Some(found),
            Err(Fault::Missing(_)) if address::is_remote(text) => {
                self.problem(address::remote(text, place));
                None
            }
            Err(fault) => {
                self.problem(fault.problem(place));
                None
            }
        }
    }

    /// Reads a file as YAML; of a file of [`Role::Data`] only the bytes, and then the stream is empty.
    fn load(&mut self, found: &Found, role: Role, from: &Place) -> Option<Arc<Stream>> {
        if let Some(text) = self.graph.texts.get(&found.path)
            && (text.stream.is_some() || role == Role::Data)
        {
            return Some(text.stream.clone().unwrap_or_default());
        }
        let bytes = self.bytes_of(found, from)?;
        let is_text = role == Role::Data || (role == Role::OpenApi && is_json(&bytes));
        let stream = if is_text {
            None
        } else {
            match yaml::read(&bytes) {
                Ok(stream) => Some(Arc::new(stream)),
                Err(error) => {
                    self.problem(broken(&found.path, &error));
                    return None;
                }
            }
        };
        let text = Text {
            role,
            bytes: Arc::new(bytes),
            stream: stream.clone(),
        };
        self.graph.texts.insert(found.path.clone(), text);
        Some(stream.unwrap_or_default())
    }

    fn bytes_of(&mut self, found: &Found, from: &Place) -> Option<Vec<u8>> {
        let length = match found.kind {
            Kind::File(length) => length,
            Kind::Folder | Kind::Link(_) => {
                let message = format!("{} is a folder; a file is expected", found.path.display());
                self.problem(Problem::at(ProblemKind::Syntax, from, message, "name a file"));
                return None;
            }
        };
        self.bytes = self.bytes.saturating_add(length);
        let too_much = if length > LARGEST {
            Some(format!(
                "{} has {length} bytes; at most {LARGEST} are read",
                found.path.display()
            ))
        } else if self.bytes > MOST_BYTES {
            Some(format!("the files of this build have more than {MOST_BYTES} bytes"))
        } else if self.graph.texts.len() >= MOST_FILES {
            Some(format!("this build has more than {MOST_FILES} files"))
        } else {
            None
        };
        if let Some(message) = too_much {
            self.problem(Problem::at(
                ProblemKind::Limit,
                from,
                message,
                "leave it out of the build, or split it",
            ));
            return None;
        }
        match self.files.read(&found.path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let message = format!("{} cannot be read: {}", error.path.display(), error.why);
                self.problem(Problem::at(ProblemKind::Unreadable, from, message, "make it readable"));
                None
            }
        }
    }
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

fn broken(file: &Path, error: &ReadError) -> Problem {
    let limit = error.message.contains("deep") || error.message.contains("aliases") || error.message.contains("bytes");
    Problem {
        kind: if limit { ProblemKind::Limit } else { ProblemKind::Syntax },
        file: file.to_owned(),
        line: Some(error.line),
        column: Some(error.column),
        message: error.message.clone(),
        action: error.action.clone(),
    }
}

fn start(file: &Path) -> Place {
    Place {
        file: file.to_owned(),
        line: 1,
        column: 1,
    }
}

fn place(file: &Path, node: &Node) -> Place {
    Place {
        file: file.to_owned(),
        line: node.mark.line,
        column: node.mark.column,
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
