//! What a rule sees, and where it puts what it finds.

use super::Rule;
use super::build::{Build, Object, Place};
use super::finding::{Edit, Finding, Fix, Severity};
use super::losses::{self, Loss};
use serde_json::Value;
use serin_core::api::Rollout;
use serin_gitops::yaml::FieldPath;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A build, read once for all rules.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The build.
    pub build: &'a Build,
    /// The same overlay at the commit it is compared with, where there is one.
    pub base: Option<&'a Build>,
    /// The rollouts that decode, by their index in the build.
    rollouts: BTreeMap<usize, Rollout>,
    names: BTreeMap<&'a str, Vec<usize>>,
    losses: OnceLock<Vec<Loss>>,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target<'a> {
    /// An object of the build.
    Here(&'a Object),
    /// An object that had this name before the build renamed it.
    Renamed(&'a Object),
    /// An object of this name that lands in another namespace.
    Elsewhere(&'a Object),
    /// Nothing in the build.
    Absent,
}

impl<'a> Seen<'a> {
    /// Reads a build.
    #[must_use]
    pub fn of(build: &'a Build, base: Option<&'a Build>) -> Self {
        let of_rollout = |(index, object): (usize, &Object)| {
            let rollout = object
                .is_ours("Rollout")
                .then(|| serde_json::from_value(object.value.clone()).ok());
            rollout.flatten().map(|rollout| (index, rollout))
        };
        let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, object) in build.objects.iter().enumerate() {
            let all = object.earlier.iter().map(String::as_str).chain([object.name()]);
            for name in all {
                names.entry(name).or_default().push(index);
            }
        }
        Self {
            build,
            base,
            rollouts: build.objects.iter().enumerate().filter_map(of_rollout).collect(),
            names,
            losses: OnceLock::new(),
        }
    }

    /// All objects with their indexes.
    pub fn objects(&self) -> impl Iterator<Item = (usize, &'a Object)> + '_ {
        self.build.objects.iter().enumerate()
    }

    /// The objects of a kind of `argoproj.io`.
    pub fn ours(&self, kind: &'static str) -> impl Iterator<Item = (usize, &'a Object)> + '_ {
        self.objects().filter(move |(_, object)| object.is_ours(kind))
    }

    /// The rollouts that decode.
    pub fn rollouts(&self) -> impl Iterator<Item = (usize, &'a Object, &Rollout)> + '_ {
        self.rollouts
            .iter()
            .map(|(index, rollout)| (*index, &self.build.objects[*index], rollout))
    }

    /// Where a name leads that an object uses for another one of a kind that `fits` accepts.
    #[must_use]
    pub fn target(&self, from: &Object, name: &str, fits: impl Fn(&Object) -> bool) -> Target<'a> {
        let named = self.names.get(name).into_iter().flatten();
        let fitting: Vec<&Object> = named
            .map(|index| &self.build.objects[*index])
            .filter(|object| fits(object))
            .collect();
        let now = |object: &&&Object| object.name() == name;
        let met = |object: &&&Object| from.meets(object) || is_cluster_wide(object);
        let here = fitting.iter().filter(met).find(now);
        let renamed = || fitting.iter().filter(met).find(|object| !now(object));
        let elsewhere = || fitting.iter().find(now);
        here.map(|object| Target::Here(object))
            .or_else(|| renamed().map(|object| Target::Renamed(object)))
            .or_else(|| elsewhere().map(|object| Target::Elsewhere(object)))
            .unwrap_or(Target::Absent)
    }

    /// The same object at the commit that is compared with: by its name in its file, else by its name.
    #[must_use]
    pub fn counterpart(&self, index: usize) -> Option<(&'a Build, usize)> {
        let base = self.base?;
        let original = &self.build.built.objects.get(index)?.original;
        let same = base
            .built
            .objects
            .iter()
            .position(|object| object.original == *original);
        let object = &self.build.objects[index];
        let named = |other: &Object| {
            other.kind() == object.kind() && other.group() == object.group() && other.name() == object.name()
        };
        let found = same.or_else(|| base.objects.iter().position(named))?;
        Some((base, found))
    }

    /// What patches took away; computed once.
    pub(super) fn losses(&self) -> &[Loss] {
        self.losses.get_or_init(|| losses::losses(self))
    }

    /// The place of a field.
    #[must_use]
    pub fn place(&self, object: usize, field: &FieldPath) -> Place {
        self.build.place(object, field)
    }

    /// A line of a file, without its end.
    #[must_use]
    pub fn line(&self, place: &Place) -> Option<String> {
        let text = self.build.text(&place.file)?;
        let index = usize::try_from(place.line).ok()?.checked_sub(1)?;
        text.lines().nth(index).map(str::to_owned)
    }

    /// A fix that replaces one text by another in the line of a field; words alone where the line does not hold the text
    /// exactly once.
    #[must_use]
    pub fn replace(&self, place: &Place, old: &str, new: &str, words: String) -> Fix {
        let line = self.line(place).filter(|line| line.matches(old).count() == 1);
        let edit = line.map(|line| Edit {
            file: place.file.clone(),
            first: place.line,
            removed: 1,
            added: vec![line.replacen(old, new, 1)],
        });
        self.edited(words, edit)
    }

    /// A fix by an edit.
    #[must_use]
    pub fn edited(&self, words: String, edit: Option<Edit>) -> Fix {
        let text = edit.as_ref().and_then(|edit| self.build.text(&edit.file));
        let patch = text.zip(edit.as_ref()).and_then(|(text, edit)| edit.patch(&text));
        Fix {
            text: words,
            edit: edit.filter(|_| patch.is_some()),
            patch,
        }
    }
}

fn is_cluster_wide(object: &Object) -> bool {
    object.kind() == "ClusterAnalysisTemplate"
}

/// What the rules found in one build.
#[derive(Debug)]
pub struct Found<'a, 'b> {
    seen: &'b Seen<'a>,
    rule: &'static Rule,
    findings: Vec<Finding>,
}

impl<'a, 'b> Found<'a, 'b> {
    pub(super) fn new(seen: &'b Seen<'a>, rule: &'static Rule) -> Self {
        Self {
            seen,
            rule,
            findings: Vec::new(),
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// How much was found.
    pub(super) fn count(&self) -> usize {
        self.findings.len()
    }

    /// Whether something was found of an object, behind the first findings.
    pub(super) fn has(&self, object: usize, behind: usize) -> bool {
        let title = self.seen.build.objects[object].title();
        self.findings.iter().skip(behind).any(|finding| finding.object == title)
    }

    /// A finding of the rule, at a field of an object.
    pub(super) fn add(&mut self, object: usize, field: &FieldPath, message: impl Into<String>) -> &mut Finding {
        let place = self.seen.place(object, field);
        self.add_at(place, Some(object), field.to_string(), message)
    }

    /// A finding of the rule, at a place of the rule's choice.
    pub(super) fn add_at(
        &mut self,
        place: Place,
        object: Option<usize>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let object = object.map(|index| self.seen.build.objects[index].title());
        self.findings.push(Finding {
            rule: self.rule.id.to_owned(),
            severity: self.rule.severity,
            file: place.file,
            line: place.line,
            object: object.unwrap_or_default(),
            field: field.into(),
            message: message.into(),
            fix: None,
            known: false,
            names: None,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

impl Finding {
    /// The same with a fix.
    pub(super) fn fix(&mut self, fix: Fix) -> &mut Self {
        self.fix = Some(fix);
        self
    }

    /// The same as a finding of another severity.
    pub(super) fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }
}

/// A text of an object; empty where there is none.
#[must_use]
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
