//! What an answer means, and the measurement that it becomes.

use super::job::Call;
use super::request::Request;
use super::{Context, amount};
use crate::api::Time;
use crate::api::analysis_run::Measurement;
use crate::api::analysis_template::Metric;
use jiff::Timestamp;
use serin_expr::Value;
use std::collections::BTreeMap;

/// What is to be done next for a measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// A request over HTTP.
    Fetch(Box<Request>),
    /// A call to the API server that has the Jobs.
    Cluster(Call),
    /// The plugin of this name, which is handed the step as it is.
    Plugin(String),
    /// Nothing: this was measured.
    Done(Reading),
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What it says.
    pub outcome: Outcome,
    /// The measurement's `value`.
    pub text: String,
    /// Whether the measurement keeps its value where a condition fails to be evaluated.
    pub text_stays: bool,
    /// Metadata of the measurement, however it ends.
    pub metadata: BTreeMap<String, String>,
    /// Metadata of the measurement if its conditions could be evaluated.
    pub with_verdict: BTreeMap<String, String>,
}

/// What a reading says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A value, which the conditions of the metric judge.
    Value(Value),
    /// The provider judges by itself.
    Judged {
        /// Phase: `Successful`, `Failed` or `Inconclusive`.
        phase: &'static str,
        /// Why.
        message: String,
    },
    /// It is still under way.
    Running {
        /// When to look again.
        resume_at: Option<Timestamp>,
    },
}

impl Default for Outcome {
    fn default() -> Self {
        Self::Value(Value::Nil)
    }
}

impl Reading {
    /// A value that the conditions judge.
    pub(super) fn value(value: Value, text: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Value(value),
            text: text.into(),
            ..Self::default()
        }
    }

    /// The provider judged by itself.
    pub(super) fn judged(phase: &'static str, message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Judged {
                phase,
                message: message.into(),
            },
            ..Self::default()
        }
    }

    /// Still under way.
    pub(super) fn running(resume_at: Timestamp) -> Self {
        Self {
            outcome: Outcome::Running {
                resume_at: Some(resume_at),
            },
            ..Self::default()
        }
    }
}

/// Why nothing was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The measurement's message.
    pub message: String,
    /// Metadata of the measurement.
    pub metadata: BTreeMap<String, String>,
    /// Whether the provider answered, and had no data: `noData` of the metric decides, where it is written (decision 50).
    pub is_no_data: bool,
}

impl Failure {
    /// The provider answered, and had no data.
    pub(super) fn no_data(message: &str) -> Self {
        Self {
            is_no_data: true,
            ..message.into()
        }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// The measurement that comes of a reading, or of a failure (contract 08, "Common").
///
/// One that is resumed or terminated keeps its beginning and metadata.
#[must_use]
pub fn measurement(context: &Context<'_>, read: Result<Reading, Failure>, at: Timestamp) -> Measurement {
    let mut measurement = context.before().cloned().unwrap_or_else(|| Measurement {
        started_at: Some(Time(context.now)),
        ..Measurement::default()
    });
    let reading = match read {
        Ok(reading) => reading,
        Err(failure) => {
            let (phase, message) = failed(context.metric, &failure);
            measurement.metadata.extend(failure.metadata);
            finish(&mut measurement, phase, message, at);
            return measurement;
        }
    };
    measurement.metadata.extend(reading.metadata);
    measurement.value = reading.text;
    match reading.outcome {
        Outcome::Running { resume_at } => {
            measurement.phase = "Running".to_owned();
            measurement.resume_at = resume_at.map(Time);
            return measurement;
        }
        Outcome::Judged { phase, message } => finish(&mut measurement, phase, message, at),
        Outcome::Value(value) => match amount::judge(context, &value, at) {
            Ok(judged) => {
                measurement.metadata.extend(judged.metadata);
                finish(&mut measurement, &judged.phase, judged.message, at);
            }
            Err(error) => {
                if !reading.text_stays {
                    measurement.value.clear();
                }
                finish(&mut measurement, "Error", error, at);
                return measurement;
            }
        },
    }
    measurement.metadata.extend(reading.with_verdict);
    measurement
}

/// The measurement has ended like this.
pub(super) fn finish(measurement: &mut Measurement, phase: &str, message: String, at: Timestamp) {
    phase.clone_into(&mut measurement.phase);
    measurement.message = message;
    measurement.finished_at = Some(Time(at));
}

/// Phase and message of a measurement that failed: an answer without data is what `noData` says, where it is written.
pub(super) fn failed<'m>(metric: &'m Metric, failure: &Failure) -> (&'m str, String) {
    match metric.no_data.as_str() {
        no_data if failure.is_no_data && !no_data.is_empty() => (no_data, format!("no data: {}", failure.message)),
        _ => ("Error", failure.message.clone()),
    }
}
