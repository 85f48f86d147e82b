//! Pods as far as decisions need them; they are not watched.

use k8s_openapi::api::core::v1::PodStatus;
use serde::Deserialize;
use serin_core::api::{ObjectMeta, Time};
use serin_core::observed::Pod;

/// One pod of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "RawPod")]
pub(crate) struct StoredPod {
    meta: ObjectMeta,
    /// UID of its controller.
    pub(crate) owner: String,
    /// What decisions see.
    pub(crate) observed: Pod,
}

#[derive(Deserialize)]
struct RawPod {
    metadata: ObjectMeta,
    #[serde(default)]
    status: PodStatus,
}

impl From<RawPod> for StoredPod {
    fn from(raw: RawPod) -> Self {
        let RawPod { metadata, status } = raw;
        let owners = metadata.owner_references.iter().flatten();
        let owner = owners
            .filter(|owner| owner.controller == Some(true))
            .map(|owner| owner.uid.clone())
            .next();
        let ready = status
            .conditions
            .iter()
            .flatten()
            .find(|found| found.type_ == "Ready" && found.status == "True");
        let since = ready.map(|found| {
            found
                .last_transition_time
                .as_ref()
                .map(|time| time.0)
                .unwrap_or_default()
        });
        let observed = Pod {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            created: metadata
                .creation_timestamp
                .as_ref()
                .map(|Time(at)| *at)
                .unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
            finished: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
            ready_since: since,
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations: metadata.annotations.clone().unwrap_or_default(),
        };
        Self {
            meta: ObjectMeta {
                name: metadata.name,
                namespace: metadata.namespace,
                ..ObjectMeta::default()
            },
            owner: owner.unwrap_or_default(),
            observed,
        }
    }
}

crate::store::stands_for!(StoredPod: k8s_openapi::api::core::v1::Pod);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_says_who_controls_it_and_since_when_it_is_ready() {
        let pod: StoredPod = serde_json::from_value(json!({
            "metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"a": "b"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "owner", "controller": true}]},
            "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:09Z"}]},
        }))
        .unwrap();
        assert_eq!((pod.owner.as_str(), pod.observed.name.as_str()), ("owner", "p"));
        assert_eq!(pod.observed.created.to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(pod.observed.ready_since.unwrap().to_string(), "2026-01-01T00:00:09Z");
        let pod: StoredPod = serde_json::from_value(json!({"metadata": {"name": "p"},
            "status": {"conditions": [{"type": "Ready", "status": "False"}]}}))
        .unwrap();
        assert_eq!(pod.observed.ready_since, None);
    }
}
