//! Objects of each kind are written as they were read: nothing lost, nothing added but what contract 01 §1 lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_core::api::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, Experiment, Rollout};

fn same<K: DeserializeOwned + Serialize>(text: &str) {
    for document in serin_core::notation::yaml::parse_docs(text).unwrap() {
        let object: K = serde_json::from_value(document.value.clone()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(serde_json::to_value(object).unwrap(), document.value);
    }
}

fn written<K: DeserializeOwned + Serialize>(text: &str) -> Value {
    let value = serin_core::notation::yaml::parse_docs(text).unwrap().remove(0).value;
    serde_json::to_value(serde_json::from_value::<K>(value).unwrap()).unwrap()
}

#[test]
fn rollouts() {
    same::<Rollout>(include_str!("crds_roundtrip/rollouts.yaml"));
}

#[test]
fn analysis_templates() {
    same::<AnalysisTemplate>(include_str!("crds_roundtrip/analysis_templates.yaml"));
    same::<ClusterAnalysisTemplate>(include_str!("crds_roundtrip/analysis_templates.yaml"));
}

#[test]
fn analysis_runs_and_experiments() {
    same::<AnalysisRun>(include_str!("crds_roundtrip/analysis_runs.yaml"));
    same::<Experiment>(include_str!("crds_roundtrip/experiments.yaml"));
}

/// Contract 01 §1, "Go client JSON quirks": members that are written although they are empty.
#[test]
fn what_is_always_written() {
    let rollout = written::<Rollout>("{spec: {strategy: {canary: {steps: [{experiment: {templates: [{name: a}]}}]}}}}");
    assert_eq!(rollout["status"], serde_json::json!({"canary": {}, "blueGreen": {}}));
    let experiment = &rollout["spec"]["strategy"]["canary"]["steps"][0]["experiment"];
    assert_eq!(experiment["analysisRunMetadata"], serde_json::json!({}));
    assert_eq!(experiment["templates"][0]["metadata"], serde_json::json!({}));
    let run = written::<AnalysisRun>(
        "{spec: {metrics: [{name: a, provider: {prometheus: {}, web: {url: u}, datadog: {}}}]}, status: {phase: Running}}",
    );
    assert_eq!(run["status"], serde_json::json!({"phase": "Running", "runSummary": {}}));
    let provider = &run["spec"]["metrics"][0]["provider"];
    let login = serde_json::json!({"sigv4": {}, "oauth2": {}, "basicAuth": {}});
    assert_eq!(provider["prometheus"]["authentication"], login);
    assert_eq!(provider["web"]["authentication"], login);
    assert_eq!(provider["datadog"]["secretRef"], serde_json::json!({}));
}
