//! One row per rule of contract 01 §8 (with contract 11 §E): a change to a valid rollout and the finding it causes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_core::api::{PodTemplate, Rollout};
use serin_core::validate;

const ROLLOUT: &str = "
metadata: {name: shop, namespace: demo}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: shop:1}]}
  strategy:
    canary: {}
";

/// A valid rollout with a fragment of its spec merged in, as a JSON merge patch.
fn changed(fragment: &str) -> Rollout {
    let read = |text: &str| serin_core::notation::yaml::parse_docs(text).unwrap().remove(0).value;
    let mut rollout = read(ROLLOUT);
    merge(&mut rollout["spec"], &read(fragment));
    serde_json::from_value(rollout).unwrap_or_else(|error| panic!("{fragment}: {error}"))
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name.as_str()], value);
        }
    }
}

fn check(rows: &[(&str, &str)]) {
    for (fragment, expected) in rows {
        let found = validate::rollout(&changed(fragment));
        let first = found.first().map(ToString::to_string).unwrap_or_default();
        assert_eq!(first, *expected, "{fragment}");
    }
}

/// Contract 01 §8 items 1 to 3.
#[test]
fn selector_and_workload_reference() {
    check(&[
        ("{}", ""),
        (
            "replicas: -1",
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "selector: null",
            "spec.selector: Required value: Rollout has missing field '.spec.selector'",
        ),
        (
            "selector: {matchLabels: null}",
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
        ),
        (
            "selector: {matchLabels: {app: 'no way'}}",
            "spec.selector.matchLabels: Invalid value: \"no way\": a valid label must be an empty string or consist of \
             alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
             'MyValue',  or 'my_value',  or '12345', regex used for validation is \
             '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
        (
            "selector: {matchLabels: {/x: a}}",
            "spec.selector.matchLabels: Invalid value: \"/x\": prefix part must be non-empty",
        ),
        (
            "selector: {matchExpressions: [{key: app, operator: Is}]}",
            "spec.selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator",
        ),
        (
            "selector: {matchExpressions: [{key: app, operator: In}]}",
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or \
             'NotIn'",
        ),
        (
            "selector: {matchExpressions: [{key: app, operator: Exists, values: [a]}]}",
            "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or \
             'DoesNotExist'",
        ),
        (
            "selector: {matchExpressions: [{key: app, operator: In, values: [shop]}]}",
            "",
        ),
        (
            "workloadRef: {kind: Deployment}",
            "template must be empty for workload reference rollout",
        ),
        (
            "{workloadRef: {kind: Deployment}, selector: null, template: {metadata: null}}",
            "",
        ),
        ("{workloadRef: {kind: Deployment}, selector: null, template: null}", ""),
    ]);
}

/// Contract 01 §8 items 4 and 5, as far as decision 23 makes them ours.
#[test]
fn template_and_numbers() {
    check(&[
        (
            "template: {metadata: {labels: {app: '<b>'}}}",
            "spec.template.metadata.labels: Invalid value: {\"app\":\"\\u003cb\\u003e\"}: `selector` does not match \
             template `labels`",
        ),
        (
            "template: {metadata: null}",
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
        ),
        (
            "template: {spec: {restartPolicy: Never}}",
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ),
        ("template: {spec: {restartPolicy: Always}}", ""),
        (
            "template: {spec: {activeDeadlineSeconds: 5}}",
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
        ),
        (
            "minReadySeconds: -1",
            "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "revisionHistoryLimit: -1",
            "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "progressDeadlineSeconds: -1",
            "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "progressDeadlineSeconds: 0",
            "spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds",
        ),
        (
            "minReadySeconds: 600",
            "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
        ),
    ]);
}

/// Contract 01 §8 item 6 and "BlueGreen".
#[test]
fn strategies() {
    check(&[
        (
            "strategy: {canary: null}",
            "spec.strategy.strategy: Required value: Rollout has missing field '.spec.strategy.canary or \
             .spec.strategy.blueGreen'",
        ),
        (
            "strategy: {blueGreen: {activeService: a}}",
            "spec.strategy.strategy: Invalid value: \"blueGreen: true canary: true\": Multiple Strategies can not be \
             listed",
        ),
        ("strategy: {canary: null, blueGreen: {activeService: a}}", ""),
        (
            "strategy: {canary: null, blueGreen: {activeService: a, previewService: a}}",
            "spec.strategy.activeService: Invalid value: \"a\": This rollout uses the same service for the active and \
             preview services, but two different services are required.",
        ),
        (
            "strategy: {canary: null, blueGreen: {}}",
            "spec.strategy.activeService: Invalid value: \"\": This rollout uses the same service for the active and \
             preview services, but two different services are required.",
        ),
        (
            "strategy: {canary: null, blueGreen: {previewService: b}}",
            "spec.strategy.blueGreen.activeService: Invalid value: \"\": service \"\" not found",
        ),
        (
            "strategy: {canary: null, blueGreen: {activeService: a, scaleDownDelayRevisionLimit: 11}}",
            "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 11: This rollout's revision history limit can \
             not be smaller than the rollout's scale down limit",
        ),
        (
            "strategy: {canary: {antiAffinity: {}}}",
            "spec.strategy.antiAffinity: Invalid value: \"antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: \
             false antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: false\": AntiAffinity must have \
             exactly one strategy listed",
        ),
        (
            "strategy: {canary: {antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 101}}}}",
            "spec.strategy.antiAffinity.weight: Invalid value: 101: AntiAffinity weight must be between 1-100",
        ),
        (
            "strategy: {canary: null, blueGreen: {activeService: a, antiAffinity: \
             {preferredDuringSchedulingIgnoredDuringExecution: {weight: 0}}}}",
            "spec.strategy.antiAffinity.weight: Invalid value: 0: AntiAffinity weight must be between 1-100",
        ),
        (
            "strategy: {canary: {antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 1}, \
             requiredDuringSchedulingIgnoredDuringExecution: {}}}}",
            "spec.strategy.antiAffinity: Invalid value: \"antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: \
             true antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: true\": AntiAffinity must have exactly \
             one strategy listed",
        ),
    ]);
}

/// With a workload reference the template that it leads to is judged (contract 01 §8 items 3 and 4).
#[test]
fn a_resolved_template() {
    let rollout = changed("{workloadRef: {kind: Deployment}, template: null}");
    let resolved = |labels: Value| PodTemplate::new(&json!({ "metadata": { "labels": labels } }));
    let found = |template: &PodTemplate| validate::with_template(&rollout, Some(template));
    assert_eq!(found(&resolved(json!({"app": "shop"}))), []);
    let paths: Vec<String> = found(&resolved(json!({"app": "other"})))
        .into_iter()
        .map(|error| error.path)
        .collect();
    assert_eq!(paths, ["spec.template.metadata.labels"]);
}

/// A rule that needs other rules broken first is not the first finding: the order of all is upstream's.
#[test]
fn findings_keep_their_order() {
    let rollout = changed(
        "{replicas: -1, minReadySeconds: -2, strategy: {canary: {scaleDownDelaySeconds: 1, dynamicStableScale: true, \
         steps: [{setWeight: 101}, {setCanaryScale: {}}], antiAffinity: {}}}}",
    );
    let paths: Vec<String> = validate::rollout(&rollout)
        .into_iter()
        .map(|error| error.path)
        .collect();
    assert_eq!(
        paths,
        [
            "spec.replicas",
            "spec.minReadySeconds",
            "spec.strategy.scaleDownDelaySeconds",
            "spec.strategy.dynamicStableScale",
            "spec.strategy.steps[0].setWeight",
            "spec.strategy.trafficRouting",
            "spec.strategy.antiAffinity",
        ]
    );
}

/// In the order of contract 01 §8, whatever else is wrong.
#[test]
fn only_the_first_finding_is_shown() {
    let first = |fragment: &str| validate::rollout(&changed(fragment)).remove(0).path;
    let fragments = [
        ("replicas: -1", "spec.replicas"),
        ("selector: {matchLabels: {app: '-'}}", "spec.selector.matchLabels"),
        (
            "template: {spec: {restartPolicy: Never}}",
            "spec.template.spec.restartPolicy",
        ),
        ("minReadySeconds: -1", "spec.minReadySeconds"),
        ("revisionHistoryLimit: -1", "spec.revisionHistoryLimit"),
        ("progressDeadlineSeconds: -1", "spec.progressDeadlineSeconds"),
        ("strategy: {canary: {steps: [{}]}}", "spec.strategy.steps[0]"),
    ];
    for (index, (_, path)) in fragments.iter().enumerate() {
        let rest: Vec<&str> = fragments.iter().skip(index).map(|(fragment, _)| *fragment).collect();
        assert_eq!(first(&rest.join("\n")), *path, "{rest:?}");
    }
}

#[path = "validation/accepted.rs"]
mod accepted;
#[path = "validation/canary.rs"]
mod canary;
#[path = "validation/references.rs"]
mod references;
