//! The rules of `serin check`: one file each, all of one shape. Pure over a [`Build`](build::Build).
//!
//! A rule is a [`Rule`]: an id, a severity, one line of what it finds, a page, and a function from what was built to
//! findings. The ids `RK001` to `RK019` are about what kustomize makes of a Rollout; the others are named
//! `validation/…`, `strategy/…`, `analysis/…`, `reference/…` and `capacity/…`.

pub mod build;
pub mod finding;
pub mod path;
pub mod seen;

use finding::{Finding, Severity};
use seen::{Found, Seen};
use std::fmt;

/// A rule.
pub struct Rule {
    /// Its id, which never changes.
    pub id: &'static str,
    /// How bad its findings are, where they are not milder.
    pub severity: Severity,
    /// What it finds, in one line.
    pub title: &'static str,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// Finds.
    pub(crate) find: fn(&Seen<'_>, &mut Found<'_, '_>),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// All rules, in the order of the documentation.
pub static RULES: &[&Rule] = &[];

/// The rule of an id, in capitals or not.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// All that is found in a build, by file and line.
#[must_use]
pub fn run(seen: &Seen<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES
        .iter()
        .flat_map(|rule| {
            let mut found = Found::new(seen, rule);
            (rule.find)(seen, &mut found);
            found.into_findings()
        })
        .collect();
    findings.sort_by(|a, b| (&a.file, a.line, &a.rule, &a.field).cmp(&(&b.file, b.line, &b.rule, &b.field)));
    findings.dedup();
    findings
}
