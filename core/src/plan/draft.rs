//! A plan in the making: its events, in the order in which users know them, and when it reconciles again. Its actions come
//! from [`crate::rollout`]'s `order` alone.

use crate::observed::{ReplicaSet, RouterCall};
use crate::plan::{Action, After, Ask, Event, News, Plan, ReplicaSetPatch, StatusWrite, StepCall, Target, Wake};

/// Collects what a reconcile says: events, and when it reconciles again.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    calls: Vec<StepCall>,
    asks: Vec<Ask>,
    router_calls: Vec<RouterCall>,
    events: Vec<Event>,
    wake: Option<Wake>,
}

impl Draft {
    /// Adds an event that is sent once its cause went through.
    pub(crate) fn tell(&mut self, news: News, after: After) {
        self.events.push(Event { news, after });
    }

    /// Adds a call of a step plugin.
    pub(crate) fn call(&mut self, call: StepCall) {
        self.calls.push(call);
    }

    /// Adds a question to AWS.
    pub(crate) fn ask(&mut self, ask: Ask) {
        self.asks.push(ask);
    }

    /// Adds what a router plugin is to be told.
    pub(crate) fn tell_router(&mut self, call: RouterCall) {
        self.router_calls.push(call);
    }

    /// Asks for a reconcile; the earliest wins.
    pub(crate) fn wake(&mut self, wake: Wake) {
        if self.wake.is_none_or(|old| wake.at < old.at) {
            self.wake = Some(wake);
        }
    }

    /// The plan that makes these changes.
    pub(crate) fn finish(mut self, actions: Vec<Action>, status: Option<StatusWrite>) -> Plan {
        self.events.sort_by_key(|event| event.news.group());
        Plan {
            actions,
            status,
            calls: self.calls,
            asks: self.asks,
            router_calls: self.router_calls,
            events: self.events,
            wake: self.wake,
        }
    }
}

/// A patch of a ReplicaSet that changes nothing yet.
pub(crate) fn patch_of(set: &ReplicaSet) -> ReplicaSetPatch {
    ReplicaSetPatch {
        target: target_of(set),
        ..ReplicaSetPatch::default()
    }
}

/// A ReplicaSet in the version decided upon.
pub(crate) fn target_of(set: &ReplicaSet) -> Target {
    Target {
        name: set.name.clone(),
        uid: set.uid.clone(),
        resource_version: set.resource_version.clone(),
    }
}
