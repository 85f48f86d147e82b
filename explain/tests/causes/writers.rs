//! Two writers of one route, and routes that are frozen.

use crate::routers::{nginx, routed};
use crate::world::{World, ago};
use serde_json::{Value, json};

/// Kind, group, the routing that names it, and where the weights are in managedFields.
fn kinds() -> Vec<(&'static str, &'static str, Value, Value)> {
    let spec = |field: &str| json!({"f:spec": {field: {}}});
    let node = |name: &str| json!({"name": name});
    let mesh = || {
        json!({"appMesh": {"virtualService": {"name": "svc"}, "virtualNodeGroup": {
            "canaryVirtualNodeRef": node("route"), "stableVirtualNodeRef": node("stable")}}})
    };
    let istio = || json!({"istio": {"virtualService": {"name": "route"}, "destinationRule": {"name": "route", "canarySubsetName": "c", "stableSubsetName": "s"}}});
    let gateway = |kind: &str| json!({"gatewayAPI": {kind: "route"}});
    let annotation = |key: &str| json!({"f:metadata": {"f:annotations": {key: {}}}});
    vec![
        ("VirtualService", "networking.istio.io/v1", istio(), spec("f:http")),
        ("VirtualService", "networking.istio.io/v1", istio(), spec("f:tls")),
        ("VirtualService", "networking.istio.io/v1", istio(), spec("f:tcp")),
        ("DestinationRule", "networking.istio.io/v1", istio(), spec("f:subsets")),
        (
            "Ingress",
            "networking.k8s.io/v1",
            json!({"nginx": {"stableIngress": "main"}}),
            annotation("f:nginx.ingress.kubernetes.io/canary-weight"),
        ),
        (
            "Ingress",
            "networking.k8s.io/v1",
            json!({"alb": {"ingress": "route"}}),
            annotation("f:alb.ingress.kubernetes.io/actions.web-stable"),
        ),
        (
            "HTTPRoute",
            "gateway.networking.k8s.io/v1",
            gateway("httpRoute"),
            spec("f:rules"),
        ),
        (
            "GRPCRoute",
            "gateway.networking.k8s.io/v1",
            gateway("grpcRoute"),
            spec("f:rules"),
        ),
        (
            "TCPRoute",
            "gateway.networking.k8s.io/v1alpha2",
            gateway("tcpRoute"),
            spec("f:rules"),
        ),
        (
            "TLSRoute",
            "gateway.networking.k8s.io/v1alpha3",
            gateway("tlsRoute"),
            spec("f:rules"),
        ),
        (
            "TrafficSplit",
            "split.smi-spec.io/v1alpha1",
            json!({"smi": {"trafficSplitName": "route"}}),
            spec("f:backends"),
        ),
        (
            "Mapping",
            "getambassador.io/v2",
            json!({"ambassador": {"mappings": ["main"]}}),
            spec("f:weight"),
        ),
        (
            "TraefikService",
            "traefik.io/v1alpha1",
            json!({"traefik": {"weightedTraefikServiceName": "route"}}),
            json!({"f:spec": {"f:weighted": {"f:services": {}}}}),
        ),
        (
            "ApisixRoute",
            "apisix.apache.org/v2",
            json!({"apisix": {"route": {"name": "route"}}}),
            spec("f:http"),
        ),
        ("VirtualRouter", "appmesh.k8s.aws/v1beta2", mesh(), spec("f:routes")),
        (
            "VirtualNode",
            "appmesh.k8s.aws/v1beta2",
            mesh(),
            json!({"f:spec": {"f:podSelector": {"f:matchLabels": {"f:rollouts-pod-template-hash": {}}}}}),
        ),
    ]
}

/// What the route is called in the world of a routing.
fn name(routing: &Value) -> &'static str {
    match (routing["nginx"].is_object(), routing["ambassador"].is_object()) {
        (true, _) => "web-main-canary",
        (_, true) => "main-canary",
        _ => "route",
    }
}

fn route(kind: &str, version: &str, name: &str, managers: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop", "managedFields": managers}})
}

fn with_mesh(world: &mut World) -> &mut World {
    world.add(json!({"apiVersion": "appmesh.k8s.aws/v1beta2", "kind": "VirtualService", "metadata": {"name": "svc", "namespace": "shop"},
        "spec": {"provider": {"virtualRouter": {"virtualRouterRef": {"name": "route"}}}}}))
}

fn manager(name: &str, seconds: i64, fields: Value) -> Value {
    json!({"manager": name, "operation": "Update", "time": ago(seconds), "fieldsV1": fields})
}

#[test]
fn two_writers_of_the_weights_of_every_kind_of_route() {
    for (kind, version, routing, path) in kinds() {
        let named = name(&routing);
        let world = |other: &str, seconds: i64, name: &str| {
            let managers = json!([
                manager(other, seconds, path.clone()),
                manager("rollouts-controller", 40, json!({"f:metadata": {"f:labels": {}}}))
            ]);
            let mut world = routed(routing.clone());
            with_mesh(&mut world).add(route(kind, version, name, managers));
            world
        };
        // Argo CD, or another controller.
        for other in ["argocd-controller", "flagger"] {
            let told = world(other, 10, named).is(&["field-fight"]);
            let summary = &told.causes[0].summary;
            let both = format!("rollouts-controller and {other} both write ");
            assert!(
                summary.starts_with(&both) && summary.contains(&format!(" of {kind} {named} ")),
                "{summary}"
            );
            assert_eq!(
                told.commands[0].run,
                format!(
                    "kubectl -n shop get {}/{named} -o yaml --show-managed-fields",
                    kind.to_lowercase()
                )
            );
        }
        // It wrote before, and the controller after it: as it should be.
        world("argocd-controller", 90, named).is(&[]);
        // A route of somebody else.
        world("argocd-controller", 10, "another").is(&[]);
        world("argocd-controller", 90_000, named).is(&[]);
    }
}

#[test]
fn the_same_write_again_and_again_is_undone_by_somebody() {
    for (routing, kind, version, reason, message) in [
        (
            json!({"istio": {"virtualService": {"name": "route"}}}),
            "VirtualService",
            "networking.istio.io/v1",
            "Updated VirtualService",
            "VirtualService `route` set to desiredWeight '25'",
        ),
        (
            nginx(),
            "Ingress",
            "networking.k8s.io/v1",
            "PatchingCanaryIngress",
            "Updating Ingress `web-main-canary` to desiredWeight '25'",
        ),
        (
            json!({"alb": {"ingress": "route"}}),
            "Ingress",
            "networking.k8s.io/v1",
            "PatchingALBIngress",
            "Updating Ingress `route` to desiredWeight '25'",
        ),
        (
            json!({"smi": {"trafficSplitName": "route"}}),
            "TrafficSplit",
            "split.smi-spec.io/v1alpha1",
            "TrafficSplitModified",
            "TrafficSplit `route` modified",
        ),
        (
            json!({"ambassador": {"mappings": ["main"]}}),
            "Mapping",
            "getambassador.io/v2",
            "CanaryMappingWeightUpdate",
            "Set canary mapping weight to 25",
        ),
    ] {
        let named = name(&routing);
        let mut world = routed(routing);
        world.add(route(
            kind,
            version,
            named,
            json!([manager(
                "argocd-controller",
                400,
                json!({"f:metadata": {"f:labels": {}}})
            )]),
        ));
        world.event(
            "Rollout",
            "web",
            "TrafficWeightUpdated",
            "Traffic weight updated from 0 to 25",
            300,
        );
        for age in [300, 200] {
            world.event("Rollout", "web", reason, message, age);
        }
        // Twice may be chance.
        world.is(&[]);
        world.event("Rollout", "web", reason, message, 100);
        let told = world.is(&["field-fight"]);
        let summary = &told.causes[0].summary;
        assert!(
            summary.starts_with("The controller writes the same weights again and again"),
            "{summary}"
        );
        if kind != "Mapping" {
            assert!(
                summary.ends_with("argocd-controller seems to write them back."),
                "{summary}"
            );
        }
        // A new weight was set since.
        world.event(
            "Rollout",
            "web",
            "TrafficWeightUpdated",
            "Traffic weight updated from 25 to 50",
            90,
        );
        world.is(&[]);
    }
}

fn app(name: &str, change: Value) -> Value {
    let mut app = json!({"kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"syncPolicy": {"automated": {"selfHeal": true}}},
        "status": {"sync": {"status": "OutOfSync", "revision": "88d5e8c7"}, "operationState": {"phase": "Succeeded", "finishedAt": ago(300), "syncResult": {"revision": "88d5e8c7"}}}});
    crate::world::merge(&mut app, &change);
    app
}

#[test]
fn self_heal_that_writes_weights_back_names_the_route() {
    for (kind, version, routing, _) in kinds() {
        let named = name(&routing);
        let group = version.split_once('/').unwrap().0;
        let entry =
            |status: &str| json!({"group": group, "kind": kind, "namespace": "shop", "name": named, "status": status});
        let attempts = json!({"sync": {"autoHealAttemptsCount": 4}});
        let own =
            json!({"group": "argoproj.io", "kind": "Rollout", "namespace": "shop", "name": "web", "status": "Synced"});
        let mut world = routed(routing.clone());
        with_mesh(&mut world).add(route(kind, version, named, json!([])));
        // Argo CD has just healed it: the sync says what it configured.
        let mut synced = entry("Synced");
        synced["message"] = format!("{}/{named} configured", kind.to_lowercase()).into();
        let mut healed = world.clone();
        healed.add(app("shop", json!({"status": {"resources": [own], "operationState": {"operation": attempts, "syncResult": {"resources": [synced]}}}})));
        let told = healed.is(&["self-heal-loop"]);
        let words =
            format!("{kind} {named} is among what it writes, and the controller writes the weights of that too.");
        assert!(told.causes[0].summary.ends_with(&words), "{:?}", told.causes);
        // The Application of the Rollout rests, that of the mesh does not. A route that the spec does not name itself has none.
        if named == "route" && kind != "VirtualRouter" {
            let mut mesh = world;
            mesh.add(app(
                "shop",
                json!({"status": {"sync": {"status": "Synced"}, "resources": [own]}}),
            ));
            mesh.add(app(
                "mesh",
                json!({"status": {"resources": [entry("OutOfSync")], "operationState": {"operation": attempts}}}),
            ));
            let told = mesh.explained();
            let cause = told.causes.iter().find(|cause| cause.id == "self-heal-loop").unwrap();
            assert!(
                cause.summary.contains("Application mesh") && cause.summary.ends_with(&words),
                "{}",
                cause.summary
            );
        }
    }
}

#[test]
fn routes_whose_weights_are_in_arrays_freeze() {
    let rule = |group: &str, kind: &str, path: &str| json!({"group": group, "kind": kind, "jqPathExpressions": [path]});
    let frozen = |rule: Value, group: &str, kind: &str| {
        let own =
            json!({"group": "argoproj.io", "kind": "Rollout", "namespace": "shop", "name": "web", "status": "Synced"});
        let entry = json!({"group": group, "kind": kind, "namespace": "shop", "name": "route", "status": "OutOfSync"});
        let mut world = routed(nginx());
        world.add(app("shop", json!({"spec": {"ignoreDifferences": [rule], "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]}}, "status": {"resources": [own, entry]}})));
        world
            .explained()
            .causes
            .iter()
            .any(|cause| cause.id == "ignore-differences-freeze")
    };
    for (group, kind, path) in [
        ("networking.istio.io", "VirtualService", ".spec.http[].route[].weight"),
        (
            "gateway.networking.k8s.io",
            "HTTPRoute",
            ".spec.rules[].backendRefs[].weight",
        ),
        (
            "gateway.networking.k8s.io",
            "GRPCRoute",
            ".spec.rules[0].backendRefs[].weight",
        ),
        (
            "gateway.networking.k8s.io",
            "TCPRoute",
            ".spec.rules[].backendRefs[].weight",
        ),
        (
            "gateway.networking.k8s.io",
            "TLSRoute",
            ".spec.rules[].backendRefs[].weight",
        ),
        ("split.smi-spec.io", "TrafficSplit", ".spec.backends[].weight"),
        ("traefik.io", "TraefikService", ".spec.weighted.services[].weight"),
        ("apisix.apache.org", "ApisixRoute", ".spec.http[].backends[].weight"),
        (
            "appmesh.k8s.aws",
            "VirtualRouter",
            ".spec.routes[].httpRoute.action.weightedTargets[].weight",
        ),
    ] {
        assert!(frozen(rule(group, kind, path), group, kind), "{kind}");
        assert!(frozen(rule("*", "*", path), group, kind), "{kind} by a rule for all");
        let mut other = rule(group, kind, path);
        other["name"] = "another".into();
        assert!(!frozen(other, group, kind), "{kind} by a rule for another");
    }
    // No array: a weight by itself, an annotation. A kind of Kubernetes is merged by the keys of its lists.
    for (group, kind, path) in [
        ("getambassador.io", "Mapping", ".spec.weight"),
        (
            "networking.k8s.io",
            "Ingress",
            ".metadata.annotations[\"alb.ingress.kubernetes.io/actions.web\"]",
        ),
        ("networking.k8s.io", "Ingress", ".spec.rules[].http"),
        (
            "appmesh.k8s.aws",
            "VirtualNode",
            ".spec.podSelector.matchLabels[\"rollouts-pod-template-hash\"]",
        ),
    ] {
        assert!(!frozen(rule(group, kind, path), group, kind), "{kind} {path}");
    }
}
