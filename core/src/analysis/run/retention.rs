//! How many measurements are kept, and when a finished run goes (contract 06 §7).

use super::plan::{Collect, Plan};
use super::time::after_seconds;
use crate::api::AnalysisRun;
use crate::api::analysis_run::AnalysisRunStatus;
use crate::api::analysis_template::Metric;
use crate::plan::{Target, Wake, WakeReason};
use crate::wire::analysis::Phase;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Measurements of a metric that are kept where no rule says otherwise.
const KEPT: usize = 10;

/// Drops the oldest measurements; names the metrics of which some went.
pub(super) fn trim(status: &mut AnalysisRunStatus, metrics: &[Metric], limits: &BTreeMap<String, i32>) -> Vec<Collect> {
    let mut collect = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        let rule = limits.get(&metric.name).and_then(|limit| usize::try_from(*limit).ok());
        let limit = rule.filter(|limit| *limit > 0).unwrap_or(KEPT);
        let result = status
            .metric_results
            .iter_mut()
            .find(|result| result.name == metric.name);
        if let Some(result) = result.filter(|result| result.measurements.len() > limit) {
            let gone = result.measurements.len() - limit;
            result.measurements.drain(..gone);
            collect.push(Collect {
                index,
                metric: metric.name.clone(),
                limit,
            });
        }
    }
    collect
}

/// What happens to a run that has ended: it is deleted once it was kept for long enough. One without a time of its end is
/// kept.
pub(super) fn finished(run: &AnalysisRun, now: Timestamp) -> Plan {
    let Some(at) = expires_at(run) else {
        return Plan::default();
    };
    if now < at {
        let why = WakeReason::RunExpires;
        return Plan {
            wake: Some(Wake { at, why }),
            ..Plan::default()
        };
    }
    let metadata = &run.metadata;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Plan {
        delete: Some(Target {
            name: text(&metadata.name),
            uid: text(&metadata.uid),
            resource_version: text(&metadata.resource_version),
        }),
        ..Plan::default()
    }
}

/// More than so many whole seconds after the end.
fn expires_at(run: &AnalysisRun) -> Option<Timestamp> {
    let strategy = run.spec.ttl_strategy.as_ref()?;
    let completed_at = run.status.completed_at.as_ref()?.0;
    let of_phase = match Phase::of(&run.status.phase) {
        Phase::Successful => strategy.seconds_after_success,
        Phase::Failed => strategy.seconds_after_failure,
        Phase::Error | Phase::Inconclusive | Phase::Unset | Phase::Pending | Phase::Running => None,
    };
    let seconds = of_phase.or(strategy.seconds_after_completion)?;
    Some(after_seconds(completed_at, i64::from(seconds) + 1))
}
