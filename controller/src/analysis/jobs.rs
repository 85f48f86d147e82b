//! The Jobs of measurements as the watch brings them: their ends wake the runs, so that no measurement waits for its next look.

use super::engine::Engine;
use super::measure::JobsAt;
use crate::queue::Reason;
use crate::store::{Key, stands_for};
use crate::sync::lock;
use crate::watch::{Scope, broken};
use futures::StreamExt;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;
use serde::Deserialize;
use serde_json::Value;
use serin_core::analysis::provider::{self, RUN_NAME, RUN_NAMESPACE, RUN_UID};
use serin_core::analysis::run::SeenJob;
use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long runs wait at most for the first list of Jobs: those of another cluster may not be reachable.
const FIRST_LIST: Duration = Duration::from_secs(5);
/// After a connection to the cluster of the Jobs that failed.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// A Job, as far as runs need it.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "RawJob")]
pub(super) struct StoredJob {
    meta: ObjectMeta,
    ended: bool,
}

#[derive(Deserialize)]
struct RawJob {
    metadata: ObjectMeta,
    #[serde(default)]
    status: Value,
}

impl From<RawJob> for StoredJob {
    fn from(raw: RawJob) -> Self {
        let RawJob { metadata, status } = raw;
        Self {
            ended: provider::ended(&status).is_some(),
            meta: metadata,
        }
    }
}

stands_for!(StoredJob: Job);

impl StoredJob {
    fn name(&self) -> &str {
        self.meta.name.as_deref().unwrap_or_default()
    }

    fn uid_of_run(&self) -> &str {
        let labels = self.meta.labels.as_ref();
        labels.and_then(|labels| labels.get(RUN_UID)).map_or("", String::as_str)
    }

    /// The run, which may be in another namespace than its Jobs.
    fn run(&self) -> Option<Key> {
        let annotations = self.meta.annotations.as_ref()?;
        Some(Key::new(annotations.get(RUN_NAMESPACE)?, annotations.get(RUN_NAME)?))
    }
}

/// Jobs by UID of their run and by name: whether they have ended.
#[derive(Default)]
pub(super) struct Jobs(Mutex<HashMap<String, BTreeMap<String, bool>>>);

impl Jobs {
    /// The Jobs of a run.
    pub(super) fn of(&self, uid: &str) -> Vec<SeenJob> {
        let all = lock(&self.0);
        let jobs = all.get(uid).into_iter().flatten();
        jobs.map(|(name, ended)| SeenJob {
            name: name.clone(),
            ended: *ended,
        })
        .collect()
    }

    /// Jobs that are known.
    pub(super) fn len(&self) -> usize {
        lock(&self.0).values().map(BTreeMap::len).sum()
    }

    /// Notes a Job; returns whether it has ended since.
    fn apply(&self, job: &StoredJob) -> bool {
        let mut all = lock(&self.0);
        let of_run = all.entry(job.uid_of_run().to_owned()).or_default();
        let before = of_run.insert(job.name().to_owned(), job.ended);
        job.ended && before != Some(true)
    }

    fn delete(&self, job: &StoredJob) {
        let mut all = lock(&self.0);
        let uid = job.uid_of_run();
        if let Some(of_run) = all.get_mut(uid) {
            of_run.remove(job.name());
            if of_run.is_empty() {
                all.remove(uid);
            }
        }
    }

    fn clear(&self) {
        lock(&self.0).clear();
    }
}

impl Engine {
    /// Follows the Jobs of measurements, in the cluster and the namespace where the provider has them (contract 09 §2), until the
    /// stream ends, which it should not. Runs wait only until it was `tried`.
    pub(crate) async fn watch_jobs(self: Arc<Self>, scope: Scope, tried: CancellationToken) {
        let watch = self.follow_jobs(scope, &tried);
        let mut watch = pin!(watch);
        if tokio::time::timeout(FIRST_LIST, watch.as_mut()).await.is_err() {
            tried.cancel();
            watch.await;
        }
    }

    async fn follow_jobs(&self, scope: Scope, tried: &CancellationToken) {
        let Some(JobsAt { client, namespace }) = self.place_of_jobs(tried).await else {
            tried.cancel();
            return std::future::pending().await;
        };
        let scope = Scope {
            client,
            namespace: namespace.or(scope.namespace),
        };
        let mut events = pin!(scope.stream::<StoredJob>(RUN_UID));
        while let Some(event) = events.next().await {
            match event {
                // What is not listed again is gone, and nobody waits for it.
                Ok(Event::Init) => self.jobs.clear(),
                Ok(Event::InitApply(job) | Event::Apply(job)) => {
                    if self.jobs.apply(&job)
                        && let Some(run) = job.run()
                    {
                        self.queue.add(&run, Reason::JobEnded);
                    }
                }
                Ok(Event::InitDone) => tried.cancel(),
                Ok(Event::Delete(job)) => self.jobs.delete(&job),
                Err(error) => {
                    broken(&self.shell, "Jobs", &error);
                    tried.cancel();
                }
            }
        }
    }

    /// Where the Jobs are; a cluster that cannot be reached is tried again.
    async fn place_of_jobs(&self, tried: &CancellationToken) -> Option<JobsAt> {
        loop {
            match self.provider().jobs().await {
                Ok(place) => return place,
                Err(why) => tracing::warn!(
                    why,
                    "cannot watch the Jobs of measurements; they are looked at from time to time"
                ),
            }
            tried.cancel();
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn job(conditions: &Value) -> StoredJob {
        let (labels, annotations) = (json!({RUN_UID: "u"}), json!({RUN_NAME: "run", RUN_NAMESPACE: "shop"}));
        let metadata = json!({"name": "u.m.1", "namespace": "jobs", "labels": labels, "annotations": annotations});
        let job = json!({"metadata": metadata, "spec": {}, "status": {"conditions": conditions}});
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_job_ends_once() {
        let jobs = Jobs::default();
        let of = |kind: &str, status: &str| job(&json!([{"type": kind, "status": status}]));
        assert!(!jobs.apply(&job(&Value::Null)), "it runs");
        assert!(!jobs.apply(&of("SuccessCriteriaMet", "True")));
        // argo-rollouts#521: a condition counts if it is True.
        assert!(!jobs.apply(&of("Complete", "False")));
        assert!(!jobs.of("u")[0].ended);
        assert!(jobs.apply(&of("Failed", "True")));
        assert!(!jobs.apply(&of("Failed", "True")), "twice");
        assert!(jobs.of("u")[0].ended);
        assert_eq!(of("Failed", "True").run(), Some(Key::new("shop", "run")));
        jobs.delete(&job(&Value::Null));
        assert_eq!((jobs.of("u").len(), jobs.len()), (0, 0));
    }
}
