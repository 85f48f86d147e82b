//! A comment for a pull request. Its first line is a mark that is not shown: a job that finds a comment with it updates that
//! comment instead of writing another one.

use crate::check::report::{Overlay, Report};
use crate::rules::finding::{Finding, Severity};

/// The mark.
const MARK: &str = "<!-- serin-check -->";

/// The most findings that are listed: comments have a limit of 65,536 characters.
const MOST: usize = 50;

pub(super) fn print(report: &Report) -> String {
    let mut text = format!("{MARK}\n## serin check\n\n");
    if let Some(overlays) = &report.overlays {
        changes(&mut text, report, overlays);
    }
    let new: Vec<&Finding> = report.findings.iter().filter(|finding| !finding.known).collect();
    if !new.is_empty() {
        text.push_str("### Findings\n\n| | Where | What |\n| --- | --- | --- |\n");
        for finding in new.iter().take(MOST) {
            row(&mut text, finding);
        }
        if new.len() > MOST {
            text.push_str(&format!("\n… and {} more.\n", new.len() - MOST));
        }
        text.push('\n');
        patches(&mut text, &new);
    }
    if !report.errors.is_empty() {
        text.push_str("### Not checked\n\n");
        for problem in &report.errors {
            let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
            text.push_str(&format!(
                "- `{}{line}`: {} {}.\n",
                problem.file,
                cell(&problem.message),
                cell(&problem.action)
            ));
        }
        text.push('\n');
    }
    text.push_str(&super::text::summary(report));
    text
}

fn changes(text: &mut String, report: &Report, overlays: &[Overlay]) {
    let base = report.about.base.as_deref().unwrap_or("the base");
    let (moving, still): (Vec<&Overlay>, Vec<&Overlay>) = overlays
        .iter()
        .partition(|overlay| overlay.starts || !overlay.remarks.is_empty());
    if moving.is_empty() {
        text.push_str(&format!(
            "No rollout starts in {} overlays, compared with `{base}`.\n\n",
            overlays.len()
        ));
        return;
    }
    text.push_str("| Overlay | Rollout | Why | At least | Extra pods |\n| --- | --- | --- | --- | --- |\n");
    for overlay in &moving {
        let starts = if overlay.starts { "starts" } else { "does not start" };
        let why: Vec<String> = overlay.why.iter().map(|why| format!("`{}`", cell(why))).collect();
        let (least, extra) = match overlay.starts {
            true => (duration(overlay.least_seconds), overlay.extra_pods.to_string()),
            false => (String::new(), String::new()),
        };
        text.push_str(&format!(
            "| `{}` | {starts} | {} | {least} | {extra} |\n",
            cell(&overlay.path),
            why.join("<br>")
        ));
    }
    text.push('\n');
    for overlay in &moving {
        for remark in &overlay.remarks {
            text.push_str(&format!("- `{}`: {remark}\n", overlay.path));
        }
        if !overlay.steps.is_empty() {
            text.push_str(&format!("- `{}`: {}\n", overlay.path, overlay.steps.join(" → ")));
        }
    }
    if !still.is_empty() {
        text.push_str(&format!("\nNo rollout starts in {} other overlays.\n", still.len()));
    }
    text.push('\n');
}

fn row(text: &mut String, finding: &Finding) {
    let sign = match finding.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    };
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| format!("<br>{}", cell(&fix.text)))
        .unwrap_or_default();
    text.push_str(&format!(
        "| {sign} {} | `{}:{}` | {}{fix} |\n",
        finding.rule,
        cell(&finding.file),
        finding.line,
        cell(&finding.message)
    ));
}

fn patches(text: &mut String, findings: &[&Finding]) {
    let patches: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding.fix.as_ref()?.patch.as_deref())
        .collect();
    if patches.is_empty() {
        return;
    }
    text.push_str("<details><summary>Patches for <code>git apply</code></summary>\n\n```diff\n");
    for patch in patches.iter().take(MOST) {
        text.push_str(patch);
    }
    text.push_str("```\n\n</details>\n\n");
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

/// A length of time for people.
pub(super) fn duration(seconds: Option<i64>) -> String {
    let Some(seconds) = seconds else {
        return "as long as somebody or something decides".to_owned();
    };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "m"), (rest, "s")];
    let words: String = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    if words.is_empty() { "no time".to_owned() } else { words }
}
