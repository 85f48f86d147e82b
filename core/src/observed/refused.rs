//! Changes that the API server refused.

use crate::observed::Attempt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A change that the API server refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// What was tried.
    pub attempt: Attempt,
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
    /// What is tried.
    pub attempt: Attempt,
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
    /// UID of the ReplicaSet: all secondary changes of it and of its pods. Or of the workload: its scale.
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
    /// 429: the API server asks to wait.
    TooManyRequests,
    /// 5xx.
    ServerError,
    /// No answer in time, or no connection.
    Timeout,
}

impl Refused {
    /// Another owner has the name.
    pub(crate) fn is_collision(&self) -> bool {
        self.what == Attempted::Creation && self.why == Refusal::AlreadyExists
    }
}

impl Refusal {
    /// Whether it speaks of the change itself, its content or the permission to make it, and not of the moment. Only
    /// such refusals let a secondary change be skipped (decision 46), and are told by a condition (decision 47).
    #[must_use]
    pub fn stands(self) -> bool {
        match self {
            Self::Forbidden | Self::Invalid => true,
            Self::AlreadyExists
            | Self::Conflict
            | Self::NotFound
            | Self::TooManyRequests
            | Self::ServerError
            | Self::Timeout => false,
        }
    }
}
