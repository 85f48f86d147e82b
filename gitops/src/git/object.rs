//! The object database: commits, trees and files by their hashes.

use std::path::Path;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Odb, Oid};

use super::commit::{Commit, CommitId};
use super::error::{GitError, Result};

/// The longest object that is read, in bytes.
pub(super) const LONGEST_OBJECT: usize = 64 * 1024 * 1024;

/// An object database that can only be read.
#[derive(Clone)]
pub(super) struct Objects(Arc<Odb<'static>>);

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: EntryKind,
    pub(super) id: Oid,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A file, executable or not.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; its object is the path it points to.
    Link,
    /// Another repository, at a commit of its own.
    Submodule,
}

impl Objects {
    /// Opens a folder of objects as an alternate, to which libgit2 never writes.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let unreadable = |why: String| GitError::Unreadable {
            path: folder.to_path_buf(),
            why,
        };
        let path = folder
            .to_str()
            .ok_or_else(|| unreadable("its path is not UTF-8".into()))?;
        std::fs::read_dir(folder).map_err(|error| GitError::unreadable(folder, &error))?;
        let odb = Odb::new().map_err(|error| unreadable(error.message().to_owned()))?;
        odb.add_disk_alternate(path)
            .map_err(|error| unreadable(error.message().to_owned()))?;
        Ok(Self(Arc::new(odb)))
    }

    /// Whether an object is there.
    pub(super) fn has(&self, id: Oid) -> bool {
        self.0.exists(id)
    }

    /// The only object whose hash begins with these digits; `None` where none does.
    pub(super) fn by_prefix(&self, digits: &str) -> Result<Option<Oid>> {
        let Ok(short) = Oid::from_str(digits) else {
            return Ok(None);
        };
        match self.0.exists_prefix(short, digits.len()) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::Ambiguous => Err(GitError::Ambiguous {
                revision: digits.to_owned(),
            }),
            Err(_) => Ok(None),
        }
    }

    /// The length and type of an object, without its bytes.
    pub(super) fn header(&self, id: Oid) -> Result<(usize, ObjectType)> {
        self.0.read_header(id).map_err(|error| failure(id, &error))
    }

    /// The bytes of an object of a type.
    pub(super) fn read(&self, id: Oid, wanted: ObjectType) -> Result<Vec<u8>> {
        let (length, _) = self.header(id)?;
        let broken = |why: String| GitError::Broken {
            id: id.to_string(),
            why,
        };
        if length > LONGEST_OBJECT {
            return Err(broken(format!(
                "it has {length} bytes, more than the {LONGEST_OBJECT} that are read"
            )));
        }
        let object = self.0.read(id).map_err(|error| failure(id, &error))?;
        if object.kind() != wanted {
            return Err(broken(format!(
                "it is a {}, where a {} should be",
                object.kind().str(),
                wanted.str()
            )));
        }
        Ok(object.data().to_vec())
    }

    pub(super) fn commit(&self, id: CommitId) -> Result<Commit> {
        Commit::parse(id, &self.read(id.0, ObjectType::Commit)?)
    }

    /// The entries of a tree, sorted by name.
    pub(super) fn tree(&self, id: Oid) -> Result<Vec<Entry>> {
        let bytes = self.read(id, ObjectType::Tree)?;
        let mut entries = entries(&bytes).ok_or_else(|| GitError::Broken {
            id: id.to_string(),
            why: "its entries are cut".into(),
        })?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// The stored form of a tree, for [`lookup`].
    pub(super) fn stored_tree(&self, id: Oid) -> Result<Vec<u8>> {
        self.read(id, ObjectType::Tree)
    }

    /// The object that a tag stands for, through tags of tags.
    pub(super) fn peel(&self, mut id: Oid) -> Result<(Oid, ObjectType)> {
        for _ in 0..10 {
            let (_, kind) = self.header(id)?;
            if kind != ObjectType::Tag {
                return Ok((id, kind));
            }
            let bytes = self.read(id, ObjectType::Tag)?;
            let text = String::from_utf8_lossy(&bytes);
            let target = text
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("object "))
                .and_then(|hash| Oid::from_str(hash).ok());
            id = target.ok_or_else(|| GitError::Broken {
                id: id.to_string(),
                why: "the tag names no object".into(),
            })?;
        }
        Err(GitError::Broken {
            id: id.to_string(),
            why: "it is a tag of a tag of a tag".into(),
        })
    }
}

/// An entry of a stored tree, without reading the others in full; `None` also where the tree is cut.
pub(super) fn lookup(mut bytes: &[u8], name: &str) -> Option<(Oid, EntryKind)> {
    loop {
        let zero = bytes.iter().position(|&byte| byte == 0)?;
        let head = bytes.get(..zero)?;
        if head
            .strip_suffix(name.as_bytes())
            .is_some_and(|mode| mode.last() == Some(&b' ') && mode.len() <= 7)
        {
            return entries(bytes.get(..zero + 21)?)?
                .first()
                .map(|entry| (entry.id, entry.kind));
        }
        bytes = bytes.get(zero + 21..)?;
    }
}

/// The entries of a stored tree: a mode, a name that ends with a zero byte, a hash.
fn entries(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|&byte| byte == b' ')?;
        let zero = bytes.iter().position(|&byte| byte == 0)?;
        let name = String::from_utf8_lossy(bytes.get(space + 1..zero)?).into_owned();
        let id = Oid::from_bytes(bytes.get(zero + 1..zero + 21)?).ok()?;
        let kind = match bytes.get(..space)? {
            b"40000" | b"040000" => EntryKind::Folder,
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            _ => EntryKind::File,
        };
        entries.push(Entry { name, kind, id });
        bytes = bytes.get(zero + 21..)?;
    }
    Some(entries)
}

fn failure(id: Oid, error: &git2::Error) -> GitError {
    if error.code() == ErrorCode::NotFound {
        let hint = "; in a partial or shallow clone, fetch it with `git fetch --refetch` or clone without `--filter` and `--depth`";
        return GitError::Missing {
            id: id.to_string(),
            hint,
        };
    }
    GitError::Broken {
        id: id.to_string(),
        why: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_entry_is_looked_up_by_its_whole_name() {
        let mut bytes = Vec::new();
        for (mode, name, fill) in [
            ("100644", "a b.yaml", 1),
            ("100644", "b.yaml", 2),
            ("40000", "c", 3),
            ("120000", "yaml", 4),
        ] {
            bytes.extend(format!("{mode} {name}\0").bytes());
            bytes.extend([fill; 20]);
        }
        let found = |name: &str| lookup(&bytes, name).map(|(id, kind)| (id.as_bytes()[0], kind));
        assert_eq!(found("a b.yaml"), Some((1, EntryKind::File)));
        assert_eq!(found("b.yaml"), Some((2, EntryKind::File)));
        assert_eq!(found("c"), Some((3, EntryKind::Folder)));
        assert_eq!(found("yaml"), Some((4, EntryKind::Link)));
        for absent in ["", "a", "b", "aml", "644 b.yaml", "100644 b.yaml"] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }

    #[test]
    fn a_cut_tree_is_no_tree() {
        let mut bytes = b"100644 a.yaml\0".to_vec();
        bytes.extend([7; 20]);
        assert_eq!(entries(&bytes).unwrap().len(), 1);
        for end in 1..bytes.len() {
            assert!(entries(&bytes[..end]).is_none(), "{end}");
        }
    }
}
