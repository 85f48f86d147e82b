//! What the limits of a metric mean (contract 06 §2–5).

use crate::analysis::arguments::INSTEAD_OF_SECRET;
use crate::api::IntOrString;
use crate::api::analysis_template::Metric;

/// Errors in a row that are tolerated where the metric says nothing.
const CONSECUTIVE_ERRORS: i32 = 4;

/// The limits of a metric with its arguments filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Measurements that count until the metric ends; `None` for no end.
    pub(super) count: Option<i32>,
    /// Failures that are tolerated; `None` where failures do not end the metric.
    pub(super) failure: Option<i32>,
    /// Inconclusive measurements that are tolerated.
    pub(super) inconclusive: i32,
    /// Errors in a row that are tolerated.
    pub(super) consecutive_error: i32,
    /// Successes in a row that end the metric; `None` where they do not.
    pub(super) consecutive_success: Option<i32>,
}

impl Limits {
    pub(super) fn of(metric: &Metric) -> Self {
        let or_zero = |limit: &Option<IntOrString>| limit.as_ref().map_or(0, number);
        let failure = or_zero(&metric.failure_limit);
        let success = or_zero(&metric.consecutive_success_limit);
        if metric.compare.is_some() {
            // The test bounds its own errors: its first decision ends the metric, and until then nothing is decided.
            return Self {
                count: effective_count(metric),
                failure: Some(0),
                inconclusive: i32::MAX,
                consecutive_error: consecutive_error(metric),
                consecutive_success: Some(1),
            };
        }
        Self {
            count: effective_count(metric),
            failure: (failure >= 0).then_some(failure),
            inconclusive: or_zero(&metric.inconclusive_limit),
            consecutive_error: consecutive_error(metric),
            consecutive_success: (success > 0).then_some(success),
        }
    }

    /// Whether as many measurements count as are asked for.
    pub(super) fn reached(&self, count: i32) -> bool {
        self.count.is_some_and(|wanted| count >= wanted)
    }
}

fn consecutive_error(metric: &Metric) -> i32 {
    metric
        .consecutive_error_limit
        .as_ref()
        .map_or(CONSECUTIVE_ERRORS, number)
}

/// A metric with neither count nor interval is measured once, one with an interval only without end. A negative count is 1:
/// an error does not count, so it alone never ends the metric (11 G7).
fn effective_count(metric: &Metric) -> Option<i32> {
    match metric.count.as_ref().map_or(0, number) {
        0 if metric.interval.is_empty() => Some(1),
        0 => None,
        count => Some(count.max(1)),
    }
}

/// A number, also as text; a text that is none is 0, and what does not fit becomes the nearest number that does.
pub(crate) fn number(value: &IntOrString) -> i32 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => {
            let negative = text.starts_with('-');
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return 0;
            }
            text.parse().unwrap_or(if negative { i32::MIN } else { i32::MAX })
        }
    }
}

/// The first limit that comes from a Secret. Its value is not known where it is judged (11 G7).
pub(super) fn from_secret(metric: &Metric) -> Option<&'static str> {
    let limits = [
        ("count", &metric.count),
        ("failureLimit", &metric.failure_limit),
        ("inconclusiveLimit", &metric.inconclusive_limit),
        ("consecutiveErrorLimit", &metric.consecutive_error_limit),
        ("consecutiveSuccessLimit", &metric.consecutive_success_limit),
        ("minSamples", &metric.min_samples),
    ];
    limits.into_iter().find_map(|(name, limit)| match limit {
        Some(IntOrString::String(text)) if text.contains(INSTEAD_OF_SECRET) => Some(name),
        Some(IntOrString::String(_) | IntOrString::Int(_)) | None => None,
    })
}
