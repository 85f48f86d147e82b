//! What a template and steps are known by.

use serde::{Deserialize, Serialize};

/// Hashes of one generation of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// Hash of the pod template, as new ReplicaSets are named (contract 02 §2).
    pub pod_hash: String,
    /// The same in the other dialect, with `"creationTimestamp":null` (decision 15).
    pub pod_hash_with_null_timestamp: String,
    /// Hash of the canary steps; empty for blue-green.
    pub step_hash: String,
    /// Leaves of the template that cannot be decoded, as field paths; left out of the ReplicaSet (decision 7).
    pub undecodable: Vec<String>,
}
