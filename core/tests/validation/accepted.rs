//! What is not refused: contract 01 §8 "NOT validated", and what contract 11 §E saw accepted. To refuse more than upstream
//! would stop rollouts that work.

use super::{changed, check};
use serin_core::validate;

fn accepts(fragments: &[&str]) {
    let rows: Vec<(&str, &str)> = fragments.iter().map(|fragment| (*fragment, "")).collect();
    check(&rows);
}

#[test]
fn numbers_at_their_limits() {
    accepts(&[
        "replicas: 0",
        "revisionHistoryLimit: 0",
        "{minReadySeconds: 0, progressDeadlineSeconds: 1}",
        "{minReadySeconds: 599}",
        "{minReadySeconds: 600, progressDeadlineSeconds: 601}",
        "rollbackWindow: {revisions: -1}",
        "analysis: {successfulRunHistoryLimit: -1}",
    ]);
}

/// Contract 11 §E, "Blue-green".
#[test]
fn blue_green_numbers() {
    let blue_green = |fields: &str| format!("strategy: {{canary: null, blueGreen: {{activeService: a, {fields}}}}}");
    for fields in [
        "autoPromotionSeconds: -1",
        "previewReplicaCount: -1",
        "scaleDownDelaySeconds: -1",
        "abortScaleDownDelaySeconds: -1",
        "scaleDownDelayRevisionLimit: -1",
        "scaleDownDelayRevisionLimit: 10",
        "maxUnavailable: abc",
        "maxUnavailable: -1",
        "antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}",
        "antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 1}}",
        "antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 100}}",
    ] {
        accepts(&[&blue_green(fields)]);
    }
    check(&[(
        &format!(
            "{{revisionHistoryLimit: 1, {}}}",
            blue_green("scaleDownDelayRevisionLimit: 2")
        ),
        "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 2: This rollout's revision history limit can not be \
         smaller than the rollout's scale down limit",
    )]);
}

/// Contract 01 §8, last item: what is not validated.
#[test]
fn what_is_not_validated() {
    let canary = |fields: &str| format!("strategy: {{canary: {{{fields}}}}}");
    let routed = "canaryService: c, stableService: s, trafficRouting: {plugins: {a/b: {}}}";
    for fields in [
        "analysis: {startingStep: -1}",
        "analysis: {startingStep: 99}",
        "analysis: {}",
        "minPodsPerReplicaSet: -1",
        "replicaProgressThreshold: {type: Furlongs, value: -1}",
        "abortScaleDownDelaySeconds: -1",
        "scaleDownDelayRevisionLimit: 99",
        "steps: [{experiment: {templates: [], duration: soon}}]",
        "steps: [{plugin: {name: ''}}]",
        "steps: [{setWeight: 0}, {setWeight: 100}]",
        "steps: [{plugin: {name: p}, pause: {}}]",
        "canaryService: c",
        "stableService: s",
        "trafficRouting: {}",
        "trafficRouting: {managedRoutes: [{name: r}]}",
        "pingPong: {pingService: a, pongService: b}",
    ] {
        accepts(&[&canary(fields)]);
    }
    for steps in [
        "{setCanaryScale: {weight: 5, replicas: 5, matchTrafficWeight: true}}",
        "{setCanaryScale: {weight: -1}}",
        "{setCanaryScale: {}}",
        "{setWeight: 5, setCanaryScale: {weight: 5}}",
        "{setWeight: 5, plugin: {name: p}}",
    ] {
        accepts(&[&canary(&format!("{routed}, steps: [{steps}]"))]);
    }
    accepts(&[&canary(
        "trafficRouting: {nginx: {stableIngress: i}, maxTrafficWeight: 1000}, canaryService: c, stableService: s, \
         steps: [{setWeight: 1000}]",
    )]);
}

/// Contract 11 §E, "01 §8 item 3".
#[test]
fn workload_references() {
    let reference = |fields: &str| format!("{{workloadRef: {{{fields}}}, selector: null, template: null}}");
    accepts(&[
        &reference("kind: Deployment, name: d, apiVersion: apps/v1, scaleDown: sideways"),
        &reference("kind: Nothing"),
        "{workloadRef: {kind: Deployment}, selector: null, template: {metadata: null}}",
    ]);
    let rollout = changed(
        "{workloadRef: {kind: Deployment}, selector: null, template: {metadata: {labels: null, \
                           annotations: {a: b}}}}",
    );
    let found: Vec<String> = validate::rollout(&rollout).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["template must be empty for workload reference rollout"]);
}

/// Decision 23: what is left to the API server is not judged here, valid or not.
#[test]
fn the_rest_of_a_template() {
    accepts(&[
        "template: {spec: {containers: [{name: shop, image: i, securityContext: {privileged: true}}]}}",
        "template: {spec: {containers: []}}",
        "template: {spec: {containers: [{name: NOT A NAME}]}}",
        "template: {spec: {securityContext: {windowsOptions: {hostProcess: true}}}}",
        "template: {spec: {volumes: [{name: v, rbd: {image: i, monitors: [m]}}]}}",
        "template: {spec: {containers: [{name: shop, image: i, lifecycle: {preStop: {sleep: {seconds: 0}}}}]}}",
        "template: {metadata: {annotations: {'not valid at all': x}}}",
    ]);
}
