//! Deployments, ReplicaSets and PodTemplates that rollouts refer to (contract 05 §5): only those are kept.
//!
//! A kind is watched only once a rollout refers to one of it: most clusters have no such rollout.

use crate::store::expiry::Expiry;
use crate::store::key::{Key, Source};
use crate::sync::{read, write};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::identity::Identity;
use serin_core::observed::WorkloadKind;
use serin_core::rollout::workload::{Reference, Referenced, reference};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the answer "there is no such workload" counts.
const ABSENT_FOR: Duration = Duration::from_secs(5);

/// A workload as it came: what rollouts take from it, or why that cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Name, namespace and resourceVersion only; the watch goes on from the last of these.
    meta: ObjectMeta,
    /// What decisions see.
    pub(crate) read: Result<Referenced, String>,
}

impl Found {
    fn of<'de, D: Deserializer<'de>>(kind: WorkloadKind, deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        Ok(Self {
            meta: ObjectMeta {
                name: text("name"),
                namespace: text("namespace"),
                uid: text("uid"),
                resource_version: text("resourceVersion"),
                ..ObjectMeta::default()
            },
            read: Referenced::of(kind, &object),
        })
    }

    fn version(&self) -> &str {
        self.meta.resource_version.as_deref().unwrap_or_default()
    }

    /// UID and resourceVersion.
    pub(crate) fn known_as(&self) -> (&str, &str) {
        (self.meta.uid.as_deref().unwrap_or_default(), self.version())
    }
}

/// An object of a kind that rollouts refer to.
pub(crate) trait Stored: kube::Resource {
    /// Which kind it is.
    const KIND: WorkloadKind;

    /// What is kept of it.
    fn into_found(self) -> Found;
}

/// A type of its own for each kind, as a watch is of a type.
macro_rules! stored {
    ($stored:ident, $kind:ident, $full:ty) => {
        #[doc = concat!("A ", stringify!($kind), " without what no decision reads.")]
        #[derive(Clone, Debug)]
        pub(crate) struct $stored {
            meta: ObjectMeta,
            found: Found,
        }

        impl<'de> Deserialize<'de> for $stored {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let found = Found::of(WorkloadKind::$kind, deserializer)?;
                let meta = found.meta.clone();
                Ok(Self { meta, found })
            }
        }

        impl Stored for $stored {
            const KIND: WorkloadKind = WorkloadKind::$kind;

            fn into_found(self) -> Found {
                self.found
            }
        }

        crate::store::stands_for!($stored: $full);
    };
}
stored!(StoredDeployment, Deployment, k8s_openapi::api::apps::v1::Deployment);
stored!(StoredTemplateSet, ReplicaSet, k8s_openapi::api::apps::v1::ReplicaSet);
stored!(StoredPodTemplate, PodTemplate, k8s_openapi::api::core::v1::PodTemplate);

/// What hashes of a pod template that was filled in depend on: generation and collision count of the rollout, UID and
/// generation of the workload.
pub(crate) type IdentityKey = (Option<i64>, Option<i32>, String, i64);

/// What a rollout refers to.
struct Named {
    kind: WorkloadKind,
    workload: Key,
    identity: Option<(IdentityKey, Identity)>,
}

/// A workload by its kind and key.
type Place = (WorkloadKind, Key);

struct State {
    found: HashMap<Place, Arc<Found>>,
    /// Which rollouts refer to a workload.
    named_by: HashMap<Place, BTreeSet<Arc<str>>>,
    /// What a rollout refers to; rollouts with a template of their own have no entry.
    names: HashMap<Key, Named>,
    /// Workloads that the API server said do not exist a moment ago, by kind.
    absent: [Expiry; 3],
}

impl Default for State {
    fn default() -> Self {
        Self {
            found: HashMap::new(),
            named_by: HashMap::new(),
            names: HashMap::new(),
            absent: [(); 3].map(|()| Expiry::new(ABSENT_FOR)),
        }
    }
}

/// All workloads that rollouts refer to.
#[derive(Default)]
pub(crate) struct Workloads {
    state: RwLock<State>,
    /// Cancelled once a rollout refers to one of the kind.
    wanted: [CancellationToken; 3],
}

impl Workloads {
    /// Ends once a rollout refers to a workload of this kind.
    pub(crate) async fn wanted(&self, kind: WorkloadKind) {
        self.wanted[index(kind)].cancelled().await;
    }

    /// Stores what a watch or a live read returned, if a rollout refers to it; returns the rollouts to reconcile.
    pub(crate) fn apply(&self, kind: WorkloadKind, new: Found, source: Source) -> Vec<Key> {
        let place = (kind, key_of(&new));
        let mut state = write(&self.state);
        state.absent[index(kind)].remove(&place.1);
        let touched = state.rollouts_of(&place);
        let old = state.found.get(&place);
        let newer = old.is_none_or(|old| source.replaces(new.version(), old.version()));
        if touched.is_empty() || !newer {
            return Vec::new();
        }
        state.found.insert(place, Arc::new(new));
        touched
    }

    /// Forgets a workload; returns the rollouts to reconcile.
    pub(crate) fn delete(&self, kind: WorkloadKind, key: &Key) -> Vec<Key> {
        let mut state = write(&self.state);
        let place = (kind, key.clone());
        if state.found.remove(&place).is_none() {
            return Vec::new();
        }
        state.rollouts_of(&place)
    }

    /// Forgets everything of a kind that a complete list did not name; returns the rollouts to reconcile.
    pub(crate) fn keep_only(&self, kind: WorkloadKind, listed: &HashSet<Key>) -> Vec<Key> {
        let state = read(&self.state);
        let of_kind = state.found.keys().filter(|(of, _)| *of == kind);
        let gone: Vec<Key> = of_kind
            .map(|(_, key)| key)
            .filter(|key| !listed.contains(*key))
            .cloned()
            .collect();
        drop(state);
        gone.iter().flat_map(|key| self.delete(kind, key)).collect()
    }

    /// A rollout refers to what its spec says now; to nothing where it is gone.
    pub(crate) fn index(&self, rollout: &Key, spec: Option<&Rollout>) {
        let named = match spec.map(reference) {
            Some(Reference::To(kind, name)) => Some((kind, rollout.sibling(name))),
            Some(Reference::None | Reference::Problem(_)) | None => None,
        };
        let state = read(&self.state);
        let before = state.names.get(rollout);
        if before.map(|before| (before.kind, &before.workload)) == named.as_ref().map(|(kind, key)| (*kind, key)) {
            return;
        }
        drop(state);
        let mut state = write(&self.state);
        state.forget(rollout);
        let Some((kind, workload)) = named else { return };
        let rollouts = state.named_by.entry((kind, workload.clone())).or_default();
        rollouts.insert(Arc::clone(&rollout.name));
        let identity = None;
        let named = Named {
            kind,
            workload,
            identity,
        };
        state.names.insert(rollout.clone(), named);
        self.wanted[index(kind)].cancel();
    }

    /// A workload.
    #[must_use]
    pub(crate) fn get(&self, kind: WorkloadKind, key: &Key) -> Option<Arc<Found>> {
        read(&self.state).found.get(&(kind, key.clone())).cloned()
    }

    /// A live read does not find it.
    pub(crate) fn is_absent(&self, kind: WorkloadKind, key: &Key) {
        let absent = &mut write(&self.state).absent[index(kind)];
        absent.drop_over();
        absent.insert(key.clone());
    }

    /// Whether a live read did not find it a moment ago.
    #[must_use]
    pub(crate) fn was_absent(&self, kind: WorkloadKind, key: &Key) -> bool {
        read(&self.state).absent[index(kind)].contains(key)
    }

    /// The hashes of a rollout whose template is filled in, computed once for each key (decision 18).
    pub(crate) fn identity(&self, rollout: &Key, key: IdentityKey, compute: impl FnOnce() -> Identity) -> Identity {
        let known = |named: &Named| named.identity.as_ref().filter(|(known, _)| *known == key).cloned();
        if let Some((_, identity)) = read(&self.state).names.get(rollout).and_then(known) {
            return identity;
        }
        let identity = compute();
        if let Some(named) = write(&self.state).names.get_mut(rollout) {
            named.identity = Some((key, identity.clone()));
        }
        identity
    }

    /// How many it holds: workloads, whose they are, and those that are not there.
    #[must_use]
    pub(crate) fn len(&self) -> [usize; 3] {
        let state = read(&self.state);
        let absent = state.absent.iter().map(Expiry::len).sum();
        [state.found.len(), state.named_by.len() + state.names.len(), absent]
    }
}

impl State {
    fn rollouts_of(&self, place: &Place) -> Vec<Key> {
        let names = self.named_by.get(place).into_iter().flatten();
        names.map(|name| place.1.sibling(name)).collect()
    }

    fn forget(&mut self, rollout: &Key) {
        let Some(named) = self.names.remove(rollout) else {
            return;
        };
        let place = (named.kind, named.workload);
        let Some(rollouts) = self.named_by.get_mut(&place) else {
            return;
        };
        rollouts.remove(&rollout.name);
        if rollouts.is_empty() {
            self.named_by.remove(&place);
            self.found.remove(&place);
        }
    }
}

fn index(kind: WorkloadKind) -> usize {
    match kind {
        WorkloadKind::Deployment => 0,
        WorkloadKind::ReplicaSet => 1,
        WorkloadKind::PodTemplate => 2,
    }
}

fn key_of(found: &Found) -> Key {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    Key::new(&part(&found.meta.namespace), &part(&found.meta.name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    const DEPLOYMENT: WorkloadKind = WorkloadKind::Deployment;

    fn deployment(name: &str, version: &str) -> Found {
        let object = json!({"metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": version}});
        serde_json::from_value::<StoredDeployment>(object).unwrap().into_found()
    }

    fn rollout(workload: &str) -> Rollout {
        let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": workload});
        serde_json::from_value(json!({"spec": {"workloadRef": reference}})).unwrap()
    }

    #[test]
    fn only_what_a_rollout_refers_to_is_kept_and_it_wakes_that() {
        let (workloads, key) = (Workloads::default(), Key::new("n", "web"));
        assert!(
            workloads
                .apply(DEPLOYMENT, deployment("d", "1"), Source::List)
                .is_empty()
        );
        assert!(!workloads.wanted[0].is_cancelled(), "nobody needs a watch");
        workloads.index(&key, Some(&rollout("d")));
        assert!(workloads.wanted[0].is_cancelled() && !workloads.wanted[2].is_cancelled());
        assert!(workloads.get(DEPLOYMENT, &key.sibling("d")).is_none());
        assert_eq!(
            workloads.apply(DEPLOYMENT, deployment("d", "2"), Source::Event),
            std::slice::from_ref(&key)
        );
        assert!(
            workloads
                .apply(DEPLOYMENT, deployment("d", "1"), Source::Event)
                .is_empty(),
            "late"
        );
        assert_eq!(
            workloads.delete(DEPLOYMENT, &key.sibling("d")),
            std::slice::from_ref(&key)
        );
        workloads.apply(DEPLOYMENT, deployment("d", "3"), Source::Event);
        workloads.index(&key, Some(&rollout("e")));
        assert!(workloads.get(DEPLOYMENT, &key.sibling("d")).is_none());
        workloads.index(&key, None);
        assert_eq!(workloads.len(), [0, 0, 0]);
    }

    #[test]
    fn hashes_are_computed_once_for_each_generation_of_both() {
        let (workloads, key) = (Workloads::default(), Key::new("n", "web"));
        workloads.index(&key, Some(&rollout("d")));
        let at = |generation| (Some(1), None, "u".to_owned(), generation);
        let identity = |hash: &str| Identity {
            pod_hash: hash.to_owned(),
            ..Identity::default()
        };
        assert_eq!(workloads.identity(&key, at(1), || identity("a")).pod_hash, "a");
        assert_eq!(workloads.identity(&key, at(1), || identity("b")).pod_hash, "a");
        assert_eq!(workloads.identity(&key, at(2), || identity("c")).pod_hash, "c");
    }
}
