//! What the measurements amount to (contract 06 §5).

use super::limits::Limits;
use super::schedule::last;
use crate::api::analysis_run::{AnalysisRunStatus, MetricResult, RunSummary};
use crate::api::analysis_template::Metric;
use crate::plan::News;
use crate::wire::analysis::{Phase, RUN_TERMINATED};
use std::collections::BTreeSet;

/// Whether the run ends: it was asked to, or a metric that counts has ended badly.
pub(super) fn is_terminating(asked: bool, status: &AnalysisRunStatus) -> bool {
    let bad = |result: &MetricResult| !result.dry_run && Phase::of(&result.phase).is_bad();
    asked || status.metric_results.iter().any(bad)
}

/// Assesses each metric that was measured; tells of those that have ended.
pub(super) fn metrics(status: &mut AnalysisRunStatus, metrics: &[Metric], terminating: bool) -> Vec<News> {
    let mut news = Vec::new();
    for metric in metrics {
        let Some(result) = result_mut(status, &metric.name) else {
            continue;
        };
        let phase = metric_phase(metric, result, terminating);
        if result.phase == phase.as_str() {
            continue;
        }
        if phase.is_completed() {
            news.push(News::MetricCompleted {
                metric: metric.name.clone(),
                phase,
            });
        }
        if let Some(message) = last(result).map(|last| last.message.clone()) {
            result.message = message;
        }
        phase.as_str().clone_into(&mut result.phase);
    }
    news
}

/// Phase of a metric, from its newest measurement, its counters and its limits.
pub(super) fn metric_phase(metric: &Metric, result: &MetricResult, terminating: bool) -> Phase {
    let known = Phase::of(&result.phase);
    if known.is_completed() {
        return known;
    }
    let Some(last) = last(result) else {
        return if terminating { Phase::Successful } else { Phase::Pending };
    };
    if !Phase::of(&last.phase).is_completed() {
        return Phase::Running;
    }
    let limits = Limits::of(metric);
    if let Some((phase, _)) = exceeded(&limits, result) {
        return phase;
    }
    let success = limits.consecutive_success;
    if success.is_some_and(|wanted| result.consecutive_success >= wanted) {
        return Phase::Successful;
    }
    if limits.reached(result.count) {
        return match (success, limits.failure) {
            (Some(_), Some(_)) => Phase::Inconclusive,
            (Some(_), None) => Phase::Failed,
            (None, _) => Phase::Successful,
        };
    }
    match terminating {
        // Nothing but errors is no success, even if nobody wants to know any more (invariant 6, 11 G7).
        true if result.count == 0 || metric.compare.is_some() => Phase::Inconclusive,
        true => Phase::Successful,
        false => Phase::Running,
    }
}

/// The limit that is exceeded, with its text: an error counts before an inconclusive measurement, that before a failure.
fn exceeded(limits: &Limits, result: &MetricResult) -> Option<(Phase, String)> {
    let (errors, limit) = (result.consecutive_error, limits.consecutive_error);
    if errors > limit {
        let text = format!("consecutiveErrors ({errors}) > consecutiveErrorLimit ({limit})");
        return Some((Phase::Error, text));
    }
    let (inconclusive, limit) = (result.inconclusive, limits.inconclusive);
    if inconclusive > limit {
        let text = format!("inconclusive ({inconclusive}) > inconclusiveLimit ({limit})");
        return Some((Phase::Inconclusive, text));
    }
    let failed = result.failed;
    let limit = limits.failure.filter(|limit| failed > *limit)?;
    Some((Phase::Failed, format!("failed ({failed}) > failureLimit ({limit})")))
}

/// What is said of a comparison that has ended without a decision (decision 50).
fn undecided(metric: &Metric, result: &MetricResult) -> Option<(Phase, String)> {
    let open = metric.compare.is_some() && Phase::of(&result.phase) == Phase::Inconclusive;
    open.then(|| {
        (
            Phase::Inconclusive,
            format!("no decision after {} measurements", result.count),
        )
    })
}

/// Assesses the run, and writes the summaries. `None` while it has not ended.
///
/// `ending`: the run is terminating and nothing is under way any more.
pub(super) fn run(
    status: &mut AnalysisRunStatus,
    metrics: &[Metric],
    dry_run: &BTreeSet<String>,
    asked: bool,
    ending: bool,
) -> Option<(Phase, String)> {
    let mut message = if asked {
        RUN_TERMINATED.to_owned()
    } else {
        String::new()
    };
    let mut worst = None;
    let mut all_completed = true;
    let (mut summary, mut dry_summary) = (RunSummary::default(), RunSummary::default());
    for metric in metrics {
        let dry = dry_run.contains(&metric.name);
        let summary = if dry { &mut dry_summary } else { &mut summary };
        summary.count += 1;
        let result = result_mut(status, &metric.name).filter(|result| Phase::of(&result.phase).is_completed());
        let Some(result) = result else {
            all_completed = false;
            continue;
        };
        let phase = Phase::of(&result.phase);
        let limit = exceeded(&Limits::of(metric), result).or_else(|| undecided(metric, result));
        add(summary, limit.as_ref().map_or(Phase::Successful, |(phase, _)| *phase));
        if dry {
            worst = worst.or(Some(Phase::Successful));
            if let Some((_, text)) = limit {
                result.message = format!("Metric assessed {phase} due to {text}");
            }
        } else if worst.is_none_or(|worst| phase.is_worse_than(worst)) {
            worst = Some(phase);
            if let Some((_, text)) = limit {
                message = format!("Metric \"{}\" assessed {phase} due to {text}", metric.name);
                if !result.message.is_empty() {
                    message.push_str(&format!(": \"Error Message: {}\"", result.message));
                }
            }
        }
    }
    status.run_summary = summary;
    status.dry_run_summary = Some(dry_summary);
    if ending {
        worst = worst.or(Some(Phase::Successful));
    } else if !all_completed {
        worst = None;
    }
    worst.map(|phase| (phase, message.trim().to_owned()))
}

fn add(summary: &mut RunSummary, phase: Phase) {
    match phase {
        Phase::Error => summary.error += 1,
        Phase::Failed => summary.failed += 1,
        Phase::Inconclusive => summary.inconclusive += 1,
        Phase::Successful | Phase::Unset | Phase::Pending | Phase::Running => summary.successful += 1,
    }
}

fn result_mut<'a>(status: &'a mut AnalysisRunStatus, name: &str) -> Option<&'a mut MetricResult> {
    status.metric_results.iter_mut().find(|result| result.name == name)
}
