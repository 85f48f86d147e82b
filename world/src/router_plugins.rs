//! Router plugins that answer as a test says.

use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serin_core::observed::{RouterOperation, RouterPlugins as Seen, RouterSays, RouterTold, RouterWish, Verified};
use serin_core::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that a plugin takes for an answer.
const SECONDS_PER_CALL: i64 = 1;

/// Seconds until the controller waits no more.
const PATIENCE: i64 = 60;

/// What a plugin does when it is called.
#[derive(Clone, Debug)]
pub enum Reply {
    /// All of it; and says this where it is asked whether the weight is in force.
    Does(Verified),
    /// Nothing, and says why.
    Fails(String),
    /// All of it, but it never says so.
    IsSilent,
}

/// The router plugins of the controller.
#[derive(Clone, Debug, Default)]
pub struct RouterPlugins {
    /// Their names.
    pub configured: BTreeSet<String>,
    /// What they do from now on; without an entry they do all of it, and cannot tell whether a weight is in force.
    pub replies: BTreeMap<String, Reply>,
    /// All calls that were made, as `SetWeight a/b 50`.
    pub made: Vec<String>,
    /// What they do with the traffic.
    pub(super) does: BTreeMap<String, RouterWish>,
    /// What the controller knows.
    told: BTreeMap<String, RouterTold>,
    /// Answers under way, and when they come.
    answers: Vec<(Timestamp, String, RouterSays)>,
}

impl World {
    /// What the controller knows of router plugins.
    pub(super) fn observed_router_plugins(&self) -> Seen {
        let mut told = self.router_plugins.told.clone();
        for (at, name, says) in &self.router_plugins.answers {
            if let Some(told) = told.get_mut(name).filter(|_| *at <= self.now) {
                let at = at.checked_add(self.ahead).expect("lives are short");
                told.answer(at, says.clone());
            }
        }
        Seen {
            configured: self.router_plugins.configured.clone(),
            told,
        }
    }

    /// Makes the calls of a plan that was carried out.
    pub(super) fn call_router_plugins(&mut self, plan: &Plan) {
        if plan.router_calls.is_empty() {
            return;
        }
        self.router_plugins.told = self.observed_router_plugins().told;
        let now = self.now;
        self.router_plugins.answers.retain(|(at, _, _)| *at > now);
        for call in &plan.router_calls {
            let plugins = &mut self.router_plugins;
            let told = plugins.told.entry(call.name.clone()).or_default();
            if told.under_way.is_some() {
                continue;
            }
            told.begin(call.clone());
            let reply = plugins.replies.get(&call.name).cloned();
            let does = !matches!(reply, Some(Reply::Fails(_)));
            let operations = call.operations().take(if does { usize::MAX } else { 1 });
            let made: Vec<String> = operations.map(|operation| words(&call.name, operation)).collect();
            let (after, says) = match reply {
                None => (
                    SECONDS_PER_CALL,
                    RouterSays::Done(verdict(call.verify, Verified::NotImplemented)),
                ),
                Some(Reply::Does(verified)) => (SECONDS_PER_CALL, RouterSays::Done(verdict(call.verify, verified))),
                Some(Reply::Fails(why)) => (SECONDS_PER_CALL, RouterSays::Failure(why)),
                Some(Reply::IsSilent) => {
                    let why = format!("plugin {} gave no answer within {PATIENCE}s", call.name);
                    (PATIENCE, RouterSays::Failure(why))
                }
            };
            let due = now
                .checked_add(SignedDuration::from_secs(after))
                .expect("lives are short");
            plugins.answers.push((due, call.name.clone(), says));
            plugins.made.extend(made.iter().cloned());
            note!(self, "calls of a router plugin: {}", made.join(", "));
            if does {
                let wish = call.wish.clone();
                self.reroute(|world| _ = world.router_plugins.does.insert(call.name.clone(), wish));
            }
        }
    }

    /// The controller that made the calls is gone, and with it what it knew; what the plugins did stays.
    pub(super) fn forget_router_calls(&mut self) {
        self.router_plugins.told.clear();
        self.router_plugins.answers.clear();
    }

    /// When the next answer comes.
    pub(super) fn next_router_answer(&self) -> Option<Timestamp> {
        let due = self.router_plugins.answers.iter().map(|(at, _, _)| *at);
        due.filter(|at| *at > self.now).min()
    }
}

fn verdict(asked: bool, verified: Verified) -> Verified {
    if asked { verified } else { Verified::NotAsked }
}

/// `SetWeight a/b 50`.
fn words(name: &str, operation: RouterOperation<'_>) -> String {
    let text = operation.to_string();
    match text.split_once(' ') {
        Some((what, rest)) => format!("{what} {name} {rest}"),
        None => format!("{text} {name}"),
    }
}
