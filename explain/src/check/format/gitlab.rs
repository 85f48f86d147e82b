//! GitLab's Code Quality: a list of issues.

use super::fingerprint;
use crate::check::report::Report;
use crate::rules::finding::Severity;
use serde_json::{Value, json};

pub(super) fn issues(report: &Report) -> Value {
    let findings = report.findings.iter().filter(|finding| !finding.known);
    let issues = findings.map(|finding| {
        let severity = match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Note => "info",
        };
        json!({
            "description": finding.message,
            "check_name": finding.rule,
            "fingerprint": fingerprint(finding),
            "severity": severity,
            "location": {"path": finding.file, "lines": {"begin": finding.line}},
        })
    });
    let problems = report.errors.iter().map(|problem| {
        let text = format!("{}; {}", problem.message, problem.action);
        json!({
            "description": text,
            "check_name": "not-checked",
            "fingerprint": format!("not-checked:{}:{}", problem.file, problem.message),
            "severity": "blocker",
            "location": {"path": problem.file, "lines": {"begin": problem.line.unwrap_or(1)}},
        })
    });
    issues.chain(problems).collect()
}
