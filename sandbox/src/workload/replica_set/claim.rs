//! Which pods are a set's: those it controls, less those its selector no longer matches, and pods of nobody that it matches.

use super::judge::is_active;
use super::resource::{ReplicaSet, owner, selector};
use super::state::State;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

/// The pods of a set in the cache. Those that no longer match are released, those of nobody that match are adopted; one whose
/// release or adoption is refused is left to the next look.
pub(super) async fn pods(client: &Client, state: &State, set: &ReplicaSet) -> Vec<Pod> {
    let selector = selector(set);
    let matches = |pod: &Pod| selector.matches(&json!(pod.metadata.labels));
    let may_claim = set.metadata.deletion_timestamp.is_none();
    let (mut claimed, stray): (Vec<Pod>, Vec<Pod>) = state.pods_of(set).into_iter().partition(matches);
    for pod in stray.iter().filter(|it| may_claim && is_active(it)) {
        // A strategic merge finds the reference by its UID.
        let gone = json!([{"$patch": "delete", "uid": set.metadata.uid}]);
        patch(client, pod, gone, "a pod was not released").await;
    }
    let orphans = state.orphans_beside(set).into_iter();
    for pod in orphans.filter(|it| may_claim && is_active(it) && matches(it)) {
        claimed.extend(patch(client, &pod, json!([owner(set)]), "a pod was not adopted").await);
    }
    claimed
}

/// Changes the owners of one pod; the pod as it is then.
async fn patch(client: &Client, pod: &Pod, owners: Value, refused: &'static str) -> Option<Pod> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let body = json!({"metadata": {"uid": pod.metadata.uid, "ownerReferences": owners}});
    let pods = Api::<Pod>::namespaced(client.clone(), namespace);
    match pods
        .patch(name, &PatchParams::default(), &Patch::Strategic(&body))
        .await
    {
        Ok(pod) => Some(pod),
        Err(error) => {
            tracing::debug!(pod = name, %error, "{refused}");
            None
        }
    }
}
