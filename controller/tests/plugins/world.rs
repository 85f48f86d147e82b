//! A controller with its plugins, pods that get ready, and real time.

use crate::support;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_controller::fetch::{Fetch, surroundings};
use serin_controller::{Controller, Error, Fetched, Options};
use serin_plugin::{Configuration, Limits, Plugins};
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::replica_set;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Short times, so that the tests see them pass.
const LIMITS: Limits = Limits {
    start: Duration::from_secs(20),
    ping: Duration::from_secs(5),
    call: Duration::from_secs(4),
    quit: Duration::from_secs(5),
};
/// How long the tests wait for what is to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The compiled plugin.
pub(crate) fn goplugin() -> Option<PathBuf> {
    std::env::var_os("SERIN_GOPLUGIN").map(|folder| PathBuf::from(folder).join("goplugin"))
}

/// The data of a ConfigMap that names one plugin, `acme/go`, of each kind; with more fields.
pub(crate) fn config(file: &str, more: &str) -> BTreeMap<String, String> {
    let item = format!("- {{name: acme/go, location: {file:?}{more}}}");
    ["metricProviderPlugins", "stepPlugins", "trafficRouterPlugins"]
        .map(|key| (key.to_owned(), item.clone()))
        .into()
}

pub(crate) struct World {
    client: Client,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl World {
    /// With the compiled plugin.
    pub(crate) async fn compiled() -> Self {
        let file = goplugin().expect("SERIN_GOPLUGIN");
        Self::start(&config(file.to_str().unwrap(), "")).await
    }

    /// With the plugins that the data of a ConfigMap names. Rollouts are reconciled one at a time.
    pub(crate) async fn start(data: &BTreeMap<String, String>) -> Self {
        let api = support::server().await;
        let client = api.client();
        define_runs(&client).await;
        let shutdown = CancellationToken::new();
        let kubelet = KubeletOptions {
            ready_after: Duration::from_millis(10),
            ..KubeletOptions::sandbox()
        };
        tokio::spawn(replica_set::run(client.clone(), shutdown.clone()));
        tokio::spawn(kubelet::run(client.clone(), kubelet, shutdown.clone()));
        let options = Options {
            metrics_port: 0,
            healthz_port: 0,
            rollout_threads: 1,
            ..Options::default()
        };
        let plugins = Arc::new(Plugins::new(Configuration::read(data).unwrap(), LIMITS));
        let fetch = Fetch::new(
            client.clone(),
            "argo-rollouts",
            Arc::new(Timestamp::now),
            surroundings(|_| None),
        );
        let bound = Controller::new(client.clone(), options)
            .provider(Arc::new(Fetched::new(fetch).plugins(Arc::clone(&plugins))))
            .plugins(plugins)
            .bind()
            .await
            .unwrap();
        let running = tokio::spawn(bound.run(shutdown.clone()));
        Self {
            client,
            shutdown,
            running,
        }
    }

    /// A rollout whose first version runs, and which then has one step of `acme/go` with this configuration.
    pub(crate) async fn rollout(&self, name: &str, config: &Value) {
        let steps = json!([{"plugin": {"name": "acme/go", "config": config}}]);
        self.create(name, &json!({"steps": steps})).await;
        self.until(name, |status| status["phase"] == "Healthy").await;
    }

    /// A rollout whose traffic `acme/go` routes, with this configuration.
    pub(crate) async fn routed(&self, name: &str, config: &Value) {
        let header = json!({"name": "agents", "match": [{"headerName": "agent", "headerValue": {"exact": "chrome"}}]});
        let routing = json!({"managedRoutes": [{"name": "agents"}], "plugins": {"acme/go": config}});
        let steps = json!([{"setWeight": 50}, {"setHeaderRoute": header}, {"pause": {}}]);
        self.create(name, &json!({"trafficRouting": routing, "steps": steps}))
            .await;
    }

    /// A rollout whose first version runs with one pod.
    async fn create(&self, name: &str, canary: &Value) {
        let rollout = support::rollout(
            name,
            &json!({"replicas": 1, "selector": {"matchLabels": {"app": name}}, "strategy": {"canary": canary},
                "template": template(name, 1)}),
        );
        support::create(&self.client, &rollout).await;
    }

    /// The next version of a rollout.
    pub(crate) async fn update(&self, name: &str, version: i32) {
        self.edit(name, "", &json!({"spec": {"template": template(name, version)}}))
            .await;
    }

    /// A merge patch of a rollout, or of its status.
    pub(crate) async fn edit(&self, name: &str, subresource: &str, patch: &Value) {
        let (rollouts, params) = (support::rollouts(&self.client), PatchParams::default());
        let patch = Patch::Merge(patch);
        let edited = match subresource {
            "" => rollouts.patch(name, &params, &patch).await,
            _ => rollouts.patch_status(name, &params, &patch).await,
        };
        edited.unwrap();
    }

    /// Waits for a status of a rollout.
    pub(crate) async fn until(&self, name: &str, check: impl Fn(&Value) -> bool) -> Value {
        self.waits(&support::rollouts(&self.client), name, check).await
    }

    /// Creates an AnalysisRun with one metric of the plugin `plugin`.
    pub(crate) async fn measure(&self, name: &str, plugin: &str, config: &Value, more: &Value) {
        let mut metric = json!({"name": "m", "provider": {"plugin": {plugin: config}}});
        json_patch_merge(&mut metric, more);
        let run = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": name},
            "spec": {"metrics": [metric]}});
        let run = serde_json::from_value(run).unwrap();
        self.runs().create(&PostParams::default(), &run).await.unwrap();
    }

    /// A person ends a run.
    pub(crate) async fn terminate(&self, name: &str) {
        let patch = Patch::Merge(json!({"spec": {"terminate": true}}));
        self.runs().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Waits for a status of a run.
    pub(crate) async fn run(&self, name: &str, check: impl Fn(&Value) -> bool) -> Value {
        self.waits(&self.runs(), name, check).await
    }

    async fn waits(&self, api: &Api<DynamicObject>, name: &str, check: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = api.get(name).await.unwrap().data["status"].clone();
            if check(&status) {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "{name} has the status {status:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn runs(&self) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "AnalysisRun"));
        Api::namespaced_with(self.client.clone(), "default", &resource)
    }

    /// Reasons and messages of the events, in their order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let events: Api<CoreEvent> = Api::namespaced(self.client.clone(), "default");
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let told = |event: CoreEvent| format!("{} {}", event.reason.unwrap(), event.message.unwrap());
        events.into_iter().map(told).collect()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

fn json_patch_merge(to: &mut Value, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        to[key] = value.clone();
    }
}

fn template(name: &str, version: i32) -> Value {
    json!({"metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": format!("app:{version}")}]}})
}

async fn define_runs(client: &Client) {
    for (kind, plural, scope) in [
        ("AnalysisRun", "analysisruns", "Namespaced"),
        ("AnalysisTemplate", "analysistemplates", "Namespaced"),
        ("ClusterAnalysisTemplate", "clusteranalysistemplates", "Cluster"),
        ("Experiment", "experiments", "Namespaced"),
    ] {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.argoproj.io")},
            "spec": {"group": "argoproj.io", "scope": scope,
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
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
}
