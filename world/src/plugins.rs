//! Step plugins that answer as a test says.

use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serin_core::observed::{Answer, Called, Configured, Says, StepPlugins, StepResult};
use serin_core::plan::{News, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that a plugin takes for an answer.
const SECONDS_PER_CALL: i64 = 1;

/// What a plugin answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This.
    Says(Says),
    /// Nothing, for ever.
    Nothing,
}

/// The step plugins of the controller.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// Which there are.
    pub configured: BTreeMap<String, Configured>,
    /// What they answer from now on; `Successful` where nothing is said.
    pub replies: BTreeMap<String, Reply>,
    /// All calls that were made, as `Run a/b 1`: operation, name and number of the step.
    pub made: Vec<String>,
    /// Calls that the last plan asked for, and when the answer is there.
    calls: Vec<(Called, Timestamp)>,
    told_missing: BTreeSet<String>,
}

impl Plugins {
    /// These are configured, and all of their answers are good.
    #[must_use]
    pub fn of(configured: BTreeMap<String, Configured>) -> Self {
        Self {
            configured,
            ..Self::default()
        }
    }
}

impl World {
    /// What the controller knows of step plugins.
    pub(super) fn observed_plugins(&self) -> Option<StepPlugins> {
        let plugins = self.plugins.as_ref()?;
        let seen = |(called, due): &(Called, Timestamp)| Called {
            answer: called.answer.clone().filter(|_| *due <= self.now),
            ..called.clone()
        };
        Some(StepPlugins {
            configured: plugins.configured.clone(),
            calls: plugins.calls.iter().map(seen).collect(),
            told_missing: plugins.told_missing.clone(),
        })
    }

    /// Makes the calls of a plan that was carried out, and forgets those that it does not want.
    pub(super) fn call_plugins(&mut self, plan: &Plan) {
        let now = self.controllers_now();
        let Some(plugins) = &mut self.plugins else { return };
        let wanted = |called: &Called| plan.calls.iter().any(|call| call.id == called.id);
        plugins.calls.retain(|(called, _)| wanted(called));
        let due = after(self.now);
        let mut notes = Vec::new();
        for call in &plan.calls {
            if plugins.calls.iter().any(|(called, _)| called.id == call.id) {
                continue;
            }
            let id = call.id.clone();
            let made = format!("{} {} {}", id.operation, id.name, id.index + 1);
            let reply = plugins.replies.get(&id.name).cloned();
            let says = match reply {
                None => Some(Says::Result(StepResult {
                    phase: "Successful".to_owned(),
                    ..StepResult::default()
                })),
                Some(Reply::Says(says)) => Some(says),
                Some(Reply::Nothing) => None,
            };
            let answer = says.map(|says| Answer { at: after(now), says });
            notes.push(format!("call of a plugin: {made}"));
            plugins.made.push(made);
            plugins.calls.push((Called { id, begun: now, answer }, due));
        }
        for line in notes {
            note!(self, "{line}");
        }
    }

    /// The controller that made the calls is gone, and with it their answers.
    pub fn forget_calls(&mut self) {
        self.forget_router_calls();
        if let Some(plugins) = &mut self.plugins {
            plugins.calls.clear();
            plugins.told_missing.clear();
        }
    }

    /// An event was sent.
    pub(super) fn remember_told(&mut self, news: &News) {
        if let (News::StepPluginMissing { name, .. }, Some(plugins)) = (news, &mut self.plugins) {
            plugins.told_missing.insert(name.clone());
        }
    }

    /// When the next answer comes.
    pub(super) fn next_answer(&self) -> Option<Timestamp> {
        let calls = self.plugins.iter().flat_map(|plugins| &plugins.calls);
        calls
            .filter(|(called, due)| called.answer.is_some() && *due > self.now)
            .map(|(_, due)| *due)
            .min()
    }
}

fn after(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(SECONDS_PER_CALL))
        .expect("lives are short")
}
