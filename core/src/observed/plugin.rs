//! Step plugins: which there are, and the calls that were made of them (contract 03 §14).

use crate::api::Time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// What a step plugin is asked to do. The words are those of `status.canary.stepPluginStatuses[].operation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// Run the step, or tell how it goes.
    Run,
    /// Stop a step that still runs, because the update ends without it.
    Terminate,
    /// Take back what the step did, because the update is aborted.
    Abort,
}

impl Operation {
    /// As the status has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Terminate => "Terminate",
            Self::Abort => "Abort",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which call it is. The same call has the same identity for as long as its answer is not recorded, so one that was lost
/// with its controller is made again, and an answer counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallId {
    /// Index of the step.
    pub index: i32,
    /// Name of the plugin.
    pub name: String,
    /// What is asked.
    pub operation: Operation,
    /// When the run of the step began, as recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started_at: Option<Time>,
    /// Answers of the run of the step that were recorded before.
    pub executions: i32,
}
