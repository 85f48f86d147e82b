//! Analyses, experiments and step plugins.

use crate::world::{World, ago};
use serde_json::{Value, json};

fn run(name: &str, phase: &str, metric: Value, result: Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": ago(400),
            "labels": {"rollouts-pod-template-hash": "bbb", "rollout-type": "Step"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "r", "controller": true}]},
        "spec": {"metrics": [metric]},
        "status": {"phase": phase, "message": "Metric \"errors\" assessed badly", "metricResults": [result], "completedAt": ago(121)}})
}

fn metric() -> Value {
    json!({"name": "errors", "successCondition": "result[0] < 0.05", "failureLimit": 1, "provider": {"prometheus": {"query": "up"}}})
}

fn result(phase: &str, values: &[&str], message: &str) -> Value {
    let measured: Vec<Value> = values
        .iter()
        .map(|it| json!({"phase": phase, "value": it, "message": message, "finishedAt": ago(125)}))
        .collect();
    json!({"name": "errors", "phase": phase, "failed": values.len(), "consecutiveError": values.len(), "inconclusive": values.len(), "measurements": measured})
}

const FAILED: &str =
    "Step-based analysis phase error/failed: Metric \"errors\" assessed Failed due to failed (2) > failureLimit (1)";

fn failed(values: &[&str]) -> World {
    let mut world = World::canary();
    world.aborted(FAILED).rollout(
        json!({"status": {"canary": {"currentStepAnalysisRunStatus": {"name": "web-bbb-2", "status": "Failed"}}}}),
    );
    world.change(
        "ReplicaSet",
        "web-bbb",
        json!({"spec": {"replicas": 0}, "status": {"replicas": 0}}),
    );
    world.add(run("web-bbb-2", "Failed", metric(), result("Failed", values, "")));
    world
}

#[test]
fn analysis_failed() {
    let plain = failed(&["[0.12]", "[0.3]"]).is(&["analysis-failed"]);
    let summary = &plain.causes[0].summary;
    for part in [
        "Metric errors",
        "web-bbb-2",
        "[0.12], [0.3]",
        "result[0] < 0.05",
        "2 failed, limit 1",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    assert!(
        plain
            .commands
            .iter()
            .any(|it| it.run == "serin retry rollout web -n shop")
    );
    // The run is gone: the status says as much as it can.
    let mut gone = World::canary();
    gone.aborted(FAILED);
    gone.is(&["analysis-failed"]);
    // A run of an earlier try failed, and the update goes on.
    let mut past = World::canary();
    past.add(run("web-bbb-1", "Failed", metric(), result("Failed", &["[0.3]"], "")));
    past.is(&[]);
    // A dry run does not count.
    let mut dry = failed(&["[0.12]"]);
    let mut other = result("Failed", &["[7]"], "");
    other["dryRun"] = true.into();
    other["name"] = "dry".into();
    dry.change(
        "AnalysisRun",
        "web-bbb-2",
        json!({"status": {"metricResults": [other, result("Failed", &["[0.5]"], "")]}}),
    );
    assert!(dry.is(&["analysis-failed"]).causes[0].summary.contains("[0.5]"));
}

/// `noData`, `samples` and `compare` (decision 50).
#[test]
fn samples_and_comparisons_are_told() {
    let with = |phase: &str, message: &str, more: Value| {
        let mut world = failed(&["[0.12]"]);
        let mut bad = result(phase, &["[0.12]"], message);
        bad["count"] = 9.into();
        bad["measurements"][0]["metadata"] = json!({"samples": "57"});
        let change = json!({"spec": {"metrics": [metric_with(&more)]}, "status": {"metricResults": [bad]}});
        world.change("AnalysisRun", "web-bbb-2", change);
        world
    };
    let summary = |world: World, cause: &str| world.is(&[cause]).causes[0].summary.clone();
    assert_eq!(
        summary(with("Failed", "57 samples", json!({})), "analysis-failed"),
        "Metric errors of AnalysisRun web-bbb-2 failed: it measured [0.12] of 57 samples, and the condition is success if \
         result[0] < 0.05 (1 failed, limit 1)."
    );
    assert_eq!(
        summary(
            with(
                "Failed",
                "no data: 57 samples, minSamples is 100",
                json!({"noData": "Failed"})
            ),
            "analysis-no-data"
        ),
        "Metric errors of AnalysisRun web-bbb-2 has no data: 57 samples, minSamples is 100 (1 failed, limit 1)."
    );
    let compare = json!({"successCondition": "", "compare": {"arg": "hash", "margin": "0.01"}});
    assert_eq!(
        summary(
            with(
                "Failed",
                "the canary is worse by more than 0.01: canary 220 of 2000",
                compare.clone()
            ),
            "analysis-failed"
        ),
        "Metric errors of AnalysisRun web-bbb-2 failed: the canary is worse by more than 0.01: canary 220 of 2000."
    );
    let open = with("Inconclusive", "not decided: canary 2 of 20", compare);
    assert_eq!(
        summary(open, "analysis-inconclusive"),
        "Metric errors of AnalysisRun web-bbb-2 is inconclusive after 9 measurements: not decided: canary 2 of 20."
    );
}

fn metric_with(more: &Value) -> Value {
    let mut metric = metric();
    for (name, value) in more.as_object().unwrap() {
        metric[name] = value.clone();
    }
    metric
}

#[test]
fn analysis_error() {
    let world = |message: &str| {
        let mut world = World::canary();
        world.aborted("Background analysis phase error/failed: Metric \"errors\" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4)");
        world.rollout(
            json!({"status": {"canary": {"currentBackgroundAnalysisRunStatus": {"name": "a", "status": "Error"}}}}),
        );
        world.add(run("a", "Error", metric(), result("Error", &["", ""], message)));
        world
    };
    let plain = world("Post \"http://prometheus:9090/api/v1/query?token=s3cr3t\": dial tcp: connection refused")
        .is(&["analysis-error"]);
    assert!(plain.causes[0].summary.contains("connection refused") && !format!("{plain:?}").contains("s3cr3t"));
    // A Secret that is missing is the root.
    let mut secret = world("x");
    secret.change("AnalysisRun", "a", json!({"status": {"message": "Unable to resolve metric arguments: secret \"token\" not found", "metricResults": []}}));
    secret.is(&["reference-missing", "analysis-error"]);
    // Errors within the limit, while the run goes on.
    let mut within = World::canary();
    within.rollout(
        json!({"status": {"canary": {"currentBackgroundAnalysisRunStatus": {"name": "a", "status": "Running"}}}}),
    );
    within.add(run("a", "Running", metric(), result("Running", &[], "")));
    within.is(&[]);
}

#[test]
fn analysis_no_data() {
    for values in [vec!["[]"], vec!["[NaN]", "[NaN]"], vec!["NaN"]] {
        failed(&values).is(&["analysis-no-data"]);
    }
    let mut empty = World::canary();
    empty
        .aborted("Step-based analysis phase error/failed: x")
        .rollout(json!({"status": {"canary": {"currentStepAnalysisRunStatus": {"name": "a"}}}}));
    empty.add(run("a", "Error", metric(), result("Error", &["[]"], "could not evaluate successCondition \"result[0] < 1\": metric result is nil or empty: no data returned from the metric provider")));
    empty.is(&["analysis-no-data"]);
    // Real values beside a NaN are a failure.
    failed(&["[NaN]", "[0.9]"]).is(&["analysis-failed"]);
    // Zero is a value.
    failed(&["[0]"]).is(&["analysis-failed"]);
}

#[test]
fn analysis_inconclusive() {
    let mut world = World::canary();
    world.paused().rollout(json!({"status": {"message": "InconclusiveAnalysisRun", "pauseConditions": [{"reason": "InconclusiveAnalysisRun", "startTime": ago(60)}],
        "canary": {"currentStepAnalysisRunStatus": {"name": "a", "status": "Inconclusive"}}}}));
    let mut without = world.clone();
    let plain = world
        .add(run(
            "a",
            "Inconclusive",
            metric(),
            result("Inconclusive", &["[0.05]"], ""),
        ))
        .is(&["analysis-inconclusive"]);
    assert!(
        plain
            .verdict
            .contains("waits for a person, because an analysis was inconclusive"),
        "{}",
        plain.verdict
    );
    without.is(&["analysis-inconclusive"]);
    // With a pod that crashes the crash is first.
    without.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    );
    without.waiting("CrashLoopBackOff", "").change("Pod", "web-bbb-1", json!({"status": {"containerStatuses": [{"name": "web", "ready": false, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3, "finishedAt": ago(9)}}}]}}));
    without.is(&["crash", "analysis-inconclusive"]);
    // An ordinary pause is as planned.
    World::canary().paused().is(&[]);
}

fn experiment(phase: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment",
        "metadata": {"name": "web-bbb-2-0", "namespace": "shop", "uid": "exp", "labels": {"rollouts-pod-template-hash": "bbb"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "r", "controller": true}]},
        "status": {"phase": phase, "message": "", "templateStatuses": [{"name": "base", "status": if phase == "Failed" { "Failed" } else { "Running" },
            "message": "Template 'base' timed out", "lastTransitionTime": ago(130)}]}})
}

#[test]
fn experiments() {
    let mut world = World::canary();
    world
        .aborted("Experiment phase error/failed")
        .rollout(json!({"status": {"canary": {"currentExperiment": "web-bbb-2-0"}}}));
    world.add(experiment("Failed"));
    assert!(
        world.is(&["experiment"]).causes[0]
            .summary
            .contains("web-bbb-2-0 ended as Failed")
    );
    // Its pods cannot pull their image: that is the root.
    let mut pods = world.clone();
    pods.add(json!({"kind": "ReplicaSet", "metadata": {"name": "exp-base", "namespace": "shop", "uid": "set-exp",
        "ownerReferences": [{"kind": "Experiment", "name": "web-bbb-2-0", "uid": "exp", "controller": true}]}, "spec": {"replicas": 1}, "status": {"replicas": 1}}));
    pods.pod("exp", "exp-base-1", json!({"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ErrImagePull"}}}]}), json!({}));
    pods.is(&["image-pull", "experiment"]);
    // The Experiment itself is explained as well.
    pods.about("Experiment", "web-bbb-2-0")
        .is(&["image-pull", "experiment"]);
    // One that runs is no fault.
    let mut runs = World::canary();
    runs.rollout(json!({"status": {"canary": {"currentExperiment": "web-bbb-2-0"}}}))
        .add(experiment("Running"));
    runs.is(&[]);
}

#[test]
fn step_plugin() {
    let status = |phase: &str| json!({"status": {"canary": {"stepPluginStatuses": [{"index": 1, "name": "acme/gate", "operation": "Run", "phase": phase, "message": "gate is closed", "updatedAt": ago(50)}]}}});
    let mut world = World::canary();
    world.aborted("step plugin failed").rollout(status("Failed"));
    assert!(
        world.is(&["step-plugin"]).causes[0]
            .summary
            .contains("acme/gate (step 2) ended as Failed: gate is closed")
    );
    let mut missing = World::canary();
    missing.event("Rollout", "web", "ReconciliationError", "Reconciliation failed with error: unable to find plugin (acme/gate): plugin acme/gate not configured in configmap", 20);
    missing.is(&["step-plugin"]);
    World::canary().rollout(status("Running")).is(&[]);
    let mut crash = World::canary();
    crash
        .aborted("step plugin failed")
        .rollout(status("Error"))
        .waiting("ErrImagePull", "");
    crash.is(&["image-pull", "step-plugin"]);
}

#[test]
fn a_run_alone_is_explained() {
    let mut world = failed(&["[0.4]"]);
    let explained = world.about("AnalysisRun", "web-bbb-2").is(&["analysis-failed"]);
    assert!(explained.serving.is_empty());
    assert_eq!(explained.next, "Nothing: the AnalysisRun has ended and stays as it is.");
    // A Job of it that cannot pull its image: the pod is the root.
    world.add(json!({"kind": "Job", "metadata": {"name": "j", "namespace": "shop", "uid": "job", "ownerReferences": [{"kind": "AnalysisRun", "uid": "web-bbb-2"}]}}));
    world.add(json!({"kind": "Pod", "metadata": {"name": "j-1", "namespace": "shop", "uid": "jp", "ownerReferences": [{"kind": "Job", "uid": "job"}]},
        "spec": {"containers": [{"name": "probe", "image": "tool:1"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "probe", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}));
    world.is(&["image-pull", "analysis-failed"]);
}
