//! Text for people: a line for each finding that editors can follow, and what to do.

use crate::check::report::{Overlay, Report};
use crate::rules::finding::{Finding, Severity};

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether colours are written.
    pub colors: bool,
}

pub(super) fn print(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().filter(|finding| !finding.known) {
        finding_lines(&mut text, finding, style);
    }
    for overlay in report.overlays.iter().flatten() {
        overlay_lines(&mut text, overlay);
    }
    for problem in &report.errors {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = if problem.file.is_empty() {
            String::new()
        } else {
            format!("{}{line}: ", problem.file)
        };
        text.push_str(&format!(
            "{place}cannot check: {}\n  do: {}\n",
            problem.message, problem.action
        ));
    }
    for note in &report.about.notes {
        text.push_str(&format!("{note}\n"));
    }
    text.push_str(&summary(report));
    text
}

fn finding_lines(text: &mut String, finding: &Finding, style: Style) {
    let (on, off) = match (style.colors, finding.severity) {
        (false, _) => ("", ""),
        (true, Severity::Error) => ("\x1b[31m", "\x1b[0m"),
        (true, Severity::Warning) => ("\x1b[33m", "\x1b[0m"),
        (true, Severity::Note) => ("\x1b[36m", "\x1b[0m"),
    };
    let Finding {
        file,
        line,
        severity,
        rule,
        message,
        ..
    } = finding;
    text.push_str(&format!("{file}:{line}: {on}{severity}{off}[{rule}]: {message}\n"));
    let place = [finding.object.as_str(), finding.field.as_str()];
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    if !place.is_empty() {
        text.push_str(&format!("  in: {}\n", place.join(" ")));
    }
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("  do: {}\n", fix.text));
        for line in fix.patch.iter().flat_map(|patch| patch.lines()) {
            text.push_str(&format!("    {line}\n"));
        }
    }
}

fn overlay_lines(text: &mut String, overlay: &Overlay) {
    let Overlay { path, starts, .. } = overlay;
    if *starts {
        text.push_str(&format!(
            "{path}: this change starts a rollout: {}\n",
            overlay.why.join(", ")
        ));
        let least = super::markdown::duration(overlay.least_seconds);
        text.push_str(&format!("  steps: {}\n", overlay.steps.join(", ")));
        text.push_str(&format!(
            "  takes {least}, up to {} pods more than usual\n",
            overlay.extra_pods
        ));
    } else {
        text.push_str(&format!("{path}: this change starts no rollout\n"));
    }
    for remark in &overlay.remarks {
        text.push_str(&format!("  {remark}\n"));
    }
}

/// One line: how much was checked by what, and what was found.
pub(super) fn summary(report: &Report) -> String {
    let count = |severity, word| match report.count(severity) {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let found = [
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
        count(Severity::Note, "note"),
    ];
    let by = match report.about.program.as_str() {
        "" => String::new(),
        program => format!(" with {program}"),
    };
    let mut more = Vec::new();
    let known = report.findings.iter().filter(|finding| finding.known).count();
    if known > 0 {
        more.push(format!("{known} known"));
    }
    if report.about.suppressed > 0 {
        more.push(format!("{} ignored", report.about.suppressed));
    }
    if !report.errors.is_empty() {
        more.push(format!("{} not checked", report.errors.len()));
    }
    let more: String = more.iter().map(|word| format!(", {word}")).collect();
    format!("{} checked{by}: {}{more}\n", report.about.checked, found.join(", "))
}
