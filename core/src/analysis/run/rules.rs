//! To which metrics the rules of `dryRun` and `measurementRetention` apply (contract 06 §6).

use crate::api::analysis::{DryRun, MeasurementRetention};
use crate::api::analysis_template::Metric;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// A rule applies to no metric: its name or expression is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}[{index}]: Rule didn't match any metric name(s)")]
pub struct RuleError {
    /// `dryRun` or `measurementRetention`.
    pub field: &'static str,
    /// Index of the rule.
    pub index: usize,
}

/// Names of the metrics that do not count.
///
/// # Errors
/// The first rule that applies to no metric.
pub fn dry_run(rules: &[DryRun], metrics: &[Metric]) -> Result<BTreeSet<String>, RuleError> {
    let mut names = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let matched = matched(&rule.metric_name, metrics);
        if matched.is_empty() {
            let field = "dryRun";
            return Err(RuleError { field, index });
        }
        names.extend(matched);
    }
    Ok(names)
}

/// How many measurements of a metric are kept, where a rule says so; of two rules the later counts.
///
/// # Errors
/// The first rule that applies to no metric.
pub fn retention(rules: &[MeasurementRetention], metrics: &[Metric]) -> Result<BTreeMap<String, i32>, RuleError> {
    let mut limits = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let matched = matched(&rule.metric_name, metrics);
        if matched.is_empty() {
            let field = "measurementRetention";
            return Err(RuleError { field, index });
        }
        limits.extend(matched.into_iter().map(|name| (name, rule.limit)));
    }
    Ok(limits)
}

/// Names in which the expression is found anywhere; one that is no expression is found nowhere.
fn matched(pattern: &str, metrics: &[Metric]) -> Vec<String> {
    let names = metrics.iter().map(|metric| &metric.name);
    // Most rules are plain names, for which nothing need be compiled.
    let plain = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    if pattern.chars().all(plain) {
        return names.filter(|name| name.contains(pattern)).cloned().collect();
    }
    match Regex::new(pattern) {
        Ok(regex) => names.filter(|name| regex.is_match(name)).cloned().collect(),
        Err(_) => Vec::new(),
    }
}
