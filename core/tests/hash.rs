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

/// One line of `hash_vectors.json`: what Go made of an input.
///
/// Made once by running the Go types (`k8s.io/api` v0.34.5, and v0.29.3 for the hash with a null creation time, where
/// that version knows all the fields) on hand-written and on generated inputs.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    kind: String,
    name: String,
    input: Value,
    text: String,
    hash: String,
    hash_with_null_timestamp: Option<String>,
    #[serde(default)]
    collisions: std::collections::BTreeMap<i32, String>,
}

#[test]
fn vectors_made_by_go() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("hash_vectors.json")).unwrap();
    let (templates, steps): (Vec<_>, Vec<_>) = vectors.iter().partition(|vector| vector.kind == "template");
    assert_eq!((templates.len(), steps.len()), (62, 21));
    for vector in templates {
        check_template(vector);
    }
    for vector in steps {
        let steps: Option<Vec<CanaryStep>> = serde_json::from_value(vector.input.clone()).unwrap();
        let steps = steps.unwrap_or_default();
        assert_eq!(hashed_steps(&steps), vector.text, "{}", vector.name);
        assert_eq!(step_hash(&steps), vector.hash, "{}", vector.name);
    }
}

fn check_template(vector: &Vector) {
    let template = decoded(&vector.input);
    assert_eq!(
        hashed_template(&template, Dialect::Omitted),
        vector.text,
        "{}",
        vector.name
    );
    assert_eq!(
        pod_hash(&template, Dialect::Omitted, None),
        vector.hash,
        "{}",
        vector.name
    );
    for (count, hash) in &vector.collisions {
        assert_eq!(
            &pod_hash(&template, Dialect::Omitted, Some(*count)),
            hash,
            "{}",
            vector.name
        );
    }
    if let Some(hash) = &vector.hash_with_null_timestamp {
        assert_eq!(&pod_hash(&template, Dialect::Null, None), hash, "{}", vector.name);
    }
}

fn sanitised(template: &Value) -> (Value, Vec<String>) {
    sanitised_template(&PodTemplate::new(template))
}

/// Decision 7: only the leaf goes, its siblings stay.
#[test]
fn undecodable_leaves_are_left_out_alone() {
    let (template, paths) = sanitised(&json!({"metadata": {"labels": {"app": "x", "a.b/c": 1}}, "spec": {
        "ephemeralContainers": "none", "terminationGracePeriodSeconds": "30", "hostNetwork": "true",
        "containers": [
            {"name": "a", "image": "i", "env": [{"name": "E", "value": 5}], "args": ["x", 7, "y"],
             "resources": {"requests": {"cpu": "5m", "memory": "many"}, "limits": {"cpu": ""}},
             "livenessProbe": {"httpGet": {"port": true, "path": "/"}}},
            "b",
            {"name": "c", "image": "j", "ports": [{"containerPort": 4_000_000_000_u32}]}]}}));
    assert_eq!(
        template,
        json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [
            {"name": "a", "image": "i", "env": [{"name": "E"}], "args": ["x", "y"],
             "resources": {"requests": {"cpu": "5m"}, "limits": {}}, "livenessProbe": {"httpGet": {"path": "/"}}},
            {"name": "c", "image": "j", "ports": [{}]}]}})
    );
    assert_eq!(
        paths,
        [
            "metadata.labels[a.b/c]",
            "spec.containers[0].args[1]",
            "spec.containers[0].env[0].value",
            "spec.containers[0].livenessProbe.httpGet.port",
            "spec.containers[0].resources.limits.cpu",
            "spec.containers[0].resources.requests.memory",
            "spec.containers[1]",
            "spec.containers[2].ports[0].containerPort",
            "spec.ephemeralContainers",
            "spec.hostNetwork",
            "spec.terminationGracePeriodSeconds",
        ]
    );
    assert_eq!(sanitised(&json!("template")), (Value::Null, vec![".".to_owned()]));
}

#[test]
fn undecodable_leaves_do_not_count_in_the_hash() {
    let mut broken = getting_started("blue");
    broken["spec"]["containers"][0]["resources"]["requests"]["gpu"] = json!("many");
    broken["spec"]["ephemeralContainers"] = json!("none");
    let rollout: Rollout = serde_json::from_value(json!({"spec": {"template": broken}})).unwrap();
    let identity = Identity::of(&rollout);
    assert_eq!(identity.pod_hash, "5cd66ff7ff");
    assert_eq!(
        identity.undecodable,
        ["spec.containers[0].resources.requests.gpu", "spec.ephemeralContainers"]
    );
}

/// argo-rollouts#1045: one leaf that cannot be decoded takes the whole list with it, and a list that can be decoded stays.
#[test]
fn ephemeral_containers_go_as_a_whole() {
    let template = |memory: &str| {
        let mut template = getting_started("blue");
        template["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "shell"},
            {"name": "other", "image": "shell", "resources": {"requests": {"memory": memory}}}]);
        template
    };
    let (kept, paths) = sanitised(&template("16Mi"));
    assert_eq!(
        (&kept["spec"]["ephemeralContainers"][1]["name"], paths),
        (&json!("other"), vec![])
    );
    let (left, paths) = sanitised(&template("invalid"));
    assert_eq!(left["spec"].get("ephemeralContainers"), None);
    assert_eq!(paths, ["spec.ephemeralContainers"]);
}

/// Contract 11 E, "02 §2 confirmed": an explicit null is as good as nothing, `requests.memory: null` included.
#[test]
fn null_is_absent() {
    let mut nulls = getting_started("blue");
    nulls["spec"]["volumes"] = Value::Null;
    nulls["spec"]["containers"][0]["resources"]["requests"]["gpu"] = Value::Null;
    nulls["spec"]["containers"][0]["newField"] = Value::Null;
    nulls["metadata"]["labels"]["x"] = Value::Null;
    assert_eq!(new_hash(&nulls, None), "5cd66ff7ff");
    assert_eq!(sanitised(&nulls).0, getting_started("blue"));
}

/// Decision 20: fields newer than the frozen table count, after the known ones, in canonical form.
#[test]
fn unknown_fields_count() {
    let template = json!({"spec": {"aNewField": {"z": [1.5, 1e21, {"b": null, "a": "<"}], "y": null, "c": -0.5},
        "containers": [{"name": "c", "image": "i", "Image": "case counts"}]}});
    let template = decoded(&template);
    assert_eq!(
        hashed_template(&template, Dialect::Omitted),
        concat!(
            r#"{"metadata":{},"spec":{"containers":[{"name":"c","image":"i","resources":{},"Image":"case counts"}],"#,
            r#""aNewField":{"c":-0.5,"z":[1.5,1e+21,{"a":"\u003c"}]}}}"#
        )
    );
    assert_eq!(
        template["spec"]["aNewField"]["c"],
        json!(-0.5),
        "they reach the ReplicaSet, too"
    );
}

/// The API server reads `1.0` as 1.
#[test]
fn integral_floats_are_integers() {
    let template = decoded(&json!({"spec": {"priority": 5.0, "containers": []}}));
    assert_eq!(template["spec"]["priority"], json!(5));
    assert_eq!(sanitised(&json!({"spec": {"priority": 5.5}})).1, ["spec.priority"]);
}
