//! What can go wrong while Git is read, and what to do about it.

use std::path::PathBuf;

/// The result of reading Git.
pub(super) type Result<T> = std::result::Result<T, GitError>;

/// Why Git could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GitError {
    /// No repository.
    #[error("{} is not in a Git repository; name a clone, a bare repository, or a URL to fetch from", folder.display())]
    NoRepository {
        /// The folder that was asked for.
        folder: PathBuf,
    },
    /// A file of the repository could not be read.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A repository of a form that is not read.
    #[error("the repository {} {what}; {remedy}", path.display())]
    Unsupported {
        /// Its folder.
        path: PathBuf,
        /// What it has.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A path that no tree of this repository has.
    #[error("{} is not in the work tree of this repository", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// A revision that names nothing.
    #[error("there is no revision `{revision}` in this repository{hint}")]
    NoRevision {
        /// The revision as written.
        revision: String,
        /// What to do; begins with a semicolon, or is empty.
        hint: String,
    },
    /// A short hash of several commits.
    #[error("`{revision}` is the beginning of several hashes; write more of its digits")]
    Ambiguous {
        /// The hash as written.
        revision: String,
    },
    /// A revision that is no commit.
    #[error("`{revision}` is a {kind}, not a commit")]
    NotCommit {
        /// The revision as written.
        revision: String,
        /// What it is.
        kind: String,
    },
    /// The history is cut before it is long enough.
    #[error("the history is too short: {what}; this clone is shallow: {remedy}")]
    Shallow {
        /// What was looked for.
        what: String,
        /// How deep the clone must be, and how to deepen it.
        remedy: String,
    },
    /// An object is missing that the history refers to.
    #[error("the object {id} is missing{hint}")]
    Missing {
        /// Its hash.
        id: String,
        /// What to do; begins with a semicolon, or is empty.
        hint: &'static str,
    },
    /// An object that is broken.
    #[error("the object {id} is broken: {why}")]
    Broken {
        /// Its hash.
        id: String,
        /// Why.
        why: String,
    },
    /// A walk that came to no end.
    #[error("the history between {from} and {to} has more than {limit} commits; name revisions that are closer")]
    TooLong {
        /// Where it began.
        from: String,
        /// Where it should end.
        to: String,
        /// How many were read.
        limit: usize,
    },
    /// A line that a file does not have.
    #[error("{} has no line {line}", path.display())]
    NoLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// A file or folder of a tree that could not be read.
    #[error(transparent)]
    File(#[from] crate::files::FilesError),
}

impl GitError {
    pub(super) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Unreadable {
            path: path.to_path_buf(),
            why: error.to_string(),
        }
    }
}
