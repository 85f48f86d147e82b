//! Router plugins: which there are, and what each was told for one rollout (contract 07 §10).
//!
//! A plugin has no object that could be read. What it was told, and carried out without an error, is what it is taken to do.
//! Where the outcome of a call is not known, the weight may be the one before or the one of the call.

use super::{Destination, Site};
use crate::api::canary_step::{SetHeaderRoute, SetMirrorRoute};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The router plugins of this controller, and what they were told for one rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouterPlugins {
    /// Names of the plugins of the configuration.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub configured: BTreeSet<String>,
    /// What they were told since the controller started, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, RouterTold>,
}

impl RouterPlugins {
    /// There are none, and none was told anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.told.is_empty()
    }
}

/// What a plugin is to do for a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouterWish {
    /// Weight of the canary, out of `maxTrafficWeight`.
    pub weight: i32,
    /// The Service that has it: ping and pong take turns. Empty where no Services are named.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub canary_service: String,
    /// Pod template hash of the canary.
    pub canary_hash: String,
    /// Pod template hash of stable.
    pub stable_hash: String,
    /// Services of experiments and their weights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<Destination>,
    /// Routes by header that the steps so far set, the last of each name; one without a match removes the route.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<SetHeaderRoute>,
    /// Routes that mirror, likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<SetMirrorRoute>,
    /// No route of a step is in force: the plugin removes all of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removes_routes: bool,
    /// Its configuration as written in the rollout.
    pub config: Value,
}

impl RouterWish {
    fn led(&self) -> Led {
        Led {
            weight: self.weight,
            canary_service: self.canary_service.clone(),
        }
    }
}

/// A weight that a plugin may have in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Led {
    /// Weight of the canary at that time.
    pub weight: i32,
    /// The Service that has it; empty where none is named.
    pub canary_service: String,
}

impl Led {
    /// The weight of what is the canary's now: ping and pong may have changed places since.
    fn of(&self, site: &Site<'_>) -> i32 {
        if site.canary_service != site.stable_service && self.canary_service == site.stable_service {
            site.max_weight.saturating_sub(self.weight)
        } else {
            self.weight
        }
    }
}

/// Calls of one plugin that belong together: everything that the wish has, in the order of contract 03 §7.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouterCall {
    /// Name of the plugin.
    pub name: String,
    /// What it is to do.
    pub wish: RouterWish,
    /// Afterwards it is asked whether the weight is in force.
    pub verify: bool,
    /// Generation of the rollout, all of which the plugin sees.
    pub generation: i64,
}

impl RouterCall {
    /// Whether both tell the plugin the same.
    #[must_use]
    pub fn tells_the_same_as(&self, other: &Self) -> bool {
        self.wish == other.wish && self.generation == other.generation
    }

    /// What the plugin is asked, in the order of contract 03 §7. The first one that fails ends the call.
    pub fn operations(&self) -> impl Iterator<Item = RouterOperation<'_>> {
        let wish = &self.wish;
        let removes = wish.removes_routes.then_some(RouterOperation::RemoveManagedRoutes);
        let verifies = self.verify.then_some(RouterOperation::VerifyWeight(wish.weight));
        let headers = wish.headers.iter().map(RouterOperation::SetHeaderRoute);
        let mirrors = wish.mirrors.iter().map(RouterOperation::SetMirrorRoute);
        let weights = [RouterOperation::UpdateHash, RouterOperation::SetWeight(wish.weight)];
        let routes = removes.into_iter().chain(headers).chain(mirrors);
        routes.chain(weights).chain(verifies)
    }
}

/// One of the calls of a router plugin (contract 07 §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterOperation<'a> {
    /// Remove the routes of `managedRoutes`.
    RemoveManagedRoutes,
    /// Set a route by header, or remove it where it has no match.
    SetHeaderRoute(&'a SetHeaderRoute),
    /// Set a route that mirrors, or remove it where it has no match.
    SetMirrorRoute(&'a SetMirrorRoute),
    /// Lead the weights to the pods with these hashes.
    UpdateHash,
    /// Give the canary this weight.
    SetWeight(i32),
    /// Tell whether the canary has this weight.
    VerifyWeight(i32),
}

impl fmt::Display for RouterOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoveManagedRoutes => f.write_str("RemoveManagedRoutes"),
            Self::SetHeaderRoute(route) => write!(f, "SetHeaderRoute {}", route.name),
            Self::SetMirrorRoute(route) => write!(f, "SetMirrorRoute {}", route.name),
            Self::UpdateHash => f.write_str("UpdateHash"),
            Self::SetWeight(weight) => write!(f, "SetWeight {weight}"),
            Self::VerifyWeight(weight) => write!(f, "VerifyWeight {weight}"),
        }
    }
}

/// Whether the plugin says that the weight is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verified {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It cannot tell.
    NotImplemented,
    /// It is.
    Yes,
    /// It is not, or not yet.
    No,
    /// It was asked and failed: why.
    Failed(String),
}

impl Verified {
    /// As the status has it: none where nothing is known (contract 03 §7 item 8).
    #[must_use]
    pub fn recorded(&self) -> Option<bool> {
        match self {
            Self::NotAsked | Self::NotImplemented => None,
            Self::Yes => Some(true),
            Self::No | Self::Failed(_) => Some(false),
        }
    }
}

/// What came of the calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RouterSays {
    /// The plugin carried them out.
    Done(Verified),
    /// It did not run, gave no answer, or answered that it failed: why. Calls after the one that failed were not made.
    Failure(String),
}

/// A call that the plugin carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterDone {
    /// Which.
    pub call: RouterCall,
    /// When its answer came.
    pub at: Timestamp,
    /// Whether the weight is in force.
    pub verified: Verified,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterFailed {
    /// Which.
    pub call: RouterCall,
    /// When that was known.
    pub at: Timestamp,
    /// Why.
    pub message: String,
}

/// What one plugin was told for one rollout since the controller started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouterTold {
    /// The last call that it carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<RouterDone>,
    /// Weights that may be in force instead of that one: those of later calls without a good answer, and those before a
    /// weight that the plugin says is not in force.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Led>,
    /// The call under way. There is one at a time, so that none overtakes another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<RouterCall>,
    /// The call that failed, until one goes through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<RouterFailed>,
}

impl RouterTold {
    /// A call is made.
    pub fn begin(&mut self, call: RouterCall) {
        self.doubt(call.wish.led());
        self.under_way = Some(call);
    }

    /// The outcome of the call under way is known.
    pub fn answer(&mut self, at: Timestamp, says: RouterSays) {
        let Some(call) = self.under_way.take() else {
            return;
        };
        match says {
            RouterSays::Done(verified) => {
                let before = self.done.as_ref().map(|done| done.call.wish.led());
                if verified.recorded() == Some(false) {
                    before.into_iter().for_each(|led| self.doubt(led));
                } else {
                    self.doubtful.clear();
                }
                self.failed = None;
                self.done = Some(RouterDone { call, at, verified });
            }
            RouterSays::Failure(message) => self.failed = Some(RouterFailed { call, at, message }),
        }
    }

    /// The weights that what is the canary's now may have: that of a call, and those that are in doubt.
    pub(super) fn weights(&self, done: &RouterDone, site: &Site<'_>) -> impl Iterator<Item = i32> {
        let all = self.doubtful.iter().cloned().chain([done.call.wish.led()]);
        all.map(|led| led.of(site))
    }

    fn doubt(&mut self, led: Led) {
        if !self.doubtful.contains(&led) {
            self.doubtful.push(led);
        }
    }
}
