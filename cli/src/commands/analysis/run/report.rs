//! What `analysis run` prints.

use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::ValueEnum;
use serde_json::json;
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::{Measurement, MetricResult};
use serin_core::api::{API_VERSION, Time};
use std::collections::BTreeMap;

/// What is printed at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Phase, message, and a line for each metric
    Text,
    /// The AnalysisRun with its status
    Json,
}

/// Prints each finished measurement once, as it comes.
pub(super) struct Progress<'c> {
    on: bool,
    console: &'c mut Console,
    /// Finished measurements of each metric that were printed.
    printed: BTreeMap<String, i32>,
    terminating: bool,
    failure: Option<Failure>,
}

impl<'c> Progress<'c> {
    pub(super) fn of(on: bool, console: &'c mut Console) -> Self {
        Self {
            on,
            console,
            printed: BTreeMap::new(),
            terminating: false,
            failure: None,
        }
    }

    /// The run after a decision.
    pub(super) fn show(&mut self, run: &AnalysisRun) {
        if !self.on || self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.try_show(run) {
            self.failure = Some(failure);
        }
    }

    fn try_show(&mut self, run: &AnalysisRun) -> Result<(), Failure> {
        if run.spec.terminate && !self.terminating {
            self.terminating = true;
            self.console.line("terminating the run")?;
        }
        for result in &run.status.metric_results {
            let (taken, before) = (result.count + result.error, self.printed.get(&result.name).copied());
            let new = usize::try_from(taken - before.unwrap_or(0)).unwrap_or(0);
            let finished: Vec<&Measurement> = result
                .measurements
                .iter()
                .filter(|measurement| measurement.finished_at.is_some())
                .collect();
            for measurement in finished.iter().skip(finished.len().saturating_sub(new)) {
                self.console.line(&line(&result.name, measurement))?;
            }
            self.printed.insert(result.name.clone(), taken);
        }
        Ok(())
    }

    /// The failure of a line that could not be printed.
    ///
    /// # Errors
    /// That failure.
    pub(super) fn failed(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// `<time> <metric>: <phase> <value> (<message>)`.
fn line(metric: &str, measurement: &Measurement) -> String {
    let at = measurement
        .finished_at
        .as_ref()
        .map(|Time(at)| format!("{at} "))
        .unwrap_or_default();
    format!("{at}{metric}: {}", told(measurement))
}

fn told(measurement: &Measurement) -> String {
    let mut told = measurement.phase.clone();
    if !measurement.value.is_empty() {
        told.push_str(&format!(" {}", measurement.value));
    }
    if !measurement.message.is_empty() {
        told.push_str(&format!(" ({})", measurement.message));
    }
    told
}

/// Prints the run as it ended.
pub(super) fn at_the_end(run: &AnalysisRun, form: Form, console: &mut Console) -> Result<(), Failure> {
    match form {
        Form::Json => {
            let mut object = json!({"apiVersion": API_VERSION, "kind": "AnalysisRun"});
            let run = serde_json::to_value(run).map_err(|error| Failure::message(error.to_string()))?;
            if let (Some(members), serde_json::Value::Object(run)) = (object.as_object_mut(), run) {
                members.extend(run);
            }
            console.line(&format!("{object:#}"))
        }
        Form::Text => {
            let status = &run.status;
            for result in &status.metric_results {
                console.line(&summary(result))?;
            }
            match status.message.as_str() {
                "" => console.line(&format!("verdict: {}", status.phase)),
                message => console.line(&format!("verdict: {}: {message}", status.phase)),
            }
        }
    }
}

/// `<metric>: <phase>, <counters>; last: <measurement>`.
fn summary(result: &MetricResult) -> String {
    let counters = [
        ("successful", result.successful),
        ("failed", result.failed),
        ("inconclusive", result.inconclusive),
        ("in error", result.error),
    ];
    let counters: Vec<String> = counters
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let dry = if result.dry_run { ", dry run" } else { "" };
    let last = result.measurements.last().map(|last| format!("; last: {}", told(last)));
    let counters = if counters.is_empty() {
        "not measured".to_owned()
    } else {
        counters.join(", ")
    };
    format!(
        "{}: {}{dry}, {counters}{}",
        result.name,
        result.phase,
        last.unwrap_or_default()
    )
}
