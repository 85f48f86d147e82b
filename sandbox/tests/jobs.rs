//! Jobs in the sandbox, as on a real control plane: they end, fail after their retries, and are cut off at their deadline.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use k8s_openapi::api::batch::v1::{Job, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_sandbox::ApiServer;
use serin_sandbox::workload::job;
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

struct Cluster {
    jobs: Api<Job>,
    pods: Api<Pod>,
    stop: CancellationToken,
}

impl Cluster {
    /// A cluster with a Job controller, in virtual time. Its kubelet runs a command until the pod is deleted.
    fn start(with_kubelet: bool) -> Self {
        let clock = serin_sandbox::workload::Clock::new();
        let api = ApiServer::with_clock(std::sync::Arc::new(move || clock.now()));
        let (client, stop) = (api.client(), CancellationToken::new());
        tokio::spawn(job::run(client.clone(), stop.clone()));
        if with_kubelet {
            tokio::spawn(kubelet::run(client.clone(), KubeletOptions::sandbox(), stop.clone()));
        }
        Self {
            jobs: Api::namespaced(client.clone(), "default"),
            pods: Api::namespaced(client, "default"),
            stop,
        }
    }

    async fn create(&self, name: &str, more: &Value) {
        let mut spec = json!({"template": {"metadata": {"labels": {"of": name}}, "spec": {"restartPolicy": "Never",
            "containers": [{"name": "main", "image": "shell"}]}}});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let job = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap();
        self.jobs.create(&PostParams::default(), &job).await.unwrap();
    }

    async fn status(&self, name: &str) -> JobStatus {
        self.jobs.get(name).await.unwrap().status.unwrap_or_default()
    }

    /// The status once the Job has ended.
    async fn ended(&self, name: &str) -> JobStatus {
        for _ in 0..600 {
            let status = self.status(name).await;
            if status.conditions.is_some() {
                return status;
            }
            sleep(Duration::from_secs(1)).await;
        }
        panic!("{name} never ended: {:?}", self.status(name).await);
    }

    /// What a kubelet says of pods that have ended.
    async fn pods_end(&self, name: &str, phase: &str) {
        sleep(Duration::from_secs(30)).await;
        let pods = self
            .pods
            .list(&ListParams::default().labels(&format!("of={name}")))
            .await
            .unwrap();
        for pod in pods.items {
            let status = Patch::Merge(json!({"status": {"phase": phase}}));
            let name = pod.metadata.name.unwrap();
            self.pods
                .patch_status(&name, &PatchParams::default(), &status)
                .await
                .unwrap();
        }
    }

    async fn running(&self, name: &str) -> usize {
        let pods = self
            .pods
            .list(&ListParams::default().labels(&format!("of={name}")))
            .await
            .unwrap();
        let goes_on = |pod: &&Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            pod.metadata.deletion_timestamp.is_none() && !matches!(phase, Some("Succeeded" | "Failed"))
        };
        pods.items.iter().filter(goes_on).count()
    }
}

fn conditions(status: &JobStatus) -> Vec<(&str, &str)> {
    let all = status.conditions.as_deref().unwrap_or_default();
    all.iter()
        .map(|it| (it.type_.as_str(), it.reason.as_deref().unwrap_or_default()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_job_that_succeeds_is_complete() {
    let cluster = Cluster::start(false);
    cluster.create("good", &json!({})).await;
    cluster.pods_end("good", "Succeeded").await;
    let status = cluster.ended("good").await;
    assert_eq!(conditions(&status), [("Complete", "CompletionsReached")]);
    assert_eq!((status.succeeded, status.failed, status.active), (Some(1), None, None));
    assert!(status.start_time.is_some() && status.completion_time.is_some());
    cluster.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_is_tried_again_and_then_given_up() {
    let cluster = Cluster::start(false);
    cluster.create("bad", &json!({"backoffLimit": 1})).await;
    cluster.pods_end("bad", "Failed").await;
    assert_eq!(conditions(&cluster.status("bad").await), [], "there is a second try");
    cluster.pods_end("bad", "Failed").await;
    let status = cluster.ended("bad").await;
    assert_eq!(conditions(&status), [("Failed", "BackoffLimitExceeded")]);
    assert_eq!((status.succeeded, status.failed), (None, Some(2)));
    assert_eq!(status.completion_time, None);
    cluster.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_job_is_cut_off_at_its_deadline_and_goes_after_its_time() {
    let cluster = Cluster::start(true);
    let limits = json!({"activeDeadlineSeconds": 20, "ttlSecondsAfterFinished": 60});
    cluster.create("long", &limits).await;
    sleep(Duration::from_secs(15)).await;
    assert_eq!(cluster.status("long").await.active, Some(1));
    let status = cluster.ended("long").await;
    assert_eq!(conditions(&status), [("Failed", "DeadlineExceeded")]);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(cluster.running("long").await, 0);
    sleep(Duration::from_secs(60)).await;
    assert!(cluster.jobs.get_opt("long").await.unwrap().is_none());
    cluster.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn simple_commands_are_interpreted() {
    let cluster = Cluster::start(true);
    for (name, command) in [
        ("good", json!(["sh", "-c", "sleep 5 && exit 0"])),
        ("bad", json!(["sh", "-c", "exit 3"])),
        ("unknown", json!(["/app/verify", "--all"])),
    ] {
        let container = json!({"name": "main", "image": "shell", "command": command});
        let template = json!({"metadata": {"labels": {"of": name}}, "spec": {"restartPolicy": "Never", "containers": [container]}});
        cluster
            .create(name, &json!({"backoffLimit": 0, "template": template}))
            .await;
    }
    let good = cluster.ended("good").await;
    assert_eq!(conditions(&good), [("Complete", "CompletionsReached")]);
    let took = good
        .completion_time
        .unwrap()
        .0
        .duration_since(good.start_time.unwrap().0);
    assert_eq!(took.as_secs(), 7, "two seconds to begin, and five to sleep");
    assert_eq!(
        conditions(&cluster.ended("bad").await),
        [("Failed", "BackoffLimitExceeded")]
    );
    sleep(Duration::from_secs(600)).await;
    assert_eq!(
        (
            cluster.running("unknown").await,
            conditions(&cluster.status("unknown").await)
        ),
        (1, vec![])
    );
    cluster.stop.cancel();
}
