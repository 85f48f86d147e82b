//! AnalysisRuns as they come from the API server.

use crate::store::decode::prune;
use crate::store::key::{Key, Source};
use crate::sync::{read, write};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serin_core::api::lenient::{self, Lenient};
use serin_core::api::{AnalysisRun, OwnerReference};
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

/// A run as stored, with what could not be decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredRun {
    /// The metadata again, for the client.
    pub(crate) meta: ObjectMeta,
    /// What could be read.
    pub(crate) run: AnalysisRun,
    /// The first field that could not, and why.
    pub(crate) undecodable: Option<String>,
    /// The controller that owns it.
    pub(crate) owner: Option<OwnerReference>,
}

impl StoredRun {
    /// Name, UID and resourceVersion.
    pub(crate) fn known_as(&self) -> (&str, &str, &str) {
        (
            self.meta.name.as_deref().unwrap_or_default(),
            self.meta.uid.as_deref().unwrap_or_default(),
            self.meta.resource_version.as_deref().unwrap_or_default(),
        )
    }

    /// The rollout that owns it, if one does.
    pub(crate) fn rollout(&self, key: &Key) -> Option<Key> {
        let owner = self.owner.as_ref().filter(|owner| owner.kind == "Rollout")?;
        Some(key.sibling(&owner.name))
    }
}

impl StoredRun {
    /// The experiment that owns it, if one does.
    pub(crate) fn experiment(&self, key: &Key) -> Option<Key> {
        let owner = self.owner.as_ref().filter(|owner| owner.kind == "Experiment")?;
        Some(key.sibling(&owner.name))
    }
}

impl<'de> Deserialize<'de> for StoredRun {
    /// Never fails once there is a name: one broken run does not stop the others (invariant 10).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let owners = object["metadata"]["ownerReferences"].as_array().cloned();
        let owner = owners.unwrap_or_default().into_iter().find_map(|owner| {
            let owner: OwnerReference = serde_json::from_value(owner).ok()?;
            (owner.controller == Some(true)).then_some(owner)
        });
        let mut take = |part: &str| object.get_mut(part).map(Value::take).unwrap_or_default();
        let (metadata, _) = Lenient::metadata(prune(take("metadata")));
        if metadata.name.is_none() {
            return Err(de::Error::custom("metadata.name: missing"));
        }
        let (spec, odd_spec) = lenient::part(take("spec"), "spec");
        let (status, odd_status) = lenient::part(take("status"), "status");
        Ok(Self {
            meta: metadata.clone(),
            run: AnalysisRun { metadata, spec, status },
            undecodable: odd_spec.or(odd_status),
            owner,
        })
    }
}

crate::store::stands_for!(StoredRun: AnalysisRun);

/// What an event changed about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Not seen before (or another object of the same name).
    Added,
    /// Somebody edited the spec. The generation does not say it: writes of the status change it, too.
    SpecEdited,
    /// Metadata or status changed.
    Changed,
    /// Nothing new.
    Same,
}

/// All runs of this instance.
#[derive(Default)]
pub(crate) struct Runs(RwLock<BTreeMap<Key, Arc<StoredRun>>>);

impl Runs {
    /// Stores what a watch, a live read or a write returned.
    pub(crate) fn apply(&self, new: StoredRun, source: Source) -> (Key, Change) {
        let key = Key::of(&new);
        let mut runs = write(&self.0);
        let change = runs.get(&key).map_or(Change::Added, |old| change(old, &new, source));
        if change != Change::Same {
            runs.insert(key.clone(), Arc::new(new));
        }
        (key, change)
    }

    /// Forgets a run, unless another of the same name has taken its place.
    pub(crate) fn delete(&self, gone: &StoredRun) -> Option<(Key, Arc<StoredRun>)> {
        let key = Key::of(gone);
        let mut runs = write(&self.0);
        let stored = runs.get(&key)?;
        if stored.meta.uid != gone.meta.uid {
            return None;
        }
        runs.remove_entry(&key)
    }

    /// Forgets everything that a complete list did not name; what went is returned.
    pub(crate) fn keep_only(&self, listed: &HashSet<Key>) -> Vec<(Key, Arc<StoredRun>)> {
        let mut runs = write(&self.0);
        let gone: Vec<Key> = runs.keys().filter(|key| !listed.contains(*key)).cloned().collect();
        gone.iter().filter_map(|key| runs.remove_entry(key)).collect()
    }

    /// One run.
    #[must_use]
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<StoredRun>> {
        read(&self.0).get(key).cloned()
    }

    /// The runs whose names begin with that of a rollout, whoever owns them.
    #[must_use]
    pub(crate) fn of(&self, rollout: &Key) -> Vec<Arc<StoredRun>> {
        let prefix = format!("{}-", rollout.name);
        let from = (Bound::Included(rollout.sibling(&prefix)), Bound::Unbounded);
        let runs = read(&self.0);
        let named = runs.range(from);
        named
            .take_while(|(key, _)| key.namespace == rollout.namespace && key.name.starts_with(&prefix))
            .map(|(_, run)| Arc::clone(run))
            .collect()
    }

    /// Whether a namespace has runs.
    #[must_use]
    pub(crate) fn any_in(&self, namespace: &str) -> bool {
        read(&self.0).keys().any(|key| &*key.namespace == namespace)
    }

    /// How many there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        read(&self.0).len()
    }

    /// All runs, in the order of their names.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(Key, Arc<StoredRun>)> {
        let runs = read(&self.0);
        runs.iter().map(|(key, run)| (key.clone(), Arc::clone(run))).collect()
    }
}

fn change(old: &StoredRun, new: &StoredRun, source: Source) -> Change {
    if old.meta.uid != new.meta.uid {
        return Change::Added;
    }
    let version = |run: &StoredRun| run.meta.resource_version.clone().unwrap_or_default();
    if !source.replaces(&version(new), &version(old)) {
        Change::Same
    } else if old.run.spec == new.run.spec {
        Change::Changed
    } else {
        Change::SpecEdited
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn run(version: &str, uid: &str, terminate: bool) -> StoredRun {
        serde_json::from_value(
            json!({"metadata": {"name": "a", "namespace": "n", "uid": uid, "resourceVersion": version,
            "generation": version.parse::<i64>().unwrap()}, "spec": {"metrics": [], "terminate": terminate}}),
        )
        .unwrap()
    }

    #[test]
    fn a_status_that_was_written_is_no_edit() {
        let runs = Runs::default();
        assert_eq!(runs.apply(run("9", "u", false), Source::Event).1, Change::Added);
        assert_eq!(runs.apply(run("10", "u", false), Source::Event).1, Change::Changed);
        assert_eq!(runs.apply(run("9", "u", true), Source::Event).1, Change::Same);
        assert_eq!(runs.apply(run("11", "u", true), Source::Event).1, Change::SpecEdited);
        assert_eq!(runs.apply(run("3", "other", true), Source::Event).1, Change::Added);
        assert!(runs.delete(&run("3", "u", true)).is_none() && runs.any_in("n"));
    }

    #[test]
    fn what_does_not_decode_is_named_and_left_out() {
        let stored: StoredRun = serde_json::from_value(json!({"metadata": {"name": "a", "managedFields": []},
            "spec": {"metrics": [{"name": "m", "count": true}]}, "status": {"phase": "Running"}}))
        .unwrap();
        let why = stored.undecodable.unwrap();
        assert!(why.starts_with("spec.metrics[0].count: "), "{why}");
        assert_eq!(stored.run.status.phase, "Running");
        assert_eq!(stored.run.metadata.managed_fields, None);
        assert!(serde_json::from_value::<StoredRun>(json!({"spec": {}})).is_err());
    }
}
