//! The rules of `serin check`: one file each, all of one shape. Pure over a [`Build`](build::Build).
//!
//! A rule is a [`Rule`]: an id, a severity, one line of what it finds, a page, and a function from what was built to
//! findings. The ids `RK001` to `RK019` are about what kustomize makes of a Rollout; the others are named
//! `validation/…`, `strategy/…`, `analysis/…`, `reference/…`, `traffic/…` and `capacity/…`.

mod analysis;
pub mod build;
mod capacity;
mod config;
pub mod finding;
mod losses;
mod names;
pub mod path;
mod pods;
mod reference;
mod rk001;
mod rk002;
mod rk003;
mod rk004;
mod rk005;
mod rk006;
mod rk007;
mod rk010;
mod rk011;
mod rk012;
mod rk013;
mod rk014;
mod rk015;
mod rk016;
mod rk017;
mod rk018;
mod rk019;
mod scalers;
pub mod seen;
mod strategy;
mod traffic;
mod validation;
mod words;

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
pub static RULES: &[&Rule] = &[
    &rk001::RULE,
    &rk002::RULE,
    &rk003::RULE,
    &rk004::RULE,
    &rk005::RULE,
    &rk006::RULE,
    &rk007::RULE,
    &rk010::RULE,
    &rk011::RULE,
    &rk012::RULE,
    &rk013::RULE,
    &rk014::RULE,
    &rk015::RULE,
    &rk016::RULE,
    &rk017::RULE,
    &rk018::RULE,
    &rk019::RULE,
    &validation::schema::RULE,
    &validation::spec::RULE,
    &validation::pod::RULE,
    &validation::metrics::RULE,
    &strategy::weight_decreases::RULE,
    &strategy::pause_after_full::RULE,
    &strategy::starting_step::RULE,
    &strategy::background::RULE,
    &strategy::deadline::RULE,
    &strategy::shared_service::RULE,
    &strategy::deployment::RULE,
    &analysis::endless::RULE,
    &analysis::experiment::RULE,
    &analysis::arguments::RULE,
    &analysis::names::RULE,
    &analysis::conditions::RULE,
    &analysis::cycle::RULE,
    &reference::not_in_build::RULE,
    &reference::scaler::RULE,
    &reference::route::RULE,
    &traffic::shared_route::RULE,
    &traffic::step_route::RULE,
    &traffic::managed_routes::RULE,
    &traffic::port::RULE,
    &traffic::stickiness::RULE,
    &traffic::frozen::RULE,
    &capacity::quota::RULE,
    &capacity::autoscaler::RULE,
];

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

/// The most pods that run at once while a rollout of `replicas` pods is updated.
pub(crate) use capacity::peak::peak as capacity_peak;
pub(crate) use rk015::only_metadata;
