//! What the controller knows: sets, pods, and which sets are to be looked at when.

use super::resource::{ReplicaSet, controller_of};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// The UID of a ReplicaSet.
pub(super) type Key = String;

#[derive(Default)]
pub(super) struct State {
    sets: HashMap<Key, ReplicaSet>,
    /// By owner, then by the pod's own UID.
    pods: HashMap<Key, BTreeMap<String, Pod>>,
    queue: HashMap<Key, Instant>,
    listed_sets: Option<HashSet<Key>>,
    listed_pods: Option<HashSet<String>>,
    pods_known: bool,
}

fn uid(metadata: &kube::api::ObjectMeta) -> String {
    metadata.uid.clone().unwrap_or_default()
}

fn version(metadata: &kube::api::ObjectMeta) -> u64 {
    metadata
        .resource_version
        .as_deref()
        .and_then(|it| it.parse().ok())
        .unwrap_or(u64::MAX)
}

impl State {
    pub(super) fn set(&self, key: &Key) -> Option<ReplicaSet> {
        self.sets.get(key).cloned()
    }

    pub(super) fn pods_of(&self, set: &ReplicaSet) -> Vec<Pod> {
        self.pods
            .get(&uid(&set.metadata))
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    // === What the watches say ===

    pub(super) fn begin_sets(&mut self) {
        self.listed_sets = Some(HashSet::new());
    }

    pub(super) fn end_sets(&mut self) {
        if let Some(listed) = self.listed_sets.take() {
            self.sets.retain(|key, _| listed.contains(key));
        }
    }

    pub(super) fn put_set(&mut self, set: ReplicaSet) {
        let key = uid(&set.metadata);
        if let Some(listed) = &mut self.listed_sets {
            listed.insert(key.clone());
        }
        self.put_own(set);
        self.look_in(&key, Duration::ZERO);
    }

    /// A set as our own write left it: nothing new to look at.
    pub(super) fn put_own(&mut self, set: ReplicaSet) {
        let key = uid(&set.metadata);
        if self
            .sets
            .get(&key)
            .is_none_or(|there| version(&there.metadata) <= version(&set.metadata))
        {
            self.sets.insert(key, set);
        }
    }

    pub(super) fn remove_set(&mut self, set: &ReplicaSet) {
        self.sets.remove(&uid(&set.metadata));
    }

    pub(super) fn begin_pods(&mut self) {
        self.listed_pods = Some(HashSet::new());
    }

    /// From now on it is known which pods there are; before, every set seemed to lack all of them.
    pub(super) fn end_pods(&mut self) {
        let Some(listed) = self.listed_pods.take() else { return };
        for pods in self.pods.values_mut() {
            pods.retain(|key, _| listed.contains(key));
        }
        self.pods_known = true;
        let keys: Vec<Key> = self.sets.keys().cloned().collect();
        keys.iter().for_each(|key| self.look_in(key, Duration::ZERO));
    }

    pub(super) fn put_pod(&mut self, pod: Pod) {
        let key = uid(&pod.metadata);
        if let Some(listed) = &mut self.listed_pods {
            listed.insert(key.clone());
        }
        let Some(owner) = controller_of(&pod).map(str::to_owned) else {
            return;
        };
        let pods = self.pods.entry(owner.clone()).or_default();
        if pods
            .get(&key)
            .is_none_or(|there| version(&there.metadata) <= version(&pod.metadata))
        {
            pods.insert(key, pod);
        }
        self.look_in(&owner, Duration::ZERO);
    }

    pub(super) fn remove_pod(&mut self, pod: &Pod) {
        let Some(owner) = controller_of(pod).map(str::to_owned) else {
            return;
        };
        if let Some(pods) = self.pods.get_mut(&owner) {
            pods.remove(&uid(&pod.metadata));
            if pods.is_empty() {
                self.pods.remove(&owner);
            }
        }
        self.look_in(&owner, Duration::ZERO);
    }

    /// A delete was accepted: the pod no longer counts, whatever the watch still says.
    pub(super) fn mark_deleted(&mut self, pod: &Pod) {
        let owner = controller_of(pod).and_then(|it| self.pods.get_mut(it));
        if let Some(known) = owner.and_then(|it| it.get_mut(&uid(&pod.metadata))) {
            let now = jiff::Timestamp::now();
            known.metadata.deletion_timestamp.get_or_insert(Time(now));
            // Newer than anything the watch had under way, which would bring the pod back to life here.
            known.metadata.resource_version = None;
        }
    }

    // === The queue ===

    pub(super) fn look_in(&mut self, key: &Key, wait: Duration) {
        self.look_at(key, Instant::now() + wait);
    }

    pub(super) fn look_at(&mut self, key: &Key, at: Instant) {
        let due = self.queue.entry(key.clone()).or_insert(at);
        *due = at.min(*due);
    }

    /// Until a look is due; for ever if none is, or while pods are not known yet.
    pub(super) fn due(&self) -> impl Future<Output = ()> + use<> {
        let first = self.queue.values().min().copied().filter(|_| self.pods_known);
        async move {
            match first {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    pub(super) fn take_due(&mut self) -> Vec<Key> {
        let now = Instant::now();
        let due: Vec<Key> = self
            .queue
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(key, _)| key.clone())
            .collect();
        self.queue.retain(|_, at| *at > now);
        due
    }
}
