//! Jobs of measurements: their ends, their namespace, and what they cost.

use crate::support;
use crate::world::{World, seconds};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_controller::fetch::{Fetch, surroundings};
use serin_controller::{Fetched, Options};
use serin_sandbox::ApiServer;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A world whose Jobs are in `namespace`, or in that of the runs.
async fn world(namespace: Option<&'static str>, options: Options) -> World {
    let api = support::server().await;
    if let Some(name) = namespace {
        let object: Namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(api.client());
        namespaces.create(&PostParams::default(), &object).await.unwrap();
    }
    let provider = provider(&api, namespace);
    World::measuring(api, Arc::new(provider), options).await
}

fn provider(api: &ApiServer, namespace: Option<&'static str>) -> Fetched {
    let (began, since) = (jiff::Timestamp::now(), Instant::now());
    let clock = Arc::new(move || began + since.elapsed());
    let variable = |name: &str| {
        let namespace = namespace.filter(|_| name == "ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE");
        namespace.map(str::to_owned)
    };
    Fetched::new(Fetch::new(api.client(), "default", clock, surroundings(variable)))
}

fn job(name: &str) -> Value {
    let container = json!({"name": "c", "image": "i"});
    let spec = json!({"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}});
    json!({"name": name, "provider": {"job": {"spec": spec}}})
}

async fn conclude(jobs: &Api<Job>, kind: &str, status: &str) {
    for job in jobs.list(&ListParams::default()).await.unwrap() {
        let patch = Patch::Merge(json!({"status": {"conditions": [{"type": kind, "status": status}]}}));
        let name = job.metadata.name.unwrap();
        jobs.patch_status(&name, &PatchParams::default(), &patch).await.unwrap();
    }
}

/// Waits until the run has a phase; gives how long that took.
async fn until(world: &World, name: &str, phase: &str) -> Duration {
    let began = Instant::now();
    while world.status(name).await["phase"] != phase {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{}",
            world.status(name).await
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_job_ends_its_measurement_at_once() {
    for elsewhere in [None, Some("jobs")] {
        let world = world(elsewhere, Options::default()).await;
        let jobs: Api<Job> = Api::namespaced(world.client.clone(), elsewhere.unwrap_or("default"));
        for (kind, phase) in [("Complete", "Successful"), ("Failed", "Failed")] {
            let name = phase.to_lowercase();
            world.create(&name, json!({"metrics": [job("verify")]})).await;
            // After so long a time the next look at the Job is 40 s away.
            seconds(800).await;
            assert_eq!(world.status(&name).await["phase"], "Running");
            // argo-rollouts#521: a Job that was never seen to succeed did not succeed.
            conclude(&jobs, kind, "False").await;
            seconds(60).await;
            assert_eq!(world.status(&name).await["phase"], "Running");
            conclude(&jobs, kind, "True").await;
            let took = until(&world, &name, phase).await;
            assert!(took < Duration::from_secs(1), "{took:?} in {elsewhere:?}");
            world.runs().delete(&name, &DeleteParams::default()).await.unwrap();
            jobs.delete_collection(&DeleteParams::default(), &ListParams::default())
                .await
                .unwrap();
            seconds(1).await;
        }
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_answer_was_lost_with_the_controller_is_ended_with_its_run() {
    let world = world(None, Options::default()).await;
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), "default");
    let lost = |uid: &str| {
        json!({"metadata": {"name": format!("{uid}.verify.1"), "labels": {"analysisrun.argoproj.io/uid": uid},
        "annotations": {"analysisrun.argoproj.io/name": "run", "analysisrun.argoproj.io/namespace": "default"},
        "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "name": "run", "uid": uid, "controller": true}]},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}})
    };
    // It was created by a controller that died before it wrote the status.
    world
        .create(
            "run",
            json!({"metrics": [{"name": "verify", "initialDelay": "1h", "provider": job("verify")["provider"]}]}),
        )
        .await;
    seconds(1).await;
    let uid = world.runs().get("run").await.unwrap().metadata.uid.unwrap();
    jobs.create(&PostParams::default(), &serde_json::from_value(lost(&uid)).unwrap())
        .await
        .unwrap();
    seconds(1).await;
    world.terminate("run").await;
    until(&world, "run", "Inconclusive").await;
    let left = jobs.list(&ListParams::default()).await.unwrap().items;
    assert!(
        left.iter().all(|job| job.metadata.deletion_timestamp.is_some()),
        "{left:?}"
    );
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn calls_for_jobs_count_against_the_budget() {
    let options = Options {
        qps: 2.0,
        burst: 2,
        ..Options::default()
    };
    let world = world(None, options).await;
    let began = Instant::now();
    for number in 0..20 {
        world
            .create(&format!("run-{number}"), json!({"metrics": [job("verify")]}))
            .await;
    }
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), "default");
    while jobs.list(&ListParams::default()).await.unwrap().items.len() < 20 {
        assert!(began.elapsed() < Duration::from_secs(120));
        seconds(1).await;
    }
    // 20 creations, and what looks at the first of them meanwhile, at 2 calls a second.
    assert!(began.elapsed() >= Duration::from_secs(8), "{:?}", began.elapsed());
    world.stop().await;
}
