//! A controller with scripted decisions on an in-memory API server.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)] // Each test binary uses a part of these.

pub mod elb;

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Event as CoreEvent, Namespace};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_controller::aws::Calls;
use serin_controller::{Clock, Controller, Decide, Error, IstioCluster, Options};
use serin_core::Observed;
use serin_core::api::PodTemplate;
use serin_core::plan::{Action, After, Event, NewReplicaSet, News, Plan, ReplicaSetAction, StatusWrite, Urgency};
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct World {
    pub api: ApiServer,
    pub client: Client,
    pub metrics: SocketAddr,
    pub healthz: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl World {
    pub async fn start(decide: Decide, rollouts: &[Value]) -> Self {
        Self::start_with(decide, rollouts, Options::default()).await
    }

    /// Ports are any free ones, whatever the options say.
    pub async fn start_with(decide: Decide, rollouts: &[Value], options: Options) -> Self {
        let api = server().await;
        let client = api.client();
        for rollout in rollouts {
            create(&client, rollout).await;
        }
        Self::on(api, client, decide, options).await
    }

    /// Decisions read the time that tests let pass.
    pub async fn start_in_virtual_time(decide: Decide) -> Self {
        Self::start_in_virtual_time_with(decide, Options::default()).await
    }

    /// The same with options.
    pub async fn start_in_virtual_time_with(decide: Decide, options: Options) -> Self {
        let (began, since) = (Timestamp::now(), tokio::time::Instant::now());
        let clock = Arc::new(move || began + since.elapsed());
        let api = server().await;
        let client = api.client();
        Self::on_at(api, client, decide, options, clock).await
    }

    /// In virtual time, and with this AWS.
    pub async fn start_with_aws(options: Options, calls: Arc<dyn Calls>) -> Self {
        let (began, since) = (Timestamp::now(), tokio::time::Instant::now());
        let clock = Arc::new(move || began + since.elapsed());
        let api = server().await;
        let client = api.client();
        let controller = |controller: Controller| controller.aws(calls).clock(clock);
        Self::run(api, client, serin_core::decide, options, controller).await
    }

    /// In virtual time, with Istio in this cluster.
    pub async fn start_with_istio(istio: IstioCluster) -> Self {
        let (began, since) = (Timestamp::now(), tokio::time::Instant::now());
        let clock = Arc::new(move || began + since.elapsed());
        let api = server().await;
        let client = api.client();
        let controller = |controller: Controller| controller.istio(istio).clock(clock);
        Self::run(api, client, serin_core::decide, Options::default(), controller).await
    }

    /// A controller that speaks to the server by this client.
    pub async fn on(api: ApiServer, client: Client, decide: Decide, options: Options) -> Self {
        Self::on_at(api, client, decide, options, Arc::new(Timestamp::now)).await
    }

    async fn on_at(api: ApiServer, client: Client, decide: Decide, options: Options, clock: Clock) -> Self {
        Self::run(api, client, decide, options, |controller| controller.clock(clock)).await
    }

    async fn run(
        api: ApiServer,
        client: Client,
        decide: Decide,
        options: Options,
        with: impl FnOnce(Controller) -> Controller,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let options = Options {
            metrics_port: 0,
            healthz_port: 0,
            ..options
        };
        let controller = Controller::new(client.clone(), options).decide(decide);
        let bound = with(controller).bind().await.unwrap();
        let (metrics, healthz) = (bound.metrics_address().unwrap(), bound.healthz_address().unwrap());
        let running = tokio::spawn(bound.run(shutdown.clone()));
        Self {
            api,
            client,
            metrics,
            healthz,
            shutdown,
            running,
        }
    }

    /// In virtual time: everything that is to happen soon has happened.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    pub async fn events(&self) -> Vec<String> {
        let events: Api<CoreEvent> = Api::namespaced(self.client.clone(), "default");
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        events.into_iter().map(|event| event.reason.unwrap()).collect()
    }

    pub async fn replica_sets(&self) -> Vec<String> {
        let sets: Api<ReplicaSet> = Api::namespaced(self.client.clone(), "default");
        let sets = sets.list(&ListParams::default()).await.unwrap().items;
        sets.into_iter().map(|set| set.metadata.name.unwrap()).collect()
    }

    /// The rollout `name` as stored.
    pub async fn rollout(&self, name: &str) -> Value {
        serde_json::to_value(rollouts(&self.client).get(name).await.unwrap()).unwrap()
    }

    /// Somebody else's merge patch of a rollout.
    pub async fn edit(&self, name: &str, patch: &Value) {
        let patch = Patch::Merge(patch);
        rollouts(&self.client)
            .patch(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    /// What the ReplicaSet controller would say: so many pods are available.
    pub async fn available(&self, replica_set: &str, pods: i32) {
        let sets: Api<ReplicaSet> = Api::namespaced(self.client.clone(), "default");
        let status = json!({"status": {"replicas": pods, "readyReplicas": pods, "availableReplicas": pods}});
        sets.patch_status(replica_set, &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
    }

    /// How many requests of a kind there were: verb, resource, subresource.
    pub fn count(&self, verb: &str, resource: &str, subresource: &str) -> usize {
        let requests = self.api.requests();
        let same = requests.iter().filter(|one| {
            one.request.verb == verb && one.request.resource == resource && one.request.subresource == subresource
        });
        same.count()
    }

    /// What `/metrics` says.
    pub async fn scrape(&self) -> String {
        get(self.metrics, "/metrics").await
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

/// The watches of a resource end, and neither they nor lists come back until [`ApiServer::clear_intercept`].
pub fn cut_watch(api: &ApiServer, resource: &'static str) {
    api.intercept(Box::new(move |request| {
        let read = matches!(request.verb.as_str(), "watch" | "list");
        (read && request.resource == resource)
            .then(|| FaultResponse::Refuse(ApiError::new(503, "ServiceUnavailable", "cut")))
    }));
    api.disconnect_watches();
}

/// `GET` over HTTP, head and body; virtual time stands still meanwhile.
pub async fn get(address: SocketAddr, path: &'static str) -> String {
    let talk = move || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

/// The answers of a stand-in over HTTP: its address, and what was asked.
pub async fn elb_over_http(elb: Arc<elb::Elb>) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let asked = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&asked);
    let answer = move |headers: axum::http::HeaderMap, form: String| {
        let (status, body) = elb.answer(&form);
        seen.lock().unwrap().push(format!("{headers:?}"));
        async move { (axum::http::StatusCode::from_u16(status).unwrap(), body) }
    };
    let router = axum::Router::new().route("/", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

/// Makes the server know a kind.
pub async fn define(client: &Client, group: &str, version: &str, kind: &str, plural: &str) {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
    ));
    let definitions: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    definitions
        .create(&PostParams::default(), &serde_json::from_value(definition).unwrap())
        .await
        .unwrap();
}

/// A server that knows rollouts, and the namespace of the controller.
pub async fn server() -> ApiServer {
    let api = ApiServer::new();
    let client = api.client();
    define(&client, "argoproj.io", "v1alpha1", "Rollout", "rollouts").await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argo-rollouts"}});
    let namespaces: Api<Namespace> = Api::all(client);
    namespaces
        .create(&PostParams::default(), &serde_json::from_value(namespace).unwrap())
        .await
        .unwrap();
    api
}

pub fn rollouts(client: &Client) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
    Api::namespaced_with(client.clone(), "default", &resource)
}

/// Creates a rollout in the namespace `default`.
pub async fn create(client: &Client, rollout: &Value) {
    rollouts(client)
        .create(
            &PostParams::default(),
            &serde_json::from_value(rollout.clone()).unwrap(),
        )
        .await
        .unwrap();
}

pub fn rollout(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}, "spec": spec})
}

/// A rollout `web` that the controller can decide about.
pub fn web(replicas: i32, strategy: &Value) -> Value {
    rollout(
        "web",
        &json!({"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "strategy": strategy,
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}}}),
    )
}

/// Somebody's merge patch, within a decision: the server answers at once.
pub fn patch_at_once(server: &ApiServer, path: &str, change: &Value) {
    let request = http::Request::patch(path)
        .header("content-type", "application/merge-patch+json")
        .body(kube::client::Body::from(change.to_string().into_bytes()))
        .unwrap();
    let answer = server
        .handle(request)
        .now_or_never()
        .expect("the server answers at once");
    assert_eq!(answer.status(), 200);
}

pub fn new(name: String) -> Action {
    let labels = json!({"app": "a", "rollouts-pod-template-hash": "1"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    Action::ReplicaSet(ReplicaSetAction::Create(Box::new(NewReplicaSet {
        name,
        labels: serde_json::from_value(labels.clone()).unwrap(),
        annotations: [].into(),
        selector: json!({"matchLabels": labels}),
        template: PodTemplate::new(&template),
        replicas: 1,
        min_ready_seconds: 0,
    })))
}

pub fn event(news: News, after: After) -> Event {
    Event { news, after }
}

/// A ReplicaSet was made.
fn made() -> News {
    News::ReplicaSetCreated {
        name: "a".into(),
        revision: 1,
    }
}

/// Two ReplicaSets, then a phase; at rest once both are there.
pub fn two(seen: &Observed, _: Timestamp) -> Plan {
    let name = seen.rollout.metadata.name.clone().unwrap();
    if seen.undecodable.is_some() || !seen.rollout.status.phase.is_empty() {
        return Plan::default();
    }
    let wanted = [format!("{name}-1"), format!("{name}-2")];
    let missing = wanted
        .into_iter()
        .filter(|one| seen.replica_sets.iter().all(|set| set.name != *one));
    let actions: Vec<Action> = missing.map(new).collect();
    let mut events: Vec<Event> = (0..actions.len())
        .map(|index| event(made(), After::Action(index)))
        .collect();
    events.push(event(News::Resumed, After::Status));
    let patch = json!({"status": {"phase": "Healthy"}});
    Plan {
        actions,
        events,
        calls: Vec::new(),
        asks: Vec::new(),
        router_calls: Vec::new(),
        status: Some(StatusWrite {
            patch,
            urgency: Urgency::Now,
            message_only: false,
        }),
        wake: None,
    }
}

/// Every ReplicaSet has the pods that it wants, again and again, for a while.
pub async fn serve(world: &World, seconds: usize) {
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    for _ in 0..seconds {
        for set in sets.list(&ListParams::default()).await.unwrap().items {
            let pods = set.spec.replicas.unwrap();
            let status = json!({"status": {"replicas": pods, "readyReplicas": pods, "availableReplicas": pods,
                "observedGeneration": set.metadata.generation}});
            let (name, status) = (set.metadata.name.unwrap(), Patch::Merge(status));
            sets.patch_status(&name, &PatchParams::default(), &status)
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
