//! Gateway API (decision 51).

mod config;
mod managed;
mod shared;

use super::{Case, weight};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Reported, Wanted};

const KINDS: [(&str, &str, &str); 4] = [
    ("httpRoute", "HTTPRoute", "v1"),
    ("grpcRoute", "GRPCRoute", "v1"),
    ("tcpRoute", "TCPRoute", "v1alpha2"),
    ("tlsRoute", "TLSRoute", "v1alpha2"),
];

fn route(kind: &str, version: &str, name: &str, rules: Value) -> Value {
    json!({
        "apiVersion": format!("gateway.networking.k8s.io/{version}"),
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": "gate"}], "rules": rules},
    })
}

fn http(rules: Value) -> Value {
    route("HTTPRoute", "v1", "main", rules)
}

fn backend(name: &str, weight: i64) -> Value {
    json!({"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight})
}

fn both(canary: i64) -> Value {
    json!([backend("web-stable", 100 - canary), backend("web-canary", canary)])
}

fn path(prefix: &str) -> Value {
    json!([{"path": {"type": "PathPrefix", "value": prefix}}])
}

fn rule(prefix: &str, backends: Value) -> Value {
    json!({"matches": path(prefix), "backendRefs": backends})
}

fn case(rules: Value) -> Case {
    Case::new(json!({"gatewayAPI": {"httpRoute": "main"}}), [http(rules)])
}

fn rules(case: &Case) -> &Value {
    &case.object("HTTPRoute", "main")["spec"]["rules"]
}

fn of(least: i32, most: i32) -> Reported {
    Reported {
        least,
        most,
        ..Reported::default()
    }
}

/// The second time nothing is written.
fn settled(case: &mut Case, wanted: &Wanted<'_>) {
    let again = case.write(wanted);
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn weights_of_each_kind_are_set() {
    for (field, kind, version) in KINDS {
        let object = route(kind, version, "main", json!([{"backendRefs": both(0)}]));
        let mut case = Case::new(json!({"gatewayAPI": {field: "main"}}), [object]);
        assert_eq!((case.invalid(), case.observe()), (None, of(0, 0)));
        let changes = case.write(&weight(10));
        let Change::Patch { patch, .. } = &changes[0].0 else {
            panic!("{changes:?}")
        };
        assert_eq!(patch["spec"], json!({"rules": [{"backendRefs": both(10)}]}), "{kind}");
        assert_eq!(case.observe(), of(10, 10));
        settled(&mut case, &weight(10));
    }
}

#[test]
fn every_rule_with_both_services_is_weighed_and_others_stay() {
    let other = backend("other", 7);
    let three = json!([backend("web-canary", 0), other, backend("web-stable", 100)]);
    let elsewhere = json!({"name": "web-canary", "namespace": "far", "weight": 1});
    let kept = [
        rule("/stable", json!([backend("web-stable", 1)])),
        rule("/canary", json!([backend("web-canary", 1)])),
        rule("/far", json!([elsewhere, backend("web-stable", 1)])),
        json!({"filters": [{"type": "RequestRedirect"}]}),
    ];
    let mut found = vec![rule("/", both(0)), rule("/b", three)];
    found.extend(kept.clone());
    let mut case = case(json!(found));
    case.write(&weight(25));
    let mut expected = vec![
        rule("/", both(25)),
        rule(
            "/b",
            json!([backend("web-canary", 25), other, backend("web-stable", 75)]),
        ),
    ];
    expected.extend(kept);
    assert_eq!(*rules(&case), json!(expected));
    assert_eq!(case.observe(), of(25, 25));
    settled(&mut case, &weight(25));
}

#[test]
fn weights_of_several_routes_are_merged() {
    let routing = json!({"gatewayAPI": {"httpRoutes": [{"name": "main"}, {"name": "b"}], "grpcRoute": "c"}});
    let objects = [
        http(json!([rule("/", both(10)), rule("/b", both(20))])),
        route(
            "HTTPRoute",
            "v1",
            "b",
            json!([{"backendRefs": [{"name": "web-canary"}, {"name": "web-stable"}]}]),
        ),
        route("GRPCRoute", "v1", "c", json!([{"backendRefs": both(30)}])),
    ];
    let mut case = Case::new(routing, objects);
    assert_eq!(case.observe(), of(10, 50), "a backend without a weight counts one");
    assert_eq!(case.write(&weight(40)).len(), 3);
    assert_eq!(case.observe(), of(40, 40));
    settled(&mut case, &weight(40));
}

#[test]
fn all_of_the_traffic_may_be_another_number() {
    let routing = json!({"gatewayAPI": {"httpRoute": "main"}, "maxTrafficWeight": 1000});
    let mut case = Case::new(routing, [http(json!([rule("/", both(10))]))]);
    assert_eq!(case.observe(), of(100, 100));
    case.write(&weight(5));
    let expected = json!([backend("web-stable", 995), backend("web-canary", 5)]);
    assert_eq!(rules(&case)[0]["backendRefs"], expected);
    assert_eq!(case.observe(), of(5, 5));
}

#[test]
fn a_route_without_both_services_is_refused() {
    for (field, kind, version) in KINDS {
        for rules in [
            json!(null),
            json!([]),
            json!("odd"),
            json!([{"backendRefs": [backend("web-stable", 1)]}]),
        ] {
            let case = Case::new(
                json!({"gatewayAPI": {field: "main"}}),
                [route(kind, version, "main", rules)],
            );
            let problem = case.changes(&weight(10)).unwrap_err();
            let message = format!("backendRef was not found in {field}");
            assert_eq!(
                (problem.reason.as_str(), problem.message),
                ("TrafficRoutingError", message)
            );
            assert_eq!(case.observe(), of(0, 0));
        }
    }
}

#[test]
fn odd_routes_do_no_harm() {
    let odd = [
        json!(null),
        json!(3),
        json!([]),
        json!({"backendRefs": 3, "matches": "x", "filters": {}}),
        json!({"backendRefs": [null, 3, {"name": 3}, {"name": "web-canary", "weight": "x"}]}),
        json!({"backendRefs": both(0), "matches": [null, 3, {"headers": "x", "path": 3}], "filters": 3, "sessionPersistence": 3}),
        json!({"backendRefs": [{"name": "web-canary", "weight": -4}, {"name": "web-stable", "weight": 1e300}]}),
    ];
    let header = managed::header("h", json!({"exact": "1"}));
    let mirror = managed::mirror(
        "m",
        json!([{"method": {"exact": "GET"}}, {"path": {"exact": "/x"}}]),
        None,
    );
    let wanted = managed::wanted(10, vec![&header], vec![&mirror], vec!["h", "m"]);
    let stickiness = json!({"cookie": {"name": "v", "maxAgeSeconds": i64::MAX}});
    for annotations in [
        json!(null),
        json!("x"),
        json!({"rollouts.argoproj.io/managed-routes": "{"}),
        json!([1]),
    ] {
        let mut object = http(json!(odd));
        object["metadata"]["annotations"] = annotations.clone();
        object["metadata"]["labels"] = annotations;
        let mut case = Case::new(
            json!({"gatewayAPI": {"httpRoute": "main"}, "stickiness": stickiness}),
            [object],
        );
        case.observe();
        case.write(&wanted);
        settled(&mut case, &wanted);
        case.write(&weight(0));
        settled(&mut case, &weight(0));
        assert_eq!(rules(&case).as_array().unwrap().len(), odd.len());
    }
}

#[test]
fn sessions_persist_by_a_cookie() {
    let rows = [
        (
            json!({"name": "v", "maxAgeSeconds": 90_061}),
            json!({"type": "Cookie", "sessionName": "v", "absoluteTimeout": "25h1m1s", "cookieConfig": {"lifetimeType": "Permanent"}}),
        ),
        (
            json!({"name": "v"}),
            json!({"type": "Cookie", "sessionName": "v", "cookieConfig": {"lifetimeType": "Session"}}),
        ),
        (
            json!({"maxAgeSeconds": 0}),
            json!({"type": "Cookie", "cookieConfig": {"lifetimeType": "Session"}}),
        ),
    ];
    for (cookie, expected) in rows {
        for (field, kind, version) in KINDS {
            let routing = json!({"gatewayAPI": {field: "main"}, "stickiness": {"cookie": cookie}});
            let stable = json!({"backendRefs": [backend("web-stable", 1)]});
            let object = route(kind, version, "main", json!([{"backendRefs": both(0)}, stable]));
            let mut case = Case::new(routing, [object]);
            case.write(&weight(10));
            let rules = case.object(kind, "main")["spec"]["rules"].clone();
            let expected = if version == "v1" { expected.clone() } else { json!(null) };
            assert_eq!(rules[0]["sessionPersistence"], expected);
            assert_eq!(rules[1], stable);
            settled(&mut case, &weight(10));
        }
    }
}
