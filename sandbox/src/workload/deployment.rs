//! A Deployment controller for the sandbox; a real control plane brings its own.
//!
//! Makes a ReplicaSet for each template, moves replicas from old to new within `maxSurge` and `maxUnavailable` (or all at once:
//! `Recreate`), counts revisions, keeps the history short, and reports counts and conditions.
//!
//! Left out: adoption of ReplicaSets without an owner, proportional scaling during an update, and collisions of hashes.

mod plan;
mod report;

use super::events::{self, About};
use super::seen::Seen;
use super::{Clock, Error};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::watcher;
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};
use plan::Step;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// After a request that was refused.
const RETRY_AFTER: Duration = Duration::from_millis(200);
const COMPONENT: &str = "deployment-controller";

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
    let clock = Clock::new();
    let all = |resource: &ApiResource| Api::<DynamicObject>::all_with(client.clone(), resource);
    let (deployments, sets) = (
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<ReplicaSet>(&()),
    );
    let mut on_deployments = watch(all(&deployments), watcher::Config::default())
        .default_backoff()
        .boxed();
    let mut on_sets = watch(all(&sets), watcher::Config::default()).default_backoff().boxed();
    let mut controller = Controller {
        client,
        clock,
        deployments: Seen::default(),
        sets: Seen::default(),
    };
    let mut dirty: BTreeSet<String> = BTreeSet::new();
    let mut wait = Duration::ZERO;
    loop {
        let ready = controller.deployments.complete && controller.sets.complete && !dirty.is_empty();
        tokio::select! {
            biased; // what is known comes before what is to be done about it
            event = on_deployments.next() => match event {
                Some(Ok(event)) => {
                    controller.deployments.take(event);
                    dirty.extend(controller.deployments.objects.keys().cloned());
                }
                Some(Err(error)) => tracing::debug!(%error, "the watch on deployments restarts"),
                None => return Err(Error::WatchEnded("deployments")),
            },
            event = on_sets.next() => match event {
                Some(Ok(event)) => {
                    controller.sets.take(event);
                    dirty.extend(controller.deployments.objects.keys().cloned());
                }
                Some(Err(error)) => tracing::debug!(%error, "the watch on replica sets restarts"),
                None => return Err(Error::WatchEnded("replica sets")),
            },
            () = sleep(wait), if ready => {
                wait = Duration::ZERO;
                for key in std::mem::take(&mut dirty) {
                    if let Err(error) = controller.reconcile(&key).await {
                        tracing::debug!(%error, "a deployment is looked at again");
                        dirty.insert(key);
                        wait = RETRY_AFTER;
                    }
                }
            }
        }
    }
}

struct Controller {
    client: Client,
    clock: Clock,
    deployments: Seen,
    sets: Seen,
}

impl Controller {
    fn api<K>(&self, namespace: &str) -> Api<DynamicObject>
    where
        K: kube::Resource<DynamicType = ()>,
    {
        Api::namespaced_with(self.client.clone(), namespace, &ApiResource::erase::<K>(&()))
    }

    async fn reconcile(&mut self, key: &str) -> Result<(), kube::Error> {
        let Some(deployment) = self.deployments.objects.get(key).cloned() else {
            return Ok(());
        };
        if deployment.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let mut owned: Vec<DynamicObject> = self
            .sets
            .objects
            .values()
            .filter(|set| plan::is_owned(set, key))
            .cloned()
            .collect();
        owned.sort_by_key(|set| (set.metadata.creation_timestamp.clone(), set.metadata.name.clone()));
        for step in plan::steps(&deployment, &owned) {
            self.take_step(&deployment, &owned, step).await?;
        }
        let owned: Vec<DynamicObject> = self
            .sets
            .objects
            .values()
            .filter(|set| plan::is_owned(set, key))
            .cloned()
            .collect();
        let mut status = report::status(&deployment, &owned, self.clock.now());
        if status != deployment.data["status"] {
            // A merge patch takes away only what it names.
            for field in deployment.data["status"]
                .as_object()
                .into_iter()
                .flat_map(|fields| fields.keys())
            {
                if status.get(field).is_none() {
                    status[field] = Value::Null;
                }
            }
            let (namespace, name) = place(&deployment);
            let body =
                json!({ "metadata": { "resourceVersion": deployment.metadata.resource_version }, "status": status });
            let api = self.api::<Deployment>(namespace);
            // The version was read before the steps; one of them may have changed the annotations.
            let patch = match self.deployments.objects.get(key) {
                Some(now) if now.metadata.resource_version != deployment.metadata.resource_version => return Ok(()),
                _ => Patch::Merge(&body),
            };
            let answer = api.patch_status(name, &PatchParams::default(), &patch).await?;
            self.deployments.put(answer);
        }
        Ok(())
    }

    async fn take_step(
        &mut self,
        deployment: &DynamicObject,
        owned: &[DynamicObject],
        step: Step,
    ) -> Result<(), kube::Error> {
        let (namespace, name) = place(deployment);
        let said = |it: &DynamicObject| it.metadata.name.clone().unwrap_or_default();
        let about = About {
            kind: "Deployment",
            metadata: &deployment.metadata,
        };
        match step {
            Step::Create(set) => {
                let replicas = plan::replicas(&set);
                let made = self
                    .api::<ReplicaSet>(namespace)
                    .create(&PostParams::default(), &set)
                    .await?;
                let text = format!("Scaled up replica set {} from 0 to {replicas}", said(&made));
                self.sets.put(made);
                if replicas > 0 {
                    events::emit(&self.client, self.clock, COMPONENT, about, "ScalingReplicaSet", &text).await;
                }
            }
            Step::Scale {
                set,
                replicas,
                annotations,
            } => {
                let Some(set) = owned.iter().find(|it| said(it) == set) else {
                    return Ok(());
                };
                let before = plan::replicas(set);
                let body = json!({
                    "metadata": { "resourceVersion": set.metadata.resource_version, "annotations": annotations },
                    "spec": { "replicas": replicas },
                });
                let patched = self
                    .api::<ReplicaSet>(namespace)
                    .patch(&said(set), &PatchParams::default(), &Patch::Merge(&body))
                    .await?;
                self.sets.put(patched);
                if before != replicas {
                    let way = if replicas > before { "up" } else { "down" };
                    let text = format!("Scaled {way} replica set {} from {before} to {replicas}", said(set));
                    events::emit(&self.client, self.clock, COMPONENT, about, "ScalingReplicaSet", &text).await;
                }
            }
            Step::Revision(revision) => {
                let body: Value = json!({ "metadata": { "annotations": { plan::REVISION: revision } } });
                // With the status, as annotations of the main resource would count as a generation.
                let patched = self
                    .api::<Deployment>(namespace)
                    .patch_status(name, &PatchParams::default(), &Patch::Merge(&body))
                    .await?;
                self.deployments.put(patched);
            }
            Step::Delete(set) => {
                self.api::<ReplicaSet>(namespace)
                    .delete(&set, &DeleteParams::default())
                    .await?;
            }
        }
        Ok(())
    }
}

fn place(object: &DynamicObject) -> (&str, &str) {
    let metadata = &object.metadata;
    (
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}
