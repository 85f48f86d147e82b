//! What `serin check --format json` prints: `{"version": 1, "findings": […], "errors": […], "overlays": […]}`.

use crate::rules::finding::{Finding, Severity};
use serde::{Deserialize, Serialize};

/// The version of the output.
pub const VERSION: u32 = 1;

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// By file and line.
    pub findings: Vec<Finding>,
    /// What could not be checked; then the exit code is 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Problem>,
    /// What the change does to each overlay, where it was compared with another commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlays: Option<Vec<Overlay>>,
    /// How it was checked.
    #[serde(skip)]
    pub about: About,
}

/// How a check was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Overlays and sets of manifests that were checked.
    pub checked: usize,
    /// The kustomize that built them, in words; empty where none was needed.
    pub program: String,
    /// Findings that somebody ignores.
    pub suppressed: usize,
    /// The commit that was compared with, as the user named it.
    pub base: Option<String>,
    /// Remarks of the builds.
    pub notes: Vec<String>,
}

/// Something that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The file; empty where no file is at fault.
    pub file: String,
    /// The line, from 1; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(rename = "do")]
    pub action: String,
}

/// What a change does to one overlay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overlay {
    /// The overlay.
    pub path: String,
    /// Whether it starts a rollout.
    pub starts: bool,
    /// The fields that start it, as `Rollout/web spec.template…`.
    pub why: Vec<String>,
    /// The steps that it then takes, in words; of several rollouts, of each.
    pub steps: Vec<String>,
    /// The least seconds until it is done; absent where a person, an analysis or a plugin decides.
    pub least_seconds: Option<i64>,
    /// Pods above the usual number, at the peak.
    pub extra_pods: i64,
    /// Whether pods restart although no image and no configuration changes.
    pub restarts_without_version: bool,
    /// What else a reviewer should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// How a check ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0: nothing, or notes and known findings alone.
    Clean,
    /// Exit code 1.
    Findings,
    /// Exit code 2.
    NotChecked,
}

impl Report {
    /// How the check ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if !self.errors.is_empty() {
            return Outcome::NotChecked;
        }
        let counts = |finding: &Finding| !finding.known && finding.severity != Severity::Note;
        if self.findings.iter().any(counts) {
            Outcome::Findings
        } else {
            Outcome::Clean
        }
    }

    /// How many findings of a severity are new.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let is_new = |finding: &&Finding| !finding.known && finding.severity == severity;
        self.findings.iter().filter(is_new).count()
    }
}
