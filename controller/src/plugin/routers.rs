//! Calls of router plugins that are under way, and what each was told: by rollout (contract 07 §10).

use crate::clock::Clock;
use crate::store::Key;
use crate::sync::lock;
use serde_json::{Value, json};
use serin_core::api::Rollout;
use serin_core::observed::{RouterCall, RouterOperation, RouterPlugins, RouterSays, RouterTold, Verified};
use serin_plugin::{Error, Kind, Plugins};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use tokio_util::task::AbortOnDropHandle;

/// The router plugins of this controller, and their calls.
pub(crate) struct RouterCalls {
    plugins: Arc<Plugins>,
    configured: BTreeSet<String>,
    desk: Arc<Desk>,
}

/// What the plugins of all rollouts were told.
#[derive(Default)]
struct Desk(Mutex<HashMap<Key, OfOne>>);

/// What those of one rollout were told.
#[derive(Default)]
struct OfOne {
    /// UID of the rollout: one that is made anew is another one.
    uid: String,
    told: BTreeMap<String, RouterTold>,
    /// The task of the call under way, by the name of its plugin.
    tasks: BTreeMap<String, AbortOnDropHandle<()>>,
}

impl RouterCalls {
    pub(crate) fn new(plugins: Arc<Plugins>) -> Self {
        let routers = plugins.configuration().iter().filter(|(kind, _)| *kind == Kind::Router);
        Self {
            configured: routers.map(|(_, plugin)| plugin.name.clone()).collect(),
            plugins,
            desk: Arc::default(),
        }
    }

    /// What a decision on a rollout may know.
    pub(crate) fn observed(&self, key: &Key, uid: &str) -> RouterPlugins {
        let desk = lock(&self.desk.0);
        let one = desk.get(key).filter(|one| one.uid == uid);
        RouterPlugins {
            configured: self.configured.clone(),
            told: one.map(|one| one.told.clone()).unwrap_or_default(),
        }
    }

    /// Makes the calls of a plan, without waiting for answers. The answer of each wakes the rollout. What plugins were told
    /// that the rollout names no more is forgotten.
    pub(crate) fn make<W>(
        &self,
        (key, uid): (&Key, &str),
        calls: &[RouterCall],
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
        let one = desk.entry(key.clone()).or_default();
        if one.uid != uid {
            *one = OfOne {
                uid: uid.to_owned(),
                ..OfOne::default()
            };
        }
        let routing = rollout.spec.strategy.canary.as_ref();
        let routing = routing.and_then(|canary| canary.traffic_routing.as_ref());
        let is_named = |name: &String| routing.is_some_and(|routing| routing.plugins.contains_key(name));
        one.told.retain(|name, _| is_named(name));
        one.tasks.retain(|name, _| is_named(name));
        let free = |call: &&RouterCall| one.told.get(&call.name).is_none_or(|told| told.under_way.is_none());
        let new: Vec<RouterCall> = calls.iter().filter(free).cloned().collect();
        if !new.is_empty() {
            // As it was decided on: one that refers to a workload has the pod template of that.
            let rollout = Arc::new(serde_json::to_value(rollout).map_err(|error| error.to_string()));
            for call in new {
                let name = call.name.clone();
                one.told.entry(name.clone()).or_default().begin(call.clone());
                let (plugins, desk, rollout) =
                    (Arc::clone(&self.plugins), Arc::clone(&self.desk), Arc::clone(&rollout));
                let (of, clock, wake) = ((key.clone(), uid.to_owned()), Arc::clone(clock), wake.clone());
                let task = tokio::spawn(async move {
                    let says = tell(&plugins, &call, &of.0, &rollout).await;
                    desk.answered(&of, &call, clock(), says);
                    wake();
                });
                one.tasks.insert(name, AbortOnDropHandle::new(task));
            }
        }
        if one.told.is_empty() {
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

    /// The process is to end: no answer is waited for.
    pub(crate) fn close(&self) {
        lock(&self.desk.0).clear();
    }
}

impl Desk {
    fn answered(&self, (key, uid): &(Key, String), call: &RouterCall, at: jiff::Timestamp, says: RouterSays) {
        let mut desk = lock(&self.0);
        let one = desk.get_mut(key).filter(|one| one.uid == *uid);
        let told = one.and_then(|one| one.told.get_mut(&call.name));
        if let Some(told) = told.filter(|told| told.under_way.as_ref() == Some(call)) {
            told.answer(at, says);
        }
    }
}

/// What a plugin makes of a call.
async fn tell(plugins: &Plugins, call: &RouterCall, key: &Key, rollout: &Result<Value, String>) -> RouterSays {
    let plugin = &*call.name;
    let rollout = match rollout {
        Ok(rollout) => rollout,
        Err(error) => return RouterSays::Failure(format!("the Rollout cannot be written as JSON: {error}")),
    };
    let mut verified = Verified::NotAsked;
    for operation in call.operations() {
        tracing::debug!(namespace = %key.namespace, rollout = %key.name, plugin, %operation, "calling a router plugin");
        let done = match operation {
            RouterOperation::VerifyWeight(weight) => {
                verified = verdict(plugins, call, weight, rollout).await;
                Ok(())
            }
            _ => ask(plugins, call, operation, rollout).await,
        };
        if let Err(error) = done {
            let why = error.to_string();
            tracing::warn!(namespace = %key.namespace, rollout = %key.name, plugin, %operation, why, "a call of a router plugin failed");
            return RouterSays::Failure(why);
        }
    }
    RouterSays::Done(verified)
}

async fn ask(
    plugins: &Plugins,
    call: &RouterCall,
    operation: RouterOperation<'_>,
    rollout: &Value,
) -> Result<(), Error> {
    let (name, wish) = (&*call.name, &call.wish);
    match operation {
        RouterOperation::RemoveManagedRoutes => plugins.router_remove_managed_routes(name, rollout).await,
        RouterOperation::SetHeaderRoute(route) => plugins.router_set_header_route(name, rollout, &json!(route)).await,
        RouterOperation::SetMirrorRoute(route) => plugins.router_set_mirror_route(name, rollout, &json!(route)).await,
        RouterOperation::UpdateHash => {
            let (canary, stable) = (&wish.canary_hash, &wish.stable_hash);
            plugins
                .router_update_hash(name, rollout, canary, stable, &destinations(call))
                .await
        }
        RouterOperation::SetWeight(weight) => {
            plugins
                .router_set_weight(name, rollout, weight, &destinations(call))
                .await
        }
        RouterOperation::VerifyWeight(_) => Ok(()),
    }
}

async fn verdict(plugins: &Plugins, call: &RouterCall, weight: i32, rollout: &Value) -> Verified {
    let destinations = destinations(call);
    match plugins
        .router_verify_weight(&call.name, rollout, weight, &destinations)
        .await
    {
        Ok(serin_plugin::Verified::Yes) => Verified::Yes,
        Ok(serin_plugin::Verified::No) => Verified::No,
        Ok(serin_plugin::Verified::NotImplemented) => Verified::NotImplemented,
        Err(error) => Verified::Failed(error.to_string()),
    }
}

/// Further destinations, as plugins know them; null for none.
fn destinations(call: &RouterCall) -> Value {
    if call.wish.additional.is_empty() {
        return Value::Null;
    }
    let destination = |of: &serin_core::traffic::Destination| json!({"serviceName": of.service, "podTemplateHash": of.hash, "weight": of.weight});
    call.wish.additional.iter().map(destination).collect()
}
