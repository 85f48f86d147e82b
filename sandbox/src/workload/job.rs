//! A Job controller for the sandbox; a real control plane brings its own.
//!
//! Makes the pods of a Job, tries again after failures with the back-off of Kubernetes, ends it at `completions`, at
//! `backoffLimit` or at `activeDeadlineSeconds`, and deletes it after `ttlSecondsAfterFinished`.
//!
//! Left out: indexed completion, pod failure policies, success policies, and the finalizer of pods.

mod plan;

use super::seen::Seen;
use super::{Clock, Error};
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// After a request that was refused.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Runs the controller until `shutdown`. Refused requests are tried again.
///
/// # Errors
/// [`Error::WatchEnded`] if a watch ends.
pub async fn run(client: Client, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = serve(client) => ended,
    }
}

/// One loop does everything in turn, so that nothing is decided on while an answer is outstanding.
async fn serve(client: Client) -> Result<(), Error> {
    let all = |resource: &ApiResource| Api::<DynamicObject>::all_with(client.clone(), resource);
    let (jobs, pods) = (ApiResource::erase::<Job>(&()), ApiResource::erase::<Pod>(&()));
    let mut on_jobs = watcher(all(&jobs), watcher::Config::default())
        .default_backoff()
        .boxed();
    let mut on_pods = watcher(all(&pods), watcher::Config::default())
        .default_backoff()
        .boxed();
    let mut controller = Controller {
        client,
        clock: Clock::new(),
        jobs: Seen::default(),
        pods: Seen::default(),
    };
    let mut dirty: BTreeSet<String> = BTreeSet::new();
    let mut wait = Duration::ZERO;
    let mut wake: Option<Timestamp> = None;
    loop {
        let is_complete = controller.jobs.complete && controller.pods.complete;
        let at = controller.clock.instant(wake.unwrap_or(Timestamp::MAX));
        tokio::select! {
            biased; // what is known comes before what is to be done about it
            event = on_jobs.next() => match event {
                Some(Ok(event)) => {
                    controller.jobs.take(event);
                    dirty.extend(controller.jobs.objects.keys().cloned());
                }
                Some(Err(error)) => tracing::debug!(%error, "the watch on jobs restarts"),
                None => return Err(Error::WatchEnded("jobs")),
            },
            event = on_pods.next() => match event {
                Some(Ok(event)) => {
                    controller.pods.take(event);
                    dirty.extend(controller.jobs.objects.keys().cloned());
                }
                Some(Err(error)) => tracing::debug!(%error, "the watch on pods restarts"),
                None => return Err(Error::WatchEnded("pods")),
            },
            () = sleep(wait), if is_complete && !dirty.is_empty() => {
                wait = Duration::ZERO;
                for uid in std::mem::take(&mut dirty) {
                    match controller.reconcile(&uid).await {
                        Ok(at) => wake = [wake, at].into_iter().flatten().min(),
                        Err(error) => {
                            tracing::debug!(%error, "a job is looked at again");
                            dirty.insert(uid);
                            wait = RETRY_AFTER;
                        }
                    }
                }
            }
            () = sleep_until(at), if wake.is_some() => {
                wake = None;
                dirty.extend(controller.jobs.objects.keys().cloned());
            }
        }
    }
}

struct Controller {
    client: Client,
    clock: Clock,
    jobs: Seen,
    pods: Seen,
}

impl Controller {
    /// Does what is due for a Job; returns when there is more.
    async fn reconcile(&mut self, uid: &str) -> Result<Option<Timestamp>, kube::Error> {
        let Some(stored) = self.jobs.objects.get(uid).cloned() else {
            return Ok(None);
        };
        if stored.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let job: Job = typed(&stored)?;
        let mut owned = Vec::new();
        for pod in self.pods.objects.values().filter(|pod| is_owned(pod, uid)) {
            owned.push(typed::<Pod>(pod)?);
        }
        let plan = plan::next(&job, &owned, self.clock.now());
        let (namespace, name) = (stored.metadata.namespace.clone().unwrap_or_default(), name(&stored));
        let jobs = Api::<Job>::namespaced(self.client.clone(), &namespace);
        if plan.expired {
            jobs.delete(&name, &DeleteParams::background()).await?;
            return Ok(None);
        }
        let pods =
            Api::<DynamicObject>::namespaced_with(self.client.clone(), &namespace, &ApiResource::erase::<Pod>(&()));
        for name in &plan.delete {
            match pods.delete(name, &DeleteParams::default()).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error),
            }
        }
        for _ in 0..plan.create {
            let made = pods.create(&PostParams::default(), &new_pod(&stored)).await?;
            self.pods.put(made);
        }
        if job.status.as_ref() != Some(&plan.status) {
            let mut status = serde_json::to_value(&plan.status).map_err(kube::Error::SerdeError)?;
            // A merge patch takes away only what it names.
            for field in stored.data["status"]
                .as_object()
                .into_iter()
                .flat_map(|fields| fields.keys())
            {
                if status.get(field).is_none() {
                    status[field] = Value::Null;
                }
            }
            let body = json!({"metadata": {"resourceVersion": stored.metadata.resource_version}, "status": status});
            let dynamic =
                Api::<DynamicObject>::namespaced_with(self.client.clone(), &namespace, &ApiResource::erase::<Job>(&()));
            let answer = dynamic
                .patch_status(&name, &PatchParams::default(), &Patch::Merge(&body))
                .await?;
            self.jobs.put(answer);
        }
        Ok(plan.wake)
    }
}

fn name(object: &DynamicObject) -> String {
    object.metadata.name.clone().unwrap_or_default()
}

fn is_owned(pod: &DynamicObject, uid: &str) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    owners
        .into_iter()
        .any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

fn typed<K: serde::de::DeserializeOwned>(object: &DynamicObject) -> Result<K, kube::Error> {
    serde_json::to_value(object)
        .and_then(serde_json::from_value)
        .map_err(kube::Error::SerdeError)
}

/// A pod from the template exactly as written: fields this program does not know are passed on.
fn new_pod(job: &DynamicObject) -> DynamicObject {
    let template = &job.data["spec"]["template"];
    let name = name(job);
    let mut pod = DynamicObject::new("", &ApiResource::erase::<Pod>(&()));
    pod.metadata = serde_json::from_value(template["metadata"].clone()).unwrap_or_default();
    pod.metadata.name = None;
    pod.metadata.generate_name = Some(format!("{name}-"));
    pod.metadata.namespace.clone_from(&job.metadata.namespace);
    pod.metadata.owner_references =
        serde_json::from_value(json!([{"apiVersion": "batch/v1", "kind": "Job", "name": name,
        "uid": job.metadata.uid, "controller": true, "blockOwnerDeletion": true}]))
        .ok();
    pod.data = json!({"spec": template["spec"]});
    pod
}
