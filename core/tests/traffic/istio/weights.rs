//! Weights of HTTP, TLS and TCP routes.

use super::{Case, messages, of_rule, of_vs, one, pairs, rule, service, to, to_subset, weight, weights, write};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Destination, Reported, Wanted};

fn both() -> Value {
    json!([to("web-stable", 100), to("web-canary", 0)])
}

fn reported(least: i32, most: i32) -> Reported {
    Reported {
        least,
        most,
        ..Reported::default()
    }
}

#[test]
fn weights_are_written_and_seen() {
    let mut case = Case::new(of_vs(), [one(&both())]);
    assert_eq!(case.invalid(), None);
    assert_eq!(case.observe(), reported(0, 0));
    let changes = write(&mut case, &weight(10));
    let (Change::Patch { patch, .. }, told) = &changes[0] else {
        panic!("{changes:?}")
    };
    assert_eq!(patch.as_object().unwrap().keys().collect::<Vec<_>>(), ["spec"]);
    assert_eq!((told[0].reason.as_str(), told.len()), ("Updated VirtualService", 1));
    assert_eq!(told[0].message, "VirtualService `vs` set to desiredWeight '10'");
    assert_eq!(
        weights(&case, "http", 0),
        pairs(&[("web-stable", 90), ("web-canary", 10)])
    );
    assert_eq!(
        case.object("VirtualService", "vs")["spec"]["http"][0]["timeout"],
        "5s",
        "foreign fields stay"
    );
    assert_eq!(case.observe(), reported(10, 10));
}

#[test]
fn destinations_are_told_by_their_names() {
    let rows: &[(Value, &[(&str, i64)])] = &[
        // Order does not count.
        (
            json!([to("web-canary", 0), to("web-stable", 100)]),
            &[("web-canary", 10), ("web-stable", 90)],
        ),
        (
            json!([to("web-stable.shop", 100), to("web-canary.shop.svc.cluster.local", 0)]),
            &[("web-stable.shop", 90), ("web-canary.shop.svc.cluster.local", 10)],
        ),
        // A foreign destination goes if it has weight.
        (
            json!([to("web-stable", 95), to("other", 5), to("web-canary", 0)]),
            &[("web-stable", 90), ("web-canary", 10)],
        ),
        (
            json!([to("web-stable", 100), to("other", 0), to("web-canary", 0)]),
            &[("web-stable", 90), ("other", 0), ("web-canary", 10)],
        ),
        // Of two destinations of the canary the first has its weight.
        (
            json!([to("web-stable", 100), to("web-canary", 0), to("web-canary.shop", 0)]),
            &[("web-stable", 90), ("web-canary", 10), ("web-canary.shop", 0)],
        ),
    ];
    for (destinations, expected) in rows {
        let mut case = Case::new(of_vs(), [one(destinations)]);
        write(&mut case, &weight(10));
        assert_eq!(weights(&case, "http", 0), pairs(expected), "{destinations}");
        assert_eq!(case.observe(), reported(10, 10));
    }
    let mut leading_dot = Case::new(of_vs(), [one(&json!([to("web-stable", 100), to(".web-canary", 0)]))]);
    let problem = leading_dot.changes(&weight(10)).unwrap_err();
    assert_eq!(problem.reason, "TrafficRoutingError");
    assert_eq!(problem.message, "Canary Service 'web-canary' not found in route");
    leading_dot.routes.0.clear();
    let problem = leading_dot.changes(&weight(10)).unwrap_err();
    assert_eq!(problem.reason, "VirtualServiceNotFound");
    assert_eq!(problem.message, "VirtualService `vs` not found");
}

#[test]
fn seen_weights_are_scaled_and_ranged() {
    let spec = |destinations: &[Value]| {
        let routes: Vec<Value> = destinations
            .iter()
            .map(|route| json!({"name": "a", "route": route}))
            .collect();
        service(&json!({"http": routes}))
    };
    let routing = json!({"istio": {"virtualService": {"name": "vs", "routes": ["a"]}}});
    let rows = [
        (vec![json!([to("web-stable", 1), to("web-canary", 1)])], (50, 50)),
        (
            vec![json!([to("web-stable", 50), to("web-canary", 50)]), both()],
            (0, 50),
        ),
        (vec![json!([{"destination": {"host": "web-canary"}}])], (100, 100)),
        (vec![json!([to("web-stable", 0), to("web-canary", 0)])], (0, 0)),
        (
            vec![
                json!([to("web-stable", 100)]),
                json!([to("web-stable", 70), to("web-canary", 30)]),
            ],
            (0, 30),
        ),
    ];
    for (destinations, (least, most)) in rows {
        let case = Case::new(routing.clone(), [spec(&destinations)]);
        assert_eq!(case.observe(), reported(least, most), "{destinations:?}");
    }
    // Which routes are meant is not known: any of them may count.
    let named = json!({"istio": {"virtualService": {"name": "vs", "routes": ["a", "gone"]}}});
    let case = Case::new(named, [spec(&[json!([to("web-stable", 60), to("web-canary", 40)])])]);
    assert_eq!(case.observe(), reported(0, 40));
    assert_eq!(Case::new(of_vs(), []).observe(), reported(0, 0));
}

#[test]
fn experiments_have_their_weights() {
    let destination = |service: &str| Destination {
        service: service.to_owned(),
        hash: format!("h-{service}"),
        weight: 5,
    };
    let mut case = Case::new(of_vs(), [one(&both())]);
    let wanted = Wanted {
        additional: vec![destination("exp-b"), destination("exp-a")],
        ..weight(10)
    };
    write(&mut case, &wanted);
    let expected = [("web-stable", 80), ("web-canary", 10), ("exp-a", 5), ("exp-b", 5)];
    assert_eq!(weights(&case, "http", 0), pairs(&expected));
    let added = &case.object("VirtualService", "vs")["spec"]["http"][0]["route"][2];
    assert_eq!(*added, json!({"weight": 5, "destination": {"host": "exp-a"}}));
    assert_eq!(case.observe(), reported(10, 10));
    assert_eq!(write(&mut case, &weight(10)).len(), 1, "both go in one write");
    assert_eq!(
        weights(&case, "http", 0),
        pairs(&[("web-stable", 90), ("web-canary", 10)])
    );
}

#[test]
fn additional_subsets_keep_their_weights() {
    let destinations = json!([to_subset("stable", 80), to_subset("canary", 0), to_subset("x", 20)]);
    let mut case = Case::new(of_rule(), [one(&destinations), rule(&json!([]))]);
    write(&mut case, &weight(10));
    assert_eq!(
        weights(&case, "http", 0),
        pairs(&[("stable", 70), ("canary", 10), ("x", 20)])
    );
    assert_eq!((case.observe().least, case.observe().most), (10, 10));
}

#[test]
fn each_virtual_service_is_written() {
    let named = |name: &str, namespace: &str| {
        let mut object = one(&json!([
            to("web-stable.shop.svc.cluster.local", 100),
            to("web-canary.shop", 0)
        ]));
        object["metadata"] = json!({"name": name, "namespace": namespace, "resourceVersion": "1"});
        object
    };
    let services = json!([{"name": "vs"}, {"name": "a.b.c"}, {"name": "d.other.cluster.local"}]);
    let routing = json!({"istio": {"virtualServices": services}});
    let objects = [named("vs", "shop"), named("a.b", "c"), named("d", "other")];
    let mut case = Case::new(routing, objects);
    assert_eq!(case.invalid(), None);
    let additional = vec![Destination {
        service: "exp".to_owned(),
        weight: 1,
        ..Destination::default()
    }];
    let changes = write(
        &mut case,
        &Wanted {
            additional,
            ..weight(10)
        },
    );
    let places: Vec<String> = changes.iter().map(|(change, _)| change.place().to_string()).collect();
    let expected = [
        "VirtualService shop/vs",
        "VirtualService c/a.b",
        "VirtualService other/d",
    ];
    assert_eq!(places, expected);
    let expected = ["vs", "a.b", "d"].map(|name| format!("VirtualService `{name}` set to desiredWeight '10'"));
    assert_eq!(messages(&changes), expected);
    let host =
        |name: &str| case.object("VirtualService", name)["spec"]["http"][0]["route"][2]["destination"]["host"].clone();
    assert_eq!(host("vs"), "exp");
    assert_eq!(
        host("d"),
        "exp.shop.svc.cluster.local",
        "a short name would lead to a Service of the other namespace"
    );
    case.routes.0.retain(|route| route.place.name != "a.b");
    assert!(
        case.changes(&weight(20)).is_err(),
        "none is written where one is missing"
    );
}

#[test]
fn one_virtual_service_may_be_named_twice() {
    let routes =
        json!([{"name": "a", "route": both()}, {"name": "b", "route": both()}, {"name": "c", "route": both()}]);
    let services = json!([{"name": "vs", "routes": ["a"]}, {"name": "vs.shop", "routes": ["c"]}]);
    let routing = json!({"istio": {"virtualServices": services}});
    let mut case = Case::new(routing, [service(&json!({"http": routes}))]);
    assert_eq!(write(&mut case, &weight(10)).len(), 1);
    let canary = |index: usize| weights(&case, "http", index)[1].1;
    assert_eq!([canary(0), canary(1), canary(2)], [10, 0, 10]);
}

#[test]
fn routes_are_selected() {
    let tls = |port: Value, hosts: Value| json!({"match": [{"port": port, "sniHosts": hosts}], "route": both()});
    let split = json!({"match": [{"port": 443, "sniHosts": ["a"]}, {"sniHosts": ["b"], "port": 443}], "route": both()});
    let two_ports = json!({"match": [{"port": 443}, {"port": 444}], "route": both()});
    let vs = |fields: Value| {
        let mut vs = fields;
        vs["name"] = json!("vs");
        json!({"istio": {"virtualService": vs}, "managedRoutes": [{"name": "m"}]})
    };
    let http = |name: &str| json!({"name": name, "route": both()});
    let unnamed = json!({"route": both()});
    let header = json!({"name": "m", "match": [{}], "route": [to("web-canary", 100)]});
    let rows = [
        (vs(json!({})), "http", json!([unnamed]), vec![0]),
        (vs(json!({})), "http", json!([unnamed, header]), vec![0]),
        (vs(json!({})), "http", json!([header, unnamed]), vec![1]),
        (vs(json!({})), "http", json!([header, http("x")]), vec![1]),
        (
            vs(json!({"routes": ["b", "a"]})),
            "http",
            json!([http("a"), http("c"), http("b")]),
            vec![0, 2],
        ),
        (vs(json!({})), "tls", json!([tls(json!(443), json!(["a"]))]), vec![0]),
        (
            vs(json!({"tlsRoutes": [{"port": 443}]})),
            "tls",
            json!([tls(json!(443), json!([])), tls(json!(444), json!([])), two_ports]),
            vec![0],
        ),
        (
            vs(json!({"tlsRoutes": [{"sniHosts": ["a", "b"]}]})),
            "tls",
            json!([
                tls(json!(null), json!(["b", "a"])),
                tls(json!(null), json!(["a"])),
                split
            ]),
            vec![0],
        ),
        (
            vs(json!({"tlsRoutes": [{"port": 443, "sniHosts": ["a", "b"]}]})),
            "tls",
            json!([
                tls(json!(null), json!(["b", "a"])),
                tls(json!(443), json!(["a"])),
                split
            ]),
            vec![2],
        ),
        (vs(json!({})), "tcp", json!([{"route": both()}]), vec![0]),
        (
            vs(json!({"tcpRoutes": [{"port": 444}]})),
            "tcp",
            json!([tls(json!(443), json!([])), tls(json!(444), json!([]))]),
            vec![1],
        ),
    ];
    for (routing, list, routes, expected) in rows {
        check_selected(&routing, list, &routes, &expected);
    }
}

fn check_selected(routing: &Value, list: &str, routes: &Value, expected: &[usize]) {
    {
        let mut case = Case::new(routing.clone(), [service(&json!({list: routes}))]);
        assert_eq!(case.invalid(), None, "{routing} {routes}");
        let wanted = Wanted {
            managed: vec!["m"],
            ..weight(10)
        };
        write(&mut case, &wanted);
        let written = case.object("VirtualService", "vs")["spec"][list]
            .as_array()
            .unwrap()
            .clone();
        let has_ten = |route: &Value| route["route"][1]["weight"] == 10;
        // The header route, which is not in force, is gone.
        let gone = routes
            .as_array()
            .unwrap()
            .iter()
            .filter(|route| route["name"] == "m")
            .count();
        assert_eq!(written.len() + gone, routes.as_array().unwrap().len());
        assert_eq!(
            written.iter().filter(|route| has_ten(route)).count(),
            expected.len(),
            "{routing} {routes}"
        );
        if gone == 0 {
            let indices: Vec<usize> = (0..written.len()).filter(|index| has_ten(&written[*index])).collect();
            assert_eq!(indices, expected, "{routing} {routes}");
        }
    }
}
