//! Experiments: pods beside each other, with Services and analyses, from their beginning to their end.

use crate::analysis::job_template;
use anyhow::{Context, Result, ensure};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use serin_core::api::API_VERSION;
use serin_e2e::World;
use serin_e2e::story::PATIENCE;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Two templates with Services, and a Job that takes so many seconds and ends with this code.
fn experiment(duration: &str, command: &str) -> String {
    let template = |name: &str, image: &str| {
        format!(
            "
  - name: {name}
    replicas: 1
    service: {{name: of-{name}}}
    selector: {{matchLabels: {{app: {name}}}}}
    template:
      metadata: {{labels: {{app: {name}}}}}
      spec: {{containers: [{{name: main, image: '{image}', ports: [{{containerPort: 80}}]}}]}}"
        )
    };
    let command = format!("echo {{{{args.baseline}}}} {{{{args.canary}}}} && {command}");
    let compare = job_template("compare", "[{name: baseline}, {name: canary}]", &command);
    format!(
        "{compare}
---
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {{name: trial}}
spec:
  duration: {duration}
  templates:{}{}
  analyses:
  - name: compare
    templateName: compare
    requiredForCompletion: true
    args:
    - {{name: baseline, value: '{{{{templates.baseline.podTemplateHash}}}}'}}
    - {{name: canary, value: '{{{{templates.canary.podTemplateHash}}}}'}}
",
        template("baseline", "app:1"),
        template("canary", "app:2"),
    )
}

fn experiments(world: &World) -> Api<DynamicObject> {
    world.objects(API_VERSION, "Experiment")
}

/// Waits until the experiment has a phase; gives its status.
async fn phase(world: &World, wanted: &str) -> Result<Value> {
    let began = Instant::now();
    loop {
        let status = experiments(world).get("trial").await?.data["status"].clone();
        if status["phase"] == wanted {
            return Ok(status);
        }
        ensure!(began.elapsed() < PATIENCE, "it is not {wanted}: {status}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until so many ReplicaSets want pods, and the Services are there or not.
async fn sizes(world: &World, wanted: usize) -> Result<()> {
    let (sets, services) = (world.objects("apps/v1", "ReplicaSet"), world.objects("v1", "Service"));
    let began = Instant::now();
    loop {
        let all = sets.list(&ListParams::default()).await?;
        let running = all.iter().filter(|it| it.data["spec"]["replicas"] != 0).count();
        let all = services.list(&ListParams::default()).await?;
        let named = all.iter().filter(|it| it.name_any().starts_with("of-")).count();
        if (running, named) == (wanted, wanted) {
            return Ok(());
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "{running} run, and there are {named} Services"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

async fn run(world: &World) -> Result<DynamicObject> {
    let runs = world
        .objects(API_VERSION, "AnalysisRun")
        .list(&ListParams::default())
        .await?;
    runs.items.into_iter().next().context("there is no run")
}

pub(crate) async fn two_templates_are_compared_and_go(world: &mut World) -> Result<()> {
    world.create_all(&experiment("6s", "sleep 2")).await?;
    phase(world, "Running").await?;
    sizes(world, 2).await?;
    let status = phase(world, "Successful").await?;
    ensure!(
        status["templateStatuses"].as_array().is_some_and(|it| it.len() == 2),
        "{status}"
    );
    let run = run(world).await?;
    ensure!(run.data["status"]["phase"] == "Successful", "{}", run.data);
    sizes(world, 0).await
}

pub(crate) async fn an_analysis_that_fails_fails_the_experiment(world: &mut World) -> Result<()> {
    world.create_all(&experiment("10m", "sleep 2 && exit 1")).await?;
    phase(world, "Running").await?;
    let status = phase(world, "Failed").await?;
    ensure!(status["analysisRuns"][0]["phase"] == "Failed", "{status}");
    sizes(world, 0).await
}

pub(crate) async fn a_person_ends_it(world: &mut World) -> Result<()> {
    world.create_all(&experiment("10m", "sleep 600")).await?;
    phase(world, "Running").await?;
    sizes(world, 2).await?;
    let patch = Patch::Merge(json!({"spec": {"terminate": true}}));
    experiments(world)
        .patch("trial", &PatchParams::default(), &patch)
        .await?;
    let began = Instant::now();
    while matches!(
        experiments(world).get("trial").await?.data["status"]["phase"].as_str(),
        Some("Running") | None
    ) {
        ensure!(began.elapsed() < PATIENCE, "it goes on");
        sleep(Duration::from_millis(100)).await;
    }
    sizes(world, 0).await
}

pub(crate) async fn a_killed_controller_goes_on_with_it(world: &mut World) -> Result<()> {
    world.create_all(&experiment("8s", "sleep 8")).await?;
    phase(world, "Running").await?;
    sleep(Duration::from_secs(3)).await;
    world.kill_controller().await?;
    sleep(Duration::from_secs(1)).await;
    world.start_controller().await?;
    phase(world, "Successful").await?;
    let runs = world
        .objects(API_VERSION, "AnalysisRun")
        .list(&ListParams::default())
        .await?;
    ensure!(runs.items.len() == 1, "{} runs were made", runs.items.len());
    sizes(world, 0).await
}
