//! Experiments in the shell: their ReplicaSets, Services and status, and the steps of rollouts that make them, on the
//! in-memory API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Event, Service};
use kube::Api;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use serin_controller::Options;
use serin_sandbox::FaultResponse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{World, web};

/// A controller that knows experiments.
async fn world() -> World {
    world_with(Options::default()).await
}

async fn world_with(options: Options) -> World {
    let world = World::start_in_virtual_time_with(serin_core::decide, options).await;
    for (kind, plural) in [("Experiment", "experiments"), ("AnalysisRun", "analysisruns")] {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.argoproj.io")},
            "spec": {"group": "argoproj.io", "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
        ));
        let definitions: Api<DynamicObject> = Api::all_with(world.client.clone(), &resource);
        let definition = serde_json::from_value(definition).unwrap();
        definitions.create(&PostParams::default(), &definition).await.unwrap();
    }
    // The watches find them after a while.
    tokio::time::sleep(Duration::from_secs(120)).await;
    world
}

fn experiments(world: &World) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Experiment"));
    Api::namespaced_with(world.client.clone(), "default", &resource)
}

fn services(world: &World) -> Api<Service> {
    Api::namespaced(world.client.clone(), "default")
}

async fn experiment(world: &World, name: &str) -> Value {
    serde_json::to_value(experiments(world).get(name).await.unwrap()).unwrap()
}

/// The ReplicaSet controller makes all pods that a ReplicaSet wants, and they are available.
async fn pods(world: &World, name: &str) -> i32 {
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    let set = sets.get(name).await.unwrap();
    let wanted = set.spec.replicas.unwrap();
    let status = json!({"status": {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted,
        "observedGeneration": set.metadata.generation}});
    sets.patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
    world.settle().await;
    wanted
}

/// Calls so far; watches that look for kinds that are not there come back all the time.
fn calls(world: &World) -> usize {
    let requests = world.api.requests();
    let calls = requests
        .iter()
        .filter(|one| !matches!(one.request.verb.as_str(), "list" | "watch"));
    calls.count()
}

/// Events about an object, as `Kind reason: message`.
async fn told(world: &World) -> Vec<String> {
    let events: Api<Event> = Api::namespaced(world.client.clone(), "default");
    let mut events = events.list(&ListParams::default()).await.unwrap().items;
    events.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    let text = |text: Option<String>| text.unwrap_or_default();
    let told = events.into_iter();
    told.map(|event| {
        format!(
            "{} {}: {}",
            text(event.involved_object.kind),
            text(event.reason),
            text(event.message)
        )
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn an_experiment_comes_runs_and_goes() {
    let world = world().await;
    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [
        {"name": "main", "image": "app:1", "ports": [{"name": "http", "containerPort": 80}]}]}});
    let whole = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "metadata": {"name": "exp"},
        "spec": {"duration": "30s", "scaleDownDelaySeconds": 5, "templates": [
            {"name": "a", "selector": {"matchLabels": {"app": "a"}}, "template": template, "service": {"name": "mine"}}]}});
    let whole = serde_json::from_value(whole).unwrap();
    let created = experiments(&world)
        .create(&PostParams::default(), &whole)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(experiment(&world, "exp").await["status"]["phase"], "Pending");
    let service = services(&world).get("mine").await.unwrap();
    let owner = &service.metadata.owner_references.unwrap()[0];
    assert_eq!(
        (owner.kind.as_str(), &owner.uid),
        ("Experiment", &created.metadata.uid.unwrap())
    );
    let port = serde_json::to_value(&service.spec.unwrap().ports.unwrap()[0]).unwrap();
    assert_eq!(
        port,
        json!({"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80})
    );

    assert_eq!(pods(&world, "exp-a").await, 1);
    let running = experiment(&world, "exp").await;
    assert_eq!(running["status"]["phase"], "Running");
    let template = &running["status"]["templateStatuses"][0];
    assert_eq!(
        (&template["status"], &template["serviceName"]),
        (&json!("Running"), &json!("mine"))
    );

    let before = calls(&world);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(calls(&world), before, "nothing is asked while it runs");
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(experiment(&world, "exp").await["status"]["phase"], "Successful");
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(pods(&world, "exp-a").await, 0);
    assert!(services(&world).get_opt("mine").await.unwrap().is_none());

    let told = told(&world).await;
    assert!(
        told.contains(
            &"Experiment ExperimentSuccessful: Experiment transitioned from Running -> Successful".to_owned()
        )
    );
    assert!(told.contains(&"Experiment ScalingReplicaSet: Scaled down ReplicaSet exp-a from 1 to 0".to_owned()));
    let metrics = world.scrape().await;
    for line in [
        r#"experiment_info{name="exp",namespace="default",phase="Successful"} 1"#,
        r#"experiment_phase{name="exp",namespace="default",phase="Running"} 0"#,
        r#"experiment_reconcile_bucket{name="exp",namespace="default",le="+Inf"}"#,
        r#"workqueue_depth{name="Experiments"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_makes_an_experiment_and_waits_for_its_end() {
    let world = world().await;
    let step = json!({"duration": "30s", "scaleDownDelaySeconds": 0, "templates": [
        {"name": "base", "specRef": "stable"}, {"name": "canary", "specRef": "canary"}]});
    support::create(
        &world.client,
        &web(1, &json!({"canary": {"steps": [{"experiment": step}]}})),
    )
    .await;
    world.settle().await;
    let stable = world.replica_sets().await.remove(0);
    pods(&world, &stable).await;
    assert_eq!(world.rollout("web").await["status"]["phase"], "Healthy");

    let image = json!([{"name": "main", "image": "app:2"}]);
    world
        .edit("web", &json!({"spec": {"template": {"spec": {"containers": image}}}}))
        .await;
    world.settle().await;
    let status = world.rollout("web").await["status"].clone();
    let name = status["canary"]["currentExperiment"]
        .as_str()
        .expect("an experiment")
        .to_owned();
    let of = experiment(&world, &name).await;
    let images = ["app:1", "app:2"];
    for (template, image) in of["spec"]["templates"].as_array().unwrap().iter().zip(images) {
        assert_eq!(template["template"]["spec"]["containers"][0]["image"], image);
    }
    for template in ["base", "canary"] {
        pods(&world, &format!("{name}-{template}")).await;
    }
    assert_eq!(experiment(&world, &name).await["status"]["phase"], "Running");
    assert_eq!(world.rollout("web").await["status"]["currentStepIndex"], 0);

    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(experiment(&world, &name).await["status"]["phase"], "Successful");
    let status = world.rollout("web").await["status"].clone();
    assert_eq!(status["currentStepIndex"], 1, "{status:#}");
    let told = told(&world).await;
    assert!(told.contains(&format!("Rollout ExperimentCreated: Created Experiment '{name}'")));
    assert!(told.contains(&"Rollout RolloutStepCompleted: Rollout step 1/1 completed (experiment)".to_owned()));
    world.stop().await;
}

/// `--experiment-threads`: nothing is written, so that who writes holds its thread.
#[tokio::test(start_paused = true)]
async fn as_many_experiments_are_reconciled_at_once_as_there_are_threads() {
    for threads in [1, 3] {
        let world = world_with(Options {
            experiment_threads: threads,
            ..Options::default()
        })
        .await;
        let held = Arc::<AtomicUsize>::default();
        let holds = Arc::clone(&held);
        world.api.intercept(Box::new(move |request| {
            let is_write = matches!(request.verb.as_str(), "create" | "patch" | "update");
            (is_write && request.resource == "replicasets").then(|| {
                holds.fetch_add(1, Ordering::SeqCst);
                FaultResponse::Hang
            })
        }));
        for name in 0..6 {
            let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}});
            let whole = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "metadata": {"name": format!("exp-{name}")},
                "spec": {"templates": [{"name": "a", "selector": {"matchLabels": {"app": "a"}}, "template": template}]}});
            let whole = serde_json::from_value(whole).unwrap();
            experiments(&world)
                .create(&PostParams::default(), &whole)
                .await
                .unwrap();
        }
        world.settle().await;
        assert_eq!(held.load(Ordering::SeqCst), threads);
        world.api.clear_intercept();
        world.stop().await;
    }
}
