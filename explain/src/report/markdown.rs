//! For a chat or a pull request.

use super::line::word;
use super::plain;
use crate::explanation::{Confidence, DifferenceKind, Explanation};
use serde_json::Value;

/// The explanation as Markdown.
#[must_use]
pub fn markdown(of: &Explanation) -> String {
    let object = &of.object;
    let mut parts = vec![
        format!(
            "### {}/{} in {}: {}",
            escaped(&object.kind.to_lowercase()),
            escaped(&object.name),
            escaped(&object.namespace),
            word(of.state)
        ),
        escaped(&of.verdict),
    ];
    parts.extend(causes(of));
    parts.extend(git(of));
    parts.push(format!("**Next:** {}", escaped(&of.next)));
    parts.extend(commands(of));
    parts.extend(unread(of));
    parts.join("\n\n") + "\n"
}

/// Text that Markdown leaves as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    // A mention or a reference would call people, or link other threads.
    out.replace('@', "@\u{200b}")
}

/// Text as code; a backtick within would end it.
fn code(text: &str) -> String {
    format!("`{}`", plain(text).replace('`', "'"))
}

fn causes(of: &Explanation) -> Option<String> {
    let mut lines = vec!["**Why**".to_owned(), String::new()];
    for (at, cause) in of.causes.iter().enumerate() {
        let inferred = if cause.confidence == Confidence::Inferred {
            " (inferred)"
        } else {
            ""
        };
        lines.push(format!(
            "{}. {} {}{inferred}",
            at + 1,
            escaped(&cause.summary),
            code(&cause.id)
        ));
        for fact in cause.evidence.iter().take(3) {
            let age = if fact.age.is_empty() {
                String::new()
            } else {
                format!(", {} ago", fact.age)
            };
            lines.push(format!("   - {}{age}: {}", code(&fact.object), escaped(&fact.text)));
        }
    }
    (!of.causes.is_empty()).then(|| lines.join("\n"))
}

fn git(of: &Explanation) -> Option<String> {
    let git = of.git.as_ref()?;
    let is_good = git.last_good.as_ref() == Some(&git.revision);
    let what = if is_good { "deployed" } else { "at fault" };
    let mut lines = vec![format!("**Git:** {what} {}", code(&git.revision))];
    if let Some(good) = git.last_good.as_ref().filter(|_| !is_good) {
        lines[0].push_str(&format!(", last good {}", code(good)));
    }
    lines.push(String::new());
    for commit in &git.commits {
        let sha = commit.sha.get(..8).unwrap_or(&commit.sha);
        lines.push(format!(
            "- {} {}: {}",
            code(sha),
            escaped(&commit.author),
            escaped(&commit.message)
        ));
    }
    let fields: Vec<_> = git
        .fields
        .iter()
        .filter(|it| matches!(it.kind, DifferenceKind::Meaningful | DifferenceKind::Frozen))
        .collect();
    if !fields.is_empty() {
        lines.extend([
            String::new(),
            "| Field | Git | Live | Stable | Line |".to_owned(),
            "| --- | --- | --- | --- | --- |".to_owned(),
        ]);
    }
    for field in fields {
        let line = field.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = field
            .file
            .as_ref()
            .map(|file| code(&format!("{file}{line}")))
            .unwrap_or_default();
        lines.push(format!(
            "| {} | {} | {} | {} | {place} |",
            code(&field.path),
            value(&field.git),
            value(&field.live),
            value(&field.stable)
        ));
    }
    Some(lines.join("\n"))
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escaped(text),
        other => escaped(&other.to_string()),
    }
}

fn commands(of: &Explanation) -> Option<String> {
    let lines: Vec<String> = of
        .commands
        .iter()
        .map(|command| {
            let gitops = if command.gitops.is_empty() {
                String::new()
            } else {
                format!(" {}", escaped(&command.gitops))
            };
            format!("- {}: {}{gitops}", code(&command.run), escaped(&command.effect))
        })
        .collect();
    (!lines.is_empty()).then(|| format!("**What you can do**\n\n{}", lines.join("\n")))
}

fn unread(of: &Explanation) -> Option<String> {
    let lines: Vec<String> = of
        .unread
        .iter()
        .map(|it| format!("- {}: {}", escaped(&it.what), escaped(&it.permission)))
        .collect();
    (!lines.is_empty()).then(|| format!("**Not read**\n\n{}", lines.join("\n")))
}
