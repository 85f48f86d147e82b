//! What stops a build, and what is worth a remark.

use crate::files::Place;
use std::fmt;
use std::path::{Path, PathBuf};

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// A file is not YAML, or not of the form that is wanted.
    Syntax,
    /// A file is too large, too deep, or its aliases grow too much.
    Limit,
    /// A file or folder is a link that leads out of the tree, or nowhere.
    Link,
    /// A base, resource or component that would be fetched.
    Remote,
    /// A function, transformer or generator that would be executed.
    Executable,
    /// A Helm chart.
    Helm,
    /// A schema or configuration at an address that Serin has no copy of.
    Address,
    /// A file or folder does not exist.
    Missing,
    /// A file or folder exists and cannot be read.
    Unreadable,
    /// kustomize ran and failed.
    Kustomize,
    /// kustomize is missing, too old, or took too long or too much memory.
    Program,
}

/// What stops a build: one fault, with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// The file, relative to the tree's root; empty where no file is at fault.
    pub file: PathBuf,
    /// Line, from 1, where one is known.
    pub line: Option<usize>,
    /// Column, from 1, where one is known.
    pub column: Option<usize>,
    /// What is wrong. It never holds the content of a Secret.
    pub message: String,
    /// What to do.
    pub action: String,
}

impl Problem {
    /// A problem with a whole file.
    #[must_use]
    pub fn of_file(kind: ProblemKind, file: &Path, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            kind,
            file: file.to_owned(),
            line: None,
            column: None,
            message: message.into(),
            action: action.into(),
        }
    }

    /// A problem at a place.
    #[must_use]
    pub fn at(kind: ProblemKind, place: &Place, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            line: Some(place.line),
            column: Some(place.column),
            ..Self::of_file(kind, &place.file, message, action)
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.as_os_str().is_empty() {
            write!(f, "{}:", self.file.display())?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}; {}", self.message, self.action)
    }
}

/// Why a build was not done, or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct BuildError {
    /// All that was found; there is at least one.
    pub problems: Vec<Problem>,
}

impl From<Problem> for BuildError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

/// A remark: a warning of kustomize, or what Serin did differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where, if anywhere.
    pub place: Option<Place>,
    /// What.
    pub text: String,
}
