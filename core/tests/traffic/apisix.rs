//! APISIX (contract 07 §8, §11).

use super::{Case, carries, weight};
use serde_json::{Value, json};
use serin_core::api::canary_step::SetHeaderRoute;
use serin_core::traffic::{Change, Wanted};

fn apisix_route(name: &str, http: Value) -> Value {
    json!({
        "apiVersion": "apisix.apache.org/v2",
        "kind": "ApisixRoute",
        "metadata": {"name": name, "labels": {"a": "b"}},
        "spec": {"ingressClassName": "apisix", "http": http},
    })
}

fn rule(name: &str, canary: i32, stable: i32) -> Value {
    json!({
        "name": name,
        "priority": 3,
        "match": {"paths": ["/*"], "exprs": [{"op": "Equal"}]},
        "backends": [
            {"serviceName": "web-stable", "servicePort": 80, "weight": stable},
            {"serviceName": "web-canary", "servicePort": 80, "weight": canary},
            {"serviceName": "other", "servicePort": 80, "weight": 7},
        ],
    })
}

fn case(http: Value) -> Case {
    let routing = json!({
        "apisix": {"route": {"name": "main", "rules": ["one", "two"]}},
        "managedRoutes": [{"name": "h"}, {"name": "foreign"}],
    });
    Case::new(
        routing,
        [apisix_route("main", http), apisix_route("foreign", json!([]))],
    )
}

#[test]
fn the_weights_are_in_every_rule() {
    let mut case = case(json!([rule("one", 0, 100), rule("two", 10, 90), rule("three", 0, 100)]));
    assert_eq!(case.invalid(), None);
    assert_eq!(case.observe(), carries(0, 10));
    for wanted in [0, 5, 50, 100, 0] {
        case.write(&weight(wanted));
        let http = json!([
            rule("one", wanted, 100 - wanted),
            rule("two", wanted, 100 - wanted),
            rule("three", 0, 100)
        ]);
        assert_eq!(case.object("ApisixRoute", "main")["spec"]["http"], http);
        assert_eq!(case.observe(), carries(wanted, wanted));
        assert!(
            case.write(&weight(wanted)).is_empty(),
            "the second time nothing is written"
        );
    }
}

#[test]
fn a_rule_is_named_as_the_route_where_none_is_named() {
    let routing = json!({"apisix": {"route": {"name": "main"}}});
    let mut case = Case::new(
        routing,
        [apisix_route("main", json!([rule("one", 0, 100), rule("main", 0, 100)]))],
    );
    case.write(&weight(5));
    assert_eq!(
        case.object("ApisixRoute", "main")["spec"]["http"],
        json!([rule("one", 0, 100), rule("main", 5, 95)])
    );
}

fn header(name: &str) -> SetHeaderRoute {
    let matches = json!([
        {"headerName": "a", "headerValue": {"exact": "1"}},
        {"headerName": "b", "headerValue": {"regex": ".*x"}},
        {"headerName": "c", "headerValue": {"prefix": "p"}},
    ]);
    serde_json::from_value(json!({"name": name, "match": matches})).unwrap()
}

#[test]
fn a_header_route_comes_and_goes() {
    let mut case = case(json!([rule("one", 0, 100), rule("two", 0, 100), rule("three", 0, 100)]));
    let header = header("h");
    let wanted = Wanted {
        headers: vec![&header],
        managed: vec!["h", "foreign"],
        ..weight(5)
    };
    let written = case.write(&wanted);
    assert_eq!(written.len(), 2);
    assert!(matches!(written[1].0, Change::Create { owned: true, .. }));
    let made = case.object("ApisixRoute", "h");
    assert_eq!(made["metadata"]["labels"], Value::Null);
    assert_eq!(made["spec"]["ingressClassName"], "apisix");
    let http = made["spec"]["http"].as_array().unwrap();
    assert_eq!(
        http.iter().map(|rule| &rule["name"]).collect::<Vec<_>>(),
        ["one", "two"]
    );
    let subject = |name: &str| json!({"scope": "Header", "name": name});
    let exprs = json!([
        {"subject": subject("a"), "op": "Equal", "value": "1"},
        {"subject": subject("b"), "op": "RegexMatch", "value": ".*x"},
        {"subject": subject("c"), "op": "RegexMatch", "value": "^p.*"},
    ]);
    let one = json!({
        "name": "one",
        "priority": 4,
        "match": {"paths": ["/*"], "exprs": exprs},
        "backends": [
            {"serviceName": "web-canary", "servicePort": 80, "weight": 100},
            {"serviceName": "other", "servicePort": 80, "weight": 7},
        ],
    });
    assert_eq!(http[0], one);
    assert!(case.write(&wanted).is_empty(), "the second time nothing is written");
    let gone = Wanted {
        headers: Vec::new(),
        ..wanted
    };
    let written = case.write(&gone);
    assert!(
        matches!(&written[..], [(Change::Delete { place, .. }, _)] if place.name == "h"),
        "{written:?}"
    );
    assert!(case.write(&gone).is_empty());
}

#[test]
fn what_cannot_be_written_is_named() {
    let http = json!([rule("one", 0, 100), rule("two", 0, 100)]);
    for name in ["foreign", "main"] {
        let header = header(name);
        let wanted = Wanted {
            headers: vec![&header],
            managed: vec![name],
            ..weight(5)
        };
        let problem = case(http.clone()).changes(&wanted).unwrap_err();
        assert_eq!(
            problem.message,
            format!("duplicate ApisixRoute [{name}] already exists")
        );
    }
    let problem = |http: Value| case(http).changes(&weight(5)).unwrap_err().message;
    assert_eq!(
        problem(json!([rule("one", 0, 100)])),
        "ApisixRoute `main` has no rule `two`"
    );
    let without = json!({"name": "two", "backends": [{"serviceName": "web-canary"}]});
    assert_eq!(
        problem(json!([rule("one", 0, 100), without])),
        "rule `two` of ApisixRoute `main` has no backend `web-stable`"
    );
    let missing = Case::new(json!({"apisix": {"route": {"name": "main"}}}), []);
    assert_eq!(
        missing.changes(&weight(5)).unwrap_err().message,
        "apisixroutes.apisix.apache.org \"main\" not found"
    );
    let none = Case::new(json!({"apisix": {}}), []);
    let path = "spec.strategy.canary.trafficRouting.apisix.route";
    let text = format!("{path}: Invalid value: null: must provide the name of an ApisixRoute");
    assert_eq!(none.invalid(), Some(text));
    assert!(none.changes(&weight(5)).is_err());
    assert_eq!(none.observe(), carries(0, 0));
}

#[test]
fn odd_objects_do_no_harm() {
    let header = header("h");
    let backend = |service: &str, weight: Value| json!({"serviceName": service, "weight": weight});
    for http in [
        json!(null),
        json!(5),
        json!([1, {"name": "one"}, {"name": "two", "backends": "x"}]),
        json!([
            {"name": "one", "match": 5, "priority": "x", "backends": [0, backend("web-canary", json!({})), backend("web-stable", json!(-1))]},
            {"name": "two", "priority": i64::MAX, "backends": [backend("web-canary", json!(null)), backend("web-stable", json!(i64::MAX))]},
        ]),
    ] {
        let mut case = case(http);
        case.observe();
        let wanted = Wanted {
            headers: vec![&header],
            managed: vec!["h"],
            ..weight(10)
        };
        if case.changes(&wanted).is_ok() {
            case.write(&wanted);
            assert!(case.write(&wanted).is_empty());
        }
    }
}
