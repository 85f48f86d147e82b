//! Many AnalysisRuns under way, on the API server in memory: how late their measurements are, and what they cost.

use crate::load::Memory;
use crate::say;
use anyhow::{Context, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;
use serin_controller::{Controller, Gate, OfRun, Options, Provider, Taken, Task, Turn};
use serin_core::api::analysis_template::Metric;
use serin_e2e::install_definitions;
use serin_sandbox::ApiServer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// What is measured, and by what limits.
pub(crate) struct Plan {
    /// Runs, of three metrics each.
    pub(crate) runs: u64,
    /// `--qps`.
    pub(crate) qps: f64,
    /// `--burst`.
    pub(crate) burst: u32,
    /// For how long.
    pub(crate) seconds: u64,
}

/// Metrics of a run.
const METRICS: u64 = 3;
/// Their interval, in seconds.
const INTERVAL: i64 = 10;

/// Answers at once, and notes how long after its time each measurement was asked for.
#[derive(Default)]
struct Answering(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    /// By run and metric: when the measurement before was answered.
    before: HashMap<(String, usize), Timestamp>,
    /// In milliseconds.
    late: Vec<i64>,
}

impl Provider for Answering {
    fn measure(&self, task: Task) -> BoxFuture<'static, Taken> {
        let now = Timestamp::now();
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (task.run.uid.clone(), task.question.index);
        if let Some(before) = asked.before.insert(of, now) {
            // Times in the status have whole seconds.
            let due = (before.as_second() + INTERVAL) * 1000;
            asked.late.push(now.as_millisecond() - due);
        }
        let mut taken = Taken::default();
        taken.measurement.phase = "Successful".to_owned();
        taken.measurement.value = "0.99".to_owned();
        async { taken }.boxed()
    }

    fn collect(&self, _: Arc<OfRun>, _: Metric, _: usize, _: Gate, _: Turn) -> BoxFuture<'static, Result<(), String>> {
        async { Ok(()) }.boxed()
    }
}

/// Has the controller serve so many runs for so long, and says how that went. The API server is in this process, too: memory and
/// processor time are those of both.
pub(crate) async fn runs(plan: &Plan) -> Result<()> {
    let api = ApiServer::new();
    let client = api.client();
    install_definitions(&client).await?;
    let provider = Arc::new(Answering::default());
    let options = Options {
        qps: plan.qps,
        burst: plan.burst,
        controllers: vec!["analysis".to_owned()],
        ..Options::default()
    };
    let controller = Controller::new(client.clone(), options)
        .provider(Arc::clone(&provider) as Arc<dyn Provider>)
        .without_servers();
    let (bound, stop) = (controller.bind().await?, CancellationToken::new());
    let running = tokio::spawn(bound.run(stop.clone()));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "AnalysisRun"));
    let all: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    // They come over one interval, as runs of different rollouts do.
    let pause = Duration::from_secs(INTERVAL.unsigned_abs()).div_f64(f64::from(u32::try_from(plan.runs.max(1))?));
    let began = Instant::now();
    let made = stream::iter(0..plan.runs).map(async |number| {
        tokio::time::sleep_until(began + pause * u32::try_from(number)?).await;
        all.create(&PostParams::default(), &run(number)?).await?;
        anyhow::Ok(())
    });
    made.buffer_unordered(16).try_collect::<Vec<()>>().await?;
    sleep(Duration::from_secs(30)).await;
    provider.0.lock().unwrap_or_else(PoisonError::into_inner).late.clear();
    api.clear_requests();
    let id = std::process::id();
    let (from, before) = (Instant::now(), crate::load::seconds_of(id)?);
    sleep(Duration::from_secs(plan.seconds)).await;
    let (elapsed, used) = (from.elapsed().as_secs_f64(), crate::load::seconds_of(id)? - before);
    let late = std::mem::take(&mut provider.0.lock().unwrap_or_else(PoisonError::into_inner).late);
    tell(plan, late, used / elapsed * 100.0, &Memory::of_process(id)?)?;
    stop.cancel();
    running.await??;
    Ok(())
}

fn tell(plan: &Plan, mut late: Vec<i64>, percent: f64, memory: &Memory) -> Result<()> {
    late.sort_unstable();
    let at = |share: usize| late.get((late.len() * share / 1000).min(late.len().saturating_sub(1)));
    let [median, p99, most] = [500, 990, 1000].map(|share| at(share).copied().unwrap_or_default());
    let Plan {
        runs,
        qps,
        burst,
        seconds,
    } = plan;
    let expected = runs * METRICS * seconds / INTERVAL.unsigned_abs();
    say(&format!(
        "{runs} runs of {METRICS} metrics at {INTERVAL} s, qps {qps}, burst {burst}, for {seconds} s: {} measurements ({expected} at \
         10 s each), late by {median} ms (median), {p99} ms (99 %), {most} ms (most); {percent:.0} % of a processor; {memory}\n",
        late.len(),
    ))
}

fn run(number: u64) -> Result<DynamicObject> {
    let metric = |of: u64| {
        json!({"name": format!("metric-{of}"), "interval": format!("{INTERVAL}s"), "successCondition": "result > 0.9",
            "provider": {"prometheus": {"address": "http://prometheus:9090", "query": "up"}}})
    };
    let metrics: Vec<_> = (0..METRICS).map(metric).collect();
    let run = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {"name": format!("run-{number}")}, "spec": {"metrics": metrics}});
    serde_json::from_value(run).context("a run")
}
