//! Pod-template and step hashes, bit for bit (contract 02 §2): what names every ReplicaSet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_core::api::rollout::CanaryStep;
use serin_core::api::{PodTemplate, Rollout};
use serin_core::identity::{Dialect, Identity, hashed_steps, hashed_template, pod_hash, sanitised_template, step_hash};

/// The template, after checking that all of it decodes.
fn decoded(template: &Value) -> Value {
    let (template, undecodable) = sanitised_template(&PodTemplate::new(template));
    assert_eq!(undecodable, Vec::<String>::new());
    template
}

fn new_hash(template: &Value, collisions: Option<i32>) -> String {
    pod_hash(&decoded(template), Dialect::Omitted, collisions)
}

fn old_hash(template: &Value) -> String {
    pod_hash(&decoded(template), Dialect::Null, None)
}

fn getting_started(colour: &str) -> Value {
    json!({"metadata": {"labels": {"app": "rollouts-demo"}}, "spec": {"containers": [{
        "name": "rollouts-demo", "image": format!("argoproj/rollouts-demo:{colour}"),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"memory": "32Mi", "cpu": "5m"}}}]}})
}

#[test]
fn contract_02_2_vectors() {
    let blue = getting_started("blue");
    assert_eq!(new_hash(&blue, None), "5cd66ff7ff");
    assert_eq!(new_hash(&blue, Some(1)), "7dd5d94754");
    assert_eq!(new_hash(&blue, Some(2)), "67595dcdcc");

    let escapes = json!({"metadata": {"labels": {"b": "2", "a": "1"}, "annotations": {"x": "<a & b>"}},
        "spec": {"securityContext": {}, "terminationGracePeriodSeconds": 0, "containers": [{"name": "c",
            "image": "nginx:1.25", "args": ["--q=a>b&&c<d"], "env": [{"name": "E", "value": ""},
            {"name": "U", "value": "é\u{2028}"}],
            "resources": {"requests": {"cpu": "1000m"}, "limits": {"memory": "1024Mi", "cpu": "0.5"}}}]}});
    assert_eq!(
        hashed_template(&decoded(&escapes), Dialect::Omitted),
        concat!(
            r#"{"metadata":{"labels":{"a":"1","b":"2"},"annotations":{"x":"\u003ca \u0026 b\u003e"}},"#,
            r#""spec":{"containers":[{"name":"c","image":"nginx:1.25","args":["--q=a\u003eb\u0026\u0026c\u003cd"],"#,
            r#""env":[{"name":"E"},{"name":"U","value":"é\u2028"}],"resources":{"limits":{"cpu":"500m","#,
            r#""memory":"1Gi"},"requests":{"cpu":"1"}}}],"terminationGracePeriodSeconds":0,"securityContext":{}}}"#
        )
    );
    assert_eq!(new_hash(&escapes, None), "747dff55d");
    assert_eq!(new_hash(&escapes, Some(1)), "7999645675");

    let plain = json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(new_hash(&plain, None), "78c48c466");
    assert_eq!(new_hash(&plain, Some(1)), "5749c9b8f9");
    assert_eq!(new_hash(&plain, Some(2)), "f44c7b8f6");
    assert_eq!(new_hash(&json!({}), None), "658c46c486");
    assert_eq!(new_hash(&Value::Null, None), "658c46c486");
}

#[test]
fn both_dialects_of_the_getting_started_example() {
    for (colour, new, old) in [
        ("blue", "5cd66ff7ff", "687d76d795"),
        ("yellow", "76ddfb4f47", "6cf78c66c5"),
        ("red", "64fbcbbd74", "5747959bdb"),
    ] {
        let template = getting_started(colour);
        assert_eq!(
            (new_hash(&template, None).as_str(), old_hash(&template).as_str()),
            (new, old),
            "{colour}"
        );
    }
}

fn steps(steps: Value) -> Vec<CanaryStep> {
    serde_json::from_value(steps).unwrap()
}

#[test]
fn contract_02_2_step_vectors() {
    assert_eq!(step_hash(&[]), "5ffbfbbd64");
    assert_eq!(
        step_hash(&steps(json!([{"setWeight": 20}, {"pause": {}}]))),
        "54649b9f5c"
    );
    let timed = steps(
        json!([{"setWeight": 10}, {"pause": {"duration": "1h"}}, {"setWeight": 50},
        {"pause": {"duration": 30}}]),
    );
    let text = r#"[{"setWeight":10},{"pause":{"duration":"1h"}},{"setWeight":50},{"pause":{"duration":30}}]"#;
    assert_eq!(hashed_steps(&timed), text);
    assert_eq!(step_hash(&timed), "67c8d4bd69");
}

#[test]
fn identity_of_a_rollout() {
    let canary: Rollout = serde_json::from_value(json!({"spec": {"template": getting_started("blue"),
        "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}}, "status": {"collisionCount": 1}}))
    .unwrap();
    let identity = Identity::of(&canary);
    assert_eq!(identity.pod_hash, "7dd5d94754");
    assert_ne!(
        identity.pod_hash_with_null_timestamp, "687d76d795",
        "the collision count belongs to both dialects"
    );
    assert_eq!(identity.step_hash, "54649b9f5c");
    assert_eq!(identity.undecodable, Vec::<String>::new());

    let blue_green: Rollout = serde_json::from_value(json!({"spec": {"template": getting_started("blue"),
        "strategy": {"blueGreen": {"activeService": "a"}}}}))
    .unwrap();
    let identity = Identity::of(&blue_green);
    assert_eq!(identity.pod_hash, "5cd66ff7ff");
    assert_eq!(identity.pod_hash_with_null_timestamp, "687d76d795");
    assert_eq!(identity.step_hash, "");

    let no_steps: Rollout = serde_json::from_value(json!({"spec": {"strategy": {"canary": {}}}})).unwrap();
    assert_eq!(Identity::of(&no_steps).step_hash, "5ffbfbbd64");
    assert_eq!(Identity::of(&no_steps).pod_hash, "658c46c486");
}
