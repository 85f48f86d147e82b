//! Calls to the API server, as they are named in logs, events and conditions.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One call that reads or changes an object; its text is such as `patch ReplicaSet guestbook-5cd66ff7ff`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// What is done.
    pub verb: Verb,
    /// The kind of the object.
    pub kind: Kind,
    /// The name of the object.
    pub name: String,
}

impl Attempt {
    /// An attempt.
    #[must_use]
    pub fn new(verb: Verb, kind: Kind, name: &str) -> Self {
        Self {
            verb,
            kind,
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.verb.as_str().to_ascii_lowercase();
        write!(f, "{verb} {} {}", self.kind.as_str(), self.name)
    }
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads several.
    List,
    /// Makes one.
    Create,
    /// Replaces one.
    Update,
    /// Changes fields of one.
    Patch,
    /// Deletes one.
    Delete,
    /// Deletes a pod if its PodDisruptionBudgets allow it.
    Evict,
}

impl Verb {
    /// The word, as the metrics have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "Get",
            Self::List => "List",
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Patch => "Patch",
            Self::Delete => "Delete",
            Self::Evict => "Evict",
        }
    }
}

/// The kind of an object that a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A Rollout.
    Rollout,
    /// The subresource `status` of a Rollout.
    RolloutStatus,
    /// A ReplicaSet.
    ReplicaSet,
    /// The scale of a Deployment that a rollout refers to.
    DeploymentScale,
    /// A Deployment that a rollout refers to.
    Deployment,
    /// A PodTemplate that a rollout refers to.
    PodTemplate,
    /// A Service.
    Service,
    /// An object of a traffic router; its name is such as `Ingress/web`.
    Route,
    /// A pod.
    Pod,
    /// An AnalysisRun.
    AnalysisRun,
    /// An Experiment.
    Experiment,
    /// An event.
    Event,
    /// A Lease.
    Lease,
    /// A Secret.
    Secret,
}

impl Kind {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollout => "Rollout",
            Self::RolloutStatus => "Rollout/status",
            Self::ReplicaSet => "ReplicaSet",
            Self::DeploymentScale => "Deployment/scale",
            Self::Deployment => "Deployment",
            Self::PodTemplate => "PodTemplate",
            Self::Service => "Service",
            Self::Route => "router object",
            Self::Pod => "Pod",
            Self::AnalysisRun => "AnalysisRun",
            Self::Experiment => "Experiment",
            Self::Event => "Event",
            Self::Lease => "Lease",
            Self::Secret => "Secret",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_reads_as_a_clause() {
        let text = |verb, kind, name| Attempt::new(verb, kind, name).to_string();
        assert_eq!(text(Verb::Create, Kind::ReplicaSet, "web-1"), "create ReplicaSet web-1");
        assert_eq!(
            text(Verb::Patch, Kind::RolloutStatus, "web"),
            "patch Rollout/status web"
        );
    }
}
