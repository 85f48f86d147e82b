//! Metrics that a compiled plugin measures (contract 08 §12).
//!
//! The plugin is handed the run as it is stored and the metric with its arguments. What it answers is the measurement; the
//! decision on the run completes its times.

use super::measure::{OfRun, Taken, Task};
use super::measuring::error;
use serde::Serialize;
use serde_json::Value;
use serin_core::analysis::run::Step;
use serin_core::api::analysis_template::Metric;
use serin_plugin::{Error, Plugins};
use std::collections::BTreeMap;

/// Takes a measurement, goes on with one, or ends one.
pub(super) async fn measure(plugins: &Plugins, name: &str, task: &Task) -> Taken {
    match measured(plugins, name, task).await {
        Ok(taken) => taken,
        Err(message) => error(message),
    }
}

async fn measured(plugins: &Plugins, name: &str, task: &Task) -> Result<Taken, String> {
    let (run, metric) = (whole(&task.run)?, json("metric", &task.metric)?);
    let step = &task.question.step;
    let answered = match step {
        Step::Run => plugins.metric_run(name, &run, &metric).await,
        Step::Resume(of) => {
            let of = json("measurement", of)?;
            plugins.metric_resume(name, &run, &metric, &of).await
        }
        Step::Terminate(of) => {
            let of = json("measurement", of)?;
            plugins.metric_terminate(name, &run, &metric, &of).await
        }
    };
    let answered = answered.map_err(|error| explained(&error, step))?;
    let measurement = serde_json::from_value(answered)
        .map_err(|error| format!("the answer of plugin {name} is no measurement: {error}"))?;
    let is_first = matches!(step, Step::Run) && task.question.number <= 1;
    let metadata = if is_first {
        metadata(plugins, name, &metric).await
    } else {
        BTreeMap::new()
    };
    Ok(Taken { measurement, metadata })
}

/// What the plugin tells of the metric. It is asked once for a metric; a failure does not take back what was measured.
async fn metadata(plugins: &Plugins, name: &str, metric: &Value) -> BTreeMap<String, String> {
    let told = plugins.metric_metadata(name, metric).await;
    told.unwrap_or_else(|error| BTreeMap::from([("error".to_owned(), error.to_string())]))
}

/// Lets the plugin clean up behind a metric of which so many measurements are kept.
///
/// # Errors
/// Why it could not; the next time makes up for it.
pub(super) async fn collect(
    plugins: &Plugins,
    name: &str,
    run: &OfRun,
    metric: &Metric,
    limit: usize,
) -> Result<(), String> {
    let (run, metric) = (whole(run)?, json("metric", metric)?);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let collected = plugins.metric_garbage_collect(name, &run, &metric, limit).await;
    collected.map_err(|error| format!("failed to garbage collect via plugin: {error}"))
}

fn whole(run: &OfRun) -> Result<Value, String> {
    match &run.whole {
        Some(whole) => json("AnalysisRun", &**whole),
        None => Err("the AnalysisRun is not known as a whole: please report it".to_owned()),
    }
}

fn json(what: &str, value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| format!("the {what} cannot be written as JSON: {error}"))
}

/// The message of a measurement that came to nothing.
fn explained(error: &Error, step: &Step) -> String {
    let operation = match step {
        Step::Run => "run",
        Step::Resume(_) => "resume",
        Step::Terminate(_) => "terminate",
    };
    match error {
        Error::Start(_) => format!("failed to create plugin: unable to get metric plugin: {error}"),
        Error::Call { .. } => error.to_string(),
        Error::Answer(why) => format!("failed to {operation} via plugin: {why}"),
    }
}
