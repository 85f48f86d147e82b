//! What several templates and their caller say, joined.

use super::gather::Gathered;
use crate::api::analysis::{DryRun, MeasurementRetention};
use crate::api::analysis_run::AnalysisRunSpec;
use crate::api::analysis_template::{AnalysisTemplateSpec, Argument, Compare, Metric};
use std::collections::BTreeSet;

/// Why templates cannot be joined, in the words of Argo Rollouts (contract 06 §8, contract 11 E).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Two metrics have one name.
    #[error("two metrics have the same name '{0}'")]
    TwoMetrics(String),
    /// Two rules of dry runs have one name.
    #[error("two Dry-Run metric rules have the same name '{0}'")]
    TwoDryRuns(String),
    /// Two rules of retention have one name.
    #[error("two Measurement Retention metric rules have the same name '{0}'")]
    TwoRetentions(String),
    /// Two templates give an argument different values.
    #[error("Argument `{name}` specified multiple times with different values: '{first}', '{second}'")]
    TwoValues {
        /// The argument.
        name: String,
        /// One value.
        first: String,
        /// The other.
        second: String,
    },
    /// Nobody gives a value for an argument.
    #[error("args.{0} was not resolved")]
    NotResolved(String),
}

/// What the caller of templates gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'c> {
    /// Values of arguments. Those that no template declares are left out.
    pub args: &'c [Argument],
    /// Metrics that do not count.
    pub dry_run: &'c [DryRun],
    /// Measurements kept.
    pub measurement_retention: &'c [MeasurementRetention],
    /// Pod template hash of the canary, where it is known: arguments of comparisons have it for a value (decision 50).
    pub canary: &'c str,
}

impl Gathered<'_> {
    /// The spec of a run of these templates, called like this.
    ///
    /// # Errors
    /// The first thing that does not fit: metrics, dry runs, retention and arguments of the templates, then the
    /// arguments of the caller, then its dry runs and retention.
    pub fn run(&self, caller: Caller<'_>) -> Result<AnalysisRunSpec, TemplateError> {
        let AnalysisTemplateSpec {
            metrics,
            args,
            dry_run,
            measurement_retention,
            ..
        } = self.flattened()?;
        let args = give(args, &[caller.args, &compared(&metrics, caller)].concat())?;
        let dry_run = [caller.dry_run, &dry_run].concat();
        let measurement_retention = [caller.measurement_retention, &measurement_retention].concat();
        one_each(dry_run.iter().map(|rule| &rule.metric_name), TemplateError::TwoDryRuns)?;
        one_each(
            measurement_retention.iter().map(|rule| &rule.metric_name),
            TemplateError::TwoRetentions,
        )?;
        Ok(AnalysisRunSpec {
            metrics,
            args,
            dry_run,
            measurement_retention,
            ..AnalysisRunSpec::default()
        })
    }

    /// What the templates say together, before anybody gives values for their arguments.
    ///
    /// # Errors
    /// The first thing that does not fit: metrics, dry runs, retention, then arguments.
    pub fn flattened(&self) -> Result<AnalysisTemplateSpec, TemplateError> {
        let specs = || self.all().map(|(_, spec)| spec);
        let metrics: Vec<Metric> = specs().flat_map(|spec| &spec.metrics).cloned().collect();
        let dry_run: Vec<DryRun> = specs().flat_map(|spec| &spec.dry_run).cloned().collect();
        let retention = specs().flat_map(|spec| &spec.measurement_retention);
        let retention: Vec<MeasurementRetention> = retention.cloned().collect();
        one_each(metrics.iter().map(|metric| &metric.name), TemplateError::TwoMetrics)?;
        one_each(dry_run.iter().map(|rule| &rule.metric_name), TemplateError::TwoDryRuns)?;
        one_each(
            retention.iter().map(|rule| &rule.metric_name),
            TemplateError::TwoRetentions,
        )?;
        let args = declared(specs().flat_map(|spec| &spec.args))?;
        Ok(AnalysisTemplateSpec {
            metrics,
            args,
            dry_run,
            measurement_retention: retention,
            ..AnalysisTemplateSpec::default()
        })
    }
}

/// The arguments that comparisons set, with the canary's hash.
fn compared(metrics: &[Metric], caller: Caller<'_>) -> Vec<Argument> {
    let compares = metrics.iter().filter_map(|metric| metric.compare.as_ref());
    let known = compares.filter(|_| !caller.canary.is_empty());
    let argument = |compare: &Compare| Argument {
        name: compare.arg.clone(),
        value: Some(caller.canary.to_owned()),
        value_from: None,
    };
    known.map(argument).collect()
}

fn one_each<'n>(
    names: impl Iterator<Item = &'n String>,
    error: fn(String) -> TemplateError,
) -> Result<(), TemplateError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(error(name.clone()));
        }
    }
    Ok(())
}

/// The arguments that templates declare, each once. A later one fills in what an earlier one lacks; it takes nothing
/// away, neither a value nor a Secret.
fn declared<'a>(arguments: impl Iterator<Item = &'a Argument>) -> Result<Vec<Argument>, TemplateError> {
    let mut joined: Vec<Argument> = Vec::new();
    for argument in arguments {
        let Some(known) = joined.iter_mut().find(|known| known.name == argument.name) else {
            joined.push(argument.clone());
            continue;
        };
        match (&known.value, &argument.value) {
            (Some(first), Some(second)) if first != second => {
                return Err(TemplateError::TwoValues {
                    name: argument.name.clone(),
                    first: first.clone(),
                    second: second.clone(),
                });
            }
            (None, _) if argument.value.is_some() || argument.value_from.is_some() => known.clone_from(argument),
            (Some(_) | None, _) => {}
        }
    }
    Ok(joined)
}

/// The declared arguments with what the caller gives. A Secret that a template names stays beside a value; it is for the
/// run to say which counts (contract 06 §8).
fn give(mut declared: Vec<Argument>, given: &[Argument]) -> Result<Vec<Argument>, TemplateError> {
    for argument in given {
        let Some(known) = declared.iter_mut().find(|known| known.name == argument.name) else {
            continue;
        };
        if argument.value.is_some() {
            known.value.clone_from(&argument.value);
        } else if argument.value_from.is_some() {
            known.value_from.clone_from(&argument.value_from);
        }
    }
    let missing = declared
        .iter()
        .find(|argument| argument.value.is_none() && argument.value_from.is_none());
    match missing {
        Some(argument) => Err(TemplateError::NotResolved(argument.name.clone())),
        None => Ok(declared),
    }
}
