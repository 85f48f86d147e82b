//! Phases of step plugins (contract 03 §14).

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a call of a step plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepPhase {
    /// The step goes on.
    Running,
    /// The step is done.
    Successful,
    /// The step failed, which aborts the update.
    Failed,
    /// The call failed; it is made again.
    Error,
}

impl StepPhase {
    /// From the word of a status or an answer; none for any other word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Running, Self::Successful, Self::Failed, Self::Error];
        all.into_iter().find(|phase| phase.as_str() == word)
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }

    /// Nothing more comes of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Successful | Self::Failed)
    }

    /// It is told as a warning.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

impl fmt::Display for StepPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
