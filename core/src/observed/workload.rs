//! What decisions know of the workload that a rollout refers to (contract 05 §5).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The parts of a Deployment, ReplicaSet or PodTemplate that decisions need. Its pod template and its selector stand in the
/// spec of the rollout, where [`crate::rollout::workload::fill_in`] puts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Workload {
    /// What it is.
    pub kind: WorkloadKind,
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
    /// Pods wanted; 0 of a PodTemplate.
    pub replicas: i32,
    /// Pods that exist, from its status.
    pub current_replicas: i32,
    /// Pods of its present template, from its status.
    pub updated_replicas: i32,
    /// Available pods, from its status.
    pub available_replicas: i32,
    /// Who set `spec.replicas` last, other than this controller: a manager of its managedFields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaled_by: Option<String>,
}

/// What a rollout may refer to (contract 05 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// apps/v1.
    #[default]
    Deployment,
    /// apps/v1.
    ReplicaSet,
    /// v1; it has no pods.
    PodTemplate,
}

impl WorkloadKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::ReplicaSet, Self::PodTemplate];

    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::PodTemplate => "PodTemplate",
        }
    }

    /// The API group; empty for core.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::ReplicaSet => "apps",
            Self::PodTemplate => "",
        }
    }

    /// The resource, as the texts of the API server name it: `deployments.apps`.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments.apps",
            Self::ReplicaSet => "replicasets.apps",
            Self::PodTemplate => "podtemplates",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Workload {
    /// Its status speaks of its present spec, and all its pods are available and of its present template. Of one that is
    /// not, nobody knows which pods go when it shrinks.
    pub(crate) fn is_whole(&self) -> bool {
        let pods = self.replicas;
        self.observed_generation >= self.generation
            && [self.current_replicas, self.updated_replicas, self.available_replicas] == [pods; 3]
    }
}
