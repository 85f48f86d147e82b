//! Everything a decision may know: read once, never changed while deciding.
//!
//! The shell builds an [`Observed`] from its stores; together with one clock reading it is all that
//! [`decide`](crate::decide()) sees. Written to a file it is a bug report, a replay and the seed of a simulated life (decision 33).

use crate::api::Rollout;
use crate::api::analysis::AnalysisPhase;
use crate::api::lenient::Unread;
use crate::identity::{Fingerprint, Identity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of one rollout and of what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The rollout as stored.
    pub rollout: Rollout,
    /// Why the stored spec could not be decoded, field path first; the rest of `rollout` is then what could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
    /// Fields of the stored status that do not decode; `rollout` has them as absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Hashes of template and steps, computed once per generation (decision 18).
    pub identity: Identity,
    /// All ReplicaSets that the rollout owns, in any order, and those of its namespace that carry a pod template hash
    /// and that nobody owns: which of these are taken is decided here (contract 02 §3).
    pub replica_sets: Vec<ReplicaSet>,
    /// Services that the strategy names; `None` where the API server says there is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Option<Service>>,
    /// Pods by name of their ReplicaSet, only of those that [`crate::rollout::pods::needed`] names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pods: BTreeMap<String, Vec<Pod>>,
    /// What each router last reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Reported<Route>>,
    /// AnalysisRuns that the rollout owns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analysis_runs: Vec<Reported<Run>>,
    /// Experiments that the rollout owns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<Reported<Run>>,
    /// The last change that the API server refused, while it has not gone through since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Changes whose content or permission the API server refuses, and has not taken since, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Standing>,
}

/// A fact and when it was reported, so that a decision can tell old news from new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported<T> {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub fact: T,
}

/// What a router says it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    /// Name of the router in the spec, such as `istio`.
    pub router: String,
    /// Weight by pod template hash.
    pub weights: BTreeMap<String, i32>,
    /// Whether the data plane confirmed them; absent where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// What an AnalysisRun or an Experiment says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Run {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Phase.
    pub phase: AnalysisPhase,
    /// Message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The parts of a Service that decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// resourceVersion.
    pub resource_version: String,
    /// Selector.
    pub selector: BTreeMap<String, String>,
    /// Rollout that manages it, from its annotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    /// Since when live reads find no Rollout of that name, be it served by this instance or not (decision 48); absent
    /// while it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager_gone_since: Option<Timestamp>,
    /// A Rollout that is neither its manager nor the one decided upon names it; known where the manager is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub named_elsewhere: bool,
}

/// The parts of a pod that decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// When it was created.
    pub created: Timestamp,
    /// A deletion is under way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// It has ended, as Succeeded or Failed: nobody counts it any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// Since when it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_since: Option<Timestamp>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

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

/// A change that the API server refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// What was tried, such as `create ReplicaSet guestbook-5cd66ff7ff`.
    pub attempt: String,
    /// What kind of call it was.
    pub what: Attempted,
    /// Generation of the rollout that it was tried for; an edit makes it void.
    pub generation: i64,
    /// `status.collisionCount` that it was tried with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// How it failed.
    pub why: Refusal,
    /// What the API server said.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// What was refused, as far as the consequences differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attempted {
    /// The creation of a ReplicaSet: what the API server says of its template is told as InvalidSpec (decision 23).
    Creation,
    /// A write of the status: no condition could tell of it.
    Status,
    /// Any other change.
    Change,
    /// A read.
    Read,
}

/// A change that the API server refuses for its content (400, 422) or for want of permission (401, 403): neither the
/// creation of a ReplicaSet nor a write of the status (decisions 46, 47).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// What is tried, such as `patch Service guestbook`.
    pub attempt: String,
    /// How it fails: [`Refusal::Forbidden`] or [`Refusal::Invalid`].
    pub why: Refusal,
    /// What the API server said first.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// Of a secondary change: what is left alone meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_alone: Option<LeftAlone>,
}

/// What is left alone because of a refused secondary change (decision 46).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftAlone {
    /// UID of the ReplicaSet: all secondary changes of it and of its pods.
    pub replica_set: String,
    /// Only its pods, because of this one; empty where they could not be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// When it is tried again.
    pub until: Timestamp,
}

/// How a change failed: each is a wait with a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// 401, 403: the permissions lack something.
    Forbidden,
    /// 409 on a create: the name is taken.
    AlreadyExists,
    /// 409 on a change: somebody else wrote in between.
    Conflict,
    /// 404: the object is gone.
    NotFound,
    /// 422, 400: the API server does not accept the content.
    Invalid,
    /// 429: the API server asks for patience.
    TooManyRequests,
    /// 5xx.
    ServerError,
    /// No answer in time, or no connection.
    Timeout,
}
