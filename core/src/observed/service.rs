//! What decisions know of a Service.

use jiff::Timestamp;
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
    /// Since when live reads find no Rollout of that name, be it served by this instance or not (decision 48); absent
    /// while it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager_gone_since: Option<Timestamp>,
    /// A Rollout that is neither its manager nor the one decided upon names it; known where the manager is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub named_elsewhere: bool,
}
