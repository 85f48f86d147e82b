//! What router plugins are to be told now, and what is known of it (contract 07 §10, contract 03 §7).
//!
//! A call is made beside the reconcile, and its answer is an observation of a later one. Argo Rollouts calls each plugin at
//! each reconcile; here the same is told again only after a while, so that somebody's edit is mended.

use super::Traffic;
use crate::api::rollout::RolloutStatus;
use crate::meaning::{Canary, Wait};
use crate::observed::{RouterCall, RouterTold, RouterWish, Verified};
use crate::plan::draft::Draft;
use crate::plan::{After, News, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::{Look, after_seconds};
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::traffic::{PluginRouter, Problem, Router, Told};
use crate::wire::condition::{self, TRAFFIC_NOT_VERIFIED};
use crate::wire::event;
use jiff::Timestamp;

/// Seconds until a call that failed is made again.
const RETRY_SECONDS: i64 = 20;

/// Seconds after which a plugin is told again what it was told before.
const AGAIN_SECONDS: i64 = 300;

/// What the plan has to do with router plugins.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    calls: Vec<RouterCall>,
    wake: Option<Timestamp>,
    /// A plugin has yet to carry out what is wanted now.
    pending: bool,
    /// A plugin carried out no call since the controller started.
    unknown: bool,
    /// Why a plugin does not do what is wanted.
    problem: Option<Problem>,
    /// Why a plugin does not confirm the weight.
    unverified: Option<Told>,
}

impl Plugins {
    /// Everything that is wanted now was carried out.
    pub(super) fn are_done(&self) -> bool {
        !self.pending
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}

impl<'a> Traffic<'a> {
    /// Compares what each plugin is to do with what it was told.
    pub(super) fn tell_plugins(&self, look: &Look<'a>, canary: &Canary<'_>, course: &Course) -> Plugins {
        let mut plugins = Plugins::default();
        for router in &self.routers {
            if let Router::Plugin(plugin) = router {
                self.tell(look, (canary, course), plugin, &mut plugins);
            }
        }
        plugins
    }

    fn tell(
        &self,
        look: &Look<'a>,
        (canary, course): (&Canary<'_>, &Course),
        plugin: &PluginRouter<'a>,
        plugins: &mut Plugins,
    ) {
        plugins.unknown |= plugin.is_unknown();
        if !plugin.is_configured {
            plugins.pending = true;
            plugins.fail(plugin, missing(plugin.name));
            return;
        }
        let call = RouterCall {
            name: plugin.name.to_owned(),
            wish: self.wish(look, canary, course, plugin),
            verify: self.is_to_verify(look, canary, course),
            generation: look.rollout.metadata.generation.unwrap_or(0),
        };
        let nothing = RouterTold::default();
        let told = plugin.told.unwrap_or(&nothing);
        let done = told.done.as_ref().filter(|done| done.call.wish == call.wish);
        let asks = |verified: &Verified| call.verify && *verified == Verified::NotAsked;
        plugins.pending |= done.is_none_or(|done| asks(&done.verified));
        if let Some(failed) = &told.failed {
            plugins.fail(plugin, failed.message.clone());
        }
        if let Some(done) = done.filter(|_| call.verify) {
            plugins.unverified = plugins
                .unverified
                .take()
                .or(unverified(plugin, &done.verified, call.wish.weight));
        }
        if told.under_way.is_some() {
            return;
        }
        match self.due(told, &call) {
            Some(at) if at > look.now => plugins.wake = plugins.wake.into_iter().chain([at]).min(),
            Some(_) | None => plugins.calls.push(call),
        }
    }

    /// When a call is to be made; none where nothing was told yet of what it says.
    fn due(&self, told: &RouterTold, call: &RouterCall) -> Option<Timestamp> {
        if let Some(failed) = told
            .failed
            .as_ref()
            .filter(|failed| failed.call.tells_the_same_as(call))
        {
            return Some(after_seconds(failed.at, RETRY_SECONDS));
        }
        let done = told.done.as_ref().filter(|done| done.call.tells_the_same_as(call))?;
        match done.verified {
            Verified::NotAsked if call.verify => None,
            Verified::No | Verified::Failed(_) if call.verify => {
                let retry = self.site.settings.verify_retry_seconds.max(1);
                Some(after_seconds(done.at, retry))
            }
            Verified::NotAsked | Verified::NotImplemented | Verified::Yes | Verified::No | Verified::Failed(_) => {
                Some(after_seconds(done.at, AGAIN_SECONDS))
            }
        }
    }

    /// Everything that a plugin is to do now.
    fn wish(&self, look: &Look<'a>, canary: &Canary<'_>, course: &Course, plugin: &PluginRouter<'_>) -> RouterWish {
        let in_force = self.in_force(look, canary, course);
        let removes_routes = in_force.is_none();
        let (headers, mirrors) = in_force.unwrap_or_default();
        // Pods behind a Service are those that it selects.
        let hash = |service: &str, subset: String| match service::hash_of(look, service) {
            "" => subset,
            selected => selected.to_owned(),
        };
        RouterWish {
            weight: self.weight,
            canary_service: self.site.canary_service.to_owned(),
            canary_hash: hash(self.site.canary_service, self.canary_hash(look, course)),
            stable_hash: hash(self.site.stable_service, self.stable_hash(look, canary)),
            additional: self.additional.now(),
            headers: headers.into_iter().cloned().collect(),
            mirrors: mirrors.into_iter().cloned().collect(),
            removes_routes,
            config: plugin.config.clone(),
        }
    }

    /// Whether the weight is to be confirmed: it is that of a step that sets one, or the last (contract 03 §7).
    fn is_to_verify(&self, look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> bool {
        let updating = look.revisions.other_stable().is_some() && course.abort.is_none() && !course.promote_full;
        let sets_weight = |index: &usize| match canary.steps.get(*index) {
            Some(step) => matches!(step.waits_for, Wait::Weight) && self.weight == canary.weight_at(*index),
            None => self.weight >= self.site.max_weight,
        };
        updating && course.index.as_ref().is_some_and(sets_weight)
    }

    /// A controller that has just started knows of a plugin what the status records: a rollout that was Healthy is so until
    /// the plugin is told something else.
    pub(super) fn rests_as_recorded(&self, look: &Look<'_>) -> bool {
        let status = &look.rollout.status;
        let weights = status.canary.weights.as_ref();
        self.plugins.unknown
            && self.problem.is_none()
            && self.changes.is_empty()
            && conditions::get(status, condition::HEALTHY).is_some_and(|of| of.status == TRUE)
            && weights.is_some_and(|of| of.canary.weight == self.aim)
    }

    /// Asks for the calls that are due, and for a reconcile when the next one is.
    pub(super) fn call_plugins(&self, draft: &mut Draft) {
        self.plugins
            .calls
            .iter()
            .cloned()
            .for_each(|call| draft.tell_router(call));
        if let Some(at) = self.plugins.wake {
            let why = WakeReason::RouterPlugin;
            draft.wake(Wake { at, why });
        }
    }

    /// Says by a condition, and where a plugin failed by an event, why it does not confirm the weight.
    pub(super) fn record_unverified(&self, look: &Look<'_>, next: &mut RolloutStatus, draft: &mut Draft) {
        let old = conditions::get(&look.rollout.status, TRAFFIC_NOT_VERIFIED);
        let Some(told) = &self.plugins.unverified else {
            return;
        };
        conditions::remove(next, TRAFFIC_NOT_VERIFIED);
        if let Some(old) = old.filter(|old| old.message == told.message) {
            conditions::set(next, old.clone());
            return;
        }
        let found = conditions::new(
            TRAFFIC_NOT_VERIFIED,
            TRUE,
            &told.reason,
            told.message.clone(),
            &look.stamp(),
        );
        conditions::set(next, found);
        if told.reason == event::WEIGHT_VERIFY_ERROR {
            draft.tell(News::Unverified(told.clone()), After::Status);
        }
    }
}

impl Plugins {
    fn fail(&mut self, plugin: &PluginRouter<'_>, message: String) {
        let problem = || Problem::new(&plugin.place(), event::TRAFFIC_ROUTING_ERROR, message);
        self.problem = self.problem.take().or_else(|| Some(problem()));
    }
}

/// Upstream's words (contract 07 §11, "Plugins").
fn missing(name: &str) -> String {
    format!("unable to start plugin system: unable to find plugin ({name}): plugin {name} not configured in configmap")
}

fn unverified(plugin: &PluginRouter<'_>, verified: &Verified, weight: i32) -> Option<Told> {
    match verified {
        Verified::NotAsked | Verified::NotImplemented | Verified::Yes => None,
        Verified::No => {
            let message = format!("{}: the weight {weight} is not in force yet", plugin.place());
            Some(Told::new(TRAFFIC_NOT_VERIFIED, message))
        }
        Verified::Failed(why) => Some(Told::new(
            event::WEIGHT_VERIFY_ERROR,
            format!("Failed to verify weight: {why}"),
        )),
    }
}
