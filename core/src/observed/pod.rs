//! What decisions know of a pod.

use crate::observed::ReplicaSet;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

impl Pod {
    /// Here to stay: its ReplicaSet counts it.
    pub(crate) fn is_active(&self) -> bool {
        !self.deleting && !self.finished
    }

    /// Since when it is available, or will be if it stays ready.
    pub(crate) fn available_at(&self, set: &ReplicaSet) -> Option<Timestamp> {
        let wait = SignedDuration::from_secs(i64::from(set.min_ready_seconds));
        let since = self.ready_since.filter(|_| self.is_active())?;
        since.checked_add(wait).ok()
    }
}
