//! How long a decision takes where routers have large objects: `cargo bench -p serin-core --bench routes`.
//!
//! Aim: with 50 routes of 100 rules under 1 ms. The figures are in docs/performance.md.

#![allow(clippy::expect_used, clippy::panic, reason = "a benchmark")]

use divan::{Bencher, black_box};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::api::Rollout;
use serin_core::decide;
use serin_core::identity::Identity;
use serin_core::observed::{ReplicaSet, Routers, Service};
use serin_core::traffic::{Place, Route, Routes, Seen};

const STABLE: &str = "6d4f7c9b8d";
const CANARY_WEIGHT: i32 = 20;
/// Of one rollout.
const ROUTES: usize = 50;

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a time")
}

/// A canary of ten replicas that waits in a pause at 20 %.
fn rollout(routing: &Value) -> Rollout {
    let manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": "checkout", "namespace": "shop", "generation": 2, "uid": "6f0d9d3c-0000-4000-8000-000000000001",
            "annotations": { "rollout.argoproj.io/revision": "2" },
        },
        "spec": {
            "replicas": 10,
            "selector": { "matchLabels": { "app": "checkout" } },
            "template": {
                "metadata": { "labels": { "app": "checkout" } },
                "spec": { "containers": [{ "name": "checkout", "image": "shop/checkout:2" }] },
            },
            "strategy": { "canary": {
                "canaryService": "checkout-canary",
                "stableService": "checkout-stable",
                "trafficRouting": routing,
                "steps": [{ "setWeight": CANARY_WEIGHT }, { "pause": {} }],
            } },
        },
    });
    serde_json::from_value(manifest).expect("a rollout")
}

/// Both ReplicaSets have their pods, all Services lead to theirs, and the routes carry `weight`.
fn seen(routing: &Value, routes: Vec<Route>) -> Observed {
    let rollout = rollout(routing);
    let identity = Identity::of(&rollout);
    let canary = identity.pod_hash.clone();
    let replica_sets = vec![replica_set(1, STABLE, 10), replica_set(2, &canary, 2)];
    let services = [("checkout-canary", canary.as_str()), ("checkout-stable", STABLE)];
    let services = services.map(|(name, hash)| (name.to_owned(), Some(service(hash))));
    let mut seen = Observed {
        rollout,
        identity,
        replica_sets,
        services: services.into(),
        routers: Some(Routers {
            routes: Routes(routes),
            ..Routers::default()
        }),
        ..Observed::default()
    };
    let status = &mut seen.rollout.status;
    status.stable_rs = STABLE.to_owned();
    status.current_step_index = Some(1);
    status.current_pod_hash = canary;
    status.current_step_hash.clone_from(&seen.identity.step_hash);
    status.observed_generation = "2".to_owned();
    seen
}

fn service(hash: &str) -> Service {
    let selector = [("app", "checkout"), ("rollouts-pod-template-hash", hash)];
    Service {
        resource_version: "7".to_owned(),
        selector: selector.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        managed_by: Some("checkout".to_owned()),
        ..Service::default()
    }
}

fn replica_set(revision: i32, hash: &str, replicas: i32) -> ReplicaSet {
    let labels = [("app", "checkout"), ("rollouts-pod-template-hash", hash)];
    let annotations = [
        ("rollout.argoproj.io/revision", revision.to_string()),
        ("rollout.argoproj.io/desired-replicas", "10".to_owned()),
    ];
    ReplicaSet {
        name: format!("checkout-{hash}"),
        uid: format!("6f0d9d3c-0000-4000-8000-00000000010{revision}"),
        resource_version: format!("10{revision}"),
        generation: 3,
        observed_generation: 3,
        created: Timestamp::from_second(1_690_000_000 + i64::from(revision)).expect("a time"),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value)).into(),
        replicas,
        current_replicas: replicas,
        ready_replicas: replicas,
        available_replicas: replicas,
        ..ReplicaSet::default()
    }
}

fn route(api_version: &str, kind: &str, plural: &str, name: &str, spec: &Value) -> Route {
    let object = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "5",
            "annotations": { "rollouts.argoproj.io/gatewayapi-active-rollouts": "shop/checkout" },
            "labels": { "rollouts.argoproj.io/gatewayapi-canary": "in-progress" },
        },
        "spec": spec,
    });
    Route {
        place: Place {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        },
        seen: Seen::Found(object),
    }
}

/// HTTPRoutes of Gateway API, in which each rule leads to both Services.
fn http_routes(weight: i32, rules: usize) -> Observed {
    let names: Vec<String> = (0..ROUTES).map(|index| format!("route-{index}")).collect();
    let rule = |index: usize| {
        json!({
            "matches": [{ "path": { "type": "PathPrefix", "value": format!("/part-{index}") } }],
            "filters": [{ "type": "RequestHeaderModifier", "requestHeaderModifier": { "remove": ["x-debug"] } }],
            "backendRefs": [
                { "group": "", "kind": "Service", "name": "checkout-stable", "port": 80, "weight": 100 - weight },
                { "group": "", "kind": "Service", "name": "checkout-canary", "port": 80, "weight": weight },
            ],
        })
    };
    let spec = json!({
        "parentRefs": [{ "name": "gateway" }],
        "hostnames": ["shop.example"],
        "rules": (0..rules).map(rule).collect::<Vec<_>>(),
    });
    let (version, kind, plural) = ("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes");
    let routes = names
        .iter()
        .map(|name| route(version, kind, plural, name, &spec))
        .collect();
    let of = names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    seen(&json!({ "gatewayAPI": { "httpRoutes": of } }), routes)
}

/// VirtualServices of Istio, of which the rollout names each route.
fn virtual_services(weight: i32, rules: usize) -> Observed {
    let names: Vec<String> = (0..ROUTES).map(|index| format!("service-{index}")).collect();
    let rule = |index: usize| {
        json!({
            "name": format!("part-{index}"),
            "match": [{ "uri": { "prefix": format!("/part-{index}") } }],
            "retries": { "attempts": 3, "perTryTimeout": "2s" },
            "route": [
                { "destination": { "host": "checkout-stable", "port": { "number": 80 } }, "weight": 100 - weight },
                { "destination": { "host": "checkout-canary", "port": { "number": 80 } }, "weight": weight },
            ],
        })
    };
    let spec = json!({
        "hosts": ["shop.example"],
        "gateways": ["gateway"],
        "http": (0..rules).map(rule).collect::<Vec<_>>(),
    });
    let (version, kind, plural) = ("networking.istio.io/v1alpha3", "VirtualService", "virtualservices");
    let routes = names
        .iter()
        .map(|name| route(version, kind, plural, name, &spec))
        .collect();
    let parts = (0..rules).map(|index| format!("part-{index}")).collect::<Vec<_>>();
    let of = names
        .iter()
        .map(|name| json!({ "name": name, "routes": parts }))
        .collect::<Vec<_>>();
    seen(&json!({ "istio": { "virtualServices": of } }), routes)
}

/// Decides, and takes the statuses that the plans write as they are, until nothing is written any more.
fn rested(mut seen: Observed) -> Observed {
    for _ in 0..10 {
        let plan = decide(&seen, now());
        let Some(write) = plan.status else {
            assert!(plan.is_empty(), "at rest there is nothing to do: {plan:?}");
            return seen;
        };
        assert!(plan.actions.is_empty(), "nothing is to be changed: {:?}", plan.actions);
        let mut status = serde_json::to_value(&seen.rollout.status).expect("JSON");
        json_patch::merge(&mut status, &write.patch["status"]);
        seen.rollout.status = serde_json::from_value(status).expect("a status");
    }
    panic!("no rest after ten decisions");
}

fn at_rest(bencher: Bencher<'_, '_>, seen: Observed) {
    let seen = rested(seen);
    bencher.bench_local(|| decide(black_box(&seen), black_box(now())));
}

fn moving(bencher: Bencher<'_, '_>, seen: &Observed) {
    let plan = decide(seen, now());
    assert!(
        plan.actions.len() >= ROUTES,
        "each route is to be written: {}",
        plan.actions.len()
    );
    bencher.bench_local(|| decide(black_box(seen), black_box(now())));
}

/// The weights are as they are to be.
#[divan::bench(args = [1, 100])]
fn http_routes_at_rest(bencher: Bencher<'_, '_>, rules: usize) {
    at_rest(bencher, http_routes(CANARY_WEIGHT, rules));
}

/// All weights are to be changed.
#[divan::bench(args = [1, 100])]
fn http_routes_to_be_written(bencher: Bencher<'_, '_>, rules: usize) {
    moving(bencher, &http_routes(0, rules));
}

/// The weights are as they are to be.
#[divan::bench(args = [1, 100])]
fn virtual_services_at_rest(bencher: Bencher<'_, '_>, rules: usize) {
    at_rest(bencher, virtual_services(CANARY_WEIGHT, rules));
}

/// All weights are to be changed.
#[divan::bench(args = [1, 100])]
fn virtual_services_to_be_written(bencher: Bencher<'_, '_>, rules: usize) {
    moving(bencher, &virtual_services(0, rules));
}
