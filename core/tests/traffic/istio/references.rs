//! What is wrong with a VirtualService.

use super::{Case, of_rule, of_vs, one, rule, service, to, to_subset};
use serde_json::{Value, json};

const BASE: &str = "spec.strategy.canary.trafficRouting.istio";

#[test]
fn what_is_missing_or_ambiguous_is_told() {
    let both = json!([to("web-stable", 100), to("web-canary", 0)]);
    let either = "Internal error: either VirtualService or VirtualServices must be configured";
    let rows: Vec<(Value, Vec<Value>, String)> = vec![
        (json!({"istio": {}}), vec![], format!("{BASE}: {either}")),
        (
            json!({"istio": {"virtualService": {"name": "vs"}, "virtualServices": [{"name": "vs"}]}}),
            vec![one(&both)],
            format!("{BASE}: {either}"),
        ),
        (
            of_vs(),
            vec![],
            format!(
                "{BASE}.virtualService.name: Invalid value: \"vs\": virtualservices.networking.istio.io \"vs\" not found"
            ),
        ),
        (
            json!({"istio": {"virtualServices": [{"name": "vs"}, {"name": "gone.elsewhere"}]}}),
            vec![one(&json!([]))],
            format!(
                "{BASE}.virtualServices.name: Invalid value: \"gone\": virtualservices.networking.istio.io \"gone\" not found"
            ),
        ),
        (
            of_vs(),
            vec![service(&json!({"hosts": []}))],
            format!(
                "{BASE}.virtualService.name: Invalid value: \"vs\": Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"
            ),
        ),
    ];
    check_all(rows);
}

#[test]
fn routes_that_do_not_fit_are_told() {
    let both = json!([to("web-stable", 100), to("web-canary", 0)]);
    let route = |name: &str| json!({"name": name, "route": both});
    let named = json!({"istio": {"virtualService": {"name": "vs", "routes": ["a"]}}});
    let tls = json!({"istio": {"virtualService": {"name": "vs", "tlsRoutes": [{"port": 443}]}}});
    let tcp = json!({"istio": {"virtualService": {"name": "vs", "tcpRoutes": [{"port": 443}]}}});
    let rows: Vec<(Value, Vec<Value>, String)> = vec![
        (
            named,
            vec![one(&both)],
            invalid("HTTP", "HTTP Route 'a' is not found in the defined Virtual Service."),
        ),
        (
            of_vs(),
            vec![service(&json!({"http": [route("a"), route("b")]}))],
            several("http", "routes"),
        ),
        (
            of_vs(),
            vec![service(&json!({"tls": [route("a"), route("b")]}))],
            several("tls", "tlsRoutes"),
        ),
        (
            of_vs(),
            vec![service(&json!({"tcp": [route("a"), route("b")]}))],
            several("tcp", "tcpRoutes"),
        ),
        (
            tls,
            vec![service(&json!({"tls": [route("a")]}))],
            invalid("TLS", "No matching TLS routes found in the defined Virtual Service."),
        ),
        (
            tcp,
            vec![service(&json!({"tcp": [route("a")]}))],
            invalid("TCP", "No matching TCP routes found in the defined Virtual Service."),
        ),
        (
            of_vs(),
            vec![one(&json!([to("web-stable", 100)]))],
            invalid("HTTP", "Canary Service 'web-canary' not found in route"),
        ),
        (
            of_vs(),
            vec![one(&json!([to("web-canary", 100)]))],
            invalid("HTTP", "Stable Service 'web-stable' not found in route"),
        ),
        (
            of_vs(),
            vec![service(
                &json!({"http": [route("a")], "tcp": [{"route": [to("other", 100)]}]}),
            )],
            invalid("TCP", "Canary Service 'web-canary' not found in route"),
        ),
        (
            of_rule(),
            vec![one(&json!([to_subset("stable", 100)])), rule(&json!([]))],
            invalid("HTTP", "Canary DestinationRule subset 'canary' not found in route"),
        ),
        (
            of_rule(),
            vec![one(&json!([to_subset("canary", 100)])), rule(&json!([]))],
            invalid("HTTP", "Stable DestinationRule subset 'stable' not found in route"),
        ),
    ];
    check_all(rows);
}

fn invalid(protocol: &str, detail: &str) -> String {
    format!(
        "{BASE}.virtualService.name: Invalid value: \"vs\": Istio VirtualService has invalid {protocol} routes. Error: {detail}"
    )
}

fn several(list: &str, option: &str) -> String {
    let detail = format!(
        "spec.{list}[] should be set in VirtualService and it must have exactly one route when omitting {BASE}.virtualService.{option}"
    );
    invalid(&list.to_uppercase(), &detail)
}

fn check_all(rows: Vec<(Value, Vec<Value>, String)>) {
    for (routing, objects, expected) in rows {
        let case = Case::new(routing.clone(), objects);
        assert_eq!(case.invalid().as_deref(), Some(expected.as_str()), "{routing}");
    }
}

#[test]
fn what_is_right_passes() {
    let both = json!([to("web-stable", 100), to("web-canary", 0)]);
    let subsets = json!([to_subset("stable", 100), to_subset("canary", 0)]);
    for (routing, object) in [
        (of_vs(), one(&both)),
        (of_vs(), service(&json!({"http": []}))),
        (of_rule(), one(&subsets)),
        // Services do where subsets are named, too; a missing DestinationRule is not the check's matter.
        (of_rule(), one(&both)),
    ] {
        assert_eq!(Case::new(routing, [object]).invalid(), None);
    }
    let mut unread = Case::new(of_vs(), []);
    unread.routes.0.clear();
    assert_eq!(unread.invalid(), None, "nothing is said of what was not read");
}
