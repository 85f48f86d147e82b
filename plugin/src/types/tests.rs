#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::table;
use crate::gob::{Decoder, Encoder, Type, Value};
use serde_json::{Value as Json, json};

const METRIC: &str = "pkg/apis/rollouts/v1alpha1.Metric";
const ROLLOUT: &str = "pkg/apis/rollouts/v1alpha1.Rollout";
const CONTAINER: &str = "api/core/v1.Container";
const MEASUREMENT: &str = "pkg/apis/rollouts/v1alpha1.Measurement";

/// JSON to gob, its bytes, and back.
fn there_and_back(of: &str, json: &Json) -> Json {
    let table = table().unwrap();
    let mut stream = Encoder::new(&table.schema)
        .value(of, &table.to_gob(of, json).unwrap())
        .unwrap();
    let mut decoder = Decoder::default();
    while let Some((taken, value)) = decoder.take(&stream).unwrap() {
        stream.drain(..taken);
        if let Some(value) = value {
            assert!(stream.is_empty(), "one value");
            return table.to_json(of, &value).unwrap();
        }
    }
    panic!("no value")
}

#[test]
fn every_type_of_the_table_is_known() {
    let table = table().unwrap();
    let simple = ["bool", "int", "uint", "float", "string", "bytes"];
    for (name, shape) in &table.schema {
        let of: Vec<&String> = match shape {
            Type::Slice(elem) => vec![elem],
            Type::Map(key, elem) => vec![key, elem],
            Type::Struct(fields) => fields.iter().map(|(_, of)| of).collect(),
            Type::Binary => Vec::new(),
        };
        for of in of {
            let is_known = simple.contains(&of.as_str()) || table.schema.contains_key(of);
            assert!(is_known, "{name} has a {of}");
        }
        let described = &table.described[name];
        // RolloutSpec writes its JSON itself to leave a template out that comes from a workload.
        let is_own = described.json.is_empty() || described.json == "pkg/apis/rollouts/v1alpha1.RolloutSpec";
        assert!(is_own || described.special().is_some(), "{name} writes its own JSON");
    }
}

#[test]
fn json_comes_back() {
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "shop", "labels": {"a": "b"}, "creationTimestamp": "2026-08-01T12:30:00Z"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "shop"}},
            "strategy": {"canary": {
                "maxSurge": "25%",
                "maxUnavailable": 1,
                "steps": [{"setWeight": 10}, {"plugin": {"name": "acme/step", "config": {"a": [1, null, "x"]}}}],
            }},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "shop", "image": "shop:1"}]}},
        },
        "status": {"canary": {"weights": {"canary": {"weight": 5}}}},
    });
    let mut back = there_and_back(ROLLOUT, &rollout);
    // A struct that is no pointer is always sent; Go's JSON would leave out the empty ones that are pointers.
    assert_eq!(back["spec"].take(), rollout["spec"]);
    assert_eq!(back["metadata"], rollout["metadata"]);
    assert_eq!(back["kind"], "Rollout", "an inlined field");
    let measurement = json!({
        "phase": "Running",
        "startedAt": "2026-08-01T12:30:00Z",
        "resumeAt": "1969-12-31T23:59:59Z",
        "metadata": {"job": ""},
    });
    assert_eq!(there_and_back(MEASUREMENT, &measurement), measurement);
}

#[test]
fn what_go_does_not_send_does_not_come_back() {
    let metric = json!({"name": "m", "count": 0, "interval": "", "successCondition": null, "unknown": 1, "provider": {
        "plugin": {"acme/metric": {"b": 1, "a": null}},
        "job": {"metadata": {}, "spec": {"completions": 0}},
    }});
    let back = there_and_back(METRIC, &metric);
    assert_eq!(back["name"], "m");
    assert_eq!(back["count"], 0, "a struct of its own, which is always sent");
    assert_eq!(back.get("interval"), None);
    assert_eq!(back.get("unknown"), None);
    assert_eq!(back["provider"]["plugin"], metric["provider"]["plugin"]);
    assert_eq!(
        back["provider"]["job"]["spec"].get("completions"),
        None,
        "a pointer to zero"
    );
    let container = json!({"name": "c", "resources": {"limits": {"cpu": "1", "memory": "2Gi", "x": 5, "y": "1e3"}}});
    let back = there_and_back(CONTAINER, &container);
    let zero = json!({"cpu": "0", "memory": "0", "x": "0", "y": "0"});
    assert_eq!(back["resources"]["limits"], zero, "a quantity has no exported amount");
    let sent = table().unwrap().to_gob(CONTAINER, &container).unwrap();
    let sent = format!("{sent:?}");
    for notation in ["DecimalSI", "BinarySI", "DecimalExponent"] {
        assert!(sent.contains(notation), "{notation}");
    }
}

#[test]
fn json_of_another_kind_is_named() {
    for (json, why) in [
        (
            json!({"spec": {"replicas": "3"}}),
            "spec.replicas: an integer is needed, it is a string",
        ),
        (
            json!({"spec": {"replicas": 1.5}}),
            "spec.replicas: an integer is needed, it is a number",
        ),
        (json!({"spec": []}), "spec: an object is needed, it is a list"),
        (
            json!({"metadata": {"labels": {"a": 1}}}),
            "metadata.labels.a: a string is needed, it is a number",
        ),
        (
            json!({"metadata": {"creationTimestamp": "now"}}),
            "metadata.creationTimestamp: a time (RFC 3339) is needed, it is a string",
        ),
        (
            json!({"spec": {"strategy": {"canary": {"steps": [{}, {"setWeight": true}]}}}}),
            "spec.strategy.canary.steps[1].setWeight: an integer is needed, it is a boolean",
        ),
    ] {
        assert_eq!(table().unwrap().to_gob(ROLLOUT, &json).unwrap_err(), why);
    }
}

#[test]
fn answers_that_make_no_sense_are_named() {
    let table = table().unwrap();
    let field = |name: &str, value| Value::Struct([(name.to_owned(), value)].into());
    let measurement = |name, value| table.to_json(MEASUREMENT, &field(name, value));
    assert_eq!(
        measurement("Phase", Value::Int(1)).unwrap_err(),
        "Phase: it is no string"
    );
    assert_eq!(
        measurement("StartedAt", Value::Binary(vec![1, 2])).unwrap_err(),
        "StartedAt: it is no apis/meta/v1.Time"
    );
    let forever = [&[1][..], &i64::MAX.to_be_bytes(), &[0; 6]].concat();
    assert!(measurement("StartedAt", Value::Binary(forever)).is_err());
    let zero = [&[1][..], &[0; 12], &[0xff, 0xff]].concat();
    assert_eq!(measurement("StartedAt", Value::Binary(zero)), Ok(json!({})));
    assert_eq!(measurement("Unknown", Value::Int(1)), Ok(json!({})));
    let result = |text: &str| {
        let status = field("Status", Value::Bytes(text.into()));
        table.to_json("rollout/steps/plugin/rpc.Response", &field("Result", status))
    };
    assert_eq!(
        result("{").unwrap_err(),
        "Result.Status: it is no encoding/json.RawMessage"
    );
    assert_eq!(result(""), Ok(json!({"Result": {}})));
    assert_eq!(result("[1]"), Ok(json!({"Result": {"Status": [1]}})));
}

/// All Rollouts of the examples: a field that the table does not take would be an error.
#[test]
fn the_examples_have_a_place_in_the_table() {
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples"
    ))];
    let mut rollouts = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap();
                for document in serin_core::notation::yaml::parse_docs(&text).unwrap() {
                    if document.value["kind"] == "Rollout" {
                        let back = there_and_back(ROLLOUT, &document.value);
                        assert_eq!(back["metadata"]["name"], document.value["metadata"]["name"]);
                        let named = |it: &Json| {
                            it["spec"]["strategy"]
                                .as_object()
                                .map(|it| it.keys().cloned().collect::<Vec<_>>())
                        };
                        assert_eq!(named(&back), named(&document.value));
                        rollouts += 1;
                    }
                }
            }
        }
    }
    assert!(rollouts > 10, "{rollouts} Rollouts were found");
}
