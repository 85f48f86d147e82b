//! What a rule found, as it is printed (`docs/check.md`).

use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad a finding is. Notes alone are clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The cluster or the controller will refuse it, or users will suffer from it.
    Error,
    /// It works, but hardly as meant.
    Warning,
    /// Something to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One finding, at the line to edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `RK010`, or `strategy/…`, `analysis/…`, `reference/…`, `traffic/…`, `capacity/…`, `validation/…`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file to edit, relative to the working directory.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
    /// `Kind/name` of the object; empty where it is about the kustomization.
    pub object: String,
    /// The field in the object; empty where it is about the whole object.
    pub field: String,
    /// What is wrong, in one or two sentences.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Whether the baseline has it: it then does not count for the exit code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// The object that a name means which is not in the build: a caller with a cluster may look for it there.
    #[serde(skip)]
    pub names: Option<Named>,
}

/// An object that is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its kind.
    pub kind: String,
    /// Its namespace; `None` where the one who applies it decides, and for what has none.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// In words.
    pub text: String,
    /// As a patch for `git apply`, where one is safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// The change behind the patch.
    #[serde(skip)]
    pub edit: Option<Edit>,
}

/// A change of one file: lines that are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file, relative to the working directory.
    pub file: String,
    /// The first line that goes, from 1.
    pub first: u32,
    /// How many lines go; 0 inserts before the first.
    pub removed: u32,
    /// The lines that come, without line ends.
    pub added: Vec<String>,
}

impl Edit {
    /// The change as a unified diff with up to three lines of context; `None` where the file has no such lines, or where a
    /// line of the diff may hold a secret: diffs are printed in public places.
    #[must_use]
    pub fn patch(&self, text: &str) -> Option<String> {
        (1..=3).rev().find_map(|context| self.diff(text, context))
    }

    fn diff(&self, text: &str, context: usize) -> Option<String> {
        let lines: Vec<&str> = text.lines().collect();
        let first = usize::try_from(self.first).ok()?.checked_sub(1)?;
        let after = first.checked_add(usize::try_from(self.removed).ok()?)?;
        if after > lines.len() {
            return None;
        }
        let (from, to) = (first.saturating_sub(context), (after + context).min(lines.len()));
        let (edited, beside): (Vec<usize>, Vec<usize>) = (from..to).partition(|index| (first..after).contains(index));
        let changed = edited.iter().filter_map(|index| lines.get(*index).copied());
        let changed = changed.chain(self.added.iter().map(String::as_str));
        if beside.iter().any(|index| !is_plain(lines[*index])) || changed.into_iter().any(is_delicate) {
            return None;
        }
        let old = to - from;
        let new = old + self.added.len() - (after - first);
        let mut patch = format!(
            "--- a/{file}\n+++ b/{file}\n@@ -{},{old} +{},{new} @@\n",
            from + 1,
            from + 1,
            file = self.file
        );
        let mut put = |mark: char, index: Option<usize>, line: &str| {
            patch.push(mark);
            patch.push_str(line);
            patch.push('\n');
            if index == Some(lines.len() - 1) && !text.ends_with('\n') {
                patch.push_str("\\ No newline at end of file\n");
            }
        };
        for (index, line) in lines.iter().enumerate().take(to).skip(from) {
            if index == first {
                self.added_before(self.removed == 0, &mut put);
            }
            let removed = (first..after).contains(&index);
            put(if removed { '-' } else { ' ' }, Some(index), line);
            if self.removed > 0 && index + 1 == after {
                self.added_before(true, &mut put);
            }
        }
        if first == lines.len() {
            self.added_before(true, &mut put);
        }
        Some(patch)
    }

    fn added_before(&self, here: bool, put: &mut impl FnMut(char, Option<usize>, &str)) {
        for line in self.added.iter().filter(|_| here) {
            put('+', None, line);
        }
    }
}

/// Whether a line beside a change may be shown: it has a key alone, or values that are numbers, names or paths.
fn is_plain(line: &str) -> bool {
    const KEYS: [&str; 30] = [
        "activeservice",
        "apiversion",
        "app",
        "bases",
        "canaryservice",
        "components",
        "count",
        "duration",
        "group",
        "image",
        "kind",
        "labels",
        "matchlabels",
        "metadata",
        "name",
        "namespace",
        "newname",
        "newtag",
        "op",
        "path",
        "previewservice",
        "resources",
        "selector",
        "setweight",
        "stableservice",
        "target",
        "templatename",
        "template",
        "type",
        "version",
    ];
    let line = line.trim();
    if line.starts_with('#') || line == "---" || is_delicate(line) {
        return line == "---";
    }
    // Flow mappings and lists are taken apart into their entries.
    line.split(['{', '}', '[', ']', ',']).all(|entry| {
        let entry = entry.trim().trim_start_matches("- ").trim();
        match entry.split_once(':') {
            None => !entry.contains(char::is_whitespace),
            Some((key, value)) => {
                let key = key.trim_matches(['"', '\'']).to_lowercase();
                is_number_or_word(value.trim()) || KEYS.contains(&key.as_str())
            }
        }
    })
}

fn is_number_or_word(value: &str) -> bool {
    value.parse::<f64>().is_ok() || ["", "true", "false", "null", "|", "|-", ">", ">-"].contains(&value)
}

/// Whether a line may hold a secret: a value of a variable, or of a key that sounds so.
fn is_delicate(line: &str) -> bool {
    const KEYS: [&str; 8] = [
        "password",
        "passwd",
        "secret",
        "token",
        "credential",
        "apikey",
        "private",
        "authorization",
    ];
    let lower = line.to_lowercase();
    let literal = lower.trim_start().starts_with("- ") && lower.contains('=');
    let entry = |entry: &str| {
        let (key, value) = entry.split_once(':').unwrap_or((entry, ""));
        let key = key.trim_matches([' ', '-', '"', '\'']);
        let named = KEYS.iter().any(|word| key.contains(word)) && !value.trim().is_empty();
        named || (key == "value" && !is_number_or_word(value.trim()))
    };
    literal || lower.split(['{', '}', '[', ']', ',']).any(entry)
}

impl Fix {
    /// Words alone.
    #[must_use]
    pub fn words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            patch: None,
            edit: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn edit(first: u32, removed: u32, added: &[&str]) -> Edit {
        Edit {
            file: "a/k.yaml".to_owned(),
            first,
            removed,
            added: added.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[test]
    fn a_replaced_line_has_its_context() {
        let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let patch = edit(5, 1, &["five"]).patch(text).unwrap();
        let expected = "--- a/a/k.yaml\n+++ b/a/k.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(patch, expected);
    }

    /// Diffs are printed in public places.
    #[test]
    fn lines_that_may_hold_a_secret_are_not_shown() {
        for line in [
            "  value: hunter2",
            "- PASSWORD=hunter2",
            "password: hunter2",
            "  - {name: A, value: hunter2}",
        ] {
            let near = format!("1\n{line}\n3\n4\n5\n6\n7\n");
            let patch = edit(5, 1, &["five"]).patch(&near).unwrap();
            assert!(!patch.contains("hunter2") && patch.contains("+five"), "{patch}");
            let beside = format!("1\n2\n3\n{line}\n5\n6\n7\n");
            assert_eq!(edit(5, 1, &["five"]).patch(&beside), None, "{line}");
        }
        let plain = "  name: token\n  secretName: web\n";
        assert!(edit(1, 1, &["x"]).patch("  name: token\n  value: 50\n").is_some());
        assert!(
            edit(1, 1, &["x"]).patch(plain).is_none(),
            "better no patch than a secret"
        );
    }

    #[test]
    fn lines_are_inserted_at_the_beginning_and_the_end() {
        let patch = edit(1, 0, &["0"]).patch("1\n2\n").unwrap();
        assert_eq!(patch, "--- a/a/k.yaml\n+++ b/a/k.yaml\n@@ -1,2 +1,3 @@\n+0\n 1\n 2\n");
        let patch = edit(2, 1, &[]).patch("1\n2").unwrap();
        assert!(
            patch.ends_with("@@ -1,2 +1,1 @@\n 1\n-2\n\\ No newline at end of file\n"),
            "{patch}"
        );
        assert_eq!(edit(4, 1, &[]).patch("1\n"), None);
    }
}
