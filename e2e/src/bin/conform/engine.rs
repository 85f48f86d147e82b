//! `engine` (contract 12 §5): passes over a run whose provider answers what the case says.

use crate::case::Case;
use crate::provider::Cluster;
use anyhow::{Context, Result, ensure};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use serin_controller::{Alone, Clock, Gate, OfRun, Provider, Taken, Task, Turn};
use serin_core::analysis::run::Step;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_core::api::{AnalysisRun, Time};
use serin_core::wire::analysis::Phase;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Looks that one pass may take; each but the last has something to do.
const MOST_LOOKS: usize = 100;

/// One pass of a case.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pass {
    at: String,
    terminate: bool,
    results: BTreeMap<String, Given>,
}

/// What the provider answers for a metric.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Given {
    phase: String,
    value: String,
    message: String,
    metadata: BTreeMap<String, String>,
    resume_in: Option<f64>,
    provider_error: String,
}

pub(crate) async fn answer(case: &Case) -> Result<Value> {
    let mut run: AnalysisRun = case.field("run")?;
    let namespace = run
        .metadata
        .namespace
        .get_or_insert_with(|| "default".to_owned())
        .clone();
    run.metadata.uid.get_or_insert_with(|| "uid".to_owned());
    let cluster = Cluster::of(case, &namespace)?;
    let mut passes = Vec::new();
    for (index, pass) in case.field::<Vec<Pass>>("passes")?.into_iter().enumerate() {
        run.spec.terminate |= pass.terminate;
        let passed = one(&run, &cluster, pass);
        let (next, told) = passed.await.with_context(|| format!("passes[{index}]"))?;
        // Only the status is kept between passes.
        run.status = next.status;
        passes.push(told);
    }
    Ok(json!({"passes": passes}))
}

async fn one(run: &AnalysisRun, cluster: &Cluster, pass: Pass) -> Result<(AnalysisRun, Value)> {
    let at: Timestamp = pass.at.parse().with_context(|| format!("at: {:?}", pass.at))?;
    let given = Arc::new(GivenProvider {
        at,
        results: pass.results,
        calls: Mutex::default(),
    });
    let provider = Arc::clone(&given) as Arc<dyn Provider>;
    let mut alone = Alone::new(run.clone(), cluster.api.client(), provider, Arc::new(|| true))?;
    let clock: Clock = Arc::new(move || at);
    let (mut events, mut deleted) = (Vec::new(), false);
    let mut looks = 0;
    let wake = loop {
        looks += 1;
        ensure!(looks <= MOST_LOOKS, "the run does not come to rest");
        let plan = alone.look(at);
        events.extend(plan.events.iter().map(|event| {
            let news = &event.news;
            format!("{} {} {news}", news.kind().as_str(), news.reason())
        }));
        for collect in &plan.collect {
            given.note("collect", &collect.metric);
        }
        deleted |= plan.delete.is_some();
        if deleted || (plan.is_empty() && !alone.is_measuring()) {
            break plan.wake;
        }
        while alone.is_measuring() {
            alone.answered(&clock).await;
        }
    };
    events.sort();
    let calls = given.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let told = json!({
        "status": alone.run().status,
        "requeueSeconds": wake.map(|wake| wake.at.duration_since(at).as_secs()),
        "events": events,
        "calls": calls,
        "deleted": deleted,
    });
    Ok((alone.run().clone(), told))
}

/// Answers what the case says, and notes what it was asked.
struct GivenProvider {
    at: Timestamp,
    results: BTreeMap<String, Given>,
    calls: Mutex<Vec<String>>,
}

impl GivenProvider {
    fn note(&self, word: &str, metric: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(format!("{word} {metric}"));
    }

    fn take(&self, task: &Task) -> Measurement {
        let name = &task.metric.name;
        let given = self.results.get(name).cloned().unwrap_or_default();
        let (word, mut measurement) = match &task.question.step {
            Step::Run => ("run", Measurement::default()),
            Step::Resume(of) => ("resume", (**of).clone()),
            Step::Terminate(of) => ("terminate", (**of).clone()),
        };
        measurement.started_at.get_or_insert(Time(self.at));
        if !given.provider_error.is_empty() {
            self.note("create", name);
            Phase::Error.as_str().clone_into(&mut measurement.phase);
            measurement.message = given.provider_error;
            measurement.finished_at = Some(Time(self.at));
            return measurement;
        }
        self.note(word, name);
        measurement.phase = if given.phase.is_empty() {
            Phase::Successful.as_str().to_owned()
        } else {
            given.phase
        };
        measurement.value = given.value;
        measurement.message = given.message;
        measurement.metadata.extend(given.metadata);
        let later = |seconds| {
            let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
            self.at.checked_add(duration).ok().map(Time)
        };
        if let Some(at) = given.resume_in.and_then(later) {
            measurement.resume_at = Some(at);
        }
        if Phase::of(&measurement.phase).is_completed() {
            measurement.finished_at = Some(Time(self.at));
        }
        measurement
    }
}

impl Provider for GivenProvider {
    fn measure(&self, task: Task) -> BoxFuture<'static, Taken> {
        let measurement = self.take(&task);
        let taken = Taken {
            measurement,
            ..Taken::default()
        };
        async move { taken }.boxed()
    }

    fn collect(&self, _: Arc<OfRun>, _: Metric, _: usize, _: Gate, _: Turn) -> BoxFuture<'static, Result<(), String>> {
        async { Ok(()) }.boxed()
    }
}
