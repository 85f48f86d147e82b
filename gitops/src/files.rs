//! A tree of files that can be read: a folder on disk, or the tree of a commit.

mod folder;

pub use folder::Folder;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file, with its length in bytes.
    File(u64),
    /// A folder.
    Folder,
    /// A symbolic link, with what it points to as written.
    Link(PathBuf),
}

/// A tree of files. Paths are relative to its root, with `/` between their parts, and without `.` and `..`.
pub trait Files: Debug + Send + Sync {
    /// What stands at a path, without following a link at its end; `None` where nothing does.
    ///
    /// # Errors
    /// If it cannot be read.
    fn kind(&self, path: &Path) -> Result<Option<Kind>, FilesError>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError>;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// If there is no such folder, or it cannot be read.
    fn list(&self, folder: &Path) -> Result<Vec<String>, FilesError>;
}

/// A file or folder that could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot read {}: {why}", path.display())]
pub struct FilesError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// A place in a file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the tree's root.
    pub file: PathBuf,
    /// Line, from 1, in the file as it is stored.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}
