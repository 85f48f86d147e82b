//! What is checked below a path: overlays, found by their kustomization files, and plain manifests.
//!
//! Of a folder that holds several kustomizations, those are checked that no other one of them uses: a base is checked as part
//! of its overlays. Components are never checked alone. Manifests that no kustomization uses are checked by folder, because a
//! folder is what is applied at once; where one object stands in several files of a folder, the files are alternatives and are
//! checked one by one.

use crate::check::report::Problem;
use serin_gitops::files::{Files, Kind};
use serin_gitops::yaml::{self, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Something to check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The folder of a kustomization.
    Overlay(PathBuf),
    /// Files with objects.
    Manifests(Vec<PathBuf>),
}

/// The names of a kustomization file.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What is to be checked below a path of a tree.
///
/// # Errors
/// If there is nothing, or something cannot be read.
pub fn discover(files: &dyn Files, path: &Path) -> Result<Vec<Subject>, Problem> {
    match files.kind(path).map_err(|error| unreadable(path, &error.why))? {
        Some(Kind::File(_)) if is_kustomization(path) => {
            let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
            Ok(vec![Subject::Overlay(folder)])
        }
        Some(Kind::File(_)) => Ok(vec![Subject::Manifests(vec![path.to_owned()])]),
        Some(Kind::Folder) => in_folder(files, path),
        Some(Kind::Link(_)) => Err(unreadable(path, "it is a link")),
        None => Err(Problem {
            file: path.to_string_lossy().into_owned(),
            line: None,
            message: "there is no such file or folder".to_owned(),
            action: "name an overlay, a folder of overlays, or manifests".to_owned(),
        }),
    }
}

fn in_folder(files: &dyn Files, path: &Path) -> Result<Vec<Subject>, Problem> {
    if kustomization(files, path)?.is_some() {
        return Ok(vec![Subject::Overlay(path.to_owned())]);
    }
    let mut walk = Walk::default();
    walk.folder(files, path, false)?;
    let mut found = Vec::new();
    let mut used: BTreeSet<PathBuf> = BTreeSet::new();
    let mut components = BTreeSet::new();
    for (folder, file) in &walk.kustomizations {
        let document = document(files, file);
        let root = document.as_ref().map(|document| &document.root);
        if root.and_then(|root| root.get("kind")?.as_str()) == Some("Component") {
            components.insert(folder.clone());
        }
        for key in ["resources", "bases", "components"] {
            let entries = root.and_then(|root| root.get(key)).map(Node::items).unwrap_or_default();
            let entries = entries
                .iter()
                .filter_map(Node::as_str)
                .filter_map(|entry| joined(folder, entry));
            used.extend(entries.filter(|entry| entry != folder));
        }
    }
    for folder in walk.kustomizations.keys() {
        if !used.contains(folder) && !components.contains(folder) {
            found.push(Subject::Overlay(folder.clone()));
        }
    }
    for manifests in walk.manifests.into_values() {
        let manifests: Vec<PathBuf> = manifests.into_iter().filter(|file| !used.contains(file)).collect();
        found.extend(grouped(files, manifests));
    }
    if found.is_empty() {
        return Err(Problem {
            file: path.to_string_lossy().into_owned(),
            line: None,
            message: "there is nothing to check here: no kustomization and no manifest".to_owned(),
            action: "name an overlay, a folder of overlays, or manifests".to_owned(),
        });
    }
    Ok(found)
}

#[derive(Default)]
struct Walk {
    /// Folders with a kustomization, and its file.
    kustomizations: BTreeMap<PathBuf, PathBuf>,
    /// Files with objects outside of kustomizations, by folder.
    manifests: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl Walk {
    /// Files below a kustomization are its own, or nobody's: they are not manifests.
    fn folder(&mut self, files: &dyn Files, folder: &Path, below: bool) -> Result<(), Problem> {
        let own = kustomization(files, folder)?;
        let below = below || own.is_some();
        if let Some(file) = own {
            self.kustomizations.insert(folder.to_owned(), file);
        }
        let names = files.list(folder).map_err(|error| unreadable(folder, &error.why))?;
        let is_chart = names.iter().any(|name| name == "Chart.yaml");
        for name in names {
            if name.starts_with('.')
                || name == "node_modules"
                || (is_chart && (name == "templates" || name == "charts"))
            {
                continue;
            }
            let path = folder.join(&name);
            match files.kind(&path).map_err(|error| unreadable(&path, &error.why))? {
                Some(Kind::Folder) => self.folder(files, &path, below)?,
                Some(Kind::File(_)) if !below && is_yaml(&path) && has_objects(files, &path) => {
                    self.manifests.entry(folder.to_owned()).or_default().push(path);
                }
                Some(Kind::File(_) | Kind::Link(_)) | None => {}
            }
        }
        Ok(())
    }
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}

fn is_kustomization(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| KUSTOMIZATIONS.contains(&name))
}

fn kustomization(files: &dyn Files, folder: &Path) -> Result<Option<PathBuf>, Problem> {
    for name in KUSTOMIZATIONS {
        let path = folder.join(name);
        let kind = files.kind(&path).map_err(|error| unreadable(&path, &error.why))?;
        if matches!(kind, Some(Kind::File(_) | Kind::Link(_))) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn document(files: &dyn Files, file: &Path) -> Option<yaml::Document> {
    yaml::read(&files.read(file).ok()?).ok()?.documents.into_iter().next()
}

/// Whether a file looks like manifests: those of a Helm chart, of CI and of anything else are passed over. What looks like
/// them and cannot be read is reported when it is checked.
fn has_objects(files: &dyn Files, path: &Path) -> bool {
    let Ok(bytes) = files.read(path) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let mentions = text.contains("apiVersion") && text.contains("kind");
    match yaml::read(&bytes) {
        Ok(stream) => stream.documents.iter().any(|document| object(&document.root).is_some()),
        Err(_) => mentions && !text.contains("{{"),
    }
}

/// What tells an object from others: kind, namespace and name.
fn object(node: &Node) -> Option<(String, String, String)> {
    let kind = node.get("kind")?.as_str()?;
    node.get("apiVersion")?.as_str()?;
    let metadata = node.get("metadata");
    let text = |key| {
        metadata
            .and_then(|metadata| metadata.get(key)?.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Some((kind.to_owned(), text("namespace"), text("name")))
}

/// One set, or a set for each file where an object stands in several.
fn grouped(files: &dyn Files, manifests: Vec<PathBuf>) -> Vec<Subject> {
    let mut owners: BTreeMap<(String, String, String), &PathBuf> = BTreeMap::new();
    let mut alternatives = false;
    for file in &manifests {
        let stream = files.read(file).ok().and_then(|bytes| yaml::read(&bytes).ok());
        for object in stream
            .iter()
            .flat_map(|stream| &stream.documents)
            .filter_map(|document| object(&document.root))
        {
            let other = owners.insert(object, file);
            alternatives |= other.is_some_and(|other| other != file);
        }
    }
    match manifests.is_empty() {
        true => Vec::new(),
        false if alternatives => manifests
            .into_iter()
            .map(|file| Subject::Manifests(vec![file]))
            .collect(),
        false => vec![Subject::Manifests(manifests)],
    }
}

/// A path relative to a folder, without `.` and `..`; `None` where it leads out of the tree or is an address.
fn joined(folder: &Path, entry: &str) -> Option<PathBuf> {
    if entry.contains("://") {
        return None;
    }
    let mut parts: Vec<&std::ffi::OsStr> = folder.iter().collect();
    for part in Path::new(entry).components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.iter().collect())
}

fn unreadable(path: &Path, why: &str) -> Problem {
    Problem {
        file: path.to_string_lossy().into_owned(),
        line: None,
        message: format!("it cannot be read: {why}"),
        action: "check the path and its permissions".to_owned(),
    }
}
