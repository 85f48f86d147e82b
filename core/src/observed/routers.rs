//! What decisions know of traffic routers.

use crate::observed::RouterPlugins;
use crate::traffic::aws::Aws;
use crate::traffic::{Routes, Settings};
use serde::{Deserialize, Serialize};

/// The routers of the controller, and the objects that those of this rollout read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Routers {
    /// Flags of the controller.
    pub settings: Settings,
    /// Objects, each of those that [`crate::rollout::traffic::needed`] names.
    pub routes: Routes,
    /// What AWS answered to the questions of the last plan, where [`Settings::verifies_targets`].
    #[serde(skip_serializing_if = "Aws::is_empty")]
    pub aws: Aws,
    /// The plugins of the controller, and what they were told for this rollout.
    #[serde(skip_serializing_if = "RouterPlugins::is_empty")]
    pub plugins: RouterPlugins,
}
