//! Services: decoded to what decisions need, kept as far as rollouts have to do with them, found by who names them.

use crate::store::expiry::Expiry;
use crate::store::key::{Key, Source};
use crate::sync::{read, write};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serin_core::api::Rollout;
use serin_core::meaning;
use serin_core::observed::Service;
use serin_core::wire;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// How long the answer "there is no such Service" counts.
const ABSENT_FOR: Duration = Duration::from_secs(5);

/// A Service without what no decision reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredService {
    /// Name, namespace and resourceVersion only; the watch goes on from the last of these.
    meta: ObjectMeta,
    /// What decisions see.
    pub(crate) observed: Service,
}

impl<'de> Deserialize<'de> for StoredService {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: ObjectMeta,
            #[serde(default)]
            spec: Spec,
        }
        #[derive(Default, Deserialize)]
        struct Spec {
            #[serde(default)]
            selector: Option<BTreeMap<String, String>>,
        }
        let Raw { metadata, spec } = Raw::deserialize(deserializer)?;
        let managed_by = metadata
            .annotations
            .and_then(|mut annotations| annotations.remove(wire::MANAGED_BY));
        Ok(Self {
            observed: Service {
                resource_version: metadata.resource_version.clone().unwrap_or_default(),
                selector: spec.selector.unwrap_or_default(),
                managed_by,
                ..Service::default()
            },
            meta: ObjectMeta {
                name: metadata.name,
                namespace: metadata.namespace,
                resource_version: metadata.resource_version,
                ..ObjectMeta::default()
            },
        })
    }
}

crate::store::stands_for!(StoredService: k8s_openapi::api::core::v1::Service);

/// The Services that a strategy names (contract 05 §9), sorted.
pub(crate) fn named(rollout: &Rollout) -> BTreeSet<&str> {
    let named = meaning::services(&rollout.spec.strategy);
    named.into_iter().map(|(_, name)| name).collect()
}

struct State {
    services: HashMap<Key, Arc<Service>>,
    /// Which rollouts name a Service.
    named_by: HashMap<Key, BTreeSet<Arc<str>>>,
    /// Which Services a rollout names; rollouts that name none have no entry.
    names: HashMap<Key, Vec<Arc<str>>>,
    /// Which Services carry the name of a rollout; rollouts that manage none have no entry.
    managed_by: HashMap<Key, BTreeSet<Arc<str>>>,
    /// Services that the API server said do not exist a moment ago.
    absent: Expiry,
    /// Which of the rollouts that Services carry the name of are gone, and since when.
    gone: HashMap<Key, Timestamp>,
}

/// All Services that rollouts name, or that carry a hash or the name of a rollout.
#[derive(Default)]
pub(crate) struct Services(RwLock<State>);

impl Services {
    /// Stores what a watch or a live read returned; returns the rollouts to reconcile.
    pub(crate) fn apply(&self, new: StoredService, source: Source) -> Vec<Key> {
        let key = Key::of(&new);
        let mut state = write(&self.0);
        state.absent.remove(&key);
        let old = state.services.get(&key).cloned();
        let newer = old
            .as_ref()
            .is_none_or(|old| source.replaces(&new.observed.resource_version, &old.resource_version));
        if !newer {
            return Vec::new();
        }
        // Even if nothing that decisions read changed: somebody may wait for this very version.
        let mut touched = state.rollouts_of(&key, &new.observed);
        if let Some(old) = &old {
            touched.extend(state.rollouts_of(&key, old));
        }
        state.remove(&key);
        if state.concerns_us(&key, &new.observed) {
            state.insert(key.clone(), new.observed);
        }
        if let Some(old) = old {
            state.forget_gone(&key, &old);
        }
        touched.into_iter().collect()
    }

    /// Forgets a Service; returns the rollouts to reconcile.
    pub(crate) fn delete(&self, key: &Key) -> Vec<Key> {
        let mut state = write(&self.0);
        let Some(gone) = state.remove(key) else {
            return Vec::new();
        };
        state.forget_gone(key, &gone);
        state.rollouts_of(key, &gone).into_iter().collect()
    }

    /// Forgets everything that a complete list did not name; returns the rollouts to reconcile.
    pub(crate) fn keep_only(&self, listed: &HashSet<Key>) -> Vec<Key> {
        let gone: Vec<Key> = read(&self.0)
            .services
            .keys()
            .filter(|key| !listed.contains(*key))
            .cloned()
            .collect();
        gone.iter().flat_map(|key| self.delete(key)).collect()
    }

    /// A rollout names these Services now, and no others.
    pub(crate) fn index(&self, rollout: &Key, names: &BTreeSet<&str>) {
        let mut state = write(&self.0);
        let before = state.names.get(rollout).map_or(&[][..], Vec::as_slice);
        if before.iter().map(AsRef::as_ref).eq(names.iter().copied()) {
            return;
        }
        for name in state.names.remove(rollout).unwrap_or_default() {
            let service = rollout.sibling(&name);
            if let Some(rollouts) = state.named_by.get_mut(&service) {
                rollouts.remove(&rollout.name);
                if rollouts.is_empty() {
                    state.named_by.remove(&service);
                }
            }
        }
        let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
        for name in &names {
            let rollouts = state.named_by.entry(rollout.sibling(name)).or_default();
            rollouts.insert(Arc::clone(&rollout.name));
        }
        if !names.is_empty() {
            state.names.insert(rollout.clone(), names);
        }
    }

    /// One Service.
    #[must_use]
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Service>> {
        read(&self.0).services.get(key).cloned()
    }

    /// The Services that carry the name of a rollout, by their names.
    #[must_use]
    pub(crate) fn managed_by(&self, rollout: &Key) -> Vec<(Arc<str>, Arc<Service>)> {
        let state = read(&self.0);
        let names = state.managed_by.get(rollout).into_iter().flatten();
        let managed = names.filter_map(|name| {
            let service = state.services.get(&rollout.sibling(name))?;
            Some((Arc::clone(name), Arc::clone(service)))
        });
        managed.collect()
    }

    /// How many entries it holds: Services, and whose they are by name, by annotation, and by what is not there (Services, and rollouts).
    #[must_use]
    pub(crate) fn len(&self) -> [usize; 4] {
        let state = read(&self.0);
        let indexes = state.named_by.len() + state.names.len() + state.managed_by.len();
        [state.services.len(), indexes, state.absent.len(), state.gone.len()]
    }

    /// A live read does not find the rollout whose name Services carry; since when that is so. It is kept while any
    /// carries the name.
    pub(crate) fn manager_is_gone(&self, rollout: &Key, now: Timestamp) -> Timestamp {
        let mut state = write(&self.0);
        if !state.managed_by.contains_key(rollout) {
            return now;
        }
        *state.gone.entry(rollout.clone()).or_insert(now)
    }

    /// It was seen.
    pub(crate) fn manager_is_there(&self, rollout: &Key) {
        write(&self.0).gone.remove(rollout);
    }

    /// Whether rollouts have to do with a Service, be it there or not.
    #[must_use]
    pub(crate) fn is_of_rollouts(&self, key: &Key) -> bool {
        let state = read(&self.0);
        state.services.contains_key(key) || state.named_by.contains_key(key)
    }

    /// The API server says that there is no such Service.
    pub(crate) fn is_absent(&self, key: &Key) {
        let absent = &mut write(&self.0).absent;
        absent.drop_over();
        absent.insert(key.clone());
    }

    /// Whether it said so a moment ago.
    #[must_use]
    pub(crate) fn was_absent(&self, key: &Key) -> bool {
        read(&self.0).absent.contains(key)
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            services: HashMap::new(),
            named_by: HashMap::new(),
            names: HashMap::new(),
            managed_by: HashMap::new(),
            absent: Expiry::new(ABSENT_FOR),
            gone: HashMap::new(),
        }
    }
}

impl State {
    fn insert(&mut self, key: Key, service: Service) {
        if let Some(rollout) = &service.managed_by {
            let services = self.managed_by.entry(key.sibling(rollout)).or_default();
            services.insert(Arc::clone(&key.name));
        }
        self.services.insert(key, Arc::new(service));
    }

    fn remove(&mut self, key: &Key) -> Option<Arc<Service>> {
        let gone = self.services.remove(key)?;
        if let Some(rollout) = gone.managed_by.as_deref().map(|name| key.sibling(name))
            && let Some(services) = self.managed_by.get_mut(&rollout)
        {
            services.remove(&key.name);
            if services.is_empty() {
                self.managed_by.remove(&rollout);
            }
        }
        Some(gone)
    }

    /// Once no Service carries the name of a rollout, nobody asks whether that is gone.
    fn forget_gone(&mut self, key: &Key, service: &Service) {
        if let Some(rollout) = service.managed_by.as_deref().map(|name| key.sibling(name))
            && !self.managed_by.contains_key(&rollout)
        {
            self.gone.remove(&rollout);
        }
    }

    fn concerns_us(&self, key: &Key, service: &Service) -> bool {
        service.managed_by.is_some()
            || service.selector.contains_key(wire::HASH_LABEL)
            || self.named_by.contains_key(key)
    }

    fn rollouts_of(&self, key: &Key, service: &Service) -> BTreeSet<Key> {
        let naming = self
            .named_by
            .get(key)
            .into_iter()
            .flatten()
            .map(|name| key.sibling(name));
        naming
            .chain(service.managed_by.as_deref().map(|name| key.sibling(name)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn service(name: &str, version: &str, selector: &Value, managed_by: Option<&str>) -> StoredService {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "n", "resourceVersion": version,
                "annotations": {wire::MANAGED_BY: managed_by.unwrap_or("?"), "other": "x"}},
            "spec": {"selector": selector, "ports": [{"port": 80}]},
        }))
        .map(|mut stored: StoredService| {
            stored.observed.managed_by = managed_by.map(ToOwned::to_owned);
            stored
        })
        .unwrap()
    }

    fn key(name: &str) -> Key {
        Key::new("n", name)
    }

    #[test]
    fn only_services_that_concern_rollouts_are_kept() {
        let services = Services::default();
        let plain = json!({"app": "a"});
        assert_eq!(services.apply(service("other", "1", &plain, None), Source::List), []);
        assert!(services.get(&key("other")).is_none());
        let hashed = json!({"app": "a", "rollouts-pod-template-hash": "1"});
        services.apply(service("hashed", "2", &hashed, None), Source::List);
        assert!(services.get(&key("hashed")).is_some());
        services.index(&key("r"), &["named"].into());
        assert_eq!(
            services.apply(service("named", "3", &plain, None), Source::Event),
            [key("r")]
        );
        assert!(services.get(&key("named")).is_some());
        assert_eq!(services.apply(service("named", "3", &plain, None), Source::Event), []);
    }

    #[test]
    fn a_change_wakes_those_who_name_it_and_those_it_names_before_and_after() {
        let services = Services::default();
        let hashed = json!({"rollouts-pod-template-hash": "1"});
        services.index(&key("r"), &["s"].into());
        let touched = services.apply(service("s", "1", &hashed, Some("old")), Source::Event);
        assert_eq!(touched, [key("old"), key("r")]);
        let touched = services.apply(service("s", "2", &hashed, Some("r")), Source::Event);
        assert_eq!(touched, [key("old"), key("r")]);
        assert_eq!(services.managed_by(&key("r")).len(), 1);
        assert_eq!(
            services.apply(service("s", "3", &hashed, Some("r")), Source::Event),
            [key("r")]
        );
        assert_eq!(services.get(&key("s")).unwrap().resource_version, "3");
        assert!(services.managed_by(&key("old")).is_empty());
        services.index(&key("r"), &BTreeSet::new());
        assert_eq!(services.delete(&key("s")), [key("r")]);
        let state = services.0.read().unwrap();
        assert!(state.named_by.is_empty() && state.managed_by.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_absence_is_believed_for_a_while() {
        let services = Services::default();
        services.is_absent(&key("s"));
        assert!(services.was_absent(&key("s")));
        tokio::time::advance(ABSENT_FOR).await;
        assert!(!services.was_absent(&key("s")));
        services.is_absent(&key("s"));
        services.apply(service("s", "1", &json!({}), None), Source::Event);
        assert!(!services.was_absent(&key("s")));
    }

    #[test]
    fn every_strategy_names_its_services() {
        let named_in = |strategy: Value| -> Vec<String> {
            let rollout: Rollout = serde_json::from_value(json!({"spec": {"strategy": strategy}})).unwrap();
            named(&rollout).into_iter().map(ToOwned::to_owned).collect()
        };
        assert_eq!(
            named_in(json!({"blueGreen": {"activeService": "b", "previewService": "a"}})),
            ["a", "b"]
        );
        assert_eq!(named_in(json!({"blueGreen": {"activeService": "b"}})), ["b"]);
        let canary = json!({"canary": {"canaryService": "c", "stableService": "s",
            "pingPong": {"pingService": "pi", "pongService": "po"}}});
        assert_eq!(named_in(canary), ["c", "pi", "po", "s"]);
        assert!(named_in(json!({"canary": {}})).is_empty());
    }
}
