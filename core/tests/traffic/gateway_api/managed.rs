//! Routes by header and mirrors.

use super::{backend, both, case, http, of, path, route, rule, rules, settled, weight};
use crate::Case;
use serde_json::{Value, json};
use serin_core::api::canary_step::{SetHeaderRoute, SetMirrorRoute};
use serin_core::traffic::Wanted;

pub(super) fn header(name: &str, value: Value) -> SetHeaderRoute {
    let step = json!({"name": name, "match": [{"headerName": "agent", "headerValue": value}]});
    serde_json::from_value(step).unwrap()
}

pub(super) fn mirror(name: &str, matches: Value, percentage: Option<i32>) -> SetMirrorRoute {
    serde_json::from_value(json!({"name": name, "match": matches, "percentage": percentage})).unwrap()
}

pub(super) fn wanted<'a>(
    canary: i32,
    headers: Vec<&'a SetHeaderRoute>,
    mirrors: Vec<&'a SetMirrorRoute>,
    managed: Vec<&'a str>,
) -> Wanted<'a> {
    Wanted {
        headers,
        mirrors,
        managed,
        ..weight(canary)
    }
}

fn by_header(prefix: &str, kind: &str, value: &str) -> Value {
    let mut matches = path(prefix);
    matches[0]["headers"] = json!([{"name": "agent", "type": kind, "value": value}]);
    json!({"matches": matches, "backendRefs": [backend("web-canary", 1)]})
}

#[test]
fn a_header_leads_to_the_canary() {
    let rows = [
        (json!({"exact": "1"}), "Exact", "1"),
        (json!({"regex": ".*Chrome.*"}), "RegularExpression", ".*Chrome.*"),
        (json!({"prefix": "a.b"}), "RegularExpression", "^a\\.b.*"),
    ];
    let base = || {
        json!([
            rule("/a", both(0)),
            rule("/b", both(0)),
            rule("/c", json!([backend("other", 1)]))
        ])
    };
    for (value, kind, written) in rows {
        let header = header("h", value);
        let on = wanted(0, vec![&header], vec![], vec!["h"]);
        let mut case = case(base());
        let before = case.object("HTTPRoute", "main").clone();
        case.write(&on);
        let mut expected = vec![by_header("/a", kind, written), by_header("/b", kind, written)];
        expected.extend(base().as_array().unwrap().clone());
        assert_eq!(*rules(&case), json!(expected), "one for each rule, before all others");
        assert_eq!(case.observe(), of(0, 0), "the weight is not that of the header");
        settled(&mut case, &on);
        let off = wanted(0, vec![], vec![], vec!["h"]);
        case.write(&off);
        let mut after = case.object("HTTPRoute", "main").clone();
        for map in ["labels", "annotations"] {
            assert_eq!(after["metadata"].as_object_mut().unwrap().remove(map), Some(json!({})));
        }
        assert_eq!(after, before);
        settled(&mut case, &off);
    }
}

#[test]
fn weights_move_while_a_header_is_set() {
    let header = header("h", json!({"exact": "1"}));
    let mut case = case(json!([rule("/", both(0))]));
    for canary in [0, 10, 100] {
        let on = wanted(canary, vec![&header], vec![], vec!["h"]);
        case.write(&on);
        let expected = json!([by_header("/", "Exact", "1"), rule("/", both(canary.into()))]);
        assert_eq!(*rules(&case), expected);
        settled(&mut case, &on);
    }
}

#[test]
fn copies_keep_filters_and_lose_the_name() {
    let header = header("h", json!({"exact": "1"}));
    let on = wanted(0, vec![&header], vec![], vec!["h"]);
    let mut base = rule("/", both(0));
    base["name"] = json!("base");
    base["filters"] = json!([{"type": "URLRewrite"}]);
    base["matches"][0]["headers"] = json!([{"name": "Agent", "value": "x"}, {"name": "b", "value": "y"}]);
    let mut case = case(json!([base]));
    case.write(&on);
    let made = &rules(&case)[0];
    assert_eq!((&made["name"], &made["filters"]), (&json!(null), &base["filters"]));
    let expected = json!([{"name": "b", "value": "y"}, {"name": "agent", "type": "Exact", "value": "1"}]);
    assert_eq!(made["matches"][0]["headers"], expected, "a header is matched once");
    settled(&mut case, &on);
}

#[test]
fn only_routes_that_ask_for_headers_have_them() {
    let header = header("h", json!({"exact": "1"}));
    let on = wanted(10, vec![&header], vec![], vec!["h"]);
    let routing = json!({"gatewayAPI": {
        "httpRoutes": [{"name": "main", "useHeaderRoutes": true}, {"name": "b"}],
        "grpcRoute": "c",
        "tcpRoute": "d",
    }});
    let grpc = json!([{"backendRefs": both(0)}]);
    let objects = [
        http(json!([rule("/", both(0))])),
        route("HTTPRoute", "v1", "b", json!([rule("/", both(0))])),
        route("GRPCRoute", "v1", "c", grpc.clone()),
        route("TCPRoute", "v1alpha2", "d", grpc),
    ];
    let mut case = Case::new(routing, objects);
    case.write(&on);
    let rules = |kind, name| case.object(kind, name)["spec"]["rules"].as_array().unwrap().clone();
    assert_eq!(rules("HTTPRoute", "main").len(), 2);
    assert_eq!(rules("HTTPRoute", "b").len(), 1);
    let headers = json!([{"headers": [{"name": "agent", "type": "Exact", "value": "1"}]}]);
    assert_eq!(
        rules("GRPCRoute", "c")[0]["matches"],
        headers,
        "a gRPC match needs no path"
    );
    assert_eq!(rules("TCPRoute", "d").len(), 1);
    settled(&mut case, &on);
}

#[test]
fn requests_are_mirrored() {
    let whole = json!([{"path": {"prefix": "/x"}, "method": {"exact": "GET"}, "headers": {"a": {"exact": "1"}}}]);
    let pathless = json!([{"method": {"exact": "POST"}}]);
    let reference = json!({"group": "", "kind": "Service", "name": "web-canary", "port": 80});
    let filter = |mirror: Value| json!([{"type": "RequestMirror", "requestMirror": mirror}]);
    let with = |matches: Value, percent: Option<i32>| {
        let mut mirror = json!({"backendRef": reference});
        if let Some(percent) = percent {
            mirror["percent"] = percent.into();
        }
        json!({"matches": matches, "backendRefs": both(10), "filters": filter(mirror)})
    };
    let exact = json!([{"name": "a", "type": "Exact", "value": "1"}]);
    let whole_match = json!([{"path": {"type": "PathPrefix", "value": "/x"}, "method": "GET", "headers": exact}]);
    let post = |prefix: &str| {
        let mut matches = path(prefix);
        matches[0]["method"] = json!("POST");
        matches
    };
    let rows = [
        (whole, Some(10), vec![with(whole_match, Some(10))]),
        (pathless, None, vec![with(post("/a"), None), with(post("/b"), None)]),
    ];
    for (matches, percentage, made) in rows {
        let step = mirror("m", matches, percentage);
        let mut case = case(json!([rule("/a", both(0)), rule("/b", both(0))]));
        for canary in [50, 10] {
            case.write(&wanted(canary, vec![], vec![&step], vec!["m"]));
        }
        let mut expected = made;
        expected.extend([rule("/a", both(10)), rule("/b", both(10))]);
        assert_eq!(*rules(&case), json!(expected));
        assert_eq!(case.observe(), of(10, 10));
        settled(&mut case, &wanted(10, vec![], vec![&step], vec!["m"]));
        let off = wanted(10, vec![], vec![], vec!["m"]);
        case.write(&off);
        assert_eq!(*rules(&case), json!([rule("/a", both(10)), rule("/b", both(10))]));
        settled(&mut case, &off);
    }
}

#[test]
fn managed_routes_have_an_order() {
    let (h, i) = (header("h", json!({"exact": "1"})), header("i", json!({"exact": "2"})));
    let m = mirror("m", json!([{"path": {"exact": "/"}}]), None);
    let kind = |rule: &Value| match (&rule["filters"], rule["matches"][0]["headers"][0]["value"].as_str()) {
        (Value::Null, Some(value)) => value.to_owned(),
        (Value::Null, None) => "base".to_owned(),
        _ => "mirror".to_owned(),
    };
    let mut case = case(json!([rule("/", both(0))]));
    let rows = [
        (vec!["m", "h", "i"], ["mirror", "1", "2", "base"]),
        (vec!["i", "h", "m"], ["2", "1", "mirror", "base"]),
        (vec![], ["1", "2", "mirror", "base"]),
    ];
    for (managed, expected) in rows {
        let on = wanted(10, vec![&h, &i], vec![&m], managed);
        case.write(&on);
        let order: Vec<String> = rules(&case).as_array().unwrap().iter().map(kind).collect();
        assert_eq!(order, expected);
        settled(&mut case, &on);
    }
}

#[test]
fn what_cannot_be_matched_is_refused() {
    let none = header("h", json!({}));
    let by_prefix = mirror("m", json!([{"method": {"prefix": "G"}}]), None);
    let no_path = mirror("m", json!([{"path": {}}]), None);
    let rows = [
        (vec![&none], vec![], "invalid header match type"),
        (vec![], vec![&by_prefix], "a method is matched exactly"),
        (
            vec![],
            vec![&no_path],
            "a path is matched exactly, by its prefix or by an expression",
        ),
    ];
    for (headers, mirrors, message) in rows {
        let case = case(json!([rule("/", both(0))]));
        let problem = case.changes(&wanted(10, headers, mirrors, vec!["h", "m"])).unwrap_err();
        assert_eq!(
            (problem.reason.as_str(), problem.message.as_str()),
            ("TrafficRoutingError", message)
        );
    }
}

#[test]
fn rules_of_the_plugin_are_taken_over() {
    let mut first = by_header("/", "Exact", "1");
    first["name"] = json!("h");
    let mut second = by_header("/b", "Exact", "1");
    second["name"] = json!("h-1");
    let mut own = rule("/own", json!([backend("other", 1)]));
    own["name"] = json!("h-2");
    let mut case = case(json!([rule("/", both(0)), first, second, own]));
    let off = wanted(0, vec![], vec![], vec!["h"]);
    case.write(&off);
    assert_eq!(
        *rules(&case),
        json!([rule("/", both(0)), own]),
        "what does not lead to the canary stays"
    );
    settled(&mut case, &off);
}
