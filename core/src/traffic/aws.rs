//! What AWS was asked for a rollout, and what it answered (contract 07 §3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A question about the elastic load balancers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    /// The load balancer with this DNS name: its target groups, and the weights that its rules give them.
    LoadBalancer(String),
    /// The targets of the target group with this ARN, and their health.
    Targets(String),
}

/// What AWS says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Says {
    /// The load balancer.
    LoadBalancer(LoadBalancer),
    /// There is no load balancer with that DNS name.
    NoLoadBalancer,
    /// The targets.
    Targets(Vec<Target>),
    /// Nothing that can be used, and why: which call failed, and how.
    Failure(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// To what.
    pub question: Question,
    /// When AWS was asked: it may know more by now.
    pub at: Timestamp,
    /// The answer.
    pub says: Says,
}

/// A load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Its target groups.
    pub target_groups: Vec<TargetGroup>,
    /// What its rules forward: the weight of each target group, by ARN.
    pub forwards: Vec<BTreeMap<String, i64>>,
}

/// A target group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetGroup {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Value of the tag of `--alb-tag-key-resource-id`: the Ingress, Service and port that it was made for.
    pub resource: String,
    /// Its targets are addresses of pods, and not nodes.
    pub of_addresses: bool,
}

/// A target of a target group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// The address of a pod, or the id of a node.
    pub id: String,
    /// State of its health: `initial`, `healthy`, `unhealthy`, `unused`, `draining` or `unavailable`.
    pub state: String,
}

/// Answers of AWS for one rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Aws(pub Vec<Answer>);

impl Aws {
    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer to a question, if there is one yet.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Option<&Answer> {
        self.0.iter().find(|answer| answer.question == *question)
    }
}
