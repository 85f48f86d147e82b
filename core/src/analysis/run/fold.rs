//! How answers get into the status (contract 06 §4): each once.

use super::observed::{Answer, Question, Step};
use super::time::{after_seconds, stamp, stamp_up};
use crate::analysis::compare::{Comparison, Sums, without_one};
use crate::analysis::run::schedule::{RETRY_SECONDS, last, number};
use crate::api::analysis_run::{AnalysisRunStatus, Measurement, MetricResult};
use crate::api::analysis_template::Metric;
use crate::wire::analysis::{METRIC_TERMINATED, Phase};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Seconds until a measurement is looked at again whose provider wants that at once.
const SOONEST_SECONDS: i64 = 1;

/// Takes in the answers that the status waits for, in their order; gives the time of the first of them. The others are of
/// another run, known already, or about a measurement that somebody else went on with.
pub(super) fn fold(
    status: &mut AnalysisRunStatus,
    answers: &[Answer],
    uid: &str,
    metrics: &[Metric],
    dry_run: &BTreeSet<String>,
) -> Option<Timestamp> {
    let mut first = None;
    let asked =
        |question: &Question| question.run == uid && metrics.iter().any(|metric| metric.name == question.metric);
    for answer in answers.iter().filter(|answer| asked(&answer.question)) {
        let known = status
            .metric_results
            .iter()
            .position(|result| result.name == answer.question.metric);
        if !waits_for(known.and_then(|at| status.metric_results.get(at)), &answer.question) {
            continue;
        }
        first = first.or(Some(answer.at));
        let metric = metrics.iter().find(|metric| metric.name == answer.question.metric);
        let comparison = metric.and_then(Comparison::of_metric);
        match known.and_then(|at| status.metric_results.get_mut(at)) {
            Some(result) => count(result, answer, comparison.as_ref()),
            None => {
                let mut result = MetricResult {
                    name: answer.question.metric.clone(),
                    phase: Phase::Running.as_str().to_owned(),
                    dry_run: dry_run.contains(&answer.question.metric),
                    metadata: answer.metadata.clone(),
                    ..MetricResult::default()
                };
                count(&mut result, answer, comparison.as_ref());
                status.metric_results.push(result);
            }
        }
    }
    first
}

/// Whether the answer to this question is what comes next.
fn waits_for(result: Option<&MetricResult>, question: &Question) -> bool {
    if result.is_some_and(|result| Phase::of(&result.phase).is_completed()) {
        return false;
    }
    let under_way = result.and_then(last).filter(|last| last.finished_at.is_none());
    match &question.step {
        Step::Run => under_way.is_none() && number(result) == question.number,
        Step::Resume(of) | Step::Terminate(of) => under_way == Some(of),
    }
}

fn count(result: &mut MetricResult, answer: &Answer, comparison: Option<&Comparison<'_>>) {
    let mut measurement = taken(answer);
    if let Some(comparison) = comparison {
        add(comparison, last(result), &mut measurement);
    }
    let phase = Phase::of(&measurement.phase);
    let up = |counter: &mut i32| *counter = counter.saturating_add(1);
    match phase {
        Phase::Successful => {
            up(&mut result.successful);
            up(&mut result.consecutive_success);
        }
        Phase::Failed => up(&mut result.failed),
        Phase::Inconclusive => up(&mut result.inconclusive),
        Phase::Error => {
            up(&mut result.error);
            up(&mut result.consecutive_error);
        }
        Phase::Unset | Phase::Pending | Phase::Running => {}
    }
    if phase.is_completed() {
        if phase == Phase::Error {
            result.consecutive_success = 0;
        } else {
            up(&mut result.count);
            result.consecutive_error = 0;
        }
        if phase != Phase::Successful {
            result.consecutive_success = 0;
        }
    }
    if answer.question.step != Step::Run {
        result.measurements.pop();
    }
    result.measurements.push(measurement);
}

/// Adds what was measured to the sums of the measurement before, and judges them. A measurement without numbers carries the
/// sums on: only the newest measurements are kept.
fn add(comparison: &Comparison<'_>, before: Option<&Measurement>, measurement: &mut Measurement) {
    let before = before.and_then(|before| Sums::read(comparison, &before.metadata));
    let Some(sums) = Sums::plus(before, comparison, &measurement.metadata) else {
        without_one(comparison, &mut measurement.metadata);
        if let Some(sums) = before {
            sums.write(&mut measurement.metadata);
        }
        return;
    };
    sums.write(&mut measurement.metadata);
    let phase = comparison.judge(&sums).0.phase();
    phase.as_str().clone_into(&mut measurement.phase);
    measurement.message = comparison.words(&sums);
}

/// The measurement as it is recorded: in whole seconds, finished if its phase is final, and otherwise with a time at which
/// it is looked at again. One that was to end has ended, whatever its provider says.
fn taken(answer: &Answer) -> Measurement {
    let mut measurement = answer.measurement.clone();
    let mut phase = Phase::of(&measurement.phase);
    if let Step::Terminate(_) = answer.question.step {
        if !phase.is_completed() {
            phase = Phase::Inconclusive;
            phase.as_str().clone_into(&mut measurement.phase);
        }
        if matches!(phase, Phase::Successful | Phase::Inconclusive) {
            METRIC_TERMINATED.clone_into(&mut measurement.message);
        }
    }
    measurement.started_at = Some(stamp(measurement.started_at.map_or(answer.at, |at| at.0)));
    if phase.is_completed() {
        measurement.finished_at = Some(stamp(measurement.finished_at.map_or(answer.at, |at| at.0)));
        measurement.resume_at = measurement.resume_at.map(|at| stamp(at.0));
    } else {
        Phase::Running.as_str().clone_into(&mut measurement.phase);
        measurement.finished_at = None;
        let asked_for = measurement.resume_at.map(|at| at.0);
        let resume_at = asked_for.unwrap_or_else(|| after_seconds(answer.at, RETRY_SECONDS));
        measurement.resume_at = Some(stamp_up(resume_at.max(after_seconds(answer.at, SOONEST_SECONDS))));
    }
    measurement
}
