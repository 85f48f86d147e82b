//! Service mesh interface (contract 07 §4, §11).

use super::{Case, carries, route, weight};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Destination, Routes, Settings, Wanted};

fn case(smi: Value, version: &str, objects: impl IntoIterator<Item = Value>) -> Case {
    let settings = Settings {
        traffic_split_version: version.to_owned(),
        ..Settings::default()
    };
    let routing = serde_json::from_value(json!({"smi": smi})).unwrap();
    let routes = Routes(objects.into_iter().map(route).collect());
    Case {
        routing,
        settings,
        routes,
    }
    .settle()
}

fn split(owner: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "split.smi-spec.io/v1alpha2",
        "kind": "TrafficSplit",
        "metadata": {"name": "web", "ownerReferences": [{"controller": true, "uid": owner}]},
        "spec": spec,
    })
}

#[test]
fn a_split_is_made_and_patched() {
    let rows = [
        ("v1alpha1", json!({}), "web", "web-stable", json!("10"), json!("90")),
        (
            "v1alpha2",
            json!({"rootService": "root"}),
            "web",
            "root",
            json!(10),
            json!(90),
        ),
        (
            "v1alpha3",
            json!({"trafficSplitName": "ts"}),
            "ts",
            "web-stable",
            json!(10),
            json!(90),
        ),
    ];
    for (version, smi, name, root, canary, stable) in rows {
        let mut case = case(smi, version, []);
        assert_eq!(case.invalid(), None);
        assert_eq!(case.observe(), carries(0, 0));
        let made = case.write(&weight(10));
        let Change::Create {
            place,
            object,
            owned: true,
        } = &made[0].0
        else {
            panic!("{made:?}")
        };
        assert_eq!(place.api_version, format!("split.smi-spec.io/{version}"));
        let backends =
            json!([{"service": "web-canary", "weight": canary}, {"service": "web-stable", "weight": stable}]);
        assert_eq!(object["spec"], json!({"service": root, "backends": backends}));
        assert_eq!(
            (made[0].1[0].reason.as_str(), made[0].1[0].message.clone()),
            ("TrafficSplitCreated", format!("TrafficSplit `{name}` created"))
        );
        assert_eq!(case.observe(), carries(10, 10));
        assert!(case.write(&weight(10)).is_empty(), "the second time nothing is written");
        let patched = case.write(&weight(0));
        assert!(matches!(patched[0].0, Change::Patch { .. }));
        assert_eq!(patched[0].1[0].message, format!("TrafficSplit `{name}` modified"));
        assert_eq!(case.observe(), carries(0, 0));
    }
}

#[test]
fn experiments_stand_between_canary_and_stable() {
    let mut case = case(json!({}), "v1alpha2", []);
    let exp = Destination {
        service: "exp".to_owned(),
        hash: String::new(),
        weight: 5,
    };
    case.write(&Wanted {
        additional: vec![exp],
        ..weight(10)
    });
    let backends = json!([{"service": "web-canary", "weight": 10}, {"service": "exp", "weight": 5}, {"service": "web-stable", "weight": 85}]);
    assert_eq!(case.object("TrafficSplit", "web")["spec"]["backends"], backends);
    assert_eq!(case.observe(), carries(10, 10));
    case.write(&weight(20));
    let backends = json!([{"service": "web-canary", "weight": 20}, {"service": "web-stable", "weight": 80}]);
    assert_eq!(case.object("TrafficSplit", "web")["spec"]["backends"], backends);
}

#[test]
fn what_is_not_known_stays() {
    let matches = json!([{"kind": "HTTPRouteGroup", "name": "g"}]);
    let spec = json!({"service": "web-stable", "matches": matches, "backends": [{"service": "web-canary", "weight": 1, "x": 1}, {"service": "web-stable", "weight": 3}]});
    let mut case = case(json!({}), "v1alpha2", [split("uid-web", spec)]);
    assert_eq!(case.observe(), carries(25, 25));
    case.write(&weight(50));
    let spec = &case.object("TrafficSplit", "web")["spec"];
    assert_eq!(spec["matches"], matches);
    assert_eq!(
        spec["backends"][0],
        json!({"service": "web-canary", "weight": 50, "x": 1})
    );
}

#[test]
fn what_cannot_be_written_is_named() {
    let foreign = case(json!({}), "v1alpha2", [split("else", json!({}))]);
    assert_eq!(
        foreign.changes(&weight(1)).unwrap_err().message,
        "Rollout does not own TrafficSplit `web`"
    );
    let version = case(json!({}), "v2", []);
    assert_eq!(
        version.changes(&weight(1)).unwrap_err().message,
        "Unsupported TrafficSplit API version `v2`"
    );
}

#[test]
fn odd_objects_do_no_harm() {
    for spec in [
        Value::Null,
        json!([]),
        json!({"backends": 5}),
        json!({"backends": [1, null, {"service": 4, "weight": {}}, {"service": "web-canary", "weight": "x"}]}),
    ] {
        let mut case = case(json!({}), "v1alpha2", [split("uid-web", spec)]);
        assert_eq!(case.observe(), carries(0, 0));
        case.write(&weight(10));
        assert_eq!(case.observe(), carries(10, 10));
        assert!(case.write(&weight(10)).is_empty());
    }
}
