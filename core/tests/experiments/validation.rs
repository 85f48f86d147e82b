//! What is wrong with a spec: the condition InvalidSpec, and nothing else changes.

use crate::cluster::{Cluster, template};
use serde_json::{Value, json};

fn message(spec: &Value) -> String {
    let mut cluster = Cluster::of(spec);
    cluster.settle();
    assert!(cluster.sets.is_empty());
    assert_eq!(cluster.phase(), ("", ""));
    let condition = &cluster.experiment.status.conditions[0];
    assert_eq!(
        (
            condition.r#type.as_str(),
            condition.status.as_str(),
            condition.reason.as_str()
        ),
        ("InvalidSpec", "True", "InvalidSpec")
    );
    condition.message.clone()
}

#[test]
fn each_finding_has_its_text() {
    let all = json!({"selector": {}});
    for (spec, expected) in [
        (
            json!({"templates": [template("a", &json!({"selector": null}))]}),
            "Rollout has missing field '.Spec.Templates[0].Selector'",
        ),
        (
            json!({"templates": [template("a", &json!({})), template("b", &all)]}),
            "This experiment is selecting all pods at index 1. A non-empty selector is required.",
        ),
        (
            json!({"templates": [template("a", &json!({"minReadySeconds": 11}))], "progressDeadlineSeconds": 10}),
            "MinReadySeconds cannot be longer than ProgressDeadlineSeconds. Check template index 0",
        ),
        (
            json!({"templates": [template("", &json!({}))]}),
            "Experiment exp has empty template name at index 0",
        ),
        (
            json!({"templates": [template("a", &json!({})), template("a", &json!({}))]}),
            "Experiment exp has repeated template name 'a' in templates",
        ),
        (
            json!({"templates": [template("a", &json!({}))], "duration": "5 minutes"}),
            "spec.duration: time: unknown unit \" minutes\" in duration \"5 minutes\"",
        ),
    ] {
        assert_eq!(message(&spec), expected);
    }
}

#[test]
fn a_mended_spec_begins_and_another_fault_has_another_message() {
    let mut cluster = Cluster::of(&json!({"templates": [template("", &json!({}))]}));
    cluster.settle();
    cluster.edit(&json!({"templates": [template("a", &json!({"selector": null}))]}));
    cluster.settle();
    let conditions = &cluster.experiment.status.conditions;
    assert_eq!(conditions.len(), 1);
    assert!(conditions[0].message.contains("Selector"));
    cluster.edit(&json!({"templates": [template("a", &json!({}))]}));
    cluster.run(2);
    assert_eq!(cluster.phase().0, "Running");
    assert!(
        cluster
            .experiment
            .status
            .conditions
            .iter()
            .all(|of| of.r#type != "InvalidSpec")
    );
}

#[test]
fn what_does_not_decode_is_told() {
    let mut seen = Cluster::of(&json!({"templates": []})).observed();
    seen.undecodable = Some("spec.duration: expected a string".to_owned());
    let plan = serin_core::experiment::decide(&seen, crate::cluster::at(0));
    let write = plan.status.unwrap();
    assert_eq!(
        write.patch["status"]["conditions"][0]["message"],
        "spec.duration: expected a string"
    );
    assert!(plan.actions.is_empty());
}
