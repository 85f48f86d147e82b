//! What differs between two trees.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::error::Result;
use super::object::{Entry, EntryKind, Objects, lookup};

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path, from the root of the repository.
    pub path: PathBuf,
    /// How it differs.
    pub changed: Changed,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Only the second commit has it.
    Added,
    /// Both have it, with other contents.
    Modified,
    /// Only the first commit has it.
    Removed,
}

/// The files that differ, sorted by path.
pub(super) fn between(objects: &Objects, from: Oid, to: Oid) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    compare(objects, Path::new(""), Some(from), Some(to), &mut changes)?;
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(changes)
}

/// Whether one of the paths differs between two trees; of a tree that is absent, nothing is there. Folders that are equal are
/// not looked into.
pub(super) fn touch(objects: &Objects, from: Option<Oid>, to: Option<Oid>, paths: &[&[String]]) -> Result<bool> {
    if from == to {
        return Ok(false);
    }
    if paths.iter().any(|path| path.is_empty()) {
        return Ok(true);
    }
    let read = |id: Option<Oid>| id.map_or(Ok(Vec::new()), |id| objects.stored_tree(id));
    let (before, after) = (read(from)?, read(to)?);
    let names: BTreeSet<&String> = paths.iter().filter_map(|path| path.first()).collect();
    for name in names {
        let (old, new) = (lookup(&before, name), lookup(&after, name));
        if old == new {
            continue;
        }
        let below: Vec<&[String]> = paths
            .iter()
            .filter(|path| path.first() == Some(name))
            .filter_map(|path| path.get(1..))
            .collect();
        let folder =
            |found: Option<(Oid, EntryKind)>| found.filter(|(_, kind)| *kind == EntryKind::Folder).map(|(id, _)| id);
        if below.iter().any(|path| path.is_empty()) || touch(objects, folder(old), folder(new), &below)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(objects: &Objects, folder: &Path, from: Option<Oid>, to: Option<Oid>, into: &mut Vec<Change>) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let read = |id: Option<Oid>| id.map_or(Ok(Vec::new()), |id| objects.tree(id));
    let (before, after) = (read(from)?, read(to)?);
    let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.name.cmp(&other.name),
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        if old.as_ref().map(|entry| (entry.id, entry.kind)) != new.as_ref().map(|entry| (entry.id, entry.kind)) {
            differ(objects, folder, old.as_ref(), new.as_ref(), into)?;
        }
    }
}

/// Adds the files below two entries of one name, of which one can be absent.
fn differ(
    objects: &Objects,
    folder: &Path,
    old: Option<&Entry>,
    new: Option<&Entry>,
    into: &mut Vec<Change>,
) -> Result<()> {
    let Some(name) = old.or(new).map(|entry| &entry.name) else {
        return Ok(());
    };
    let path = folder.join(name);
    let tree = |entry: Option<&Entry>| {
        entry
            .filter(|entry| entry.kind == EntryKind::Folder)
            .map(|entry| entry.id)
    };
    let file = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.kind != EntryKind::Folder);
    let changed = match (file(old), file(new)) {
        (true, true) => Some(Changed::Modified),
        (true, false) => Some(Changed::Removed),
        (false, true) => Some(Changed::Added),
        (false, false) => None,
    };
    into.extend(changed.map(|changed| Change {
        path: path.clone(),
        changed,
    }));
    compare(objects, &path, tree(old), tree(new), into)
}
