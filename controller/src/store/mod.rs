//! What the watches have brought so far: rollouts by name, and what belongs to them.

/// A decoded object, with its metadata in `meta`, is of the same resource as the full type.
macro_rules! stands_for {
    ($stored:ty: $full:ty) => {
        impl kube::Resource for $stored {
            type DynamicType = ();
            type Scope = <$full as kube::Resource>::Scope;

            fn kind(of: &()) -> std::borrow::Cow<'_, str> {
                <$full as kube::Resource>::kind(of)
            }
            fn group(of: &()) -> std::borrow::Cow<'_, str> {
                <$full as kube::Resource>::group(of)
            }
            fn version(of: &()) -> std::borrow::Cow<'_, str> {
                <$full as kube::Resource>::version(of)
            }
            fn plural(of: &()) -> std::borrow::Cow<'_, str> {
                <$full as kube::Resource>::plural(of)
            }
            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.meta
            }
            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.meta
            }
        }
    };
}
pub(crate) use stands_for;

pub(crate) mod analysis;
pub(crate) mod decode;
pub(crate) mod expectations;
pub(crate) mod experiments;
pub(crate) mod expiry;
pub(crate) mod key;
pub(crate) mod leaving;
pub(crate) mod owner;
mod packed;
pub(crate) mod pods;
mod replica_sets;
pub(crate) mod routes;
pub(crate) mod runs;
pub(crate) mod service;
pub(crate) mod workloads;

use crate::store::analysis::AllTemplates;
use crate::store::decode::StoredRollout;
use crate::store::experiments::Experiments;
pub(crate) use crate::store::key::{Key, Source, compare_versions};
use crate::store::leaving::Leaving;
pub(crate) use crate::store::owner::Owner;
use crate::store::replica_sets::ReplicaSets;
use crate::store::routes::AllRoutes;
use crate::store::runs::Runs;
use crate::store::service::Services;
use crate::store::workloads::Workloads;
use crate::sync::{read, write};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, RwLock};

/// What an event changed about a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Not seen before (or another object of the same name).
    Added,
    /// The generation changed: somebody edited the spec.
    SpecEdited,
    /// Metadata or status changed.
    Changed,
    /// Nothing new.
    Same,
}

/// All rollouts of this instance.
#[derive(Default)]
pub(crate) struct Rollouts(RwLock<All>);

#[derive(Default)]
struct All {
    by_key: HashMap<Key, Arc<StoredRollout>>,
    /// How many there are in each namespace that has any.
    namespaces: HashMap<Arc<str>, usize>,
}

impl All {
    fn insert(&mut self, key: &Key, stored: StoredRollout) {
        if self.by_key.insert(key.clone(), Arc::new(stored)).is_none() {
            *self.namespaces.entry(Arc::clone(&key.namespace)).or_default() += 1;
        }
    }

    fn remove(&mut self, key: &Key) -> Option<(Key, Arc<StoredRollout>)> {
        let gone = self.by_key.remove_entry(key)?;
        if let Some(count) = self.namespaces.get_mut(&key.namespace) {
            *count -= 1;
            if *count == 0 {
                self.namespaces.remove(&key.namespace);
            }
        }
        Some(gone)
    }
}

impl Rollouts {
    /// Stores what a watch or a live read returned.
    pub(crate) fn apply(&self, new: StoredRollout, source: Source) -> (Key, Change) {
        let key = Key::of(&new);
        let mut rollouts = write(&self.0);
        let old = rollouts.by_key.get(&key);
        let change = old.map_or(Change::Added, |old| change(old, &new, source));
        if change != Change::Same {
            if let Some(old) = old {
                keep_identity(old, &new);
            }
            rollouts.insert(&key, new);
        }
        (key, change)
    }

    /// Forgets a rollout, unless another of the same name has taken its place.
    pub(crate) fn delete(&self, gone: &StoredRollout) -> Option<(Key, Arc<StoredRollout>)> {
        let key = Key::of(gone);
        let mut rollouts = write(&self.0);
        let stored = rollouts.by_key.get(&key)?;
        if stored.rollout.metadata.uid != gone.rollout.metadata.uid {
            return None;
        }
        rollouts.remove(&key)
    }

    /// Forgets everything that a complete list did not name; what went is returned.
    pub(crate) fn keep_only(&self, listed: &HashSet<Key>) -> Vec<(Key, Arc<StoredRollout>)> {
        let mut rollouts = write(&self.0);
        let keys = rollouts.by_key.keys();
        let gone: Vec<Key> = keys.filter(|key| !listed.contains(*key)).cloned().collect();
        gone.iter().filter_map(|key| rollouts.remove(key)).collect()
    }

    /// One rollout.
    #[must_use]
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<StoredRollout>> {
        read(&self.0).by_key.get(key).cloned()
    }

    /// How many there are, and in how many namespaces.
    #[must_use]
    pub(crate) fn len(&self) -> (usize, usize) {
        let all = read(&self.0);
        (all.by_key.len(), all.namespaces.len())
    }

    /// Whether a namespace has rollouts.
    #[must_use]
    pub(crate) fn any_in(&self, namespace: &str) -> bool {
        read(&self.0).namespaces.contains_key(namespace)
    }

    /// All rollouts, in no order.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(Key, Arc<StoredRollout>)> {
        read(&self.0)
            .by_key
            .iter()
            .map(|(key, stored)| (key.clone(), Arc::clone(stored)))
            .collect()
    }
}

fn change(old: &StoredRollout, new: &StoredRollout, source: Source) -> Change {
    let (before, after) = (&old.rollout.metadata, &new.rollout.metadata);
    if before.uid != after.uid {
        return Change::Added;
    }
    if !source.replaces(version(after), version(before)) {
        Change::Same
    } else if before.generation == after.generation {
        Change::Changed
    } else {
        Change::SpecEdited
    }
}

fn version(metadata: &serin_core::api::ObjectMeta) -> &str {
    metadata.resource_version.as_deref().unwrap_or_default()
}

/// Carries the computed hashes over while what they depend on is the same (decision 18).
fn keep_identity(old: &StoredRollout, new: &StoredRollout) {
    let same = old.rollout.metadata.uid == new.rollout.metadata.uid
        && old.rollout.metadata.generation == new.rollout.metadata.generation
        && old.rollout.status.collision_count == new.rollout.status.collision_count
        && old.undecodable == new.undecodable;
    if let (true, Some(identity)) = (same, old.identity.get()) {
        let _ = new.identity.set(identity.clone()); // Only fails if it is already computed.
    }
}

/// Everything that the watches have brought.
#[derive(Default)]
pub(crate) struct Stores {
    /// Rollouts.
    pub(crate) rollouts: Rollouts,
    /// ReplicaSets that rollouts control.
    pub(crate) replica_sets: ReplicaSets,
    /// Experiments.
    pub(crate) experiments: Experiments,
    /// ReplicaSets that experiments control.
    pub(crate) experiment_sets: ReplicaSets,
    /// Services that have to do with rollouts.
    pub(crate) services: Services,
    /// Objects of traffic routers that rollouts read.
    pub(crate) routes: AllRoutes,
    /// Workloads that rollouts refer to.
    pub(crate) workloads: Workloads,
    /// Rollouts that are being deleted, or are gone, and whose Deployment has yet to be looked after.
    pub(crate) leaving: Leaving,
    /// AnalysisRuns.
    pub(crate) runs: Runs,
    /// Templates of analyses.
    pub(crate) templates: AllTemplates,
}

impl Stores {
    /// Stores a rollout that a watch or a live read returned.
    pub(crate) fn apply_rollout(&self, new: StoredRollout, source: Source) -> (Key, Change) {
        let (key, change) = self.rollouts.apply(new, source);
        if change != Change::Same
            && let Some(stored) = self.rollouts.get(&key)
        {
            self.services.index(&key, &service::named(&stored.rollout));
            self.workloads.index(&key, Some(&stored.rollout));
            self.services.manager_is_there(&key);
            if change == Change::Added {
                self.leaving.settled(&key, true);
            }
        }
        (key, change)
    }

    /// Forgets a rollout, unless another of the same name has taken its place.
    pub(crate) fn delete_rollout(&self, gone: &StoredRollout) -> Option<(Key, Arc<StoredRollout>)> {
        let deleted = self.rollouts.delete(gone)?;
        self.services.index(&deleted.0, &BTreeSet::new());
        self.workloads.index(&deleted.0, None);
        self.routes.reads_only(&deleted.0, &BTreeSet::new());
        Some(deleted)
    }

    /// Forgets all rollouts that a complete list did not name; what went is returned.
    pub(crate) fn keep_only_rollouts(&self, listed: &HashSet<Key>) -> Vec<(Key, Arc<StoredRollout>)> {
        let gone = self.rollouts.keep_only(listed);
        for (key, _) in &gone {
            self.services.index(key, &BTreeSet::new());
            self.workloads.index(key, None);
            self.routes.reads_only(key, &BTreeSet::new());
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;
    use serin_core::identity::Identity;

    fn rollout(version: &str, generation: i64, uid: &str) -> StoredRollout {
        serde_json::from_value(json!({"metadata": {"name": "a", "namespace": "n", "uid": uid,
            "resourceVersion": version, "generation": generation}}))
        .unwrap()
    }

    #[test]
    fn an_older_event_never_replaces_a_newer_one_but_a_list_does() {
        let rollouts = Rollouts::default();
        assert_eq!(rollouts.apply(rollout("9", 1, "u"), Source::Event).1, Change::Added);
        assert_eq!(
            rollouts.apply(rollout("10", 2, "u"), Source::Event).1,
            Change::SpecEdited
        );
        assert_eq!(rollouts.apply(rollout("9", 1, "u"), Source::Event).1, Change::Same);
        assert_eq!(rollouts.apply(rollout("11", 2, "u"), Source::Event).1, Change::Changed);
        assert_eq!(rollouts.apply(rollout("9", 2, "u"), Source::List).1, Change::Changed);
        assert_eq!(rollouts.apply(rollout("3", 1, "other"), Source::Event).1, Change::Added);
    }

    #[test]
    fn hashes_are_kept_while_generation_and_collisions_are_the_same() {
        let rollouts = Rollouts::default();
        let (key, _) = rollouts.apply(rollout("1", 1, "u"), Source::Event);
        let identity = Identity {
            pod_hash: "abc".into(),
            ..Identity::default()
        };
        rollouts.get(&key).unwrap().identity.set(identity.clone()).unwrap();
        rollouts.apply(rollout("2", 1, "u"), Source::Event);
        assert_eq!(rollouts.get(&key).unwrap().identity.get(), Some(&identity));
        rollouts.apply(rollout("3", 2, "u"), Source::Event);
        assert_eq!(rollouts.get(&key).unwrap().identity.get(), None);
    }
}
