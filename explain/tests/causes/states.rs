//! What is no fault, what is unknown, what happens next, and how it reads.

use crate::world::{World, ago, now};
use serde_json::{Value, json};
use serin_explain::explanation::State;
use serin_explain::report::{Look, json as as_json, line, markdown, text};
use serin_explain::{Explanations, Sources, explain, explain_all};

#[test]
fn good_order_has_no_causes() {
    let mut healthy = World::canary();
    healthy.healthy();
    // Warnings of pods that are gone, and a failed run of last week.
    healthy.event(
        "Pod",
        "web-bbb-9",
        "BackOff",
        "Back-off restarting failed container",
        1000,
    );
    healthy.event("ReplicaSet", "web-bbb", "FailedCreate", "exceeded quota", 1000);
    let explained = healthy.is(&[]);
    assert_eq!(
        (explained.state, explained.verdict.as_str(), explained.next.as_str()),
        (
            State::Healthy,
            "Users are on revision 2, 100 %, 4/4 ready; all is as wanted.",
            "Nothing: all is as wanted."
        )
    );
    assert!(explained.commands.is_empty());
    assert_eq!(World::canary().is(&[]).state, State::Progressing);
    assert_eq!(World::canary().paused().is(&[]).state, State::Paused);
}

#[test]
fn what_no_detector_knows_is_shown() {
    let mut world = World::canary();
    world
        .rollout(json!({"status": {"phase": "Degraded", "message": "the moon is full"}}))
        .event("Rollout", "web", "Moon", "it is full", 9);
    let explained = world.is(&["unknown"]);
    let evidence = format!("{:?}", explained.causes[0].evidence);
    assert!(
        explained.causes[0].summary.contains("the moon is full") && evidence.contains("Moon: it is full"),
        "{evidence}"
    );
}

#[test]
fn an_odd_object_never_breaks_the_rest() {
    let mut world = World::canary();
    world.waiting("ErrImagePull", "manifest unknown");
    for odd in [
        json!({}),
        json!({"kind": "Pod"}),
        json!({"kind": "Pod", "metadata": 7, "status": []}),
        json!({"kind": "Event", "metadata": null, "involvedObject": "x"}),
        json!({"kind": "ReplicaSet", "metadata": {"ownerReferences": "x"}, "spec": 7}),
        json!({"kind": "Application", "status": {"resources": {"a": 1}}}),
        json!({"kind": "Lease", "spec": []}),
        json!({"kind": "AnalysisRun", "status": {"metricResults": 7}}),
        json!({"kind": "Rollout", "metadata": {"uid": 1}, "spec": "x", "status": 1}),
    ] {
        world.add(odd);
    }
    world.is(&["image-pull"]);
    // Also where the rollout itself is odd, field by field.
    let fields = [
        "/status/conditions",
        "/status/pauseConditions",
        "/spec/strategy",
        "/spec/strategy/canary/steps",
        "/spec/template",
        "/metadata/managedFields",
        "/status/canary",
        "/spec/selector",
        "/metadata/generation",
        "/status/observedGeneration",
    ];
    for field in fields {
        for odd in [json!(null), json!("x"), json!(7), json!([1]), json!({"x": {}})] {
            let mut rollout = json!({});
            let mut at = &mut rollout;
            let steps: Vec<&str> = field.split('/').skip(1).collect();
            for step in &steps[..steps.len() - 1] {
                at = &mut at[*step];
            }
            at[steps[steps.len() - 1]] = odd;
            let mut world = World::canary();
            world.waiting("ErrImagePull", "").rollout(rollout);
            let _ = world.explained();
        }
    }
}

#[test]
fn next_is_computed() {
    // A pause that ends by itself.
    let mut timed = World::canary();
    timed.paused().rollout(json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {"duration": "10m"}}, {"setWeight": 50}]}}}}));
    let next = timed.explained().next;
    assert!(
        next.contains("In 5m (2026-11-21T12:05:00Z), when the pause ends"),
        "{next}"
    );
    assert!(
        next.contains("step 3 of 3 begins") || next.contains("scaled up ReplicaSet web-bbb"),
        "{next}"
    );
    // The deadline.
    let mut late = World::canary();
    late.waiting("ErrImagePull", "");
    let next = late.explained().next;
    assert!(
        next.contains("when the progress deadline passes") && next.contains("the phase becomes Degraded"),
        "{next}"
    );
    // An abort stands.
    let mut aborted = World::canary();
    aborted.aborted("");
    assert!(!aborted.explained().next.is_empty());
    // What no controller serves is not computed.
    let mut foreign = World::canary();
    foreign.rollout(json!({"spec": {"strategy": {"canary": {"trafficRouting": {"plugins": {"a/b": {}}}}}}}));
    assert_eq!(
        foreign.explained().next,
        "This cannot be computed: explain does not follow spec.strategy.canary.trafficRouting.plugins[a/b] yet; the controller does."
    );
    // Nor is what was not read.
    let mut unread = World::canary();
    unread.unread("ReplicaSet", "list replicasets.apps");
    assert_eq!(
        unread.explained().next,
        "This cannot be computed: ReplicaSets were not read."
    );
}

/// A canary at its first step, whose pod is there, and a router that has no weight yet.
fn routed(routing: serde_json::Value) -> World {
    let mut world = World::canary();
    world.rollout(json!({"spec": {"strategy": {"canary": {
        "canaryService": "c", "stableService": "s", "trafficRouting": routing,
    }}}}));
    let pod = json!({"status": {"readyReplicas": 1, "availableReplicas": 1}});
    world.change("ReplicaSet", "web-bbb", pod);
    for (name, hash) in [("c", "bbb"), ("s", "aaa")] {
        let mut service = crate::world::service(name, json!({"app": "web", "rollouts-pod-template-hash": hash}));
        service["metadata"]["annotations"] = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": "web"});
        world.add(service);
    }
    world
}

/// An object of a router with some fields.
fn route(api_version: &str, kind: &str, name: &str, spec: serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

#[test]
fn next_follows_routers() {
    let smi = || routed(json!({"smi": {}}));
    let backends =
        |canary: i32, stable: i32| json!([{"service": "c", "weight": canary}, {"service": "s", "weight": stable}]);
    let mut split = route(
        "split.smi-spec.io/v1alpha2",
        "TrafficSplit",
        "web",
        json!({"service": "s", "backends": backends(0, 100)}),
    );
    split["metadata"]["ownerReferences"] = json!([{"kind": "Rollout", "name": "web", "uid": "r", "controller": true}]);
    let rise = "traffic weight updated to 25; ";
    let mut found = smi();
    found.add(split);
    let mut made = smi();
    made.listed("TrafficSplit");
    let mut virtual_service = routed(json!({"istio": {"virtualService": {"name": "mesh"}}}));
    let destinations =
        json!([{"destination": {"host": "s"}, "weight": 100}, {"destination": {"host": "c"}, "weight": 0}]);
    virtual_service.add(route(
        "networking.istio.io/v1",
        "VirtualService",
        "mesh",
        json!({"http": [{"name": "all", "route": destinations}]}),
    ));
    let rows = [
        (found, "trafficSplit `web` modified; "),
        (made, "trafficSplit `web` created; "),
        (virtual_service, "virtualService `mesh` set to desiredWeight '25'; "),
    ];
    for (world, first) in rows {
        let next = world.explained().next;
        for part in [first, rise, "step 2 of 2 begins"] {
            assert!(next.contains(part), "{part}: {next}");
        }
    }
    // Nobody looked for it.
    assert_eq!(
        routed(json!({"nginx": {"stableIngress": "web"}})).explained().next,
        "This cannot be computed: Ingresses were not read."
    );
}

#[test]
fn a_bundle_is_the_same_and_reads_the_same() {
    let mut world = World::canary();
    world.waiting("ErrImagePull", "manifest unknown").overdue();
    let sources = world.sources();
    let bundle = sources.to_json().unwrap();
    let read = Sources::from_json(&bundle).unwrap();
    assert_eq!(read, sources);
    assert_eq!(read.to_json().unwrap(), bundle, "redacting twice changes nothing");
    assert_eq!(explain(&read), explain(&sources));
    for (text, told) in [
        ("{}", "missing field"),
        ("x", "it is no bundle"),
        (
            "{\"version\":9,\"now\":\"2026-11-21T12:00:00Z\",\"objects\":[]}",
            "version 9",
        ),
    ] {
        let error = Sources::from_json(text).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn no_secret_comes_through() {
    const CANARY: &str = "CANARY-c7f1e0";
    let mut world = World::canary();
    world.waiting(
        "CreateContainerError",
        &format!("exec failed: {CANARY} at postgres://u:{CANARY}@db/x?password={CANARY}"),
    );
    world.change("Pod", "web-bbb-1", json!({"spec": {"containers": [{"name": "web", "image": "shop:2", "env": [{"name": "A", "value": CANARY}], "args": [CANARY], "command": ["x", CANARY],
        "readinessProbe": {"exec": {"command": ["check", CANARY]}, "httpGet": {"httpHeaders": [{"name": "K", "value": CANARY}], "path": format!("/?k={CANARY}")}}}]},
        "metadata": {"annotations": {"vault": CANARY, "kubectl.kubernetes.io/last-applied-configuration": CANARY}},
        "status": {"containerStatuses": [{"name": "web", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CreateContainerError", "message": format!("it said {CANARY}")}},
            "lastState": {"terminated": {"exitCode": 1, "message": CANARY}}}]}}));
    world.rollout(json!({"metadata": {"annotations": {"note": CANARY, "kubectl.kubernetes.io/last-applied-configuration": CANARY}},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop:2", "env": [{"name": "A", "value": CANARY}]}]}},
            "strategy": {"canary": {"steps": [{"plugin": {"name": "acme/x", "config": {"token": CANARY}}}, {"setHeaderRoute": {"name": "r", "match": [{"headerName": "k", "headerValue": {"exact": CANARY}}]}}]}}}}));
    world
        .event("Pod", "web-bbb-1", "Failed", &format!("Error: {CANARY}"), 5)
        .event(
            "Pod",
            "web-bbb-1",
            "Unhealthy",
            &format!("Readiness probe failed: {CANARY}"),
            5,
        );
    world.add(json!({"kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "data": {"k": CANARY}, "stringData": {"k": CANARY}}));
    world.add(json!({"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, "data": {"k": CANARY}}));
    world.add(json!({"kind": "ScaledObject", "metadata": {"name": "k", "namespace": "shop"}, "spec": {"triggers": [{"type": "rabbitmq", "metadata": {"host": format!("amqp://u:{CANARY}@mq"), "key": CANARY}}]}}));
    world.add(json!({"kind": "AnalysisRun", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"args": [{"name": "t", "value": CANARY}], "metrics": [{"name": "m", "provider": {"web": {
        "url": format!("https://x/?k={CANARY}"), "headers": [{"key": "Authorization", "value": format!("Bearer {CANARY}")}], "body": CANARY, "jsonBody": {"k": CANARY}}}}]},
        "status": {"phase": "Error", "message": format!("Metric \"m\" assessed Error: \"Error Message: Get \"https://x/?k={CANARY}\": refused\""),
            "metricResults": [{"name": "m", "phase": "Error", "error": 5, "consecutiveError": 5, "metadata": {"ResolvedQuery": format!("rate(x{{key=\"{CANARY}\"}})")},
                "measurements": [{"phase": "Error", "value": format!("[{CANARY}]"), "metadata": {"request": CANARY},
                    "message": format!("canary: Get \"https://x/?k={CANARY}\": redirects to y, another host; it said {CANARY}")}]}]}}));
    world.add(json!({"kind": "Application", "metadata": {"name": "shop", "namespace": "argocd"}, "spec": {"source": {"repoURL": format!("https://u:{CANARY}@git/x.git"), "helm": {"values": CANARY}, "kustomize": {"patches": [{"patch": CANARY}]}, "plugin": {"env": [{"name": "x", "value": CANARY}]}}},
        "status": {"resources": [{"kind": "Rollout", "namespace": "shop", "name": "web", "status": "OutOfSync"}], "history": [{"source": {"helm": {"values": CANARY}}}]}}));
    world.add(json!({"kind": "Ingress", "metadata": {"name": "i", "namespace": "shop", "annotations": {"nginx.ingress.kubernetes.io/configuration-snippet": CANARY}}}));
    world.overdue();
    let sources = world.sources();
    let one = explain(&sources);
    assert_eq!(one.causes[0].id, "cannot-start");
    let all = explain_all(&sources);
    let outputs = [
        sources.to_json().unwrap(),
        as_json(&all).unwrap(),
        markdown(&one),
        line(&one),
        text(&one, Look::default()),
        text(
            &one,
            Look {
                color: true,
                details: true,
            },
        ),
    ];
    for output in outputs {
        assert!(!output.contains(CANARY) && !output.contains("c7f1e0"), "{output}");
    }
}

#[test]
fn reports_read_well() {
    let mut world = World::canary();
    world
        .waiting("ImagePullBackOff", "Back-off pulling image \"shop:2\"")
        .overdue();
    let one = world.explained();
    assert_eq!(
        line(&one),
        "rollout/web in shop is Degraded: the pod of revision 2 cannot pull image shop:2; users are on revision 1, 100 %, 4/4 ready; revision 2 made no progress for 600 s."
    );
    let screen = text(&one, Look::default());
    assert!(
        screen.lines().count() <= 24 && screen.lines().all(|line| line.chars().count() <= 112),
        "{screen}"
    );
    assert!(
        !screen.contains('\x1b')
            && text(
                &one,
                Look {
                    color: true,
                    details: false
                }
            )
            .contains("\x1b[1;31mDegraded")
    );
    assert!(
        text(
            &one,
            Look {
                color: false,
                details: true
            }
        )
        .len()
            > screen.len()
    );
    // Markup and mentions of a message stay text.
    let mut odd = World::canary();
    odd.rollout(json!({"status": {"phase": "Degraded", "message": "<script>@all `x` | [a](b)\u{1b}[31m"}}));
    let told = markdown(&odd.explained());
    assert!(
        told.contains("\\<script\\>") && !told.contains("@all") && !told.contains('\x1b'),
        "{told}"
    );
    assert!(!text(&odd.explained(), Look::default()).contains('\x1b'));
}

#[test]
fn the_worst_stands_first() {
    let mut reading = serin_explain::Reading::new(now());
    for (name, phase, ready) in [
        ("a-paused", "Paused", 1),
        ("b-degraded", "Degraded", 1),
        ("c-outage", "Degraded", 0),
        ("d-progressing", "Progressing", 1),
    ] {
        reading.explain("Rollout", "shop", name);
        reading.add("", json!({"kind": "Rollout", "metadata": {"name": name, "namespace": "shop", "uid": name, "generation": 1}, "spec": {"replicas": 1, "strategy": {"canary": {}}},
            "status": {"observedGeneration": "1", "phase": phase, "stableRS": "x", "currentPodHash": "x"}}));
        reading.add("", json!({"kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop", "labels": {"rollouts-pod-template-hash": "x"}, "creationTimestamp": ago(9),
            "ownerReferences": [{"uid": name}]}, "spec": {"replicas": 1}, "status": {"readyReplicas": ready, "availableReplicas": ready}}));
    }
    let all: Explanations = explain_all(&reading.finish());
    let names: Vec<&str> = all.explanations.iter().map(|it| it.object.name.as_str()).collect();
    assert_eq!(names, ["c-outage", "b-degraded", "d-progressing", "a-paused"]);
}

#[test]
fn the_schema_says_what_is_printed() {
    let schema: Value = serde_json::from_str(include_str!("../../schema/explanations.json")).unwrap();
    let mut world = World::canary();
    world.waiting("ErrImagePull", "").overdue().unread("x", "list x");
    let printed = serde_json::to_value(explain_all(&world.sources())).unwrap();
    crate::schema::check(&schema, &schema, &printed, "$");
}
