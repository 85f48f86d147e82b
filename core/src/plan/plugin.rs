//! Calls of step plugins, which a plan asks for beside its writes (contract 03 §14).

use crate::api::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

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

/// A call to make, once the status is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepCall {
    /// Which.
    pub id: CallId,
    /// The `config` of the step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<Value>,
    /// What the plugin wanted to have back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Value>,
}
