//! When a metric is measured, and what is done about a measurement that is under way (contract 06 §3).

use super::limits::Limits;
use super::observed::{SeenJob, Step};
use super::time::{after, after_seconds};
use crate::analysis::provider;
use crate::api::analysis_run::{Measurement, MetricResult};
use crate::api::analysis_template::Metric;
use crate::notation::duration::GoDuration;
use crate::plan::{Wake, WakeReason};
use crate::wire::analysis::Phase;
use jiff::{SignedDuration, Timestamp};

/// Seconds from an error to the next measurement, whatever the interval of the metric.
pub(super) const RETRY_SECONDS: i64 = 10;
/// A shorter interval would measure without a pause: times in the status have no fractions of a second.
const SHORTEST: GoDuration = GoDuration::from_seconds(1);
/// What is due *after* an instant is not due at it.
const JUST_AFTER: SignedDuration = SignedDuration::from_millis(1);

/// What happens next to a metric that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// This, now.
    Now(Step),
    /// Something, then.
    At(Wake),
    /// Nothing.
    Nothing,
}

/// What is known of a metric when its next measurement is planned.
pub(super) struct Course<'a> {
    /// The metric, with its arguments.
    pub(super) metric: &'a Metric,
    /// What was measured of it.
    pub(super) result: Option<&'a MetricResult>,
    /// When the run began.
    pub(super) started_at: Timestamp,
    /// The run is ending.
    pub(super) terminating: bool,
    /// UID of the run.
    pub(super) uid: &'a str,
    /// Jobs of the run.
    pub(super) jobs: &'a [SeenJob],
}

/// The newest measurement.
pub(super) fn last(result: &MetricResult) -> Option<&Measurement> {
    result.measurements.last()
}

/// Number of the next measurement, from 1: errors count.
pub(super) fn number(result: Option<&MetricResult>) -> i32 {
    result
        .map_or(0, |result| result.count.saturating_add(result.error))
        .saturating_add(1)
}

impl Course<'_> {
    /// What happens next.
    pub(super) fn next(&self, now: Timestamp) -> Next {
        let at = |at, why| Next::At(Wake { at, why });
        let Some(last) = self.result.and_then(last) else {
            return self.first(now);
        };
        let Some(finished_at) = last.finished_at.as_ref().map(|at| at.0) else {
            let of = Box::new(last.clone());
            return match &last.resume_at {
                _ if self.terminating => Next::Now(Step::Terminate(of)),
                Some(resume_at) if resume_at.0 > now && !self.has_ended(last) => {
                    at(resume_at.0, WakeReason::MeasurementResumed)
                }
                Some(_) | None => Next::Now(Step::Resume(of)),
            };
        };
        if self.terminating {
            return self.none();
        }
        let count = self.result.map_or(0, |result| result.count);
        if Limits::of(self.metric).reached(count) {
            return Next::Nothing;
        }
        let due = if Phase::of(&last.phase) == Phase::Error {
            after_seconds(finished_at, RETRY_SECONDS)
        } else {
            after(finished_at, self.interval())
        };
        let wait = due.duration_since(finished_at);
        // A measurement that ends further ahead than the interval was taken by another clock.
        let other_clock = finished_at.duration_since(now) > wait;
        if now > due || other_clock {
            Next::Now(Step::Run)
        } else {
            at(due.checked_add(JUST_AFTER).unwrap_or(due), WakeReason::MeasurementDue)
        }
    }

    fn first(&self, now: Timestamp) -> Next {
        if self.terminating {
            return self.none();
        }
        let delay = self.metric.initial_delay.parse::<GoDuration>().unwrap_or_default();
        let begin = after(self.started_at, delay);
        if begin > now {
            Next::At(Wake {
                at: begin,
                why: WakeReason::InitialDelay,
            })
        } else {
            Next::Now(Step::Run)
        }
    }

    /// No new measurement, but one that has begun: taken again it is found, and can be ended.
    fn none(&self) -> Next {
        let job = provider::job_name(self.uid, &self.metric.name, number(self.result));
        if self.jobs.iter().any(|seen| seen.name == job) {
            Next::Now(Step::Run)
        } else {
            Next::Nothing
        }
    }

    /// Whether the Job of a measurement has ended: it is looked at at once, however long it was to be left alone.
    fn has_ended(&self, measurement: &Measurement) -> bool {
        let job = provider::job_of(measurement);
        let mut ended = self.jobs.iter().filter(|seen| seen.ended);
        job.is_some_and(|job| ended.any(|seen| seen.name == job))
    }

    fn interval(&self) -> GoDuration {
        let interval = self.metric.interval.parse::<GoDuration>();
        interval
            .unwrap_or(GoDuration::from_seconds(RETRY_SECONDS))
            .max(SHORTEST)
    }
}
