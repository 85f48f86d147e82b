//! Paths that files name: resolved within the tree, and never out of it.

use super::Reading;
use crate::files::{FilesError, Kind, Place};
use crate::kustomize::problem::{Problem, ProblemKind};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// What was found: never a link.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its path without links.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// Why nothing was found.
pub(super) enum Fault {
    /// The path, as written, leads above the root of the tree.
    Outside(String),
    /// A link on the way leads out of the tree, in a circle, or nowhere.
    Link(PathBuf, &'static str),
    Missing(PathBuf),
    Unreadable(FilesError),
}

impl Fault {
    pub(super) fn problem(&self, place: &Place) -> Problem {
        match self {
            Self::Outside(text) => Problem::at(
                ProblemKind::Link,
                place,
                format!("the path {text} leads out of the repository"),
                "refer to files inside of the repository",
            ),
            Self::Link(path, why) => Problem::at(
                ProblemKind::Link,
                place,
                format!("{} is a symbolic link {why}", path.display()),
                "put a copy of what it points to in its place",
            ),
            Self::Missing(path) => Problem::at(
                ProblemKind::Missing,
                place,
                format!("there is no {}", path.display()),
                "correct the path, or add the file",
            ),
            Self::Unreadable(error) => Problem::at(
                ProblemKind::Unreadable,
                place,
                format!("{} cannot be read: {}", error.path.display(), error.why),
                "make it readable",
            ),
        }
    }
}

/// The most links on the way to a file, as on Linux.
const MOST_LINKS: usize = 40;

impl Reading<'_> {
    /// Follows a path from a folder. As kustomize does, `..` is taken by its letters, before links are followed.
    pub(super) fn find(&mut self, folder: &Path, text: &str) -> Result<Found, Fault> {
        let wanted = joined(folder, text).ok_or_else(|| Fault::Outside(text.to_owned()))?;
        let mut ahead: VecDeque<OsString> = wanted.iter().map(ToOwned::to_owned).collect();
        let (mut path, mut kind, mut links) = (PathBuf::new(), Kind::Folder, 0);
        while let Some(part) = ahead.pop_front() {
            if !matches!(kind, Kind::Folder) {
                return Err(Fault::Missing(wanted));
            }
            let next = path.join(&part);
            let found = self.files.kind(&next).map_err(Fault::Unreadable)?;
            match found.ok_or_else(|| Fault::Missing(wanted.clone()))? {
                Kind::Link(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Fault::Link(next, "in a circle"));
                    }
                    let out = || Fault::Link(next.clone(), "out of the repository");
                    let to = target
                        .to_str()
                        .and_then(|target| joined(&path, target))
                        .ok_or_else(out)?;
                    for part in to.iter().rev() {
                        ahead.push_front(part.to_owned());
                    }
                    self.graph.links.insert(next, target);
                    (path, kind) = (PathBuf::new(), Kind::Folder);
                }
                found => (path, kind) = (next, found),
            }
        }
        Ok(Found { path, kind })
    }
}

/// A path from the root; `None` if it leads above the root.
fn joined(folder: &Path, text: &str) -> Option<PathBuf> {
    let mut parts: Vec<_> = folder.iter().collect();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.into_iter().collect())
}
