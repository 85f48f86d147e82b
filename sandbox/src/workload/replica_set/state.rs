//! What the controller knows: sets, pods as its cache has them, and which sets are to be looked at when.

use super::expectations::Expectations;
use super::resource::{ReplicaSet, controller_of, controller_of_set, selector};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::watcher::Event;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// The UID of a ReplicaSet.
pub(super) type Key = String;

#[derive(Default)]
pub(super) struct State {
    /// How much later than they come the changes of pods are believed.
    lag: Duration,
    sets: HashMap<Key, ReplicaSet>,
    /// By owner (empty for those without), then by the pod's own UID.
    pods: HashMap<Key, BTreeMap<String, Pod>>,
    owner_of: HashMap<String, Key>,
    queue: HashMap<Key, Instant>,
    listed_sets: Option<HashSet<Key>>,
    listed_pods: Option<HashSet<String>>,
    pods_known: bool,
    /// Changes of pods on their way into the cache.
    lagging: VecDeque<(Instant, Event<Pod>)>,
    pub(super) expected: Expectations,
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
    pub(super) fn new(lag: Duration) -> Self {
        Self { lag, ..Self::default() }
    }

    pub(super) fn set(&self, key: &Key) -> Option<ReplicaSet> {
        self.sets.get(key).cloned()
    }

    pub(super) fn pods_of(&self, set: &ReplicaSet) -> Vec<Pod> {
        self.pods_by(&uid(&set.metadata)).cloned().collect()
    }

    fn pods_by(&self, owner: &str) -> impl Iterator<Item = &Pod> {
        self.pods.get(owner).into_iter().flat_map(BTreeMap::values)
    }

    /// The pods in the namespace of a set that nobody controls.
    pub(super) fn orphans_beside(&self, set: &ReplicaSet) -> Vec<Pod> {
        self.pods_by("")
            .filter(|it| it.metadata.namespace == set.metadata.namespace)
            .cloned()
            .collect()
    }

    /// The pods of all sets that have the same owner as this one, its own among them; none where nobody owns it.
    pub(super) fn related_pods(&self, set: &ReplicaSet) -> Vec<Pod> {
        let Some(owner) = controller_of_set(set) else {
            return Vec::new();
        };
        let related = self.sets.iter().filter(|(_, it)| controller_of_set(it) == Some(owner));
        related.flat_map(|(key, _)| self.pods_by(key)).cloned().collect()
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
        let key = uid(&set.metadata);
        self.sets.remove(&key);
        self.expected.forget(&key);
    }

    /// Takes in a change of a pod, now or when its lag is over. The first list is waited for, as by every controller.
    pub(super) fn receive(&mut self, event: Event<Pod>) {
        if self.lag.is_zero() || !self.pods_known {
            self.apply(event);
        } else {
            self.lagging.push_back((Instant::now() + self.lag, event));
        }
    }

    /// Until a change is to be believed; for ever if none is on its way.
    pub(super) fn lagging(&self) -> impl Future<Output = ()> + use<> {
        until(self.lagging.front().map(|(at, _)| *at))
    }

    pub(super) fn believe(&mut self) {
        let now = Instant::now();
        while self.lagging.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, event)) = self.lagging.pop_front() {
                self.apply(event);
            }
        }
    }

    fn apply(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => self.listed_pods = Some(HashSet::new()),
            Event::InitApply(pod) | Event::Apply(pod) => self.put_pod(pod),
            Event::InitDone => self.end_pods(),
            Event::Delete(pod) => self.remove_pod(&uid(&pod.metadata)),
        }
    }

    /// From now on it is known which pods there are; before, every set seemed to lack all of them.
    fn end_pods(&mut self) {
        let Some(listed) = self.listed_pods.take() else { return };
        let gone: Vec<String> = self
            .owner_of
            .keys()
            .filter(|it| !listed.contains(*it))
            .cloned()
            .collect();
        gone.iter().for_each(|pod| self.remove_pod(pod));
        self.pods_known = true;
        let keys: Vec<Key> = self.sets.keys().cloned().collect();
        keys.iter().for_each(|key| self.look_in(key, Duration::ZERO));
    }

    pub(super) fn put_pod(&mut self, pod: Pod) {
        let key = uid(&pod.metadata);
        if let Some(listed) = &mut self.listed_pods {
            listed.insert(key.clone());
        }
        let owner = controller_of(&pod).unwrap_or_default().to_owned();
        let before = self.owner_of.get(&key).cloned();
        let known = before
            .as_ref()
            .and_then(|it| self.pods.get(it))
            .and_then(|it| it.get(&key));
        if known.is_some_and(|there| version(&there.metadata) > version(&pod.metadata)) {
            return;
        }
        match before {
            None => self.expected.created(&owner, 1),
            Some(before) if before != owner => {
                self.drop_pod(&before, &key);
                self.look_in(&before, Duration::ZERO);
            }
            Some(_) => {}
        }
        if pod.metadata.deletion_timestamp.is_some() {
            self.expected.deleted(&owner, &key);
        }
        if owner.is_empty() {
            self.look_at_claimants(&pod);
        } else {
            self.look_in(&owner, Duration::ZERO);
        }
        self.owner_of.insert(key.clone(), owner.clone());
        self.pods.entry(owner).or_default().insert(key, pod);
    }

    /// A pod that nobody controls is of interest to whoever selects it.
    fn look_at_claimants(&mut self, pod: &Pod) {
        let labels = serde_json::json!(pod.metadata.labels);
        let keys: Vec<Key> = self
            .sets
            .iter()
            .filter(|(_, set)| set.metadata.namespace == pod.metadata.namespace && selector(set).matches(&labels))
            .map(|(key, _)| key.clone())
            .collect();
        keys.iter().for_each(|key| self.look_in(key, Duration::ZERO));
    }

    fn remove_pod(&mut self, pod: &str) {
        let Some(owner) = self.owner_of.remove(pod) else { return };
        self.drop_pod(&owner, pod);
        self.expected.deleted(&owner, pod);
        self.look_in(&owner, Duration::ZERO);
    }

    fn drop_pod(&mut self, owner: &str, pod: &str) {
        if let Some(pods) = self.pods.get_mut(owner) {
            pods.remove(pod);
            if pods.is_empty() {
                self.pods.remove(owner);
            }
        }
    }

    /// A delete was accepted: the pod no longer counts, whatever the watch still says.
    pub(super) fn mark_deleted(&mut self, pod: &Pod) {
        let (key, owner) = (uid(&pod.metadata), controller_of(pod).unwrap_or_default());
        if let Some(known) = self.pods.get_mut(owner).and_then(|it| it.get_mut(&key)) {
            let now = jiff::Timestamp::now();
            known.metadata.deletion_timestamp.get_or_insert(Time(now));
            // Newer than anything the watch had under way, which would bring the pod back to life here.
            known.metadata.resource_version = None;
        }
        self.expected.deleted(owner, &key);
    }

    // === The queue ===

    pub(super) fn look_in(&mut self, key: &str, wait: Duration) {
        self.look_at(key, Instant::now() + wait);
    }

    pub(super) fn look_at(&mut self, key: &str, at: Instant) {
        let due = self.queue.entry(key.to_owned()).or_insert(at);
        *due = at.min(*due);
    }

    /// Until a look is due; for ever if none is, or while pods are not known yet.
    pub(super) fn due(&self) -> impl Future<Output = ()> + use<> {
        until(self.queue.values().min().copied().filter(|_| self.pods_known))
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

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
