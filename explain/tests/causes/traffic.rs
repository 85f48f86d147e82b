//! Routers and load balancers, and what users get.

use crate::world::{World, ago, service};
use serde_json::{Value, json};
use serin_explain::explanation::Role;

fn routed(routing: Value) -> World {
    let mut world = World::canary();
    world.rollout(json!({"spec": {"strategy": {"canary": {"canaryService": "web-canary", "stableService": "web-stable", "trafficRouting": routing}}}}));
    world.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 1, "availableReplicas": 1}}),
    );
    world
}

#[test]
fn route_missing() {
    let istio = || routed(json!({"istio": {"virtualService": {"name": "web"}}}));
    let told = "The Rollout \"web\" is invalid: spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: \"web\": virtualservices.networking.istio.io \"web\" not found";
    let mut world = istio();
    world.rollout(json!({"status": {"phase": "Degraded", "message": format!("InvalidSpec: {told}"), "conditions": [{"type": "InvalidSpec", "status": "True", "message": told, "lastUpdateTime": ago(5)}]}}));
    world.is(&["route-missing", "invalid-spec"]);
    let mut event = istio();
    event.event(
        "Rollout",
        "web",
        "TrafficRoutingError",
        "HTTP Route 'primary' is not found in the defined Virtual Service.",
        20,
    );
    event.is(&["route-missing"]);
    let mut not_found = istio();
    not_found
        .event(
            "Rollout",
            "web",
            "VirtualServiceNotFound",
            "VirtualService `web` not found",
            20,
        )
        .waiting("ErrImagePull", "");
    not_found.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    );
    not_found.is(&["route-missing", "image-pull"]);
    // It was created since: a weight was set.
    let mut mended = istio();
    mended
        .event(
            "Rollout",
            "web",
            "VirtualServiceNotFound",
            "VirtualService `web` not found",
            90,
        )
        .event("Rollout", "web", "TrafficWeightUpdated", "Traffic weight updated", 10);
    mended.is(&[]);
}

#[test]
fn router_refused() {
    let mut world = routed(json!({"nginx": {"stableIngress": "web"}}));
    world.event(
        "Rollout",
        "web",
        "TrafficRoutingError",
        "failed to set weight via plugin: connection is shut down",
        20,
    );
    world.is(&["router-refused"]);
    let mut forbidden = routed(json!({"nginx": {"stableIngress": "web"}}));
    forbidden.event("Rollout", "web", "TrafficRoutingError", "ingresses.networking.k8s.io \"web\" is forbidden: User \"u\" cannot patch resource \"ingresses\" in API group \"networking.k8s.io\"", 20);
    forbidden.is(&["forbidden"]);
    let mut both = world.clone();
    both.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    )
    .waiting("ErrImagePull", "");
    both.is(&["image-pull", "router-refused"]);
    world.event("Rollout", "web", "TrafficWeightUpdated", "Traffic weight updated", 3);
    world.is(&[]);
    // What Serin says of it stands for as long as it is so, whatever events there were.
    for (message, cause) in [
        (
            "Ingress shop/web: annotation `x` of ingress `web` is not an object of lists",
            "router-refused",
        ),
        (
            "Ingress shop/web: ingress does not have service `web-stable` in rules",
            "route-missing",
        ),
        (
            "Ingress shop/web: ingresses.networking.k8s.io \"web\" is forbidden: User \"u\" cannot get resource \"ingresses\" in API group \"networking.k8s.io\"",
            "forbidden",
        ),
    ] {
        let mut world = world.clone();
        let condition = json!({"type": "TrafficNotRouted", "status": "True", "reason": "TrafficRoutingError", "message": message, "lastUpdateTime": ago(5)});
        world.rollout(json!({"status": {"conditions": [condition]}}));
        world.is(&[cause]);
    }
}

#[test]
fn weight_not_verified() {
    let weights = json!({"status": {"canary": {"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}, "verified": false}}}});
    let mut world = routed(json!({"alb": {"ingress": "web"}}));
    world.rollout(weights).event(
        "Rollout",
        "web",
        "TrafficWeightUpdated",
        "Traffic weight updated from 0 to 25",
        300,
    );
    let plain = world.is(&["weight-not-verified"]);
    assert_eq!(
        plain.serving.iter().map(|it| it.weight).collect::<Vec<_>>(),
        [Some(75), Some(25)]
    );
    world
        .clone()
        .event(
            "Rollout",
            "web",
            "TargetGroupUnverified",
            "Service web-canary (TargetGroup x) not verified: 0/1 endpoints registered",
            8,
        )
        .is(&["target-unhealthy", "weight-not-verified"]);
    // It was sent a moment ago.
    world.event(
        "Rollout",
        "web",
        "TrafficWeightUpdated",
        "Traffic weight updated from 0 to 25",
        10,
    );
    world.is(&[]);
    world
        .rollout(json!({"status": {"canary": {"weights": {"verified": true}}}}))
        .is(&[]);
}

#[test]
fn target_unhealthy() {
    let gate = "target-health.elbv2.k8s.aws/k8s-shop-web";
    let pod = |status: &str, age: i64| {
        json!({"kind": "Pod", "metadata": {"name": "web-bbb-1", "namespace": "shop", "uid": "p", "creationTimestamp": ago(age),
        "ownerReferences": [{"kind": "ReplicaSet", "uid": "set-bbb"}]}, "spec": {"readinessGates": [{"conditionType": gate}], "containers": [{"name": "web"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}, {"type": gate, "status": status, "reason": "Target.FailedHealthChecks", "message": "Health checks failed"}],
            "containerStatuses": [{"name": "web", "ready": true, "state": {"running": {"startedAt": ago(age)}}}]}})
    };
    let mut world = routed(json!({"alb": {"ingress": "web"}}));
    world.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    );
    world.clone().add(pod("False", 400)).is(&["target-unhealthy"]);
    world
        .clone()
        .add(pod("False", 400))
        .overdue()
        .is(&["target-unhealthy", "deadline"]);
    // Registering takes a moment.
    world.clone().add(pod("False", 20)).is(&[]);
    let mut well = routed(json!({"alb": {"ingress": "web"}}));
    well.add(pod("True", 400)).is(&[]);
}

#[test]
fn weights_are_those_of_the_router() {
    let cases = [
        (
            json!({"istio": {"virtualService": {"name": "web"}}}),
            json!({"kind": "VirtualService", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"http": [{"route": [{"destination": {"host": "web-stable.shop.svc.cluster.local"}, "weight": 70}, {"destination": {"host": "web-canary"}, "weight": 30}]}]}}),
        ),
        (
            json!({"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "web"}}}),
            json!({"kind": "HTTPRoute", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"rules": [{"backendRefs": [{"name": "web-canary", "weight": 3}, {"name": "web-stable", "weight": 7}]}]}}),
        ),
        (
            json!({"nginx": {"stableIngress": "main"}}),
            json!({"kind": "Ingress", "metadata": {"name": "web-main-canary", "namespace": "shop", "annotations": {
            "nginx.ingress.kubernetes.io/canary": "true", "nginx.ingress.kubernetes.io/canary-weight": "30"}}}),
        ),
        (
            json!({"alb": {"ingress": "main"}}),
            json!({"kind": "Ingress", "metadata": {"name": "main", "namespace": "shop", "annotations": {
            "alb.ingress.kubernetes.io/actions.web-stable": "{\"Type\":\"forward\",\"ForwardConfig\":{\"TargetGroups\":[{\"ServiceName\":\"web-canary\",\"ServicePort\":\"80\",\"Weight\":30},{\"ServiceName\":\"web-stable\",\"ServicePort\":\"80\",\"Weight\":70}]}}"}}}),
        ),
        (
            json!({"smi": {}}),
            json!({"kind": "TrafficSplit", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"backends": [{"service": "web-canary", "weight": "30"}, {"service": "web-stable", "weight": "70"}]}}),
        ),
        (
            json!({"traefik": {"weightedTraefikServiceName": "web"}}),
            json!({"kind": "TraefikService", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"weighted": {"services": [{"name": "web-stable", "weight": 70}, {"name": "web-canary", "weight": 30}]}}}),
        ),
    ];
    for (routing, route) in cases {
        let mut world = routed(routing);
        // The status names what was sent last; the route is what users get.
        world.rollout(json!({"status": {"canary": {"weights": {"canary": {"weight": 50}, "stable": {"weight": 50}}}}}));
        let serving = world.clone().add(route).explained().serving;
        assert_eq!(
            serving.iter().map(|it| (it.role, it.weight)).collect::<Vec<_>>(),
            [(Role::Stable, Some(70)), (Role::Canary, Some(30))]
        );
        let sent = world.explained().serving;
        assert_eq!(
            sent.iter().map(|it| it.weight).collect::<Vec<_>>(),
            [Some(50), Some(50)]
        );
    }
}

#[test]
fn without_a_router_ready_pods_count() {
    let mut world = World::canary();
    world.paused();
    let weights = |world: &World| world.explained().serving.iter().map(|it| it.weight).collect::<Vec<_>>();
    assert_eq!(weights(&world), [Some(75), Some(25)]);
    // Users who use the stable Service get stable.
    let mut named = world.clone();
    named.rollout(json!({"spec": {"strategy": {"canary": {"stableService": "web-stable"}}}}));
    named.add(service(
        "web-stable",
        json!({"app": "web", "rollouts-pod-template-hash": "aaa"}),
    ));
    assert_eq!(weights(&named), [Some(100), Some(0)]);
    // A Service for all revisions beside it is what users use.
    named.add(service("web", json!({"app": "web"})));
    assert_eq!(weights(&named), [Some(75), Some(25)]);
    // Nothing is ready: nobody is served.
    let mut nobody = World::canary();
    nobody.change(
        "ReplicaSet",
        "web-aaa",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    );
    let explained = nobody.explained();
    assert_eq!(weights(&nobody), [Some(0), Some(0)]);
    assert!(
        explained
            .verdict
            .starts_with("Nobody is served: 0/4 pods of revision 1 are ready"),
        "{}",
        explained.verdict
    );
}

#[test]
fn blue_green_serves_by_its_services() {
    let world = World::blue_green();
    let serving = world.explained().serving;
    assert_eq!(
        serving
            .iter()
            .map(|it| (it.role, it.hash.as_str(), it.weight))
            .collect::<Vec<_>>(),
        [(Role::Active, "aaa", Some(100)), (Role::Preview, "bbb", Some(0))]
    );
    // The Service was replaced, and selects the pods of all revisions.
    let mut replaced = world;
    replaced.change(
        "Service",
        "web",
        json!({"spec": {"selector": {"rollouts-pod-template-hash": null}}}),
    );
    replaced.change("ReplicaSet", "web-bbb", json!({"status": {"readyReplicas": 4}}));
    let serving = replaced.explained().serving;
    assert_eq!(
        serving.iter().map(|it| (it.role, it.weight)).collect::<Vec<_>>(),
        [(Role::Preview, Some(50)), (Role::Active, Some(50))]
    );
}
