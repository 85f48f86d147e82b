//! `serin explain` on rollouts that really run: Serin's controller, a ReplicaSet controller and a kubelet on the sandbox.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::FutureExt;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_controller::{Controller, Options};
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::replica_set;
use serin_sandbox::{ApiError, ApiServer, FaultResponse, RequestInfo};
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: format!("{group}/{version}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

fn rollouts(api: &ApiServer) -> Api<DynamicObject> {
    Api::namespaced_with(
        api.client(),
        "default",
        &resource("argoproj.io", "v1alpha1", "Rollout", "rollouts"),
    )
}

/// A rollout that deploys well; `change` makes its update go wrong.
fn rollout(name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {"replicas": 2, "progressDeadlineSeconds": 6, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "shop:1"}]}},
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": [{"setWeight": 50}, {"pause": {}}]}}},
    })
}

/// The fault of each rollout: what its update changes, and the causes that explain it.
fn faults() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let container = |change: Value| {
        let mut container = json!({"name": "web", "image": "shop:2"});
        container
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        json!({"spec": {"template": {"spec": {"containers": [container]}}}})
    };
    vec![
        (
            "pull",
            container(json!({"image": "shop:does-not-exist"})),
            vec!["image-pull", "deadline"],
        ),
        (
            "probe",
            container(json!({"readinessProbe": {"httpGet": {"path": "/", "port": 80}, "initialDelaySeconds": 3600}})),
            vec!["not-ready", "deadline"],
        ),
        (
            "crash",
            container(json!({"command": ["/bad-command"]})),
            vec!["cannot-start", "deadline"],
        ),
        ("quota", container(json!({})), vec!["replicaset-refused", "deadline"]),
        (
            "invalid",
            json!({"spec": {"strategy": {"canary": {"stableService": "nowhere"}}}}),
            vec!["reference-missing", "invalid-spec"],
        ),
        ("pause", container(json!({})), vec![]),
        ("fine", json!({}), vec![]),
    ]
}

/// Refuses pods of one rollout's second revision, as a quota does.
fn quota(request: &RequestInfo) -> Option<FaultResponse> {
    let image = request.body.pointer("/spec/containers/0/image");
    let app = request.body.pointer("/metadata/labels/app");
    let refused = request.resource == "pods"
        && request.verb == "create"
        && app == Some(&json!("quota"))
        && image == Some(&json!("shop:2"));
    let told = "pods \"quota-x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
    refused.then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", told)))
}

struct World {
    api: ApiServer,
    url: String,
    stop: CancellationToken,
    controllers: JoinSet<()>,
    _served: serin_sandbox::Served,
}

async fn world() -> World {
    serin::install_tls();
    let api = ApiServer::new();
    let definitions: Api<DynamicObject> = Api::all_with(
        api.client(),
        &resource(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
        ),
    );
    for (_, text) in serin_core::crd::manifests().unwrap() {
        for document in serin_core::notation::yaml::parse_docs(&text).unwrap() {
            let definition = serde_json::from_value(document.value).unwrap();
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
    }
    let stop = CancellationToken::new();
    let mut controllers = JoinSet::new();
    controllers.spawn(replica_set::run(api.client(), stop.clone()).map(Result::unwrap));
    let quick = KubeletOptions {
        ready_after: Duration::from_millis(200),
        pull_error_after: Duration::from_millis(500),
        ..KubeletOptions::sandbox()
    };
    controllers.spawn(kubelet::run(api.client(), quick, stop.clone()).map(Result::unwrap));
    let bound = Controller::new(api.client(), Options::default())
        .without_servers()
        .bind()
        .await
        .unwrap();
    controllers.spawn(bound.run(stop.clone()).map(Result::unwrap));
    let served = api.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    World {
        url: served.url(),
        api,
        stop,
        controllers,
        _served: served,
    }
}

impl World {
    async fn explain(&self, words: &str) -> String {
        let (out, err) = (Buffer::default(), Buffer::default());
        let mut console = serin::Console::new(Box::new(out.clone()), Box::new(err.clone()), serin::Terminal::Lines);
        let line = format!("serin explain {words} --server {}", self.url);
        serin::run_on(line.split(' ').map(OsString::from), &mut console).await;
        assert_eq!(String::from_utf8(err.0.lock().unwrap().clone()).unwrap(), "");
        let text = out.0.lock().unwrap().clone();
        String::from_utf8(text).unwrap()
    }

    async fn answer(&self, name: &str) -> Value {
        let answer: Value = serde_json::from_str(&self.explain(&format!("{name} -o json")).await).unwrap();
        answer["explanations"][0].clone()
    }

    /// Asks until the answer has the causes that are expected, and gives it.
    async fn until(&self, name: &str, expected: &[&str], state: &str) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.answer(name).await;
            let ids: Vec<_> = answer["causes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].as_str().unwrap())
                .collect();
            if ids == expected && answer["state"] == state {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{name}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_explained() {
    let mut world = world().await;
    let api = rollouts(&world.api);
    for (name, ..) in faults() {
        let object = serde_json::from_value(rollout(name)).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    for (name, ..) in faults() {
        let answer = world.until(name, &[], "healthy").await;
        assert_eq!(answer["next"], "Nothing: all is as wanted.", "{name}");
    }
    assert_eq!(world.explain("-o text").await, "All rollouts are Healthy.\n");
    world.api.intercept(Box::new(quota));
    for (name, change, _) in faults() {
        api.patch(name, &PatchParams::default(), &Patch::Merge(&change))
            .await
            .unwrap();
    }
    // While it is on its way, the deadline is what happens next.
    let early = world.until("pull", &["image-pull"], "progressing").await;
    let next = early["next"].as_str().unwrap();
    assert!(
        next.contains("when the progress deadline passes") && next.contains("the phase becomes Degraded"),
        "{next}"
    );
    for (name, _, causes) in faults() {
        let state = match name {
            "pause" => "paused",
            "fine" => "healthy",
            _ => "degraded",
        };
        let answer = world.until(name, &causes, state).await;
        assert_eq!(
            answer["serving"][0]["ready"].as_i64().unwrap().min(1),
            1,
            "{name}: users are served"
        );
        assert_eq!(answer["unread"], json!([]), "{name}");
    }
    let all = world.explain("-o line").await;
    assert_eq!(all.lines().count(), 6, "{all}");
    assert!(
        all.lines()
            .last()
            .unwrap()
            .contains("rollout/pause in default is Paused"),
        "{all}"
    );
    // Whatever is written once the controllers have ended, explain writes.
    world.stop.cancel();
    while let Some(ended) = world.controllers.join_next().await {
        ended.unwrap();
    }
    world.api.clear_requests();
    world.explain("pull").await;
    let requests = world.api.requests();
    assert!(!requests.is_empty());
    let writes: Vec<_> = requests.into_iter().filter(|it| it.is_write()).collect();
    assert!(writes.is_empty(), "{writes:?}");
}
