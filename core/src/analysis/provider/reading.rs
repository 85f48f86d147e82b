//! What an answer means, and the measurement that it becomes.

use super::Context;
use super::job::Call;
use super::request::Request;
use crate::api::Time;
use crate::api::analysis_run::Measurement;
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
    let failed = |measurement: &mut Measurement, message: String| {
        measurement.phase = "Error".to_owned();
        measurement.message = message;
        measurement.finished_at = Some(Time(at));
    };
    let reading = match read {
        Ok(reading) => reading,
        Err(failure) => {
            measurement.metadata.extend(failure.metadata);
            failed(&mut measurement, failure.message);
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
        Outcome::Judged { phase, message } => {
            measurement.phase = phase.to_owned();
            measurement.message = message;
        }
        Outcome::Value(value) => match context.expressions.judge(context.metric, &value, at) {
            Ok(phase) => measurement.phase = phase,
            Err(error) => {
                if !reading.text_stays {
                    measurement.value.clear();
                }
                failed(&mut measurement, error);
                return measurement;
            }
        },
    }
    measurement.metadata.extend(reading.with_verdict);
    measurement.finished_at = Some(Time(at));
    measurement
}
