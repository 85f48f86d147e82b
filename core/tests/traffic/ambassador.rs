//! Ambassador (contract 07 §5, §11).

use super::{Case, carries, weight};
use serde_json::{Value, json};
use serin_core::traffic::Change;

fn mapping(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "getambassador.io/v2",
        "kind": "Mapping",
        "metadata": {"name": name, "labels": {"a": "b"}, "ownerReferences": [{"uid": "x"}], "resourceVersion": "1"},
        "spec": spec,
    })
}

fn base() -> Value {
    mapping(
        "main",
        json!({"prefix": "/", "service": "https://web-stable.web-stable:80", "timeout_ms": 5}),
    )
}

fn case(objects: impl IntoIterator<Item = Value>) -> Case {
    Case::new(json!({"ambassador": {"mappings": ["main"]}}), objects)
}

#[test]
fn a_canary_mapping_comes_and_goes() {
    let mut case = case([base()]);
    assert_eq!(case.invalid(), None);
    assert!(case.write(&weight(0)).is_empty(), "nothing is made for nothing");
    let made = case.write(&weight(10));
    let Change::Create {
        object, owned: false, ..
    } = &made[0].0
    else {
        panic!("{made:?}")
    };
    assert_eq!(object["metadata"], json!({"name": "main-canary", "namespace": "shop"}));
    let spec = json!({"prefix": "/", "service": "https://web-canary.web-stable:80", "timeout_ms": 5, "weight": 10});
    assert_eq!(object["spec"], spec);
    assert_eq!(made[0].1[0].reason, "CanaryMappingWeightUpdate");
    assert_eq!(made[0].1[0].message, "Set canary mapping weight to 10");
    assert_eq!(case.observe(), carries(10, 10));
    assert!(case.write(&weight(10)).is_empty(), "the second time nothing is written");
    let patched = case.write(&weight(20));
    let Change::Patch { patch, .. } = &patched[0].0 else {
        panic!("{patched:?}")
    };
    assert_eq!(*patch, json!({"spec": {"weight": 20}}));
    let zero = case.write(&weight(0));
    assert!(matches!(zero[0].0, Change::Patch { .. }), "first the traffic goes");
    assert_eq!(zero[0].1[0].message, "Set canary mapping weight to 0");
    let deleted = case.write(&weight(0));
    assert!(matches!(deleted[0].0, Change::Delete { .. }), "then the Mapping");
    assert!(case.write(&weight(0)).is_empty());
}

#[test]
fn kinds_follow_the_api_group() {
    let rows = [
        ("getambassador.io/v1", "Mapping", "mappings"),
        ("getambassador.io/v2", "Mapping", "mappings"),
        ("getambassador.io/v3alpha1", "Mapping", "mappings"),
        ("x.getambassador.io/v3alpha1", "AmbassadorMapping", "ambassadormappings"),
    ];
    for (version, kind, plural) in rows {
        let mut case = case([]);
        case.settings.ambassador_api_version = version.to_owned();
        let mut base = base();
        base["apiVersion"] = json!(version);
        base["kind"] = json!(kind);
        case.routes.0 = vec![super::route(base)];
        let mut case = case.settle();
        let made = case.write(&weight(10));
        let Change::Create { place, object, .. } = &made[0].0 else {
            panic!("{made:?}")
        };
        assert_eq!((place.api_version.as_str(), place.plural.as_str()), (version, plural));
        assert_eq!(
            (&object["apiVersion"], &object["kind"]),
            (&json!(version), &json!(kind))
        );
    }
}

#[test]
fn each_of_several_mappings_is_written() {
    let long = "m".repeat(250);
    let routing = json!({"ambassador": {"mappings": ["main", long]}});
    let mut case = Case::new(routing, [base(), mapping(&long, json!({"service": "web-stable"}))]);
    assert_eq!(case.write(&weight(30)).len(), 2);
    let name = format!("{}-canary", "m".repeat(246));
    assert_eq!(
        case.object("Mapping", &name)["spec"],
        json!({"service": "web-canary", "weight": 30})
    );
    assert_eq!(case.observe(), carries(30, 30));
}

#[test]
fn references_are_checked() {
    let path = "spec.strategy.canary.trafficRouting.ambassador.mappings";
    let none = Case::new(json!({"ambassador": {"mappings": []}}), []);
    assert_eq!(
        none.invalid(),
        Some(format!(
            "{path}: Invalid value: null: must provide at least one mapping"
        ))
    );
    let missing = "mappings.getambassador.io \"main\" not found";
    assert_eq!(
        case([]).invalid(),
        Some(format!("{path}: Invalid value: \"main\": {missing}"))
    );
    assert_eq!(case([]).changes(&weight(1)).unwrap_err().message, missing);
    assert_eq!(case([]).changes(&weight(0)).unwrap(), []);
    let weighted = case([mapping("main", json!({"service": "web-stable", "weight": 5}))]);
    let text = "Ambassador mapping \"main\" can not define weight";
    assert_eq!(
        weighted.invalid(),
        Some(format!("spec.weight: Invalid value: 5: {text}"))
    );
    let problem = weighted.changes(&weight(1)).unwrap_err();
    assert_eq!(
        (problem.reason.as_str(), problem.message.as_str()),
        ("AmbassadorMappingConfigError", text)
    );
    let elsewhere = case([mapping("main", json!({"service": "other"}))]);
    let text = "Ambassador mapping \"main\" leads to \"other\", not to service \"web-stable\"";
    assert_eq!(elsewhere.changes(&weight(1)).unwrap_err().message, text);
}

#[test]
fn a_canary_mapping_in_other_hands_is_read() {
    let rows = [
        (json!({"service": "web-canary", "weight": 40}), carries(40, 40)),
        (json!({"service": "web-canary"}), carries(0, 100)),
        (json!({"service": "elsewhere", "weight": 40}), carries(0, 0)),
        (json!({"weight": 40}), carries(0, 0)),
        (json!(null), carries(0, 0)),
        (json!(["x"]), carries(0, 0)),
        (json!({"service": "web-canary", "weight": -3}), carries(0, 0)),
        (json!({"service": "web-canary", "weight": "x"}), carries(0, 100)),
    ];
    for (spec, expected) in rows {
        let mut case = case([base(), mapping("main-canary", spec.clone())]);
        assert_eq!(case.observe(), expected, "{spec}");
        case.write(&weight(15));
        assert!(case.write(&weight(15)).is_empty(), "{spec}");
        assert_eq!(case.observe(), carries(15, 15), "{spec}");
        case.write(&weight(0));
        case.write(&weight(0));
        assert!(case.write(&weight(0)).is_empty(), "{spec}");
    }
}
