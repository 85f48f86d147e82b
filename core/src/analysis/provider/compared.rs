//! A measurement of canary and stable (decision 50).

use super::reading::{Failure, Outcome, Reading, failed, finish};
use super::{Context, amount};
use crate::analysis::compare::{Compared, Comparison, of_one};
use crate::api::Time;
use crate::api::analysis_run::Measurement;
use crate::notation::go_value::shortest;
use jiff::Timestamp;
use serin_expr::Value;

/// What both answers of a comparison come to: what was counted, as metadata, which the run adds to what it knows. By itself
/// the measurement decides nothing, and is Inconclusive. `context` has the metric of the canary.
#[must_use]
pub fn compared(
    context: &Context<'_>,
    canary: Result<Reading, Failure>,
    stable: Result<Reading, Failure>,
    at: Timestamp,
) -> Measurement {
    let mut measurement = Measurement {
        started_at: Some(Time(context.now)),
        ..Measurement::default()
    };
    match both(context, canary, stable, at) {
        Ok(Both { canary, stable, text }) => {
            measurement.value = text;
            if let Some(comparison) = Comparison::of_metric(context.metric) {
                measurement.metadata = of_one(&comparison, &canary, &stable);
            }
            finish(&mut measurement, "Inconclusive", String::new(), at);
        }
        Err(failure) => {
            let (phase, message) = failed(context.metric, &failure);
            finish(&mut measurement, phase, message, at);
        }
    }
    measurement
}

/// What was measured of both, and its text.
struct Both {
    canary: Vec<f64>,
    stable: Vec<f64>,
    text: String,
}

fn both(
    context: &Context<'_>,
    canary: Result<Reading, Failure>,
    stable: Result<Reading, Failure>,
    at: Timestamp,
) -> Result<Both, Failure> {
    let of = |which: &str, read: Result<Reading, Failure>| {
        let one = read.and_then(|reading| one(context, reading, at));
        one.map_err(|failure| Failure {
            message: format!("{which}: {}", failure.message),
            ..failure
        })
    };
    let (canary, canary_text) = of("canary", canary)?;
    let (stable, stable_text) = of("stable", stable)?;
    let text = format!("canary {canary_text}, stable {stable_text}");
    Ok(Both { canary, stable, text })
}

/// The numbers of one answer, and its text.
fn one(context: &Context<'_>, reading: Reading, at: Timestamp) -> Result<(Vec<f64>, String), Failure> {
    let comparison = context.metric.compare.as_ref().map(Comparison::of).transpose()?;
    let comparison = comparison.ok_or("the metric has no compare")?;
    let value = match reading.outcome {
        Outcome::Value(value) => value,
        Outcome::Judged { .. } | Outcome::Running { .. } => {
            return Err("compare: the provider gives no value that could be compared".into());
        }
    };
    if let Some(lacks) = amount::of(context, context.metric, &value, at)?.lacks {
        return Err(Failure::no_data(&lacks));
    }
    let numbers = match comparison.of {
        Compared::Rates { successes, trials } => {
            let trials = number(context, "trials", trials, &value, at)?;
            if trials == 0.0 {
                return Err(Failure::no_data("0 trials"));
            }
            let successes = number(context, "successes", successes, &value, at)?;
            if !(0.0..=trials).contains(&successes) {
                let (successes, trials) = (shortest(successes), shortest(trials));
                return Err(
                    format!("compare.result: successes ({successes}) must be between 0 and trials ({trials})").into(),
                );
            }
            vec![successes, trials]
        }
        Compared::Values(text) => vec![number(context, "value", text, &value, at)?],
    };
    Ok((numbers, reading.text))
}

/// A number of an answer: NaN is no data.
fn number(context: &Context<'_>, field: &str, text: &str, value: &Value, at: Timestamp) -> Result<f64, Failure> {
    let field = format!("compare.result.{field}");
    let number = context.expressions.number(&field, text, value, at)?;
    if number.is_nan() {
        Err(Failure::no_data(&format!("{field} is NaN")))
    } else if number.is_infinite() {
        Err(format!("{field} must be a finite number, but is {}", shortest(number)).into())
    } else {
        Ok(number)
    }
}
