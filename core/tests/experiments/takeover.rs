//! An experiment as Argo Rollouts leaves it (contract 01 §6, 05 §8): its ReplicaSet, whatever its hash, and its run are taken up,
//! and it ends when it would have ended.

use crate::cluster::{at, template};
use serde_json::{Value, json};
use serin_core::api::Experiment;
use serin_core::experiment::{Observed, decide};
use serin_core::observed::{AnalysisRun, ReplicaSet, Template};
use serin_core::plan::{Action, AnalysisRunAction, ReplicaSetAction};
use serin_core::wire::analysis::Phase;
use std::collections::BTreeMap;

fn left(status: &Value) -> Observed {
    let object = json!({
        "metadata": {"name": "exp", "namespace": "prod", "uid": "u", "generation": 2, "resourceVersion": "9"},
        "spec": {"duration": "10m", "templates": [template("canary", &json!({}))],
            "analyses": [{"name": "rate", "templateName": "rate"}]},
        "status": status,
    });
    let experiment: Experiment = serde_json::from_value(object).unwrap();
    let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        pairs.collect()
    };
    let set = ReplicaSet {
        name: "exp-canary".into(),
        uid: "s".into(),
        resource_version: "5".into(),
        generation: 1,
        observed_generation: 1,
        created: at(-60),
        labels: text(&[("app", "web"), ("rollouts-pod-template-hash", "of-another")]),
        annotations: text(&[
            ("experiment.argoproj.io/name", "exp"),
            ("experiment.argoproj.io/template-name", "canary"),
        ]),
        replicas: 1,
        current_replicas: 1,
        ready_replicas: 1,
        available_replicas: 1,
        ..ReplicaSet::default()
    };
    let run = AnalysisRun {
        name: "exp-rate".into(),
        uid: "r".into(),
        resource_version: "3".into(),
        phase: Phase::Running,
        ..AnalysisRun::default()
    };
    let mut seen = Observed {
        experiment,
        replica_sets: vec![set],
        analysis_runs: vec![run],
        ..Observed::default()
    };
    seen.templates.namespaced.insert("rate".into(), Template::default());
    seen
}

fn running() -> Value {
    json!({
        "phase": "Running",
        "availableAt": at(-50).to_string(),
        "templateStatuses": [{"name": "canary", "status": "Running", "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
            "availableReplicas": 1, "lastTransitionTime": at(-50).to_string(), "podTemplateHash": "of-another"}],
        "analysisRuns": [{"name": "rate", "analysisRun": "exp-rate", "phase": "Running"}],
    })
}

#[test]
fn a_running_experiment_keeps_its_pods_its_run_and_its_end() {
    let seen = left(&running());
    let plan = decide(&seen, at(0));
    assert!(plan.actions.is_empty(), "{:?}", plan.actions);
    let wake = plan.wake.expect("its end");
    assert_eq!(wake.at.duration_since(at(550)).as_secs(), 0, "{wake:?}");
    // Nothing but the conditions is said otherwise.
    if let Some(write) = &plan.status {
        let status = write.patch["status"].as_object().unwrap();
        assert!(status.keys().all(|key| key == "conditions"), "{status:?}");
    }
    let over = decide(&seen, at(551));
    let ends = |action: &Action| {
        matches!(
            action,
            Action::AnalysisRun(AnalysisRunAction::Terminate(_)) | Action::ReplicaSet(ReplicaSetAction::Patch(_))
        )
    };
    assert!(over.actions.iter().all(ends), "{:?}", over.actions);
}

#[test]
fn an_experiment_that_has_ended_stays() {
    let mut status = running();
    status["phase"] = json!("Successful");
    status["templateStatuses"][0]["status"] = json!("Successful");
    status["templateStatuses"][0]["replicas"] = json!(0);
    status["analysisRuns"][0]["phase"] = json!("Successful");
    let mut seen = left(&status);
    for set in &mut seen.replica_sets {
        (
            set.replicas,
            set.current_replicas,
            set.ready_replicas,
            set.available_replicas,
        ) = (0, 0, 0, 0);
    }
    for run in &mut seen.analysis_runs {
        run.phase = Phase::Successful;
    }
    let plan = decide(&seen, at(100_000));
    assert!(plan.actions.is_empty() && plan.events.is_empty(), "{plan:?}");
}
