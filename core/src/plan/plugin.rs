//! Calls of step plugins, which a plan asks for beside its writes (contract 03 §14).

use crate::observed::CallId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
