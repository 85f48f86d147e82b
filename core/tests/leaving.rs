//! What is reported before a user goes back to Argo Rollouts (decision 52).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_core::rollout::leaving::{StoredTemplates, report};

fn rollout(spec: &Value, status: &Value) -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": spec, "status": status})
}

fn fields(rollout: &Value, templates: &StoredTemplates) -> Vec<String> {
    let findings = report(rollout, templates).findings;
    findings.into_iter().map(|finding| finding.field).collect()
}

#[test]
fn what_argo_rollouts_would_prune_is_named() {
    let none = StoredTemplates::default();
    let routing = json!({"gatewayAPI": {"httpRoute": "r"}, "stickiness": {"cookie": {"name": "c"}}, "nginx": {}});
    let canary = json!({"strategy": {"canary": {"trafficRouting": routing}}});
    assert_eq!(
        fields(&rollout(&canary, &json!({})), &none),
        [
            "spec.strategy.canary.trafficRouting.gatewayAPI",
            "spec.strategy.canary.trafficRouting.stickiness"
        ]
    );
    let container = json!({"name": "c", "image": "i", "resources": {"limits": {"cpu": "1"}}, "newField": 1});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container], "alsoNew": {}, "nodeName": null}});
    assert_eq!(
        fields(&rollout(&json!({"template": template}), &json!({})), &none),
        [
            "spec.template.spec.alsoNew",
            "spec.template.spec.containers[0].newField"
        ]
    );
    let condition = |of: &str| json!({"type": of, "status": "True"});
    let conditions =
        json!({"conditions": [condition("Available"), condition("Refused"), condition("BeganWithoutPods")]});
    assert_eq!(
        fields(&rollout(&json!({}), &conditions), &none),
        ["status.conditions[Refused]", "status.conditions[BeganWithoutPods]"]
    );
}

#[test]
fn additions_of_templates_are_found_where_the_rollout_names_them() {
    let mut templates = StoredTemplates::default();
    let key = |name: &str| ("shop".to_owned(), name.to_owned());
    templates.namespaced.insert(
        key("a"),
        json!({"spec": {"templates": [{"templateName": "all", "clusterScope": true}, {"templateName": "a"}],
            "metrics": [{"name": "m"}, {"name": "n", "noData": "Failed", "samples": "len(result)"}]}}),
    );
    templates
        .namespaced
        .insert(key("other"), json!({"spec": {"metrics": [{"compare": {}}]}}));
    templates.cluster.insert(
        "all".to_owned(),
        json!({"spec": {"metrics": [{"compare": {"arg": "hash"}}]}}),
    );
    let steps = json!([{"setWeight": 10}, {"analysis": {"templates": [{"templateName": "a"}]}}]);
    let spec = json!({"strategy": {"canary": {"steps": steps}}});
    assert_eq!(
        fields(&rollout(&spec, &json!({})), &templates),
        [
            "AnalysisTemplate/a: spec.metrics[1].noData",
            "AnalysisTemplate/a: spec.metrics[1].samples",
            "ClusterAnalysisTemplate/all: spec.metrics[0].compare"
        ]
    );
    let steps = json!([{"experiment": {"analyses": [{"name": "x", "templateName": "other"}]}}]);
    let spec = json!({"strategy": {"canary": {"steps": steps}}});
    assert_eq!(
        fields(&rollout(&spec, &json!({})), &templates),
        ["AnalysisTemplate/other: spec.metrics[0].compare"]
    );
}

#[test]
fn a_rollout_that_may_go_as_it_is_says_so() {
    let plain = rollout(&json!({"strategy": {"canary": {}}}), &json!({"conditions": []}));
    let departure = report(&plain, &StoredTemplates::default());
    assert_eq!(departure.to_string(), "rollout shop/web: nothing to change\n");
    let refused = rollout(&json!({}), &json!({"conditions": [{"type": "Refused"}]}));
    let told = report(&refused, &StoredTemplates::default()).to_string();
    assert!(
        told.starts_with("rollout shop/web\n  status.conditions[Refused] is never removed"),
        "{told}"
    );
    assert!(told.contains("\n    first: do what its message says"), "{told}");
}
