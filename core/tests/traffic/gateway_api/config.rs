//! How the routes are named.

use super::{both, http, of, route, rule, rules, settled, weight};
use crate::Case;
use serde_json::{Value, json};
use serin_core::traffic::{Place, Route, Router, Seen};

const PLUGIN: &str = "argoproj-labs/gatewayAPI";

fn plugin(config: Value) -> Value {
    json!({"plugins": {PLUGIN: config}})
}

#[test]
fn the_configuration_of_the_plugin_is_served() {
    let configs = [
        json!({"httpRoute": "main", "namespace": "shop", "configMap": "c", "unknown": [1]}),
        json!({"httpRoutes": [{"name": "main", "useHeaderRoutes": true, "unknown": 1}], "grpcRoutes": null}),
    ];
    for config in configs {
        let mut case = Case::new(plugin(config), [http(json!([rule("/", both(0))]))]);
        assert_eq!(case.invalid(), None);
        case.write(&weight(10));
        assert_eq!(*rules(&case), json!([rule("/", both(10))]));
        settled(&mut case, &weight(10));
    }
    let other: Case = Case::new(json!({"plugins": {"a/b": {}}}), []);
    assert!(
        Router::all(&other.routing).is_empty(),
        "other plugins are not routers of this kind"
    );
    let mut both_ways = plugin(json!({"httpRoute": "other"}));
    both_ways["gatewayAPI"] = json!({"httpRoute": "main"});
    let case = Case::new(both_ways, [http(json!([rule("/", both(30))]))]);
    assert_eq!(case.observe(), of(30, 30), "the own field comes first");
}

#[test]
fn what_is_wrong_is_named() {
    let own = "spec.strategy.canary.trafficRouting.gatewayAPI";
    let plugins = format!("spec.strategy.canary.trafficRouting.plugins[{PLUGIN}]");
    let none = "Invalid value: \"\": No routes configured. At least one of 'httpRoutes', 'grpcRoutes', 'tcpRoutes', \
                'tlsRoutes', 'httpRoute', 'grpcRoute', 'tcpRoute' or 'tlsRoute' must be set";
    let missing = "Invalid value: \"main\": httproutes.gateway.networking.k8s.io \"main\" not found";
    let read = "not a configuration of Gateway API: invalid type";
    let rows = [
        (json!({"gatewayAPI": {}}), format!("{own}: {none}")),
        (plugin(json!({})), format!("{plugins}: {none}")),
        (plugin(json!(null)), format!("{plugins}: {none}")),
        (
            json!({"gatewayAPI": {"httpRoute": "main"}}),
            format!("{own}: {missing}"),
        ),
        (plugin(json!({"httpRoute": "main"})), format!("{plugins}: {missing}")),
        (
            plugin(json!({"httpRoutes": [{"name": "main"}, {}]})),
            format!("{plugins}.httpRoutes[1].name: Invalid value: \"\": a route has a name"),
        ),
        (
            plugin(json!({"grpcRouteSelector": {"matchLabels": {"a": "b"}}})),
            format!(
                "{plugins}.grpcRouteSelector: Invalid value: \"\": routes are not found by their labels: name them"
            ),
        ),
        (plugin(json!("x")), format!("{plugins}: Invalid value: \"x\": {read}")),
        (
            plugin(json!({"httpRoute": 3})),
            format!("{plugins}: Invalid value: {{\"httpRoute\":3}}: {read}"),
        ),
        (
            plugin(json!({"httpRoutes": {"name": "a"}})),
            format!("{plugins}: Invalid value: {{\"httpRoutes\":{{\"name\":\"a\"}}}}: {read}"),
        ),
    ];
    for (routing, expected) in rows {
        let case = Case::new(routing, []);
        let found = case.invalid().unwrap_or_default();
        assert!(found.starts_with(&expected), "{found}\n{expected}");
        assert!(case.changes(&weight(10)).is_err());
        assert_eq!(case.observe(), of(0, 0));
    }
}

#[test]
fn routes_lie_in_the_namespace_that_is_named() {
    let case = Case::new(json!({"gatewayAPI": {"httpRoute": "main", "namespace": "infra"}}), []);
    let places = Router::all(&case.routing)[0].places(&case.site(), &case.routes);
    assert_eq!(places.len(), 1);
    assert_eq!(places[0].to_string(), "HTTPRoute infra/main");
}

#[test]
fn one_rule_may_be_named() {
    for routing in [
        json!({"gatewayAPI": {"httpRoute": "main", "httpRouteRuleName": "argo"}}),
        json!({"gatewayAPI": {"httpRoutes": [{"name": "main", "ruleName": "argo"}]}}),
    ] {
        let named = |name: &str, canary: i64| {
            let mut rule = rule("/", both(canary));
            rule["name"] = json!(name);
            rule
        };
        let mut case = Case::new(
            routing.clone(),
            [http(json!([rule("/", both(50)), named("argo", 0), named("b", 50)]))],
        );
        assert_eq!(case.observe(), of(0, 0));
        case.write(&weight(10));
        assert_eq!(
            *rules(&case),
            json!([rule("/", both(50)), named("argo", 10), named("b", 50)])
        );
        settled(&mut case, &weight(10));
        let gone = Case::new(routing, [http(json!([rule("/", both(50))]))]);
        assert_eq!(
            gone.changes(&weight(10)).unwrap_err().message,
            "backendRef was not found in httpRoute"
        );
    }
}

#[test]
fn a_route_that_is_named_twice_is_one() {
    let routing = json!({"gatewayAPI": {"httpRoute": "main", "httpRoutes": [{"name": "main"}, {"name": "main"}]}});
    let mut case = Case::new(routing, [http(json!([rule("/", both(0))]))]);
    assert_eq!(case.write(&weight(10)).len(), 1);
}

#[test]
fn a_newer_version_is_read_where_the_first_is_not_served() {
    for (field, kind) in [("tcpRoute", "TCPRoute"), ("tlsRoute", "TLSRoute")] {
        let object = route(kind, "v1", "main", json!([{"backendRefs": both(20)}]));
        let mut case = Case::new(json!({"gatewayAPI": {field: "main"}}), [object]);
        let first = |case: &mut Case, seen: Seen| {
            let is = |place: &Place| place.api_version.ends_with("v1alpha2");
            case.routes.0.retain(|route| !is(&route.place));
            let mut place = case.routes.0[0].place.clone();
            place.api_version = "gateway.networking.k8s.io/v1alpha2".to_owned();
            case.routes.0.push(Route { place, seen });
        };
        first(&mut case, Seen::Unread);
        assert_eq!((case.observe(), case.invalid()), (of(0, 0), None));
        first(&mut case, Seen::NotServed);
        assert_eq!((case.observe(), case.invalid()), (of(20, 20), None));
        case.write(&weight(30));
        assert_eq!(case.observe(), of(30, 30));
        case.routes.0.retain(|route| route.seen == Seen::NotServed);
        let place = case.routes.0[0].place.clone();
        let place = Place {
            api_version: "gateway.networking.k8s.io/v1".to_owned(),
            ..place
        };
        case.routes.0.push(Route {
            place,
            seen: Seen::NotServed,
        });
        assert!(case.invalid().is_some_and(|text| text.contains("not found")));
    }
}
