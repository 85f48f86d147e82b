//! A controller of runs alone, with a provider that answers what the tests want.

use crate::support;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event as CoreEvent, Secret};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_controller::{Controller, Decide, Error, Gate, OfRun, Options, Provider, Taken, Task, Turn};
use serin_core::analysis::run::Step;
use serin_core::api::analysis_template::Metric;
use serin_sandbox::ApiServer;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A value that must be seen nowhere.
pub(crate) const CANARY: &str = "canary-\"of\"-a-secret";

pub(crate) type Answer = dyn Fn(&Task) -> BoxFuture<'static, Taken> + Send + Sync;

/// Answers by a function, and notes what it was asked.
pub(crate) struct Fake {
    answer: Box<Answer>,
    asked: Mutex<Vec<String>>,
    pub(crate) collected: Mutex<Vec<String>>,
}

impl Provider for Fake {
    fn measure(&self, task: Task) -> BoxFuture<'static, Taken> {
        let word = match &task.question.step {
            Step::Run => "run",
            Step::Resume(_) => "resume",
            Step::Terminate(_) => "terminate",
        };
        let asked = format!("{word} {} {}", task.question.metric, task.question.number);
        self.asked.lock().unwrap().push(asked);
        (self.answer)(&task)
    }

    fn collect(
        &self,
        _: Arc<OfRun>,
        metric: Metric,
        limit: usize,
        _: Gate,
        _: Turn,
    ) -> BoxFuture<'static, Result<(), String>> {
        self.collected.lock().unwrap().push(format!("{} {limit}", metric.name));
        async { Ok(()) }.boxed()
    }
}

pub(crate) fn taken(phase: &str) -> Taken {
    let mut taken = Taken::default();
    taken.measurement.phase = phase.into();
    taken
}

pub(crate) fn answers(phase: &'static str) -> Box<Answer> {
    Box::new(move |_| async move { taken(phase) }.boxed())
}

pub(crate) struct World {
    pub(crate) api: ApiServer,
    pub(crate) client: Client,
    pub(crate) fake: Arc<Fake>,
    pub(crate) metrics: std::net::SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl World {
    /// A controller of runs alone, in virtual time.
    pub(crate) async fn start(answer: Box<Answer>) -> Self {
        Self::start_with(answer, alone(Options::default()), serin_core::decide).await
    }

    /// A controller of runs, and of what else the options say, in virtual time.
    pub(crate) async fn start_with(answer: Box<Answer>, options: Options, decide: Decide) -> Self {
        let fake = Arc::new(Fake {
            answer,
            asked: Mutex::default(),
            collected: Mutex::default(),
        });
        let api = support::server().await;
        Self::serve(api, Arc::clone(&fake), fake, options, decide).await
    }

    /// The same with a provider that measures.
    pub(crate) async fn measuring(api: ApiServer, provider: Arc<dyn Provider>, options: Options) -> Self {
        let fake = Arc::new(Fake {
            answer: answers("Error"),
            asked: Mutex::default(),
            collected: Mutex::default(),
        });
        Self::serve(api, fake, provider, alone(options), serin_core::decide).await
    }

    async fn serve(
        api: ApiServer,
        fake: Arc<Fake>,
        provider: Arc<dyn Provider>,
        options: Options,
        decide: Decide,
    ) -> Self {
        let client = api.client();
        define(&client).await;
        let options = Options {
            metrics_port: 0,
            healthz_port: 0,
            ..options
        };
        let (began, since) = (Timestamp::now(), tokio::time::Instant::now());
        let bound = Controller::new(client.clone(), options)
            .clock(Arc::new(move || began + since.elapsed()))
            .decide(decide)
            .provider(provider)
            .bind()
            .await
            .unwrap();
        let shutdown = CancellationToken::new();
        let metrics = bound.metrics_address().unwrap();
        let running = tokio::spawn(bound.run(shutdown.clone()));
        Self {
            api,
            client,
            fake,
            metrics,
            shutdown,
            running,
        }
    }

    pub(crate) fn runs(&self) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "AnalysisRun"));
        Api::namespaced_with(self.client.clone(), "default", &resource)
    }

    pub(crate) async fn create(&self, name: &str, spec: Value) {
        self.create_owned(name, &json!([]), spec).await;
    }

    pub(crate) async fn create_owned(&self, name: &str, owners: &Value, spec: Value) {
        let metadata = json!({"name": name, "ownerReferences": owners});
        let run =
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": metadata, "spec": spec});
        let run = serde_json::from_value(run).unwrap();
        self.runs().create(&PostParams::default(), &run).await.unwrap();
    }

    pub(crate) async fn secret(&self) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "default");
        let secret =
            json!({"metadata": {"name": "keys"}, "stringData": {"token": CANARY}, "data": {"token": encoded()}});
        let secret = serde_json::from_value(secret).unwrap();
        secrets.create(&PostParams::default(), &secret).await.unwrap();
    }

    pub(crate) async fn terminate(&self, name: &str) {
        let patch = Patch::Merge(json!({"spec": {"terminate": true}}));
        self.runs().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) async fn status(&self, name: &str) -> Value {
        self.runs().get(name).await.unwrap().data["status"].clone()
    }

    pub(crate) async fn events(&self) -> Vec<String> {
        let events: Api<CoreEvent> = Api::namespaced(self.client.clone(), "default");
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let told = |event: CoreEvent| {
            let about = event.involved_object.kind.unwrap();
            format!(
                "{about} {} {} {}",
                event.type_.unwrap(),
                event.reason.unwrap(),
                event.message.unwrap()
            )
        };
        events.into_iter().map(told).collect()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.fake.asked.lock().unwrap().clone()
    }

    /// Status writes.
    pub(crate) fn writes(&self) -> usize {
        let requests = self.api.requests();
        let patches = requests
            .iter()
            .filter(|one| one.request.verb == "patch" && one.request.resource == "analysisruns");
        patches.count()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

/// Runs and nothing else are served.
pub(crate) fn alone(options: Options) -> Options {
    Options {
        controllers: vec!["analysis".into()],
        ..options
    }
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// The canary in base64.
pub(crate) fn encoded() -> &'static str {
    "Y2FuYXJ5LSJvZiItYS1zZWNyZXQ="
}

/// AnalysisRuns have no subresource for their status.
pub(crate) async fn define(client: &Client) {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "analysisruns.argoproj.io"},
        "spec": {"group": "argoproj.io", "scope": "Namespaced",
            "names": {"kind": "AnalysisRun", "listKind": "AnalysisRunList", "plural": "analysisruns", "singular": "analysisrun"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
    ));
    let definitions: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let definition = serde_json::from_value(definition).unwrap();
    definitions.create(&PostParams::default(), &definition).await.unwrap();
}

pub(crate) fn web(name: &str, more: &Value) -> Value {
    let mut metric = json!({"name": name, "provider": {"web": {"url": "http://metrics.example/{{args.path}}"}}});
    for (field, value) in more.as_object().unwrap() {
        metric[field] = value.clone();
    }
    metric
}

pub(crate) fn spec(metrics: &Value) -> Value {
    json!({"metrics": metrics, "args": [{"name": "path", "value": "rate"}]})
}
