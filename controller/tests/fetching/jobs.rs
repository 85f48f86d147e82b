//! Jobs on the API in memory.

use crate::server::{Good, at_once, fetch, leads, metric, run};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use serin_controller::Gate;
use serin_controller::fetch::{Ask, Measured};
use serin_core::analysis::provider::Step;
use serin_core::api::analysis_run::Measurement;
use serin_sandbox::ApiServer;
use std::sync::Arc;

fn job() -> serde_json::Value {
    let container = json!({"name": "c", "image": "i"});
    json!({"job": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}}})
}

async fn step(api: &ApiServer, step: Step<'_>) -> Measured {
    step_while(api, step, &leads()).await
}

async fn step_while(api: &ApiServer, step: Step<'_>, may_write: &Gate) -> Measured {
    let (run, metric) = (run(), metric(&job()));
    let ask = Ask {
        run: &run,
        stable: None,
        metric: &metric,
        step,
        hidden: &[],
        expressions: &Good,
        may_write,
        turn: &at_once(),
    };
    fetch(api).measure(&ask).await
}

async fn begun(api: &ApiServer, number: i32) -> Measurement {
    let measurement = step(api, Step::Run { number }).await.measurement;
    assert_eq!(measurement.phase, "Running", "{measurement:?}");
    measurement
}

#[tokio::test]
async fn a_job_is_created_adopted_looked_at_and_deleted() {
    let api = ApiServer::new();
    let jobs: Api<Job> = Api::namespaced(api.client(), "default");
    let first = begun(&api, 1).await;
    let name = first.metadata["job-name"].clone();
    assert_eq!(name, format!("{}.m.1", run().uid));
    let created = jobs.get(&name).await.unwrap();
    assert_eq!(
        created.metadata.owner_references.as_ref().unwrap()[0].kind,
        "AnalysisRun"
    );
    // The controller forgot that it created it.
    assert_eq!(begun(&api, 1).await.metadata, first.metadata);
    assert_eq!(jobs.list(&ListParams::default()).await.unwrap().items.len(), 1);
    let later = step(&api, Step::Resume(&first)).await.measurement;
    assert_eq!(
        (later.phase.as_str(), later.started_at.clone()),
        ("Running", first.started_at.clone())
    );
    let status = json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}});
    jobs.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
    let done = step(&api, Step::Resume(&later)).await.measurement;
    assert_eq!((done.phase.as_str(), done.finished_at.is_some()), ("Successful", true));
    let second = begun(&api, 2).await;
    let ended = step(&api, Step::Terminate(&second)).await.measurement;
    assert_eq!(ended.phase, "Inconclusive");
    let gone = step(&api, Step::Resume(&second)).await.measurement;
    let text = format!("job.batch \"{}.m.2\" not found", run().uid);
    let deleted = jobs.get(&second.metadata["job-name"]).await;
    assert!(
        gone.message == text || deleted.is_ok_and(|job| job.metadata.deletion_timestamp.is_some()),
        "{gone:?}"
    );
}

#[tokio::test]
async fn the_oldest_jobs_are_collected() {
    let api = ApiServer::new();
    let jobs: Api<Job> = Api::namespaced(api.client(), "default");
    for number in 1..=4 {
        begun(&api, number).await;
    }
    let oldest = || async {
        let list = jobs.list(&ListParams::default()).await.unwrap();
        list.items
            .into_iter()
            .filter(|job| job.metadata.deletion_timestamp.is_none())
            .count()
    };
    let (run, metric) = (run(), metric(&job()));
    let refused = fetch(&api).collect(&run, &metric, 2, (&follows(), &at_once())).await;
    assert_eq!(refused, Err("this replica does not lead".to_owned()));
    assert_eq!(oldest().await, 4);
    fetch(&api)
        .collect(&run, &metric, 2, (&leads(), &at_once()))
        .await
        .unwrap();
    assert_eq!(oldest().await, 2);
}

#[tokio::test]
async fn secrets_of_providers_are_read_in_the_controllers_namespace() {
    let api = ApiServer::new();
    let (run, metric) = (run(), metric(&json!({"influxdb": {"query": "q"}})));
    let ask = Ask {
        run: &run,
        stable: None,
        metric: &metric,
        step: Step::Run { number: 1 },
        hidden: &[],
        expressions: &Good,
        may_write: &leads(),
        turn: &at_once(),
    };
    let missing = fetch(&api).measure(&ask).await.measurement;
    assert_eq!(missing.message, "secrets \"influxdb\" not found");
    let secrets: Api<Secret> = Api::namespaced(api.client(), "argo-rollouts");
    let keys = json!({"authToken": "hunter2", "org": "o", "address": "nowhere"});
    let secret = json!({"metadata": {"name": "influxdb"}, "stringData": keys});
    let secret: Secret = serde_json::from_value(secret).unwrap();
    let namespaces: Api<Namespace> = Api::all(api.client());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "argo-rollouts"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    secrets.create(&PostParams::default(), &secret).await.unwrap();
    let measured = fetch(&api).measure(&ask).await.measurement;
    assert!(measured.message.contains("unsupported protocol scheme"), "{measured:?}");
    assert!(!format!("{measured:?}").contains("hunter2"));
}

/// The gate of a process that no longer leads.
fn follows() -> Gate {
    Arc::new(|| false)
}

/// Invariant 11: a measurement may have begun before another process took over.
#[tokio::test]
async fn a_process_that_no_longer_leads_creates_and_deletes_no_job() {
    let api = ApiServer::new();
    let jobs: Api<Job> = Api::namespaced(api.client(), "default");
    let refused = step_while(&api, Step::Run { number: 1 }, &follows()).await.measurement;
    assert_eq!(
        (refused.phase.as_str(), refused.message.as_str()),
        ("Error", "this replica does not lead")
    );
    assert!(jobs.list(&ListParams::default()).await.unwrap().items.is_empty());
    let first = begun(&api, 1).await;
    let refused = step_while(&api, Step::Terminate(&first), &follows()).await.measurement;
    assert_eq!(refused.phase, "Error");
    let left = jobs.list(&ListParams::default()).await.unwrap().items;
    assert!(left.len() == 1 && left[0].metadata.deletion_timestamp.is_none());
}
