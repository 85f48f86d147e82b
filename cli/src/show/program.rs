//! The name under which the program was started, and what depends on it.

use std::ffi::OsString;
use std::path::Path;

/// Name under which the program was started: kubectl starts plugins by the name of their file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `serin`.
    Serin,
    /// `kubectl-argo-rollouts`, whose usage and errors are upstream's (decision 49).
    Plugin,
}

impl Program {
    /// By the first word of a command line.
    #[must_use]
    pub(crate) fn of(first_word: Option<&OsString>) -> Self {
        let stem = first_word
            .and_then(|word| Path::new(word).file_stem())
            .unwrap_or_default();
        if stem == "kubectl-argo-rollouts" {
            Self::Plugin
        } else {
            Self::Serin
        }
    }

    /// The name of the file, as upstream names itself in errors.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Serin => "serin",
            Self::Plugin => "kubectl-argo-rollouts",
        }
    }

    /// The words by which a person calls it.
    #[must_use]
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Serin => "serin",
            Self::Plugin => "kubectl argo rollouts",
        }
    }
}
