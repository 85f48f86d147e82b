//! What people ignore: by a comment beside the line, or by a file.
//!
//! `# serin:ignore RK010 reason` counts for its own line, and for the line below the comments that it stands in.
//! `.serin-check.yaml` counts for its folder and all below:
//!
//! ```yaml
//! ignore:
//! - rule: RK010            # or strategy/*
//!   path: overlays/dev/**  # optional
//!   object: Rollout/web    # optional
//!   reason: the Service belongs to another team
//! ```

use super::report::Problem;
use crate::rules::build::Build;
use crate::rules::finding::Finding;
use serin_gitops::files::{Files, Kind};
use serin_gitops::yaml::{self, Node};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of the file.
pub const FILE: &str = ".serin-check.yaml";

/// An entry of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    rule: String,
    path: Option<String>,
    object: Option<String>,
}

/// The suppressions of a tree, read as they are needed.
#[derive(Debug, Default)]
pub struct Suppressions {
    files: BTreeMap<PathBuf, Vec<Entry>>,
}

impl Suppressions {
    /// Takes away what is ignored, and gives back how many that were.
    ///
    /// # Errors
    /// If a file of suppressions cannot be read.
    pub fn apply(&mut self, build: &Build, findings: &mut Vec<Finding>) -> Result<usize, Problem> {
        let before = findings.len();
        let mut kept = Vec::with_capacity(before);
        for finding in findings.drain(..) {
            let by_comment = build
                .text(&finding.file)
                .is_some_and(|text| by_comment(&text, &finding));
            if !by_comment && !self.by_file(build, &finding)? {
                kept.push(finding);
            }
        }
        *findings = kept;
        Ok(before - findings.len())
    }

    fn by_file(&mut self, build: &Build, finding: &Finding) -> Result<bool, Problem> {
        let Some(file) = build.in_tree(&finding.file) else {
            return Ok(false);
        };
        for folder in file.ancestors().skip(1) {
            if !self.files.contains_key(folder) {
                let entries = read(&*build.files, folder, &build.shown(&folder.join(FILE)))?;
                self.files.insert(folder.to_owned(), entries);
            }
            let below = file.strip_prefix(folder).unwrap_or(&file);
            let entries = self.files.get(folder).into_iter().flatten();
            if entries.into_iter().any(|entry| entry.fits(below, finding)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Entry {
    fn fits(&self, file: &Path, finding: &Finding) -> bool {
        let path = self.path.as_deref();
        let object = self.object.as_deref();
        fits(&self.rule, &finding.rule)
            && path.is_none_or(|path| fits(path, &file.to_string_lossy()))
            && object.is_none_or(|object| fits(object, &finding.object))
    }
}

fn read(files: &dyn Files, folder: &Path, shown: &str) -> Result<Vec<Entry>, Problem> {
    let path = folder.join(FILE);
    let problem = |line: Option<usize>, message: String| Problem {
        file: shown.to_owned(),
        line: line.and_then(|line| u32::try_from(line).ok()),
        message,
        action: "write a list `ignore` of entries with `rule`, and if you like `path`, `object` and `reason`"
            .to_owned(),
    };
    match files.kind(&path) {
        Ok(Some(Kind::File(_))) => {}
        Ok(_) | Err(_) => return Ok(Vec::new()),
    }
    let bytes = files.read(&path).map_err(|error| problem(None, error.to_string()))?;
    let stream = yaml::read(&bytes).map_err(|error| problem(Some(error.line), error.message))?;
    let Some(document) = stream.documents.first() else {
        return Ok(Vec::new());
    };
    for entry in document.root.entries() {
        if entry.key.text != "ignore" {
            let message = format!("the key {:?} is not known", entry.key.text);
            return Err(problem(Some(entry.key.mark.line), message));
        }
    }
    let list = document.root.get("ignore").map(Node::items).unwrap_or_default();
    let entry = |node: &Node| {
        let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
        let known = ["rule", "path", "object", "reason"];
        if let Some(entry) = node
            .entries()
            .iter()
            .find(|entry| !known.contains(&entry.key.text.as_str()))
        {
            let message = format!("the key {:?} is not known", entry.key.text);
            return Err(problem(Some(entry.key.mark.line), message));
        }
        let rule = text("rule").ok_or_else(|| problem(Some(node.mark.line), "the entry names no rule".to_owned()))?;
        if !is_known(&rule) {
            return Err(problem(Some(node.mark.line), format!("there is no rule {rule:?}")));
        }
        Ok(Entry {
            rule,
            path: text("path"),
            object: text("object"),
        })
    };
    list.iter().map(entry).collect()
}

/// Whether an id, or a pattern of ids, is one of a rule.
fn is_known(pattern: &str) -> bool {
    crate::rules::RULES.iter().any(|rule| fits(pattern, rule.id))
}

/// Whether the line of a finding, or the comments above it, ignore its rule.
fn by_comment(text: &str, finding: &Finding) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let Some(index) = usize::try_from(finding.line).ok().and_then(|line| line.checked_sub(1)) else {
        return false;
    };
    let own = lines.get(index).into_iter();
    let above = lines
        .iter()
        .take(index)
        .rev()
        .take_while(|line| line.trim_start().starts_with('#'));
    own.chain(above).any(|line| ignores(line, &finding.rule))
}

/// Whether a line has a comment that ignores a rule.
fn ignores(line: &str, rule: &str) -> bool {
    let Some((before, after)) = line.split_once("serin:ignore") else {
        return false;
    };
    if !before.trim_end().ends_with('#') || !after.starts_with([' ', '\t']) {
        return false;
    }
    let words = after.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    words.take_while(|word| is_known(word)).any(|word| fits(word, rule))
}

/// Whether a text fits a pattern: `*` is any text without `/`, `**` any text, `?` any letter.
fn fits(pattern: &str, text: &str) -> bool {
    fn from(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', '*', '/', rest @ ..] if from(rest, text) => true,
            ['*', '*', rest @ ..] => (0..=text.len()).any(|at| from(rest, &text[at..])),
            ['*', rest @ ..] => {
                let end = text.iter().position(|letter| *letter == '/').unwrap_or(text.len());
                (0..=end).any(|at| from(rest, &text[at..]))
            }
            ['?', rest @ ..] => text.split_first().is_some_and(|(_, text)| from(rest, text)),
            [letter, rest @ ..] => text
                .split_first()
                .is_some_and(|(first, text)| first.eq_ignore_ascii_case(letter) && from(rest, text)),
        }
    }
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    from(&letters(pattern), &letters(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit() {
        for (pattern, text, expected) in [
            ("RK010", "RK010", true),
            ("rk010", "RK010", true),
            ("strategy/*", "strategy/deadline", true),
            ("overlays/**", "overlays/dev/k.yaml", true),
            ("overlays/*", "overlays/dev/k.yaml", false),
            ("**/k.yaml", "overlays/dev/k.yaml", true),
            ("**/k.yaml", "k.yaml", true),
            ("Rollout/web-?", "Rollout/web-1", true),
            ("RK01", "RK010", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn comments_name_rules_and_a_reason() {
        for (line, rule, expected) in [
            ("a: b # serin:ignore RK010 the Service is elsewhere", "RK010", true),
            ("# serin:ignore RK010, RK011 reason", "RK011", true),
            ("# serin:ignore strategy/* reason", "strategy/deadline", true),
            ("# serin:ignore RK010 see RK011", "RK011", false),
            ("# serin:ignore", "RK010", false),
            ("text serin:ignore RK010", "RK010", false),
            ("# serin:ignored RK010", "RK010", false),
        ] {
            assert_eq!(ignores(line, rule), expected, "{line}");
        }
    }
}
