//! AWS App Mesh (contract 07 §6, §11).

use super::{Case, weight};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Reported, Wanted};

const HASH: &str = "rollouts-pod-template-hash";

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let mut object = json!({"apiVersion": "appmesh.k8s.aws/v1beta2", "kind": kind, "metadata": {"name": name}});
    object["spec"] = spec;
    object
}

fn service() -> Value {
    let to = json!({"virtualRouterRef": {"name": "main"}});
    object(
        "VirtualService",
        "web",
        json!({"awsName": "web.shop", "provider": {"virtualRouter": to}}),
    )
}

fn node(name: &str) -> Value {
    let spec = json!({"listeners": [{"port": 80}], "podSelector": {"matchLabels": {"app": "web"}}});
    object("VirtualNode", name, spec)
}

fn target(name: &str, weight: i64) -> Value {
    json!({"virtualNodeRef": {"name": name}, "weight": weight, "port": 80})
}

fn route(name: &str, kind: &str, targets: &Value) -> Value {
    json!({"name": name, kind: {"action": {"weightedTargets": targets}, "match": {"prefix": "/"}}})
}

fn router(routes: Value) -> Value {
    object("VirtualRouter", "main", json!({"listeners": [], "routes": routes}))
}

fn spec(routes: &[&str]) -> Value {
    json!({"appMesh": {
        "virtualService": {"name": "web", "routes": routes},
        "virtualNodeGroup": {"canaryVirtualNodeRef": {"name": "canary"}, "stableVirtualNodeRef": {"name": "stable"}},
    }})
}

fn case(names: &[&str], routes: Value) -> Case {
    Case::new(spec(names), [service(), node("stable"), node("canary"), router(routes)])
}

fn both() -> Value {
    json!([target("canary", 0), target("stable", 100)])
}

#[test]
fn weights_and_hashes_are_set() {
    for kind in ["httpRoute", "tcpRoute", "http2Route", "grpcRoute"] {
        let other = json!([target("stable", 100), target("canary", 0)]);
        let mut case = case(&["a"], json!([route("a", kind, &both()), route("b", kind, &other)]));
        assert_eq!(case.invalid(), None);
        let changes = case.write(&weight(10));
        let kinds: Vec<&str> = changes.iter().map(|(change, _)| change.place().name.as_str()).collect();
        assert_eq!(kinds, ["stable", "canary", "main"], "hashes before weights");
        let Change::Patch { patch, .. } = &changes[1].0 else {
            panic!("{changes:?}")
        };
        let managed = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": "web"});
        let labels = json!({"podSelector": {"matchLabels": {HASH: "new"}}});
        assert_eq!(*patch, json!({"metadata": {"annotations": managed}, "spec": labels}));
        let expected = json!([
            route("a", kind, &json!([target("canary", 10), target("stable", 90)])),
            route("b", kind, &other),
        ]);
        assert_eq!(case.object("VirtualRouter", "main")["spec"]["routes"], expected);
        assert_eq!(
            case.object("VirtualNode", "stable")["spec"]["podSelector"]["matchLabels"][HASH],
            "old"
        );
        let reported = Reported {
            least: 10,
            most: 10,
            canary_hash: Some("new".to_owned()),
            stable_hash: Some("old".to_owned()),
            verified: None,
        };
        assert_eq!(case.observe(), reported);
        assert!(case.write(&weight(10)).is_empty(), "the second time nothing is written");
    }
}

#[test]
fn a_node_that_leads_nowhere_has_a_placeholder() {
    // Hashes of stable and the canary, and what the nodes select.
    let rows = [
        (("", ""), ("stable-hash", "canary-hash"), ("", "")),
        (("a", "a"), ("a", "canary-hash"), ("a", "")),
        (("a", ""), ("a", "canary-hash"), ("a", "")),
        (("a", "b"), ("a", "b"), ("a", "b")),
    ];
    for ((stable_hash, canary_hash), (stable, canary), seen) in rows {
        let mut case = case(&[], json!([route("a", "httpRoute", &both())]));
        let wanted = Wanted {
            canary_hash,
            stable_hash,
            ..Wanted::default()
        };
        case.write(&wanted);
        let label = |name| case.object("VirtualNode", name)["spec"]["podSelector"]["matchLabels"][HASH].clone();
        assert_eq!((label("stable"), label("canary")), (json!(stable), json!(canary)));
        let reported = case.observe();
        let hashes = (reported.stable_hash.as_deref(), reported.canary_hash.as_deref());
        assert_eq!(hashes, (Some(seen.0), Some(seen.1)));
        assert!(case.write(&wanted).is_empty());
    }
}

#[test]
fn a_promoted_canary_keeps_its_node_while_weight_leads_there() {
    // The weight that the objects carry, the weight and the hash that are wanted, and what the canary's node selects.
    let rows = [
        (100, 100, "a", json!("a")),
        (100, 0, "a", json!("a")),
        (0, 100, "a", json!("a")),
        (0, 0, "a", json!("canary-hash")),
        (53, 0, "", json!(null)),
        (0, 0, "", json!("canary-hash")),
    ];
    for (carried, canary, canary_hash, expected) in rows {
        let targets = json!([target("canary", carried), target("stable", 100 - carried)]);
        let mut case = case(&[], json!([route("a", "httpRoute", &targets)]));
        case.write(&Wanted {
            canary,
            canary_hash,
            stable_hash: "a",
            ..Wanted::default()
        });
        let label = &case.object("VirtualNode", "canary")["spec"]["podSelector"]["matchLabels"][HASH];
        assert_eq!(*label, expected, "{carried} → {canary}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let field = "spec.strategy.canary.trafficRouting.appmesh.virtualService: Invalid value:";
    let one = json!([target("canary", 0)]);
    let rows = [
        (
            vec![],
            Some(format!(
                "{field} \"web.shop\": virtualservices.appmesh.k8s.aws \"web\" not found"
            )),
        ),
        (
            vec![service()],
            Some(format!(
                "{field} \"web.shop\": virtualrouters.appmesh.k8s.aws \"main\" not found"
            )),
        ),
        (vec![object("VirtualService", "web", json!({}))], None),
        (vec![service(), router(json!([route("a", "httpRoute", &both())]))], None),
        (
            vec![service(), router(json!([]))],
            Some("spec.routes: Invalid value: \"main\": No routes defined for AppMesh virtual-router main".to_owned()),
        ),
        (
            vec![
                service(),
                router(json!([route("a", "httpRoute", &both()), route("b", "tcpRoute", &one)])),
            ],
            Some(
                "spec.routes[1].tcpRoute.action.weightedTargets: Invalid value: \"main\": Invalid number of \
                 weightedTargets(1) for AppMesh virtual-router main and route b, expected 2"
                    .to_owned(),
            ),
        ),
    ];
    for (objects, expected) in rows {
        assert_eq!(Case::new(spec(&[]), objects).invalid(), expected);
    }
    let none = Case::new(json!({"appMesh": {}}), []);
    assert_eq!(
        none.invalid(),
        Some(format!("{field} null: must provide virtual-service"))
    );
    assert_eq!(
        none.changes(&weight(10)).unwrap_err().message,
        "Virtual-service is missing"
    );
}

#[test]
fn problems_are_upstreams() {
    let nodes = || vec![node("stable"), node("canary")];
    let with = |more: Vec<Value>| nodes().into_iter().chain(more).collect::<Vec<_>>();
    let detached = object("VirtualService", "web", json!({"provider": "odd"}));
    let rows = [
        (vec![service()], "VirtualNodeNotFound", "Virtual-node is missing"),
        (nodes(), "VirtualServiceNotFound", "Virtual-service is missing"),
        (
            with(vec![service()]),
            "VirtualRouterNotFound",
            "Virtual-router is missing",
        ),
        (
            with(vec![detached]),
            "VirtualRouterNotFound",
            "Virtual-service is not associated with virtual-router",
        ),
    ];
    for (objects, reason, message) in rows {
        let problem = Case::new(spec(&[]), objects).changes(&weight(10)).unwrap_err();
        assert_eq!((problem.reason.as_str(), problem.message.as_str()), (reason, message));
    }
}

#[test]
fn weights_of_several_routes_are_merged() {
    let half = json!([target("canary", 50), target("stable", 50)]);
    let foreign = json!([target("other", 50), target("stable", 50)]);
    let elsewhere =
        json!([{"virtualNodeRef": {"name": "canary", "namespace": "far"}, "weight": 9}, target("stable", 1)]);
    // Chosen routes, the routes that there are, and the least and most of the canary.
    let rows = [
        (
            vec![],
            json!([route("a", "httpRoute", &both()), route("b", "httpRoute", &half)]),
            (0, 50),
        ),
        (
            vec!["b"],
            json!([route("a", "httpRoute", &both()), route("b", "httpRoute", &half)]),
            (50, 50),
        ),
        (vec!["b", "gone"], json!([route("b", "httpRoute", &half)]), (0, 50)),
        (vec![], json!([route("a", "httpRoute", &foreign)]), (0, 0)),
        (vec![], json!([route("a", "httpRoute", &elsewhere)]), (0, 0)),
        (
            vec![],
            json!([null, 3, {"httpRoute": 3}, {"httpRoute": {"action": []}}, route("b", "grpcRoute", &json!([null, "x", {"virtualNodeRef": 1}]))]),
            (0, 0),
        ),
        (vec![], json!("odd"), (0, 0)),
    ];
    for (names, routes, (least, most)) in rows {
        let mut case = case(&names, routes.clone());
        let reported = case.observe();
        assert_eq!((reported.least, reported.most), (least, most), "{routes}");
        case.write(&weight(10));
        assert!(case.write(&weight(10)).is_empty());
    }
    for odd in [
        json!(null),
        json!({"podSelector": "x"}),
        json!({"podSelector": {"matchLabels": [1]}}),
    ] {
        let objects = [
            service(),
            object("VirtualNode", "stable", odd.clone()),
            object("VirtualNode", "canary", odd),
            router(json!([])),
        ];
        let mut case = Case::new(spec(&[]), objects);
        assert_eq!(case.observe().stable_hash, None);
        case.write(&weight(10));
        assert!(case.write(&weight(10)).is_empty());
    }
}
