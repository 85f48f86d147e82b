//! Step plugins: which there are, and the calls that were made of them (contract 03 §14).

use crate::plan::CallId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The step plugins of this controller, and what they answered for one rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepPlugins {
    /// Plugins of the configuration, by name.
    pub configured: BTreeMap<String, Configured>,
    /// Calls that the last plan asked for: under way, or answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Called>,
    /// Names of plugins that are not configured, of which an event has told since the controller started.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub told_missing: BTreeSet<String>,
}

/// How a plugin stands in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Configured {
    /// It is called.
    Enabled,
    /// It is not called, and its steps are complete at once.
    Disabled,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    /// Which.
    pub id: CallId,
    /// When it was made.
    pub begun: Timestamp,
    /// What came of it; none while the plugin works.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<Answer>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// When it came.
    pub at: Timestamp,
    /// What it says.
    pub says: Says,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Says {
    /// The plugin answered.
    Result(StepResult),
    /// The plugin did not run, gave no answer, or answered that it failed: why.
    Failure(String),
}

/// The answer of a plugin, as it wrote it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepResult {
    /// Running, Successful, Failed or Error; empty where the phase stays what it was. Anything else is a failure.
    pub phase: String,
    /// Words for a person, possibly none.
    pub message: String,
    /// Nanoseconds until the plugin wants to be called again; 0 where it does not say.
    pub requeue_after_nanoseconds: i64,
    /// What the plugin wants to have back at its next call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}
