#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::show::info::Around;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use serde::Deserialize;
use serin_core::api::{AnalysisRun, Experiment, Rollout};
use std::path::Path;

/// One file of `tests/trees`; the text beside it is what must be drawn.
///
/// The texts of the scenes with AnalysisRuns and Experiments are what the plugin of Argo Rollouts printed: a server
/// answered its lists with the objects of the scene, all times moved so that the scene's `now` was the clock's. It ran `get
/// rollout NAME` or `get experiment NAME`, with `--no-color` unless the scene has colours.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scene {
    now: Timestamp,
    colors: bool,
    /// What `get rollout` draws; absent in a scene of `get experiment`.
    rollout: Option<Rollout>,
    replica_sets: Vec<ReplicaSet>,
    pods: Vec<Pod>,
    /// Without a rollout, the first is the one that `get experiment` draws.
    #[serde(default)]
    experiments: Vec<Experiment>,
    #[serde(default)]
    analysis_runs: Vec<AnalysisRun>,
}

impl Scene {
    fn drawn(&self) -> String {
        let colors = if self.colors { Colors::On } else { Colors::Off };
        let around = Around {
            replica_sets: self.replica_sets.iter().collect(),
            pods: self.pods.iter().collect(),
            experiments: self.experiments.iter().collect(),
            analysis_runs: self.analysis_runs.iter().collect(),
        };
        match &self.rollout {
            Some(rollout) => draw(&RolloutInfo::new(rollout, &around), Width::Usual, colors, self.now),
            None => {
                let info = ExperimentInfo::new(&self.experiments[0], &around);
                draw_experiment(&info, Width::Usual, colors, self.now)
            }
        }
    }
}

#[test]
fn scenes_are_drawn_to_the_letter() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees");
    let mut drawn = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let scene: Scene = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let expected = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        let text = scene.drawn();
        assert!(
            text == expected,
            "{}\n--- drawn\n{text}\n--- expected\n{expected}",
            path.display()
        );
        drawn += 1;
    }
    assert!(drawn >= 14, "only {drawn} scenes were found");
}

#[test]
fn experiments_runs_and_jobs_have_rows() {
    let identity = |name: &str| Identity {
        name: name.into(),
        created: Some(Timestamp::UNIX_EPOCH),
        ..Identity::default()
    };
    let job = JobInfo {
        identity: identity("job"),
        icon: icon::BAD,
        status: "Failed".into(),
        ..JobInfo::default()
    };
    let run = |name: &str, jobs: Vec<JobInfo>| AnalysisRunInfo {
        identity: identity(name),
        icon: icon::PROGRESSING,
        status: "Running".into(),
        revision: 1,
        successful: 3,
        error: 1,
        jobs,
        ..AnalysisRunInfo::default()
    };
    let experiment = ExperimentInfo {
        identity: identity("trial"),
        icon: icon::OK,
        status: "Successful".into(),
        revision: 1,
        analysis_runs: vec![run("inner", Vec::new())],
        ..ExperimentInfo::default()
    };
    let mut info = RolloutInfo::new(&Rollout::default(), &Around::default());
    info.identity = identity("shop");
    info.experiments.push(experiment);
    info.analysis_runs.push(run("outer", vec![job]));
    let mut table = Table::new(Width::Usual, Colors::Off, Timestamp::from_second(60).unwrap());
    table.rollout(&info);
    let names: Vec<_> = table
        .rows
        .iter()
        .skip(1)
        .map(|row| (row[0].as_str(), row[2].as_str(), row[4].as_str()))
        .collect();
    let expected = [
        ("⟳ shop", "◌ Progressing", ""),
        ("└──# revision:1", " ", ""),
        ("   ├──Σ trial", "✔ Successful", ""),
        ("   │  └──α inner", "◌ Running", "✔ 3,⚠ 1"),
        ("   └──α outer", "◌ Running", "✔ 3,⚠ 1"),
        ("      └──⊞ job", "✖ Failed", ""),
    ];
    assert_eq!(names, expected);
}
