//! The files of a commit, read from its trees: nothing is checked out.

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};

use git2::{ObjectType, Oid};

use super::object::{Entry, EntryKind, Objects};
use crate::files::{Files, FilesError, Kind};

/// How many links are followed on the way to one path.
const MOST_LINKS: usize = 40;

/// The longest target of a link, in bytes.
const LONGEST_LINK: usize = 4096;

/// The files of a commit. Links on the way to a path are followed as long as they stay in the tree.
#[derive(Debug, Clone)]
pub struct TreeFiles {
    objects: Objects,
    root: Oid,
}

type Result<T> = std::result::Result<T, FilesError>;

/// What a path leads to.
enum Found {
    /// The root, or a folder.
    Folder(Oid),
    /// Anything else.
    Other(Entry),
}

impl TreeFiles {
    pub(super) fn new(objects: Objects, root: Oid) -> Self {
        Self { objects, root }
    }

    /// What stands at a path; `last` says whether a link at its end is followed.
    fn find(&self, path: &Path, last: bool) -> Result<Option<Found>> {
        let wrong = |why: &str| FilesError {
            path: path.to_path_buf(),
            why: why.to_owned(),
        };
        let mut ahead: VecDeque<String> =
            parts(path).ok_or_else(|| wrong("it is not relative to the root of the tree"))?;
        let mut above = vec![self.root];
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                above.pop();
                if above.is_empty() {
                    return Err(wrong("a link on the way leads out of the repository"));
                }
                continue;
            }
            let folder = above.last().copied().unwrap_or(self.root);
            let Some(entry) = self.entry(path, folder, &part)? else {
                return Ok(None);
            };
            match entry.kind {
                EntryKind::Folder => above.push(entry.id),
                EntryKind::Link if last || !ahead.is_empty() => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(wrong("links on the way lead in a circle"));
                    }
                    let target = self.target(path, &entry)?;
                    let mut next =
                        parts(&target).ok_or_else(|| wrong("a link on the way leads out of the repository"))?;
                    next.append(&mut ahead);
                    ahead = next;
                }
                EntryKind::Submodule if !ahead.is_empty() => {
                    return Err(wrong("it is in a submodule, which is not read"));
                }
                EntryKind::File if !ahead.is_empty() => return Ok(None),
                EntryKind::File | EntryKind::Link | EntryKind::Submodule => return Ok(Some(Found::Other(entry))),
            }
        }
        Ok(above.last().map(|id| Found::Folder(*id)))
    }

    fn entry(&self, path: &Path, folder: Oid, name: &str) -> Result<Option<Entry>> {
        let entries = self.objects.tree(folder).map_err(|error| failure(path, &error))?;
        Ok(entries
            .binary_search_by(|entry| entry.name.as_str().cmp(name))
            .ok()
            .and_then(|at| entries.get(at).cloned()))
    }

    fn target(&self, path: &Path, link: &Entry) -> Result<PathBuf> {
        let (length, _) = self.objects.header(link.id).map_err(|error| failure(path, &error))?;
        if length > LONGEST_LINK {
            return Err(FilesError {
                path: path.to_path_buf(),
                why: "the target of the link is too long".into(),
            });
        }
        let bytes = self
            .objects
            .read(link.id, ObjectType::Blob)
            .map_err(|error| failure(path, &error))?;
        Ok(PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Files for TreeFiles {
    fn kind(&self, path: &Path) -> Result<Option<Kind>> {
        let Some(found) = self.find(path, false)? else {
            return Ok(None);
        };
        let entry = match found {
            Found::Folder(_) => return Ok(Some(Kind::Folder)),
            Found::Other(entry) => entry,
        };
        Ok(Some(match entry.kind {
            EntryKind::Link => Kind::Link(self.target(path, &entry)?),
            EntryKind::Folder | EntryKind::Submodule => Kind::Folder,
            EntryKind::File => {
                let (length, _) = self.objects.header(entry.id).map_err(|error| failure(path, &error))?;
                Kind::File(u64::try_from(length).unwrap_or(u64::MAX))
            }
        }))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        match self.find(path, true)? {
            Some(Found::Other(entry)) if entry.kind == EntryKind::File => self
                .objects
                .read(entry.id, ObjectType::Blob)
                .map_err(|error| failure(path, &error)),
            Some(_) => Err(FilesError {
                path: path.to_path_buf(),
                why: "it is not a file".into(),
            }),
            None => Err(FilesError {
                path: path.to_path_buf(),
                why: "there is no such file in the commit".into(),
            }),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>> {
        let wrong = |why: &str| FilesError {
            path: folder.to_path_buf(),
            why: why.to_owned(),
        };
        match self.find(folder, true)? {
            Some(Found::Folder(id)) => {
                let entries = self.objects.tree(id).map_err(|error| failure(folder, &error))?;
                Ok(entries.into_iter().map(|entry| entry.name).collect())
            }
            Some(Found::Other(entry)) if entry.kind == EntryKind::Submodule => {
                Err(wrong("it is a submodule, which is not read"))
            }
            Some(Found::Other(_)) => Err(wrong("it is not a folder")),
            None => Err(wrong("there is no such folder in the commit")),
        }
    }
}

/// The parts of a relative path; `None` for one that is absolute.
fn parts(path: &Path) -> Option<VecDeque<String>> {
    let mut parts = VecDeque::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push_back(part.to_string_lossy().into_owned()),
            Component::ParentDir => parts.push_back("..".to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

fn failure(path: &Path, error: &super::GitError) -> FilesError {
    FilesError {
        path: path.to_path_buf(),
        why: error.to_string(),
    }
}
