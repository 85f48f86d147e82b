//! The tree that a path belongs to: its Git repository, or as much of the folders above as its kustomizations refer to.

use serin_gitops::yaml::{self, Node};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Where a path stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// The root of the tree on disk.
    pub folder: PathBuf,
    /// The root as seen from the working directory.
    pub shown: PathBuf,
    /// The path in the tree.
    pub path: PathBuf,
}

impl Root {
    /// Of an existing path.
    ///
    /// # Errors
    /// If the path or the working directory does not exist.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let here = std::env::current_dir()?.canonicalize()?;
        let full = path.canonicalize()?;
        let start = if full.is_dir() { full.clone() } else { above(&full) };
        let folder = match start.ancestors().find(|folder| folder.join(".git").exists()) {
            Some(repository) => repository.to_owned(),
            None => wide_enough(&start),
        };
        Ok(Self {
            shown: from(&here, &folder),
            path: full.strip_prefix(&folder).unwrap_or(&full).to_owned(),
            folder,
        })
    }
}

fn above(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

/// A folder as seen from another one.
fn from(here: &Path, folder: &Path) -> PathBuf {
    let common = here
        .ancestors()
        .find(|above| folder.starts_with(above))
        .unwrap_or(Path::new("/"));
    let up = here.strip_prefix(common).map_or(0, |rest| rest.components().count());
    let down = folder.strip_prefix(common).unwrap_or(folder);
    std::iter::repeat_n(Path::new(".."), up).collect::<PathBuf>().join(down)
}

/// The lowest folder that has all that the kustomizations of a folder, and of those below, refer to by `..`.
fn wide_enough(start: &Path) -> PathBuf {
    let mut root = start.to_owned();
    let mut seen = BTreeSet::new();
    let mut open = vec![start.to_owned()];
    while let Some(folder) = open.pop() {
        if !seen.insert(folder.clone()) || seen.len() > 10_000 {
            continue;
        }
        while !folder.starts_with(&root) {
            if !root.pop() {
                return start.to_owned();
            }
        }
        let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in names {
            let path = entry.path();
            // A link is not followed: it must not widen what is read.
            if entry.file_type().is_ok_and(|kind| kind.is_dir())
                && !entry.file_name().to_string_lossy().starts_with('.')
            {
                if folder.starts_with(start) {
                    open.push(path);
                }
            } else if is_kustomization(&path) {
                open.extend(referred(&folder, &path));
            }
        }
    }
    root
}

fn is_kustomization(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(&name))
}

/// The folders that a kustomization refers to.
fn referred(folder: &Path, file: &Path) -> Vec<PathBuf> {
    let stream = std::fs::read(file).ok().and_then(|bytes| yaml::read(&bytes).ok());
    let mut found = Vec::new();
    for document in stream.iter().flat_map(|stream| &stream.documents) {
        for key in ["resources", "bases", "components", "configurations"] {
            let entries = document.root.get(key).map(Node::items).unwrap_or_default();
            for entry in entries
                .iter()
                .filter_map(Node::as_str)
                .filter(|entry| entry.starts_with(".."))
            {
                let path = joined(folder, entry);
                found.push(if path.is_dir() { path } else { above(&path) });
            }
        }
    }
    found
}

fn joined(folder: &Path, entry: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in Path::new(entry).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_are_seen_from_others() {
        for (here, folder, expected) in [
            ("/a/b", "/a/b", ""),
            ("/a/b/c", "/a", "../.."),
            ("/a/b", "/a/c/d", "../c/d"),
            ("/a", "/a/b", "b"),
        ] {
            assert_eq!(
                from(Path::new(here), Path::new(folder)),
                Path::new(expected),
                "{here} {folder}"
            );
        }
    }
}
