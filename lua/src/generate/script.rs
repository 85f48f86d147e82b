//! Whole scripts.

use super::words::{self, Words, keys, quoted};
use serin_core::hooks::{Action, Change, Door, GROUP, HealthRule, Rules, Test, Text, To};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Column after which a comment, or a message with several alternatives, goes on in the next line.
const WIDTH: usize = 110;
/// The name that upstream shows for its `restart` (since 2.14); it shows no other.
const UPSTREAM_LABEL: (&str, &str) = ("restart", "Restart Pods");

/// `health.lua`
pub(super) fn health(rules: &Rules) -> String {
    let mut words = Words::default();
    let mut body = String::new();
    for rule in &rules.health {
        let answer = answer(&mut words, rule);
        let when = words.test(&rule.when);
        comment(&mut body, rule.note);
        body.push_str(&words.definitions());
        if rule.when == Test::Always {
            body.push_str(&answer);
        } else {
            body.push_str(&conditional(&when, &answer));
        }
    }
    let title = format!(
        "health of {GROUP}/{}: the first rule that holds gives the answer.",
        rules.kind
    );
    script(&title, &body)
}

fn answer(words: &mut Words, rule: &HealthRule) -> String {
    let status = quoted(rule.status.as_str());
    let mut texts = match &rule.message {
        Text::FirstOf(texts) => words.alternatives(texts),
        other => vec![words.text(other)],
    };
    let last = match &rule.message {
        Text::FirstOf(texts) => texts.last(),
        other => Some(other),
    };
    if !matches!(last, Some(Text::Literal(_))) {
        texts.push(quoted(""));
    }
    let line = format!("return {{status = {status}, message = {}}}\n", texts.join(" or "));
    if texts.len() < 3 || line.len() <= WIDTH {
        line
    } else {
        let texts = texts.join("\n  or ");
        format!("local message = {texts}\nreturn {{status = {status}, message = message}}\n")
    }
}

/// `if when then … end`
fn conditional(when: &str, lines: &str) -> String {
    let mut text = format!("if {when} then\n");
    for line in lines.lines() {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("end\n");
    text
}

/// `actions/discovery.lua`
pub(super) fn discovery(rules: &Rules, upstream_labels: bool) -> String {
    let mut words = Words::default();
    let mut body = String::from("local actions = {}\n");
    for action in &rules.actions {
        let mut fields = vec![format!("disabled = {}", words.test(&action.disabled))];
        if !upstream_labels || UPSTREAM_LABEL == (action.name, action.display_name) {
            fields.push(format!("displayName = {}", quoted(action.display_name)));
        }
        if !upstream_labels {
            fields.push(format!("iconClass = {}", quoted(action.icon_class)));
        }
        comment(&mut body, action.note);
        body.push_str(&words.definitions());
        let _ = write!(
            body,
            "actions[{}] = {{\n  {}\n}}\n",
            quoted(action.name),
            fields.join(",\n  ")
        );
    }
    body.push_str("return actions\n");
    script(
        &format!(
            "actions on {GROUP}/{}: which there are, and which are greyed out.",
            rules.kind
        ),
        &body,
    )
}

/// `actions/<name>/action.lua`
pub(super) fn action(kind: &str, action: &Action) -> String {
    let mut words = Words::default();
    let mut body = String::new();
    comment(&mut body, action.note);
    if action.guard != Test::Always {
        let otherwise = words.test_not(&action.guard);
        body.push_str(&words.definitions());
        body.push_str("-- The server carries out an action that is greyed out, too.\n");
        body.push_str(&conditional(&otherwise, "return obj"));
    }
    let changes: Vec<&Change> = action.changes_by(Door::ArgoCd).collect();
    match changes[..] {
        [change] => {
            let value = value(&mut words, change);
            let when = words.test(&change.when);
            body.push_str(&words.definitions());
            let line = set(change, value.as_deref());
            if change.when == Test::Always {
                body.push_str(&line);
            } else {
                body.push_str(&conditional(&when, &line));
            }
        }
        _ => several(&mut words, &changes, &mut body),
    }
    body.push_str("return obj\n");
    script(&format!("action {} on {GROUP}/{kind}.", action.name), &body)
}

/// What one change does must not be seen by the test of the next: all tests come first.
fn several(words: &mut Words, changes: &[&Change], body: &mut String) {
    let names = names(changes);
    let mut then = String::new();
    for (change, name) in changes.iter().zip(&names) {
        let when = words.test(&change.when);
        let mut value = value(words, change);
        body.push_str(&words.definitions());
        let _ = writeln!(body, "local changes_{name} = {when}");
        if let (To::Number(_), Some(number)) = (&change.to, &value) {
            let _ = writeln!(body, "local new_{name} = {number}");
            value = Some(format!("new_{name}"));
        }
        then.push_str(&conditional(&format!("changes_{name}"), &set(change, value.as_deref())));
    }
    body.push_str(&then);
}

/// A name for each change: that of its field, numbered where several change the same one.
fn names(changes: &[&Change]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::new();
    for change in changes {
        let field = change.field.last().copied().unwrap_or_default();
        let mut name = field.to_owned();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{field}_{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

/// What the field becomes; `None` removes it.
fn value(words: &mut Words, change: &Change) -> Option<String> {
    match &change.to {
        To::Absent | To::NoLonger => None,
        To::Boolean(value) => Some(value.to_string()),
        To::Number(number) => Some(words.number(number)),
        To::Now => Some("require(\"os\").date(\"!%Y-%m-%dT%H:%M:%SZ\")".to_owned()),
    }
}

fn set(change: &Change, value: Option<&str>) -> String {
    let (last, path) = change
        .field
        .split_last()
        .map_or(("", &[][..]), |(last, path)| (*last, path));
    match value {
        Some(value) => {
            let place = path.iter().fold("obj".to_owned(), |place, key| {
                format!("inside({place}, {})", quoted(key))
            });
            format!("{place}.{last} = {value}\n")
        }
        None => {
            let place = keys("obj", path);
            conditional(&format!("type({place}) == \"table\""), &format!("{place}.{last} = nil"))
        }
    }
}

/// A script with its heading and the helpers that it calls.
fn script(title: &str, body: &str) -> String {
    let mut script = String::new();
    comment(
        &mut script,
        &format!("Generated by Serin from core/src/hooks (serin lua generate), do not edit: {title}"),
    );
    comment(&mut script, "Rows are those of docs/argocd.md in Serin's repository.");
    for helper in words::helpers(body) {
        let _ = write!(script, "\n{helper}\n");
    }
    let _ = write!(script, "\n{body}");
    script
}

/// Words after `--`, broken at [`WIDTH`]; none where there are none.
fn comment(body: &mut String, words: &str) {
    let mut line = String::from("--");
    for word in words.split_whitespace() {
        if line.len() + word.len() + 1 > WIDTH {
            body.push_str(&line);
            body.push('\n');
            "--".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    if line != "--" {
        body.push_str(&line);
        body.push('\n');
    }
}
