//! Traefik (contract 07 §7, §11).

use super::{Case, weight};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Reported};

fn service(weighted: Value) -> Value {
    json!({
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "TraefikService",
        "metadata": {"name": "main", "resourceVersion": "7"},
        "spec": {"weighted": weighted},
    })
}

fn case(weighted: Value) -> Case {
    Case::new(
        json!({"traefik": {"weightedTraefikServiceName": "main"}}),
        [service(weighted)],
    )
}

fn of(canary: i32) -> Reported {
    Reported {
        least: canary,
        most: canary,
        ..Reported::default()
    }
}

#[test]
fn weights_are_set_in_any_order_and_others_stay() {
    let canary = json!({"name": "web-canary", "port": 80});
    let stable = json!({"name": "web-stable", "port": 80, "kind": "Service"});
    let other = json!({"name": "other", "weight": 5});
    for services in [json!([canary, other, stable]), json!([stable, canary, other])] {
        let mut case = case(json!({"services": services}));
        assert_eq!(case.invalid(), None);
        assert_eq!(case.observe(), of(50), "a Service without a weight counts one");
        let changes = case.write(&weight(10));
        let Change::Patch {
            patch,
            resource_version,
            ..
        } = &changes[0].0
        else {
            panic!("{changes:?}")
        };
        assert_eq!(resource_version, "7");
        assert!(changes[0].1.is_empty(), "nothing is told of it");
        let mut expected = services.clone();
        for service in expected.as_array_mut().unwrap() {
            match service["name"].as_str().unwrap() {
                "web-canary" => service["weight"] = json!(10),
                "web-stable" => service["weight"] = json!(90),
                _ => {}
            }
        }
        assert_eq!(*patch, json!({"spec": {"weighted": {"services": expected}}}));
        assert_eq!(case.observe(), of(10));
        assert!(case.write(&weight(10)).is_empty(), "the second time nothing is written");
    }
}

#[test]
fn what_is_missing_is_named() {
    let rows = [
        (
            json!(null),
            "spec.weighted.services was not found in traefik service manifest",
        ),
        (
            json!({"services": "x"}),
            "spec.weighted.services was not found in traefik service manifest",
        ),
        (
            json!({"services": [{"name": "web-stable"}, null, 3]}),
            "traefik canary service was not found",
        ),
        (
            json!({"services": [{"name": "web-canary"}, {"name": 3}]}),
            "traefik stable service was not found",
        ),
    ];
    for (weighted, message) in rows {
        let problem = case(weighted).changes(&weight(10)).unwrap_err();
        assert_eq!(
            (problem.reason.as_str(), problem.message.as_str()),
            ("TraefikServiceUpdateError", message)
        );
    }
    let case = Case::new(json!({"traefik": {"weightedTraefikServiceName": "main"}}), []);
    let problem = case.changes(&weight(10)).unwrap_err();
    assert_eq!(problem.message, "traefikservices.traefik.io \"main\" not found");
    assert_eq!((case.invalid(), case.observe()), (None, of(0)));
}

#[test]
fn odd_weights_are_read() {
    let rows = [
        (
            json!({"services": [{"name": "web-canary", "weight": i64::MAX / 2}, {"name": "web-stable", "weight": i64::MAX / 2}]}),
            50,
        ),
        (
            json!({"services": [{"name": "web-canary", "weight": "x"}, {"name": "web-stable", "weight": -3}]}),
            0,
        ),
        (
            json!({"services": [{"name": "web-canary", "weight": 1}, {"name": "web-stable", "weight": 3}]}),
            25,
        ),
        (json!({"services": [{"name": "web-canary", "weight": 1}]}), 100),
        (json!([]), 0),
    ];
    for (weighted, share) in rows {
        assert_eq!(case(weighted.clone()).observe(), of(share), "{weighted}");
    }
    let third = json!({"services": [{"name": "web-canary", "weight": 1}, {"name": "web-stable", "weight": 2}]});
    assert_eq!(case(third).observe(), of(33));
}

#[test]
fn a_cookie_keeps_a_client() {
    let services = json!([{"name": "web-canary", "weight": 0}, {"name": "web-stable", "weight": 100}]);
    let rows = [
        (
            json!({"cookie": {"name": "v", "maxAgeSeconds": 60}}),
            json!(null),
            json!({"name": "v", "maxAge": 60}),
        ),
        (
            json!({"cookie": {}}),
            json!({"cookie": {"secure": true, "name": "a"}}),
            json!({"secure": true, "name": "a"}),
        ),
        (json!({"cookie": {"name": "v"}}), json!("odd"), json!({"name": "v"})),
    ];
    for (stickiness, sticky, cookie) in rows {
        let routing = json!({"traefik": {"weightedTraefikServiceName": "main"}, "stickiness": stickiness});
        let mut case = Case::new(routing, [service(json!({"services": services, "sticky": sticky}))]);
        case.write(&weight(0));
        assert_eq!(
            case.object("TraefikService", "main")["spec"]["weighted"]["sticky"],
            json!({"cookie": cookie})
        );
        assert!(case.write(&weight(0)).is_empty());
    }
}
