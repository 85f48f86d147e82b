//! JUnit's XML: a suite, and a case for each finding. Errors and warnings are failures, notes are cases that pass.

use crate::check::report::Report;
use crate::rules::finding::{Finding, Severity};

pub(super) fn print(report: &Report) -> String {
    let counts = |finding: &&Finding| finding.severity != Severity::Note && !finding.known;
    let failures = report.findings.iter().filter(counts).count();
    let errors = report.errors.len();
    let tests = (report.findings.len() + errors).max(1);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let numbers = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    text.push_str(&format!("<testsuites name=\"serin check\" {numbers}>\n"));
    text.push_str(&format!("  <testsuite name=\"serin check\" {numbers} skipped=\"0\">\n"));
    if report.findings.is_empty() && errors == 0 {
        text.push_str("    <testcase classname=\"serin\" name=\"check\"/>\n");
    }
    for finding in &report.findings {
        case(&mut text, finding);
    }
    for problem in &report.errors {
        let name = format!("{}:{}", problem.file, problem.line.unwrap_or(1));
        let body = format!("{}\n{}", problem.message, problem.action);
        text.push_str(&format!(
            "    <testcase classname=\"not checked\" name=\"{}\">\n      <error type=\"not-checked\" message=\"{}\">{}</error>\n    \
             </testcase>\n",
            escape(&name),
            escape(&problem.message),
            escape(&body)
        ));
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn case(text: &mut String, finding: &Finding) {
    let name = format!("{}:{} {}", finding.file, finding.line, finding.object);
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\"",
        escape(&finding.rule),
        escape(name.trim()),
        escape(&finding.file),
        finding.line
    );
    let mut body = format!(
        "{}\n{}:{}\n{} {}",
        finding.message, finding.file, finding.line, finding.object, finding.field
    );
    if let Some(fix) = &finding.fix {
        body.push_str(&format!("\n{}", fix.text));
    }
    if finding.severity == Severity::Note || finding.known {
        let body = escape(&body);
        text.push_str(&format!(
            "{head}>\n      <system-out>{body}</system-out>\n    </testcase>\n"
        ));
    } else {
        text.push_str(&format!(
            "{head}>\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            finding.severity,
            escape(&finding.message),
            escape(&body)
        ));
    }
}

/// Text as XML 1.0 has it: five characters by name, what it cannot hold left out.
pub(super) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            control if control < ' ' || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
        out
    })
}
