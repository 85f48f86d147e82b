//! The kustomize that runs.

use super::problem::BuildError;
use std::path::{Path, PathBuf};

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    /// `kustomize build`.
    Kustomize,
    /// `kubectl kustomize`.
    Kubectl,
}

/// The user's kustomize.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Which it is.
    pub kind: ProgramKind,
    /// The version of kustomize, such as `v5.5.0`.
    pub version: String,
}

impl Program {
    /// The first `kustomize` of PATH, else the first `kubectl`.
    ///
    /// # Errors
    /// If there is neither, or it does not say its version, or is older than v4.
    pub fn find() -> Result<Self, BuildError> {
        todo_program()
    }

    /// The program in a file. It is `kubectl` where its name begins so.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn at(_path: &Path) -> Result<Self, BuildError> {
        todo_program()
    }
}

fn todo_program() -> Result<Program, BuildError> {
    Err(BuildError { problems: Vec::new() })
}
