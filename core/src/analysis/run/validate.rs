//! What is wrong with the metrics of a run (contract 06 §2).

use super::limits::{from_secret, number};
use crate::analysis::compare::Comparison;
use crate::analysis::provider::count;
use crate::api::IntOrString;
use crate::api::analysis_template::Metric;
use crate::api::providers::MetricProvider;
use crate::notation::duration::GoDuration;
use std::collections::BTreeSet;

/// The first thing that is wrong, in the words of Argo Rollouts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// There are none.
    #[error("no metrics specified")]
    None,
    /// Two have one name.
    #[error("metrics[{index}]: duplicate name '{name}'")]
    Duplicate {
        /// Index of the second.
        index: usize,
        /// The name.
        name: String,
    },
    /// One is wrong.
    #[error("metrics[{index}]: {why}")]
    Invalid {
        /// Its index.
        index: usize,
        /// What is wrong.
        why: String,
    },
}

/// Checks metrics with their arguments filled in.
///
/// # Errors
/// The first metric that is wrong, and the first thing that is wrong with it.
pub fn validate(metrics: &[Metric]) -> Result<(), MetricError> {
    if metrics.is_empty() {
        return Err(MetricError::None);
    }
    let mut names = BTreeSet::new();
    for (index, metric) in metrics.iter().enumerate() {
        if !names.insert(metric.name.as_str()) {
            return Err(MetricError::Duplicate {
                index,
                name: metric.name.clone(),
            });
        }
        let wrong = limits(metric)
            .and_then(|()| times(metric))
            .and_then(|()| provider(&metric.provider))
            .and_then(|()| additions(metric));
        wrong.map_err(|why| MetricError::Invalid { index, why })?;
    }
    Ok(())
}

fn limits(metric: &Metric) -> Result<(), String> {
    if let Some(limit) = from_secret(metric) {
        return Err(format!("{limit} must not come from a Secret"));
    }
    let value = |limit: &Option<IntOrString>| limit.as_ref().map_or(0, number);
    let (count, failure) = (value(&metric.count), value(&metric.failure_limit));
    let (success, inconclusive) = (
        value(&metric.consecutive_success_limit),
        value(&metric.inconclusive_limit),
    );
    let wrong = |why: &str| Err(why.to_owned());
    if success < 0 {
        return wrong("consecutiveSuccessLimit must be >= 0");
    }
    if failure < -1 {
        return wrong("failureLimit must be >= 0, or -1 to be disabled");
    }
    if success == 0 && failure == -1 {
        return wrong("failureLimit and consecutiveSuccessLimit cannot both be disabled");
    }
    if inconclusive < 0 {
        return wrong("inconclusiveLimit must be >= 0");
    }
    if value(&metric.consecutive_error_limit) < 0 {
        return wrong("consecutiveErrorLimit must be >= 0");
    }
    if count <= 0 {
        return Ok(());
    }
    if failure >= 0 && i64::from(count) < i64::from(failure) + i64::from(success) {
        return Err(format!(
            "count ({count}) must be >= failureLimit + consecutiveSuccessLimit ({failure} + {success}) if both >= 0"
        ));
    }
    if failure < 0 && count < success {
        return wrong("count must be >= consecutiveSuccessLimit");
    }
    if count < inconclusive {
        return wrong("count must be >= inconclusiveLimit");
    }
    if count > 1 && metric.interval.is_empty() {
        return wrong("interval must be specified when count > 1");
    }
    Ok(())
}

fn times(metric: &Metric) -> Result<(), String> {
    for (what, text) in [("interval", &metric.interval), ("startDelay", &metric.initial_delay)] {
        if !text.is_empty() {
            text.parse::<GoDuration>()
                .map_err(|error| format!("invalid {what} string: {error}"))?;
        }
    }
    Ok(())
}

/// Exactly one; each plugin counts.
fn provider(provider: &MetricProvider) -> Result<(), String> {
    match count(provider) {
        0 => Err("no provider specified".to_owned()),
        1 => Ok(()),
        _ => Err("multiple providers specified".to_owned()),
    }
}

/// Checks `noData`, `samples`, `minSamples` and `compare` of one metric, with its arguments filled in (decision 50).
///
/// # Errors
/// The first of these fields that is wrong, with the name of the metric, and what to write.
pub fn additions(metric: &Metric) -> Result<(), String> {
    let Metric {
        name,
        no_data,
        samples,
        min_samples,
        compare,
        ..
    } = metric;
    let written = [
        ("noData", !no_data.is_empty()),
        ("samples", !samples.is_empty()),
        ("minSamples", min_samples.is_some()),
        ("compare", compare.is_some()),
    ];
    let Some((field, _)) = written.into_iter().find(|(_, is_written)| *is_written) else {
        return Ok(());
    };
    let wrong = |why: String| Err(format!("metric '{name}': {why}"));
    let judges = match (&metric.provider.job, &metric.provider.kayenta) {
        (Some(_), _) => Some("job"),
        (None, Some(_)) => Some("kayenta"),
        (None, None) => (!metric.provider.plugin.is_empty()).then_some("plugin"),
    };
    if let Some(provider) = judges {
        return wrong(format!(
            "{field} does not apply to the provider {provider}, which judges by itself: remove it"
        ));
    }
    if !["", "Inconclusive", "Failed", "Successful", "Error"].contains(&no_data.as_str()) {
        return wrong(format!(
            "noData must be Inconclusive, Failed, Successful or Error, not {no_data:?}"
        ));
    }
    if let Some(least) = min_samples {
        if number(least) < 1 {
            return wrong("minSamples must be a whole number of at least 1".to_owned());
        }
        if samples.is_empty() {
            return wrong("minSamples needs samples: the expression that counts them".to_owned());
        }
        if no_data.is_empty() {
            return wrong("minSamples needs noData: what a measurement with fewer samples counts as".to_owned());
        }
    }
    let Some(compare) = compare else {
        return Ok(());
    };
    Comparison::of(compare).map_err(|why| format!("metric '{name}': {why}"))?;
    let decides = [
        ("successCondition", !metric.success_condition.is_empty()),
        ("failureCondition", !metric.failure_condition.is_empty()),
        ("failureLimit", metric.failure_limit.is_some()),
        ("inconclusiveLimit", metric.inconclusive_limit.is_some()),
        ("consecutiveSuccessLimit", metric.consecutive_success_limit.is_some()),
    ];
    if let Some((field, _)) = decides.into_iter().find(|(_, is_written)| *is_written) {
        return wrong(format!(
            "{field} does not apply beside compare, which decides by itself: remove it"
        ));
    }
    if no_data == "Successful" {
        return wrong("noData must not be Successful beside compare: without data nothing is compared".to_owned());
    }
    Ok(())
}
