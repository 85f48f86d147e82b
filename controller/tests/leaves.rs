//! Leaves of pod templates that do not decode are left out, told, and counted (decision 7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use support::{World, create, rollout, rollouts};

const METRIC: &str = "serin_undecodable_leaves";

fn web(requests: &Value) -> Value {
    let container = json!({"name": "main", "image": "app:1", "resources": {"requests": requests}});
    rollout(
        "web",
        &json!({"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "strategy": {"canary": {}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}}),
    )
}

/// The lines of the metric.
async fn scraped(world: &World) -> Vec<String> {
    let text = world.scrape().await;
    let lines = text.lines().filter(|line| line.contains(METRIC));
    lines.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn leaves_that_do_not_decode_are_counted_until_they_are_mended() {
    let world = World::start(serin_core::decide, &[]).await;
    create(
        &world.client,
        &web(&json!({"cpu": "many", "gpu": "few", "memory": "64Mi"})),
    )
    .await;
    world.settle().await;
    assert_eq!(
        scraped(&world).await,
        [
            format!("# HELP {METRIC} Leaves of the pod template that do not decode and are left out."),
            format!("# TYPE {METRIC} gauge"),
            format!("{METRIC}{{name=\"web\",namespace=\"default\"}} 2"),
        ]
    );
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    let set = serde_json::to_value(&sets.list(&ListParams::default()).await.unwrap().items[0]).unwrap();
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["resources"]["requests"],
        json!({"memory": "64Mi"}),
        "siblings are kept"
    );
    assert!(world.events().await.contains(&"UndecodablePodTemplate".to_owned()));
    let stored = world.rollout("web").await;
    let spec = &stored["spec"]["template"]["spec"];
    assert_eq!(
        spec["containers"][0]["resources"]["requests"]["cpu"], "many",
        "never written back"
    );

    world.edit("web", &web(&json!({"cpu": "1", "gpu": null}))).await;
    world.settle().await;
    assert_eq!(scraped(&world).await, Vec::<String>::new());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_template_that_decodes_has_no_such_series() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web(&json!({"cpu": "1"}))).await;
    world.settle().await;
    assert_eq!(scraped(&world).await, Vec::<String>::new());
    world.stop().await;
}

/// The status of `web`, changed by somebody.
async fn edit_status(world: &World, status: &Value) {
    let patch = json!({"status": status});
    rollouts(&world.client)
        .patch_status("web", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_status_that_does_not_decode_is_rebuilt_or_holds_the_rollout() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web(&json!({}))).await;
    world.settle().await;
    edit_status(&world, &json!({"readyReplicas": "many", "message": {"a": "b"}})).await;
    let stored = world.rollout("web").await;
    assert_eq!(
        [&stored["status"]["readyReplicas"], &stored["status"]["message"]["a"]],
        [&Value::Null, &Value::Null]
    );
    let conditions = stored["status"]["conditions"].to_string();
    assert!(!conditions.contains("InvalidSpec"), "{conditions}");
    edit_status(&world, &json!({"pauseConditions": [{"reason": "CanaryPauseStep"}]})).await;
    let stored = world.rollout("web").await;
    let message = stored["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("StatusUnreadable: status.pauseConditions[0]: missing field"),
        "{message}"
    );
    assert_eq!(
        stored["status"]["pauseConditions"],
        json!([{"reason": "CanaryPauseStep"}]),
        "nobody but a person can mend it"
    );
    let counted = world.scrape().await;
    let counted = counted
        .lines()
        .find(|line| line.starts_with("serin_undecodable_objects_total{"));
    assert!(counted.is_some(), "it is counted");
    edit_status(&world, &json!({"pauseConditions": null})).await;
    let stored = world.rollout("web").await;
    assert!(!stored["status"].to_string().contains("StatusUnreadable"), "{stored}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn labels_that_are_no_strings_are_counted_and_told_and_others_go_on() {
    let world = World::start(serin_core::decide, &[]).await;
    let mut odd = web(&json!({}));
    odd["metadata"] = json!({"name": "odd", "namespace": "default", "labels": {"tier": 7}});
    world.api.store_as_is("argoproj.io", "rollouts", odd);
    create(&world.client, &web(&json!({}))).await;
    world.settle().await;
    assert_eq!(world.replica_sets().await.len(), 1, "of the other");
    assert!(world.events().await.contains(&"UndecodableMetadata".to_owned()));
    let counted = world.scrape().await;
    let counted = counted
        .lines()
        .any(|line| line.starts_with("serin_undecodable_objects_total{") && line.contains("odd"));
    assert!(counted);
    world.stop().await;
}
