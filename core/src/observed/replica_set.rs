//! What decisions know of a ReplicaSet. What may be relied on of its counters is in `rollout/availability.rs`.

use crate::identity::Fingerprint;
use crate::wire;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parts of a ReplicaSet that decisions need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSet {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// Generation.
    pub generation: i64,
    /// Generation that its status speaks of.
    pub observed_generation: i64,
    /// When it was created.
    pub created: Timestamp,
    /// A deletion is under way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// No controller owns it, such as after `kubectl delete rollout --cascade=orphan`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels of its pod template, where they are not its own labels: where ephemeral metadata is laid over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_labels: Option<BTreeMap<String, String>>,
    /// Annotations of its pod template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub template_annotations: BTreeMap<String, String>,
    /// What its pod template says (decision 19); absent where its hash is all that is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Fingerprint>,
    /// Hash of the revision from whose pods its pods are kept (contract 03 §10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avoids: Option<String>,
    /// Pods wanted.
    pub replicas: i32,
    /// Seconds until ready counts as available.
    #[serde(skip_serializing_if = "is_zero")]
    pub min_ready_seconds: i32,
    /// Pods that exist, from its status.
    pub current_replicas: i32,
    /// Ready pods, from its status.
    pub ready_replicas: i32,
    /// Available pods, from its status.
    pub available_replicas: i32,
    /// Its ReplicaFailure condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<ReplicaFailure>,
}

fn is_zero(value: &i32) -> bool {
    *value == 0
}

/// A ReplicaFailure condition of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaFailure {
    /// True, False or Unknown.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

impl ReplicaSet {
    /// Its pod template hash, from its label.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.labels.get(wire::HASH_LABEL).map_or("", String::as_str)
    }

    /// Its revision; 0 where the annotation is missing or no number.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.annotations
            .get(wire::REVISION)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// `spec.replicas` of the rollout when it was last scaled.
    #[must_use]
    pub fn desired_replicas(&self) -> Option<i32> {
        self.annotations
            .get(wire::DESIRED_REPLICAS)
            .and_then(|text| text.parse().ok())
    }

    /// When it may be scaled down.
    #[must_use]
    pub fn scale_down_deadline(&self) -> Option<Timestamp> {
        self.annotations
            .get(wire::SCALE_DOWN_DEADLINE)
            .and_then(|text| text.parse().ok())
    }

    /// Labels of its pod template.
    #[must_use]
    pub fn template_labels(&self) -> &BTreeMap<String, String> {
        self.template_labels.as_ref().unwrap_or(&self.labels)
    }
}
