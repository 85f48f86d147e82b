//! `provider` (contract 12 §4): the controller's fetch layer, against given Secrets, Jobs and pods.

use crate::case::Case;
use anyhow::{Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_controller::fetch::{Ask, Fetch, surroundings};
use serin_controller::{Gate, Turn};
use serin_core::analysis::arguments;
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::{self, Run, Step};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_sandbox::{ApiServer, RequestInfo};
use std::sync::{Arc, Mutex, PoisonError};

/// The namespace of the controller.
const OWN: &str = "argo-rollouts";
/// Jobs that `collect` keeps.
const KEPT: usize = 2;

pub(crate) async fn answer(case: &Case) -> Result<Value> {
    let (run, metric): (AnalysisRun, Metric) = (case.field("run")?, case.field("metric")?);
    let metric = match arguments::metric(&metric, &run.spec.args) {
        Ok(metric) => metric,
        Err(error) => return Ok(json!({"creationError": error.to_string()})),
    };
    let namespace = case.text("namespace")?;
    let cluster = Cluster::of(case, &namespace)?;
    let stage = Stage {
        fetch: Fetch::new(
            cluster.api.client(),
            OWN,
            Arc::new(Timestamp::now),
            surroundings(|name| std::env::var(name).ok()),
        ),
        number: number(&run, &metric),
        run: of(&run, namespace),
        metric,
        may_write: Arc::new(|| true),
        turn: Arc::new(|| Box::pin(async {})),
    };
    let steps: Vec<String> = case.field("steps")?;
    let steps = if steps.is_empty() {
        vec!["run".to_owned()]
    } else {
        steps
    };
    let (mut measurement, mut measurements): (Measurement, Vec<Measurement>) = (case.field("measurement")?, Vec::new());
    let mut metadata = provider::metadata(&stage.metric);
    for step in &steps {
        if let Some(told) = stage.step(step, &mut measurement).await? {
            metadata = told;
        }
        measurements.push(measurement.clone());
    }
    let mut answer = json!({
        "measurements": measurements,
        "metricMetadata": metadata,
        "type": provider::name(&stage.metric),
    });
    if stage.metric.provider.job.is_some() {
        let (created, deleted) = cluster.written();
        answer["created"] = created.into();
        answer["deleted"] = deleted.into();
    }
    Ok(answer)
}

/// A metric of a run, to be measured.
struct Stage {
    fetch: Fetch,
    run: Run,
    metric: Metric,
    number: i32,
    may_write: Gate,
    turn: Turn,
}

impl Stage {
    /// Does one step; gives what the provider tells of the metric.
    async fn step(
        &self,
        step: &str,
        measurement: &mut Measurement,
    ) -> Result<Option<std::collections::BTreeMap<String, String>>> {
        let before = measurement.clone();
        let step = match step {
            "run" => Step::Run { number: self.number },
            "resume" => Step::Resume(&before),
            "terminate" => Step::Terminate(&before),
            "collect" => {
                let leave = (&self.may_write, &self.turn);
                let collected = self.fetch.collect(&self.run, &self.metric, KEPT, leave).await;
                return match collected {
                    Ok(()) => Ok(None),
                    Err(why) => bail!("collect: {why}"),
                };
            }
            other => bail!("steps: there is no step {other:?}; there are run, resume, terminate and collect"),
        };
        let ask = Ask {
            run: &self.run,
            metric: &self.metric,
            stable: None,
            step,
            hidden: &[],
            expressions: &Compiling,
            may_write: &self.may_write,
            turn: &self.turn,
        };
        let measured = self.fetch.measure(&ask).await;
        *measurement = measured.measurement;
        Ok(Some(measured.metadata))
    }
}

fn of(run: &AnalysisRun, namespace: String) -> Run {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Run {
        name: text(&run.metadata.name),
        namespace,
        uid: text(&run.metadata.uid),
        started_at: run.status.started_at.as_ref().map(|at| at.0),
    }
}

/// Number of the next measurement: errors count.
fn number(run: &AnalysisRun, metric: &Metric) -> i32 {
    let mut results = run.status.metric_results.iter();
    let result = results.find(|result| result.name == metric.name);
    result.map_or(0, |result| result.count + result.error) + 1
}

/// An API in memory with the given objects.
pub(crate) struct Cluster {
    pub(crate) api: ApiServer,
    written: Arc<Mutex<Vec<RequestInfo>>>,
}

impl Cluster {
    pub(crate) fn of(case: &Case, namespace: &str) -> Result<Self> {
        let api = ApiServer::new();
        for name in [namespace, OWN] {
            api.store_as_is(
                "",
                "namespaces",
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            );
        }
        if let Ok(elsewhere) = std::env::var("ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE") {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere}});
            api.store_as_is("", "namespaces", object);
        }
        for secret in case.field::<Vec<Value>>("secrets")? {
            let object = json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": secret["name"], "namespace": secret["namespace"]},
                "data": encoded(&secret["data"]),
            });
            api.store_as_is("", "secrets", object);
        }
        for (field, group, version, kind) in [("jobs", "batch", "batch/v1", "Job"), ("pods", "", "v1", "Pod")] {
            for mut object in case.field::<Vec<Value>>(field)? {
                object["apiVersion"] = version.into();
                object["kind"] = kind.into();
                if object["metadata"]["namespace"].is_null() {
                    object["metadata"]["namespace"] = namespace.into();
                }
                api.store_as_is(group, field, object);
            }
        }
        let written = Arc::<Mutex<Vec<RequestInfo>>>::default();
        let log = Arc::clone(&written);
        api.intercept(Box::new(move |request| {
            if matches!(request.verb.as_str(), "create" | "delete") && request.resource == "jobs" {
                log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            }
            None
        }));
        Ok(Self { api, written })
    }

    /// Jobs that were to be created, and `namespace/name` of those that were to be deleted.
    fn written(&self) -> (Vec<Value>, Vec<String>) {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |verb: &'static str| written.iter().filter(move |request| request.verb == verb);
        let created = of("create").map(|request| (*request.body).clone());
        let deleted = of("delete").map(|request| format!("{}/{}", request.namespace, request.name));
        (created.collect(), deleted.collect())
    }
}

/// Texts as the data of a Secret has them.
fn encoded(data: &Value) -> Value {
    let texts = data.as_object().into_iter().flatten();
    let encoded = texts.map(|(key, text)| {
        let bytes = text.as_str().unwrap_or_default().as_bytes().to_vec();
        (key.clone(), json!(k8s_openapi::ByteString(bytes)))
    });
    encoded.collect()
}
