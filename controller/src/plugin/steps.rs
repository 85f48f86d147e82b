//! Calls of step plugins that are under way, and what was answered: by rollout.

use crate::clock::Clock;
use crate::store::Key;
use crate::sync::lock;
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::observed::{Answer, CallId, Called, Configured, Operation, Says, StepPlugins, StepResult};
use serin_core::plan::StepCall;
use serin_plugin::{Error, Kind, Plugins, StepContext};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use tokio_util::task::AbortOnDropHandle;

/// The step plugins of this controller, and their calls.
pub(crate) struct StepCalls {
    plugins: Arc<Plugins>,
    configured: BTreeMap<String, Configured>,
    desk: Arc<Desk>,
}

/// Calls of all rollouts.
#[derive(Default)]
struct Desk(Mutex<HashMap<Key, OfOne>>);

/// What is kept of a rollout; of another one of its name nothing is.
fn of<'d>(desk: &'d mut HashMap<Key, OfOne>, key: &Key, uid: &str) -> &'d mut OfOne {
    let one = desk.entry(key.clone()).or_default();
    if one.uid != uid {
        *one = OfOne {
            uid: uid.to_owned(),
            ..OfOne::default()
        };
    }
    one
}

/// Those of one rollout.
#[derive(Default)]
struct OfOne {
    /// UID of the rollout: one that is made anew is another one.
    uid: String,
    calls: Vec<UnderWay>,
    /// Names of plugins that are not configured, of which an event has told.
    told_missing: BTreeSet<String>,
}

/// A call. Its task ends with it.
struct UnderWay {
    called: Called,
    _task: AbortOnDropHandle<()>,
}

impl StepCalls {
    pub(crate) fn new(plugins: Arc<Plugins>) -> Self {
        let steps = plugins.configuration().iter().filter(|(kind, _)| *kind == Kind::Step);
        let configured = steps.map(|(_, plugin)| {
            let stands = if plugin.disabled {
                Configured::Disabled
            } else {
                Configured::Enabled
            };
            (plugin.name.clone(), stands)
        });
        Self {
            configured: configured.collect(),
            plugins,
            desk: Arc::default(),
        }
    }

    /// What a decision on a rollout may know.
    pub(crate) fn observed(&self, key: &Key, uid: &str) -> StepPlugins {
        let desk = lock(&self.desk.0);
        let one = desk.get(key).filter(|one| one.uid == uid);
        StepPlugins {
            configured: self.configured.clone(),
            calls: one.map_or_else(Vec::new, |one| {
                one.calls.iter().map(|call| call.called.clone()).collect()
            }),
            told_missing: one.map_or_else(BTreeSet::new, |one| one.told_missing.clone()),
        }
    }

    /// An event has told that a plugin is not configured.
    pub(crate) fn told_missing(&self, key: &Key, uid: &str, name: &str) {
        let mut desk = lock(&self.desk.0);
        of(&mut desk, key, uid).told_missing.insert(name.to_owned());
    }

    /// Makes the calls of a plan, without waiting for answers, and forgets those that it does not list. Each answer wakes the
    /// rollout.
    pub(crate) fn make<W>(
        &self,
        (key, uid): (&Key, &str),
        calls: &[StepCall],
        rollout: &Rollout,
        clock: &Clock,
        wake: W,
    ) where
        W: Fn() + Clone + Send + 'static,
    {
        let mut desk = lock(&self.desk.0);
        if calls.is_empty() && !desk.contains_key(key) {
            return;
        }
        let one = of(&mut desk, key, uid);
        one.calls
            .retain(|known| calls.iter().any(|call| call.id == known.called.id));
        let is_new = |call: &&StepCall| one.calls.iter().all(|known| known.called.id != call.id);
        let new: Vec<StepCall> = calls.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            // As it was decided on: one that refers to a workload has the pod template of that.
            let rollout = Arc::new(serde_json::to_value(rollout).map_err(|error| error.to_string()));
            for call in new {
                let called = Called {
                    id: call.id.clone(),
                    begun: clock(),
                    answer: None,
                };
                let (plugins, desk, rollout) =
                    (Arc::clone(&self.plugins), Arc::clone(&self.desk), Arc::clone(&rollout));
                let (of, clock, wake) = ((key.clone(), uid.to_owned()), Arc::clone(clock), wake.clone());
                let task = tokio::spawn(async move {
                    let (id, says) = ask(&plugins, call, &of.0, &rollout).await;
                    desk.answered(&of, &id, Answer { at: clock(), says });
                    wake();
                });
                let _task = AbortOnDropHandle::new(task);
                one.calls.push(UnderWay { called, _task });
            }
        }
        if one.calls.is_empty() && one.told_missing.is_empty() {
            desk.remove(key);
        }
    }

    /// The rollout is gone: nobody waits for the answers of its calls.
    pub(crate) fn forget(&self, key: &Key) {
        lock(&self.desk.0).remove(key);
    }

    /// Rollouts of which something is kept.
    pub(crate) fn len(&self) -> usize {
        lock(&self.desk.0).len()
    }

    /// The process is to end: no answer is waited for, and the plugins end.
    pub(crate) async fn shutdown(&self) {
        lock(&self.desk.0).clear();
        self.plugins.shutdown().await;
    }
}

impl Desk {
    fn answered(&self, (key, uid): &(Key, String), id: &CallId, answer: Answer) {
        let mut desk = lock(&self.0);
        let one = desk.get_mut(key).filter(|one| one.uid == *uid);
        let mut calls = one.into_iter().flat_map(|one| &mut one.calls);
        if let Some(call) = calls.find(|call| call.called.id == *id) {
            call.called.answer = Some(answer);
        }
    }
}

/// What a plugin answers to a call.
async fn ask(plugins: &Plugins, call: StepCall, key: &Key, rollout: &Result<Value, String>) -> (CallId, Says) {
    let StepCall { id, config, status } = call;
    let (plugin, operation) = (&*id.name, id.operation);
    tracing::debug!(namespace = %key.namespace, rollout = %key.name, plugin, %operation, "calling a step plugin");
    let context = StepContext {
        plugin_name: id.name.clone(),
        config,
        status,
    };
    let says = match rollout {
        Ok(rollout) => says(answer(plugins, operation, rollout, &context).await),
        Err(error) => Says::Failure(format!("the Rollout cannot be written as JSON: {error}")),
    };
    if let Says::Failure(why) = &says {
        tracing::warn!(namespace = %key.namespace, rollout = %key.name, plugin, %operation, why, "a call of a step plugin failed");
    }
    (id, says)
}

async fn answer(
    plugins: &Plugins,
    operation: Operation,
    rollout: &Value,
    context: &StepContext,
) -> Result<serin_plugin::StepResult, Error> {
    let name = &context.plugin_name;
    match operation {
        Operation::Run => plugins.step_run(name, rollout, context).await,
        Operation::Terminate => plugins.step_terminate(name, rollout, context).await,
        Operation::Abort => plugins.step_abort(name, rollout, context).await,
    }
}

fn says(answered: Result<serin_plugin::StepResult, Error>) -> Says {
    match answered {
        Ok(serin_plugin::StepResult {
            phase,
            message,
            requeue_after_nanoseconds,
            status,
        }) => Says::Result(StepResult {
            phase,
            message,
            requeue_after_nanoseconds,
            status,
        }),
        Err(error) => Says::Failure(error.to_string()),
    }
}
