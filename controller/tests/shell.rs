//! The shell against the in-memory API server, with scripted decisions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_controller::{Controller, Decide, Error, Options};
use serin_core::plan::{Action, After, Event, EventKind, NewReplicaSet, Plan, StatusWrite, Urgency};
use serin_core::{Observed, api::PodTemplate};
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct World {
    api: ApiServer,
    client: Client,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl World {
    async fn start(decide: Decide, rollouts: &[Value]) -> Self {
        let api = ApiServer::new();
        let client = api.client();
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "rollouts.argoproj.io"},
            "spec": {"group": "argoproj.io", "scope": "Namespaced",
                "names": {"kind": "Rollout", "listKind": "RolloutList", "plural": "rollouts", "singular": "rollout"},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
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
        for rollout in rollouts {
            create(&client, rollout).await;
        }
        let shutdown = CancellationToken::new();
        let controller = Controller::new(client.clone(), Options::default())
            .decide(decide)
            .without_servers();
        let running = tokio::spawn(controller.bind().await.unwrap().run(shutdown.clone()));
        Self {
            api,
            client,
            shutdown,
            running,
        }
    }

    /// In virtual time: everything that is to happen soon has happened.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    async fn events(&self) -> Vec<String> {
        let events: Api<CoreEvent> = Api::namespaced(self.client.clone(), "default");
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        events.into_iter().map(|event| event.reason.unwrap()).collect()
    }

    async fn replica_sets(&self) -> Vec<String> {
        let sets: Api<ReplicaSet> = Api::namespaced(self.client.clone(), "default");
        let sets = sets.list(&ListParams::default()).await.unwrap().items;
        sets.into_iter().map(|set| set.metadata.name.unwrap()).collect()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

async fn create(client: &Client, rollout: &Value) {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
    let rollouts: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    rollouts
        .create(
            &PostParams::default(),
            &serde_json::from_value(rollout.clone()).unwrap(),
        )
        .await
        .unwrap();
}

fn rollout(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}, "spec": spec})
}

fn new(name: String) -> Action {
    let labels = json!({"app": "a", "rollouts-pod-template-hash": "1"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    Action::CreateReplicaSet(Box::new(NewReplicaSet {
        name,
        labels: serde_json::from_value(labels.clone()).unwrap(),
        annotations: [].into(),
        selector: json!({"matchLabels": labels}),
        template: PodTemplate::new(&template),
        replicas: 1,
        min_ready_seconds: 0,
    }))
}

fn event(reason: &str, after: After) -> Event {
    Event {
        kind: EventKind::Normal,
        reason: reason.into(),
        message: "done".into(),
        after,
    }
}

/// Two ReplicaSets, then a phase; at rest once both are there.
fn two(seen: &Observed, _: Timestamp) -> Plan {
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
        .map(|index| event("Made", After::Action(index)))
        .collect();
    events.push(event("Settled", After::Status));
    let patch = json!({"status": {"phase": "Healthy"}});
    Plan {
        actions,
        events,
        status: Some(StatusWrite {
            patch,
            urgency: Urgency::Now,
        }),
        wake: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_carried_out_in_order_and_nothing_is_written_at_rest() {
    let world = World::start(two, &[rollout("a", &json!({}))]).await;
    world.settle().await;
    assert_eq!(world.replica_sets().await, ["a-1", "a-2"]);
    assert_eq!(world.events().await, ["Made", "Made", "Settled"]);
    world.api.clear_requests();
    tokio::time::sleep(Duration::from_secs(2000)).await;
    assert!(!world.api.requests().iter().any(serin_sandbox::RequestRecord::is_write));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_stops_the_rest_is_told_once_and_tried_again() {
    for (code, reason) in [
        (403, "Forbidden"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (504, "Timeout"),
    ] {
        let world = World::start(two, &[]).await;
        world.api.intercept(Box::new(move |request| {
            let second = request.resource == "replicasets"
                && request.verb == "create"
                && request.body["metadata"]["name"] == "a-2";
            second.then(|| FaultResponse::Refuse(ApiError::new(code, reason, "no")))
        }));
        create(&world.client, &rollout("a", &json!({}))).await;
        world.settle().await;
        assert_eq!(world.replica_sets().await, ["a-1"], "{reason}");
        assert_eq!(world.events().await, ["Made", "ReconciliationError"], "{reason}");
        world.api.clear_intercept();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(
            world.events().await,
            ["Made", "ReconciliationError", "Made", "Settled"],
            "{reason}"
        );
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_undecodable_rollout_does_not_stop_the_others() {
    let bad = rollout("bad", &json!({"replicas": "three"}));
    let world = World::start(two, &[bad, rollout("good", &json!({}))]).await;
    world.settle().await;
    assert_eq!(world.replica_sets().await, ["good-1", "good-2"]);
    world.stop().await;
}
