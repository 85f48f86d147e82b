//! How much data an answer has, and what one without data counts as (decision 50).

use super::Context;
use crate::analysis::run::number as whole;
use crate::api::analysis_template::Metric;
use crate::notation::go_value::shortest;
use jiff::Timestamp;
use serin_expr::Value;
use std::collections::BTreeMap;

/// Key of the number of samples in the metadata of a measurement.
pub(crate) const SAMPLES: &str = "samples";

/// What an answer is worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Amount {
    /// Samples, where the metric says how they are counted.
    pub(super) samples: Option<f64>,
    /// Why the answer has no data, or too little; `None` if it has enough.
    pub(super) lacks: Option<String>,
}

/// What became of an answer.
pub(super) struct Judged {
    /// Phase of the measurement.
    pub(super) phase: String,
    /// Why.
    pub(super) message: String,
    /// The number of samples, where it is counted.
    pub(super) metadata: BTreeMap<String, String>,
}

/// Judges a value: by `noData` where there is no data, and else by the conditions of the metric.
///
/// # Errors
/// If `samples` or a condition cannot be evaluated: the measurement's message.
pub(super) fn judge(context: &Context<'_>, value: &Value, at: Timestamp) -> Result<Judged, String> {
    let metric = context.metric;
    let amount = of(context, metric, value, at)?;
    let told = amount.samples.map(shortest);
    let metadata = told
        .iter()
        .map(|samples| (SAMPLES.to_owned(), samples.clone()))
        .collect();
    if let Some(why) = amount.lacks.filter(|_| !metric.no_data.is_empty()) {
        return Ok(Judged {
            phase: metric.no_data.clone(),
            message: format!("no data: {why}"),
            metadata,
        });
    }
    Ok(Judged {
        phase: context.expressions.judge(metric, value, at)?,
        message: told.map(|samples| format!("{samples} samples")).unwrap_or_default(),
        metadata,
    })
}

/// Looks at an answer before it is judged.
///
/// # Errors
/// If `samples` cannot be evaluated, or gives less than none.
pub(super) fn of(context: &Context<'_>, metric: &Metric, value: &Value, at: Timestamp) -> Result<Amount, String> {
    let nothing = nothing(value);
    let samples = if metric.samples.is_empty() {
        None
    } else if value.is_nil_or_empty() {
        Some(0.0)
    } else {
        Some(samples(context, metric, value, at)?)
    };
    let least = metric.min_samples.as_ref().map_or(0, whole);
    let few = samples.filter(|samples| *samples < f64::from(least));
    let few = few.map(|samples| format!("{} samples, minSamples is {least}", shortest(samples)));
    Ok(Amount {
        samples,
        lacks: few.or(nothing),
    })
}

/// NaN counts as no samples: it is what a provider makes of nothing.
fn samples(context: &Context<'_>, metric: &Metric, value: &Value, at: Timestamp) -> Result<f64, String> {
    let samples = context.expressions.number("samples", &metric.samples, value, at)?;
    match samples {
        _ if samples.is_nan() => Ok(0.0),
        _ if samples >= 0.0 => Ok(samples),
        _ => Err(format!(
            "samples \"{}\" must give 0 or more, but gave {}",
            metric.samples,
            shortest(samples)
        )),
    }
}

/// Why a value is no data: it is empty, or no number of it is one.
pub(super) fn nothing(value: &Value) -> Option<String> {
    let is_nan = |value: &Value| matches!(value, Value::Float(number) if number.is_nan());
    let nan = match value {
        Value::List(list) => !list.items.is_empty() && list.items.iter().all(is_nan),
        other => is_nan(other),
    };
    let empty = match value {
        Value::Map(map) => map.entries.is_empty(),
        Value::String(text) => text.is_empty(),
        other => other.is_nil_or_empty(),
    };
    if empty {
        Some("the provider answered nothing".to_owned())
    } else {
        nan.then(|| "the provider answered NaN".to_owned())
    }
}
