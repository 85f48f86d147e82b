//! Reads, patches and evicts pods: only for injected metadata and restarts (contract 03 §11, 05 §4).

use super::replica_set::params;
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::pods::StoredPod;
use kube::api::{ListParams, Patch, PostParams};
use kube::core::{Request, Status};
use kube::{Api, Client, Resource};
use serde_json::{Value, json};
use serin_core::observed::{Kind, Refusal, ReplicaSet, Verb};
use serin_core::plan::{PodPatch, Target};
use serin_core::wire;

impl Writer {
    fn pods(&self, namespace: &str) -> Api<StoredPod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The pods of a ReplicaSet, read live.
    pub(crate) async fn list_pods(&self, namespace: &str, set: &ReplicaSet) -> Result<Vec<StoredPod>, Failure> {
        let call = Call {
            verb: Verb::List,
            kind: Kind::Pod,
            namespace,
            name: &set.name,
            urgent: false,
        };
        let params = ListParams::default().labels(&format!("{}={}", wire::HASH_LABEL, set.hash()));
        let pods = self.pods(namespace);
        let listed = self.call(&call, pods.list(&params)).await?;
        Ok(listed.items.into_iter().filter(|pod| pod.owner == set.uid).collect())
    }
}

impl Act<'_> {
    fn on_pod<'c>(&'c self, verb: Verb, name: &'c str) -> Call<'c> {
        Call {
            verb,
            kind: Kind::Pod,
            namespace: self.namespace(),
            name,
            urgent: self.urgent,
        }
    }

    /// A pod that is gone needs no patch. One that has changed since, or was replaced by another of its name, is listed
    /// again (decision 13).
    pub(super) async fn patch_pod(&mut self, patch: &PodPatch) -> Result<(), Error> {
        let target = &patch.target;
        let body = Patch::Merge(patch_body(patch));
        let (api, params) = (self.writer.pods(self.namespace()), params());
        let sent = api.patch_metadata(&target.name, &params, &body);
        match self.writer.write(&self.on_pod(Verb::Patch, &target.name), sent).await {
            Err(Error::Refused(failure)) if failure.why == Refusal::NotFound => Ok(()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Where a PodDisruptionBudget forbids it (429), or the pod is gone already, the next reconcile counts again. One that has
    /// changed since it was counted may be a pod that serves in another's place: all are listed again (decision 13).
    pub(super) async fn evict_pod(&mut self, target: &Target) -> Result<(), Error> {
        let sent = evict(self.writer.client.clone(), self.namespace(), target);
        match self.writer.write(&self.on_pod(Verb::Evict, &target.name), sent).await {
            Ok(_) => Ok(()),
            Err(Error::Refused(failure)) => match failure.why {
                Refusal::TooManyRequests => {
                    tracing::info!(namespace = self.namespace(), pod = %target.name, "the eviction must wait: {failure}");
                    Ok(())
                }
                Refusal::NotFound => Ok(()),
                Refusal::Forbidden
                | Refusal::Conflict
                | Refusal::AlreadyExists
                | Refusal::Invalid
                | Refusal::ServerError
                | Refusal::Timeout => Err(Error::Refused(failure)),
            },
            Err(Error::NotLeading) => Err(Error::NotLeading),
        }
    }
}

/// Builds the request itself: kube writes `delete_options`, which API servers ignore, and the preconditions with it.
async fn evict(client: Client, namespace: &str, target: &Target) -> kube::Result<Status> {
    let body = serde_json::to_vec(&eviction(target)).map_err(kube::Error::SerdeError)?;
    let request = Request::new(StoredPod::url_path(&(), Some(namespace)))
        .create_subresource("eviction", &target.name, &PostParams::default(), body)
        .map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}

fn eviction(target: &Target) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": target.name},
        "deleteOptions": {"preconditions": {"uid": target.uid, "resourceVersion": target.resource_version}},
    })
}

fn patch_body(patch: &PodPatch) -> Value {
    let mut metadata = json!({"uid": patch.target.uid, "resourceVersion": patch.target.resource_version});
    if !patch.labels.is_empty() {
        metadata["labels"] = json!(patch.labels);
    }
    if !patch.annotations.is_empty() {
        metadata["annotations"] = json!(patch.annotations);
    }
    json!({"metadata": metadata})
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_patch_names_the_pod_and_the_keys_that_change() {
        let patch = PodPatch {
            target: Target {
                name: "p".into(),
                uid: "u".into(),
                resource_version: "7".into(),
            },
            labels: BTreeMap::from([("role".into(), Some("preview".into())), ("old".into(), None)]),
            ..PodPatch::default()
        };
        let expected =
            json!({"metadata": {"uid": "u", "resourceVersion": "7", "labels": {"role": "preview", "old": null}}});
        assert_eq!(patch_body(&patch), expected);
    }
}
