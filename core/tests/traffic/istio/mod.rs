//! Istio (contract 07 §1, §11).

mod destination_rule;
mod managed;
mod references;
mod weights;

use super::{Case, weight};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Told, Wanted};

fn to(host: &str, weight: i32) -> Value {
    json!({"destination": {"host": host}, "weight": weight})
}

fn to_subset(subset: &str, weight: i32) -> Value {
    json!({"destination": {"host": "web", "subset": subset}, "weight": weight})
}

/// A VirtualService `vs` with this spec.
fn service(spec: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "VirtualService",
        "metadata": {"name": "vs", "resourceVersion": "1"},
        "spec": spec,
    })
}

/// A VirtualService with one HTTP route.
fn one(destinations: &Value) -> Value {
    service(&json!({"hosts": ["web"], "http": [{"name": "main", "timeout": "5s", "route": destinations}]}))
}

fn rule(subsets: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "DestinationRule",
        "metadata": {"name": "dr", "annotations": {"kept": "yes"}},
        "spec": {"host": "web", "subsets": subsets},
    })
}

fn of_vs() -> Value {
    json!({"istio": {"virtualService": {"name": "vs"}}})
}

fn of_rule() -> Value {
    json!({"istio": {
        "virtualService": {"name": "vs"},
        "destinationRule": {"name": "dr", "canarySubsetName": "canary", "stableSubsetName": "stable",
            "additionalSubsetNames": ["x"]},
    }})
}

/// The hosts, or subsets, and weights of a route.
fn weights(case: &Case, list: &str, index: usize) -> Vec<(String, i64)> {
    let routes = case.object("VirtualService", "vs")["spec"][list][index]["route"]
        .as_array()
        .unwrap();
    let of = |destination: &Value| {
        let place = &destination["destination"];
        let name = place["subset"].as_str().or(place["host"].as_str()).unwrap();
        (name.to_owned(), destination["weight"].as_i64().unwrap_or(-1))
    };
    routes.iter().map(of).collect()
}

fn pairs(pairs: &[(&str, i64)]) -> Vec<(String, i64)> {
    pairs
        .iter()
        .map(|(name, weight)| ((*name).to_owned(), *weight))
        .collect()
}

/// The names of the HTTP routes, in order.
fn names(case: &Case) -> Vec<String> {
    let routes = case.object("VirtualService", "vs")["spec"]["http"].as_array().unwrap();
    routes
        .iter()
        .map(|route| route["name"].as_str().unwrap_or("-").to_owned())
        .collect()
}

fn messages(changes: &[(Change, Vec<Told>)]) -> Vec<String> {
    changes
        .iter()
        .flat_map(|(_, told)| told)
        .map(|told| told.message.clone())
        .collect()
}

/// Writes, and sees that a second time nothing is written.
fn write(case: &mut Case, wanted: &Wanted<'_>) -> Vec<(Change, Vec<Told>)> {
    let changes = case.write(wanted);
    assert_eq!(case.write(wanted), [], "the second time nothing is written");
    changes
}

#[test]
fn odd_objects_do_no_harm() {
    let odd = [
        json!(null),
        json!(7),
        json!("text"),
        json!([]),
        json!({}),
        json!([null, 7, "x", [], {}]),
    ];
    let huge = json!([{"destination": {"host": "web-canary"}, "weight": 1e300}, {"destination": 7, "weight": -4},
        {"destination": {"host": "web-stable"}, "weight": u64::MAX}, {"destination": {"host": ".x"}, "weight": "9"}]);
    let mut objects = Vec::new();
    for value in &odd {
        for field in ["http", "tls", "tcp"] {
            objects.push(service(&json!({field: value})));
            objects.push(service(
                &json!({field: [{"route": value, "match": value, "mirror": value, "name": value}]}),
            ));
            objects.push(service(&json!({field: [{"route": huge, "match": [value]}]})));
        }
        objects.push(service(value));
    }
    let mut rules: Vec<Value> = odd.iter().map(rule).collect();
    for value in &odd {
        rules.push(rule(
            &json!([{"name": value, "labels": value}, {"name": "canary", "labels": value}]),
        ));
        for pointer in ["/spec", "/metadata/annotations"] {
            let mut object = rule(&json!([]));
            *object.pointer_mut(pointer).unwrap() = value.clone();
            rules.push(object);
        }
    }
    let mut written = 0;
    for routing in [of_vs(), of_rule()] {
        for object in &objects {
            for rule in &rules {
                let mut case = Case::new(routing.clone(), [object.clone(), rule.clone()]);
                case.observe();
                case.invalid();
                if case.changes(&weight(10)).is_ok() {
                    write(&mut case, &weight(10));
                    written += 1;
                    let seen = case.observe();
                    assert!((0..=100).contains(&seen.least) && seen.least <= seen.most && seen.most <= 100);
                }
            }
        }
    }
    assert!(written > 100, "{written}");
}
