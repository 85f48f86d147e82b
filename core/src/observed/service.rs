//! What decisions know of a Service.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
}
