//! Annotations of GitHub Actions: `::error file=…,line=…,title=…::message`.

use crate::check::report::Report;
use crate::rules::finding::Severity;

pub(super) fn print(report: &Report) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().filter(|finding| !finding.known) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let fix = finding
            .fix
            .as_ref()
            .map(|fix| format!("\n{}", fix.text))
            .unwrap_or_default();
        text.push_str(&format!(
            "::{command} file={},line={},title={}::{}\n",
            property(&finding.file),
            finding.line,
            property(&finding.rule),
            data(&format!("{}{fix}", finding.message))
        ));
    }
    for problem in &report.errors {
        let line = problem.line.map(|line| format!(",line={line}")).unwrap_or_default();
        let file = match problem.file.as_str() {
            "" => String::new(),
            file => format!(" file={}{line}", property(file)),
        };
        let message = data(&format!("{}\n{}", problem.message, problem.action));
        text.push_str(&format!("::error{file}::{message}\n"));
    }
    text
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
