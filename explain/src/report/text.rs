//! For a terminal: one screen, or everything.

use super::line::word;
use super::plain;
use crate::explanation::{Cause, Confidence, DifferenceKind, Evidence, Explanation, GitFindings, State};
use serde_json::Value;
use std::fmt::Write as _;

/// How the text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// With colours.
    pub color: bool,
    /// Everything, instead of one screen.
    pub details: bool,
}

/// Causes and facts of the short form.
const CAUSES: usize = 3;
const FACTS: usize = 3;
const COMMITS: usize = 3;
const FIELDS: usize = 5;
const COMMANDS: usize = 4;
const WIDTH: usize = 110;

/// The explanation as text.
#[must_use]
pub fn text(of: &Explanation, look: Look) -> String {
    let mut out = String::new();
    let object = &of.object;
    let state = paint(look, colour(of.state), word(of.state));
    let head = format!("{}/{} ({})", object.kind.to_lowercase(), object.name, object.namespace);
    line(&mut out, &format!("{} {state}", paint(look, "1", &plain(&head))));
    wrapped(&mut out, "  ", &of.verdict);
    serving(&mut out, of, look);
    causes(&mut out, of, look);
    if let Some(git) = &of.git {
        git_part(&mut out, git, look);
    }
    heading(&mut out, look, "Next");
    wrapped(&mut out, "  ", &of.next);
    commands(&mut out, of, look);
    unread(&mut out, of, look);
    out
}

fn paint(look: Look, code: &str, text: &str) -> String {
    if look.color {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn colour(state: State) -> &'static str {
    match state {
        State::Degraded => "1;31",
        State::Unknown => "1;35",
        State::Progressing => "1;36",
        State::Paused => "1;33",
        State::Healthy => "1;32",
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn heading(out: &mut String, look: Look, text: &str) {
    line(out, "");
    line(out, &paint(look, "1", text));
}

/// Text over lines of a readable width, each behind an indent.
fn wrapped(out: &mut String, indent: &str, text: &str) {
    let mut current = indent.to_owned();
    let mut begins = true;
    for word in plain(text).split_whitespace() {
        if std::mem::take(&mut begins) {
            current.push_str(word);
        } else if current.chars().count() + 1 + word.chars().count() <= WIDTH {
            current.push(' ');
            current.push_str(word);
        } else {
            line(out, &current);
            current = format!("{}{word}", " ".repeat(indent.chars().count()));
        }
    }
    line(out, &current);
}

fn serving(out: &mut String, of: &Explanation, look: Look) {
    if of.serving.len() < 2 && !look.details {
        return;
    }
    for it in &of.serving {
        let role = format!("{:?}", it.role).to_lowercase();
        let revision = it
            .revision
            .map_or_else(|| "-".to_owned(), |revision| revision.to_string());
        let weight = it.weight.map_or_else(|| "?".to_owned(), |weight| weight.to_string());
        line(
            out,
            &format!(
                "    {role:<8} revision {revision:<5} {:<11} {weight:>3} %   {}/{} ready",
                it.hash, it.ready, it.wanted
            ),
        );
    }
}

fn causes(out: &mut String, of: &Explanation, look: Look) {
    if of.causes.is_empty() {
        return;
    }
    heading(out, look, "Why");
    let shown = if look.details { of.causes.len() } else { CAUSES };
    for (at, cause) in of.causes.iter().take(shown).enumerate() {
        cause_part(out, at, cause, look);
    }
    if of.causes.len() > shown {
        line(out, &format!("  {} more with --details", of.causes.len() - shown));
    }
}

fn cause_part(out: &mut String, at: usize, cause: &Cause, look: Look) {
    let confidence = match cause.confidence {
        Confidence::Observed => "",
        Confidence::Inferred => " (inferred)",
    };
    let summary = format!("{} [{}]{confidence}", cause.summary, cause.id);
    let indent = format!("  {}. ", at + 1);
    wrapped(out, &indent, &summary);
    // The first cause has its facts; of the others the short form has the sentence alone.
    let facts = match (look.details, at) {
        (true, _) => cause.evidence.len(),
        (false, 0) => FACTS,
        (false, _) => 0,
    };
    for fact in cause.evidence.iter().take(facts) {
        evidence(out, fact, look);
    }
}

fn evidence(out: &mut String, fact: &Evidence, look: Look) {
    let age = if fact.age.is_empty() {
        String::new()
    } else {
        format!(" {} ago", fact.age)
    };
    let field = if look.details && !fact.field.is_empty() {
        format!(" {}", fact.field)
    } else {
        String::new()
    };
    let text = format!("{}{field}{age}: {}", fact.object, fact.text);
    let text = if look.details { text } else { cut(&text, 2 * WIDTH) };
    wrapped(out, "       - ", &text);
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest).collect::<String>() + " …"
}

fn git_part(out: &mut String, git: &GitFindings, look: Look) {
    heading(out, look, "Git");
    let good = git
        .last_good
        .as_deref()
        .map(|sha| format!(", last good {}", short(sha)))
        .unwrap_or_default();
    line(out, &format!("  at fault {}{good}", short(&git.revision)));
    let commits = if look.details { git.commits.len() } else { COMMITS };
    let skipped = git.commits.len().saturating_sub(commits);
    if skipped > 0 {
        line(out, &format!("  {skipped} earlier commits with --details"));
    }
    for commit in git.commits.iter().skip(skipped) {
        wrapped(
            out,
            "  ",
            &format!(
                "{} {} {}: {}",
                short(&commit.sha),
                commit.date,
                commit.author,
                commit.message
            ),
        );
    }
    let meaningful = git
        .fields
        .iter()
        .filter(|field| look.details || matches!(field.kind, DifferenceKind::Meaningful | DifferenceKind::Frozen));
    let fields: Vec<_> = meaningful.collect();
    let shown = if look.details { fields.len() } else { FIELDS };
    for field in fields.iter().take(shown) {
        let mut place = field.file.clone().unwrap_or_default();
        if let (Some(line), false) = (field.line, place.is_empty()) {
            let _ = write!(place, ":{line}");
        }
        let kind = format!("{:?}", field.kind).to_lowercase();
        let kind = if look.details || field.kind != DifferenceKind::Meaningful {
            format!(" [{kind}]")
        } else {
            String::new()
        };
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" at {place}")
        };
        wrapped(
            out,
            "  ",
            &format!(
                "{}{kind}: Git {}, live {}, stable {}{place}",
                field.path,
                value(&field.git),
                value(&field.live),
                value(&field.stable)
            ),
        );
    }
    if fields.len() > shown {
        line(out, &format!("  {} more fields with --details", fields.len() - shown));
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => cut(text, 80),
        other => cut(&other.to_string(), 80),
    }
}

fn short(sha: &str) -> &str {
    sha.get(..8).unwrap_or(sha)
}

fn commands(out: &mut String, of: &Explanation, look: Look) {
    if of.commands.is_empty() {
        return;
    }
    heading(out, look, "What you can do");
    let shown = if look.details { of.commands.len() } else { COMMANDS };
    for command in of.commands.iter().take(shown) {
        line(out, &format!("  {}", paint(look, "36", &plain(&command.run))));
        let gitops = if command.gitops.is_empty() {
            String::new()
        } else {
            format!(" {}", command.gitops)
        };
        wrapped(out, "      ", &format!("{}{gitops}", command.effect));
    }
}

fn unread(out: &mut String, of: &Explanation, look: Look) {
    if of.unread.is_empty() {
        return;
    }
    heading(out, look, "Not read");
    let shown = if look.details { of.unread.len() } else { 4 };
    for unread in of.unread.iter().take(shown) {
        wrapped(out, "  ", &format!("{}: {}", unread.what, unread.permission));
    }
    if of.unread.len() > shown {
        line(out, &format!("  {} more with --details", of.unread.len() - shown));
    }
}
