//! A compiled router plugin: it has no objects, so what it was told is what it reports (contract 07 §10).

use super::told::RouterTold;
use super::{Place, Reported, Site};
use crate::api::rollout::TrafficWeights;
use serde_json::Value;

/// A plugin that a rollout names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PluginRouter<'a> {
    /// Its name, `namespace/name`.
    pub name: &'a str,
    /// Its configuration in the rollout, as written.
    pub config: &'a Value,
    /// Whether the controller has it.
    pub is_configured: bool,
    /// What it was told since the controller started.
    pub told: Option<&'a RouterTold>,
    /// The weights that the status records.
    pub recorded: Option<&'a TrafficWeights>,
}

impl PluginRouter<'_> {
    /// Where it stands in messages: a plugin's name has the form of a namespace and a name.
    #[must_use]
    pub fn place(&self) -> Place {
        let (namespace, name) = self.name.split_once('/').unwrap_or(("", self.name));
        Place {
            kind: "plugin".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Place::default()
        }
    }

    /// It carried out no call since the controller started: nothing is known but what the status records.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.told.is_none_or(|told| told.done.is_none())
    }

    /// The weights that it may give the canary. Where no Services are named, the hashes that it was told say which pods
    /// they lead to.
    #[must_use]
    pub fn observe(&self, site: &Site<'_>) -> Reported {
        let done = self.told.and_then(|told| Some((told, told.done.as_ref()?)));
        let mut reported = match done {
            None => Reported::unknown(self.recorded, site.max_weight),
            Some((told, done)) => {
                let wish = &done.call.wish;
                let hash = |hash: &String| (!hash.is_empty()).then(|| hash.clone());
                Reported {
                    canary_hash: hash(&wish.canary_hash),
                    stable_hash: hash(&wish.stable_hash),
                    verified: done.verified.recorded(),
                    ..Reported::of_weights(told.weights(done, site))
                }
            }
        };
        if !site.canary_service.is_empty() {
            reported.canary_hash = None;
        }
        if !site.stable_service.is_empty() {
            reported.stable_hash = None;
        }
        reported
    }
}
