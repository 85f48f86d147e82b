//! What is wrong with a setting, for a person who has to put it right.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Argo CD cannot use the setting; nothing may be built on it.
    Error,
    /// Argo CD goes on, but not as the setting means it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong, or will surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file as the user named it, or the ConfigMap in the cluster.
    pub source: String,
    /// Line in that file, from 1; `None` for what came from a cluster.
    pub line: Option<usize>,
    /// Key of `data`, with the way inside its value where the value is YAML; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What Argo CD does about it.
    pub consequence: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    /// The first line is in the form that editors and CI read: `file:line: severity: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: ", self.severity)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(
            f,
            "{}\n    Argo CD: {}\n    To do: {}",
            self.problem, self.consequence, self.remedy
        )
    }
}

/// The text of several findings, errors first.
#[must_use]
pub fn list(findings: &[Finding]) -> String {
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.severity, finding.line));
    sorted.iter().map(|finding| format!("{finding}\n")).collect()
}

/// Whether one of them is an error.
#[must_use]
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
