//! What Argo CD's Application says.

use crate::world::{World, ago};
use serde_json::{Value, json};

fn app(change: Value) -> Value {
    let mut app = json!({"kind": "Application", "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"source": {"repoURL": "https://git.example/shop.git", "path": "overlays/prod", "helm": {"values": "s3cr3t"}}, "syncPolicy": {"automated": {"selfHeal": true}}},
        "status": {"sync": {"status": "Synced", "revision": "88d5e8c74f36aeeb239740dcab82f4c02b5d56b1"}, "reconciledAt": ago(20),
            "resources": [{"group": "argoproj.io", "kind": "Rollout", "namespace": "shop", "name": "web", "status": "Synced"}],
            "operationState": {"phase": "Succeeded", "message": "successfully synced", "finishedAt": ago(300), "syncResult": {"revision": "88d5e8c74f36aeeb239740dcab82f4c02b5d56b1"}}}});
    crate::world::merge(&mut app, &change);
    app
}

fn out_of_sync_resource() -> Value {
    json!({"status": {"sync": {"status": "OutOfSync"}, "resources": [{"group": "argoproj.io", "kind": "Rollout", "namespace": "shop", "name": "web", "status": "OutOfSync"}]}})
}

#[test]
fn out_of_sync() {
    let mut world = World::canary();
    world.add(app(out_of_sync_resource()));
    let plain = world.is(&["out-of-sync"]);
    assert!(
        plain.causes[0]
            .summary
            .contains("Rollout web differs from Git (88d5e8c7)"),
        "{}",
        plain.causes[0].summary
    );
    assert!(!format!("{plain:?}").contains("s3cr3t"));
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["image-pull", "out-of-sync"]);
    // Also of a Healthy one.
    World::canary()
        .healthy()
        .add(app(out_of_sync_resource()))
        .is(&["out-of-sync"]);
    // Synced; or another object of the Application differs; or a sync is under way.
    World::canary().add(app(json!({}))).is(&[]);
    let mut running = out_of_sync_resource();
    running["status"]["operationState"] = json!({"phase": "Running", "message": "one moment"});
    World::canary().add(app(running)).is(&[]);
    World::canary().add(app(json!({"status": {"resources": [{"kind": "ConfigMap", "namespace": "shop", "name": "x", "status": "OutOfSync"},
        {"kind": "Rollout", "namespace": "shop", "name": "web", "status": "Synced"}]}}))).is(&[]);
}

#[test]
fn sync_failed() {
    let failed = json!({"status": {"operationState": {"phase": "Failed", "message": "one or more objects failed to apply", "syncResult": {"resources": [
        {"kind": "Service", "name": "web", "status": "SyncFailed", "message": "admission webhook denied the request: no"}]}}}});
    let plain = World::canary().add(app(failed.clone())).is(&["sync-failed"]);
    assert!(
        plain.causes[0]
            .summary
            .contains("Service web: admission webhook denied the request: no"),
        "{}",
        plain.causes[0].summary
    );
    World::canary()
        .waiting("ErrImagePull", "")
        .add(app(failed))
        .is(&["image-pull", "sync-failed"]);
    World::canary()
        .add(app(
            json!({"status": {"conditions": [{"type": "ComparisonError", "message": "failed to generate manifest"}]}}),
        ))
        .is(&["sync-failed"]);
    // A warning is no error, and an operation that succeeded did not fail.
    World::canary()
        .add(app(
            json!({"status": {"conditions": [{"type": "OrphanedResourceWarning", "message": "2 orphans"}]}}),
        ))
        .is(&[]);
}

#[test]
fn wave_blocked() {
    let waits = |on: &str| json!({"status": {"operationState": {"phase": "Running", "message": format!("waiting for healthy state of {on}"), "startedAt": ago(60)}}});
    let mut world = World::canary();
    world.paused().add(app(waits("argoproj.io/Rollout/web")));
    let plain = world.is(&["wave-blocked"]);
    assert!(
        plain.causes[0]
            .summary
            .contains("waits for this Rollout, and later waves wait with it")
    );
    World::canary()
        .add(app(waits("apps/Deployment/db")))
        .is(&["wave-blocked"]);
    World::canary()
        .waiting("ErrImagePull", "")
        .add(app(waits("argoproj.io/Rollout/web")))
        .is(&["image-pull", "wave-blocked"]);
    // It is done.
    let mut done = waits("argoproj.io/Rollout/web");
    done["status"]["operationState"]["phase"] = "Succeeded".into();
    World::canary().add(app(done)).is(&[]);
}

#[test]
fn self_heal_loop() {
    let heals = |count: i64| json!({"status": {"operationState": {"operation": {"sync": {"autoHealAttemptsCount": count}, "initiatedBy": {"automated": true}}}}});
    let mut world = World::canary();
    world.add(app(heals(5)));
    world.is(&["self-heal-loop"]);
    let mut paused = World::canary();
    paused
        .paused()
        .rollout(json!({"spec": {"paused": true}, "status": {"message": "manually paused"}}))
        .add(app(heals(2)));
    let explained = paused.is(&["paused"]);
    let promote = explained.commands.iter().find(|it| it.run.contains("promote")).unwrap();
    assert_eq!(
        promote.gitops,
        "Self-heal will undo this in about 18 s, unless Git says the same."
    );
    world.waiting("ErrImagePull", "").is(&["image-pull", "self-heal-loop"]);
    World::canary().add(app(heals(1))).is(&[]);
}

#[test]
fn ignore_differences_freeze() {
    let frozen = |option: &str, path: &str| {
        let mut app = app(json!({"status": {"sync": {"status": "OutOfSync"}}}));
        app["spec"]["syncPolicy"]["syncOptions"] = json!([option]);
        app["spec"]["ignoreDifferences"] =
            json!([{"group": "networking.istio.io", "kind": "VirtualService", "jqPathExpressions": [path]}]);
        app["status"]["resources"].as_array_mut().unwrap().push(json!({"group": "networking.istio.io", "kind": "VirtualService", "namespace": "shop", "name": "web", "status": "OutOfSync"}));
        app
    };
    let respect = "RespectIgnoreDifferences=true";
    let plain = World::canary()
        .add(frozen(respect, ".spec.http[].route[].weight"))
        .is(&["ignore-differences-freeze", "out-of-sync"]);
    assert!(plain.causes[0].summary.contains("VirtualService web still differs"));
    World::canary()
        .waiting("ErrImagePull", "")
        .add(frozen(respect, ".spec.http[].route[].weight"))
        .is(&["image-pull", "ignore-differences-freeze", "out-of-sync"]);
    // Without the option, or with a rule that selects by name, nothing is frozen.
    World::canary()
        .add(frozen("ServerSideApply=true", ".spec.http[].route[].weight"))
        .is(&["out-of-sync"]);
    World::canary()
        .add(frozen(respect, ".spec.http[] | select(.name == \"a\") | .route"))
        .is(&["out-of-sync"]);
    // The route has an Application of its own, which does not have the Rollout.
    let mut mesh = World::canary();
    mesh.rollout(
        json!({"spec": {"strategy": {"canary": {"trafficRouting": {"istio": {"virtualService": {"name": "web"}}}}}}}),
    );
    let mut own = frozen(respect, ".spec.http[].route[].weight");
    own["status"]["resources"].as_array_mut().unwrap().remove(0);
    mesh.add(own).is(&["ignore-differences-freeze", "out-of-sync"]);
}
