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
    /// The fields that start it; of several rollouts, each with the rollout before it.
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
    /// Sorts findings by file and line, and joins those of one field: a fault in a base is found once for each of its
    /// overlays.
    pub fn tidy(&mut self) {
        let key = |finding: &Finding| {
            let Finding {
                file,
                line,
                rule,
                field,
                object,
                ..
            } = finding.clone();
            (file, line, rule, field, object)
        };
        self.findings.sort_by_cached_key(key);
        let mut tidy: Vec<(Finding, Vec<String>)> = Vec::with_capacity(self.findings.len());
        for finding in self.findings.drain(..) {
            match tidy.last_mut() {
                Some((last, others)) if is_one_fault(last, &finding) => {
                    if last.object != finding.object && !others.contains(&finding.object) {
                        others.push(finding.object);
                    }
                }
                Some(_) | None => tidy.push((finding, Vec::new())),
            }
        }
        self.findings.extend(tidy.into_iter().map(|(mut finding, others)| {
            match others.len() {
                0 => {}
                1..=3 => finding.message.push_str(&format!(" (likewise {})", others.join(", "))),
                count => finding.message.push_str(&format!(" (likewise {count} other objects)")),
            }
            finding
        }));
        self.errors.sort();
        self.errors.dedup();
        self.about.notes.sort();
        self.about.notes.dedup();
    }

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

/// Whether two findings say the same of the same line and field.
fn is_one_fault(one: &Finding, other: &Finding) -> bool {
    one.file == other.file && one.line == other.line && one.rule == other.rule && one.field == other.field
        && one.severity == other.severity
        // Two faults of one object in one field are two.
        && (one.object != other.object || one.message == other.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_a_base_is_told_once() {
        let finding = |object: &str, message: &str| Finding {
            rule: "RK010".to_owned(),
            severity: Severity::Error,
            file: "base/rollout.yaml".to_owned(),
            line: 7,
            object: object.to_owned(),
            field: "spec.x".to_owned(),
            message: message.to_owned(),
            fix: None,
            known: false,
            names: None,
        };
        let mut report = Report {
            findings: vec![
                finding("Rollout/b", "b"),
                finding("Rollout/a", "a"),
                finding("Rollout/a", "a"),
                finding("Rollout/c", "another"),
                finding("Rollout/c", "and another"),
            ],
            ..Report::default()
        };
        report.tidy();
        let told: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(told, ["a (likewise Rollout/b, Rollout/c)"]);
    }
}
