//! The two pod template hashes of a comparison, and the metric for each (decision 50).

use super::Comparison;
use crate::analysis::arguments;
use crate::api::ObjectMeta;
use crate::api::analysis_template::{Argument, Metric};
use crate::wire::{HASH_LABEL, STABLE_HASH};

/// What the run of a Rollout says of the revisions that it compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<'r> {
    /// Pod template hash of the canary.
    pub canary: Option<&'r str>,
    /// Pod template hash of the stable.
    pub stable: Option<&'r str>,
}

impl<'r> Sides<'r> {
    /// Of a run: its label has the canary's hash, its annotation the stable's.
    #[must_use]
    pub fn of(run: &'r ObjectMeta) -> Self {
        let label = run.labels.as_ref().and_then(|labels| labels.get(HASH_LABEL));
        let annotation = run
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(STABLE_HASH));
        let there = |hash: Option<&'r String>| hash.map(String::as_str).filter(|hash| !hash.is_empty());
        Self {
            canary: there(label),
            stable: there(annotation),
        }
    }
}

/// The metric with its arguments filled in, and the same for the stable where it is compared.
///
/// # Errors
/// An argument that cannot be filled in; a comparison whose argument does not exist or is not used, or of which a pod template
/// hash is not known.
pub fn measured(metric: &Metric, args: &[Argument], sides: Sides<'_>) -> Result<(Metric, Option<Metric>), String> {
    let filled = |args: &[Argument]| arguments::metric(metric, args).map_err(|error| error.to_string());
    let Some(compare) = &metric.compare else {
        return Ok((filled(args)?, None));
    };
    let plain = filled(args)?;
    if let Err(why) = plain
        .compare
        .as_ref()
        .map_or(Ok(()), |compare| Comparison::of(compare).map(|_| ()))
    {
        return Err(format!("metric '{}': {why}", plain.name));
    }
    let arg = &plain.compare.as_ref().unwrap_or(compare).arg;
    let wrong = |why: String| format!("metric '{}': {why}", plain.name);
    if !args.iter().any(|known| known.name == *arg) {
        return Err(wrong(format!("compare.arg: there is no argument '{arg}'")));
    }
    let unknown = |which: &str, place: String| {
        wrong(format!(
            "compare: the pod template hash of the {which} is not known: the AnalysisRun has no {place}, which runs of a Rollout have"
        ))
    };
    let canary = sides
        .canary
        .ok_or_else(|| unknown("canary", format!("label {HASH_LABEL}")))?;
    let stable = sides
        .stable
        .ok_or_else(|| unknown("stable", format!("annotation {STABLE_HASH}")))?;
    let with = |hash: &str| {
        let mut args = args.to_vec();
        for known in args.iter_mut().filter(|known| known.name == *arg) {
            known.value = Some(hash.to_owned());
            known.value_from = None;
        }
        filled(&args)
    };
    let (canary, stable) = (with(canary)?, with(stable)?);
    if canary.provider == stable.provider {
        return Err(wrong(format!(
            "compare.arg: the provider does not use {{{{args.{arg}}}}}, so that canary and stable could not be told apart"
        )));
    }
    Ok((canary, Some(stable)))
}
