//! Experiments as they come from the API server, the Services that they own, and what their pods are made of.

use crate::store::key::{Key, Source};
use crate::sync::{read, write};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_core::api::experiment::{ExperimentSpec, ExperimentStatus};
use serin_core::api::{Experiment, OwnerReference, lenient};
use serin_core::experiment::OwnService;
use serin_core::observed;
use serin_core::wire::analysis::Phase;
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

/// An Experiment as stored. What does not decode is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredExperiment {
    /// The metadata again, for the client.
    pub(crate) meta: ObjectMeta,
    /// What could be read.
    pub(crate) experiment: Experiment,
    /// Why some of it could not be decoded, field path first.
    pub(crate) undecodable: Option<String>,
}

impl<'de> Deserialize<'de> for StoredExperiment {
    /// One broken experiment does not stop the others (invariant 10).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: ObjectMeta,
            #[serde(default)]
            spec: Value,
            #[serde(default)]
            status: Value,
        }
        let Raw {
            mut metadata,
            spec,
            status,
        } = Raw::deserialize(deserializer)?;
        metadata.managed_fields = None;
        let (spec, wrong_spec) = lenient::part::<ExperimentSpec>(spec, "spec");
        let (status, wrong_status) = lenient::part::<ExperimentStatus>(status, "status");
        Ok(Self {
            meta: metadata.clone(),
            experiment: Experiment { metadata, spec, status },
            undecodable: wrong_spec.or(wrong_status),
        })
    }
}

crate::store::stands_for!(StoredExperiment: Experiment);

/// The controller that owns an object.
pub(crate) fn controller_of(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let mut owners = meta.owner_references.iter().flatten();
    owners.find(|owner| owner.controller == Some(true))
}

impl StoredExperiment {
    /// UID and resourceVersion.
    pub(crate) fn known_as(&self) -> (&str, &str) {
        let uid = self.meta.uid.as_deref().unwrap_or_default();
        (uid, self.meta.resource_version.as_deref().unwrap_or_default())
    }

    /// The rollout that owns it: its key and its UID.
    pub(crate) fn rollout(&self) -> Option<(Key, &str)> {
        let owner = controller_of(&self.meta).filter(|owner| owner.kind == "Rollout")?;
        Some((Key::of(self).sibling(&owner.name), &owner.uid))
    }

    /// What decisions about the rollout of this UID see.
    pub(crate) fn observed(&self, rollout_uid: &str) -> observed::Experiment {
        let (uid, version) = self.known_as();
        let created = self.meta.creation_timestamp.as_ref();
        observed::Experiment {
            name: self.meta.name.clone().unwrap_or_default(),
            uid: uid.to_owned(),
            resource_version: version.to_owned(),
            created: created.map(|created| created.0).unwrap_or_default(),
            deleting: self.meta.deletion_timestamp.is_some(),
            foreign: controller_of(&self.meta).is_none_or(|owner| owner.uid != rollout_uid),
            labels: self.meta.labels.clone().unwrap_or_default(),
            terminate: self.experiment.spec.terminate,
            phase: Phase::of(&self.experiment.status.phase),
            message: self.experiment.status.message.clone(),
            templates: self
                .experiment
                .status
                .template_statuses
                .iter()
                .map(From::from)
                .collect(),
        }
    }
}

/// All Experiments of this instance.
#[derive(Default)]
pub(crate) struct Experiments(RwLock<BTreeMap<Key, Arc<StoredExperiment>>>);

impl Experiments {
    /// Stores what a watch, a live read or a write returned; tells whether it is new.
    pub(crate) fn apply(&self, new: StoredExperiment, source: Source) -> bool {
        let key = Key::of(&new);
        let mut all = write(&self.0);
        let newer = all.get(&key).is_none_or(|old| {
            let ((old_uid, old_version), (uid, version)) = (old.known_as(), new.known_as());
            old_uid != uid || source.replaces(version, old_version)
        });
        if newer {
            all.insert(key, Arc::new(new));
        }
        newer
    }

    /// Forgets an experiment, unless another of the same name has taken its place.
    pub(crate) fn delete(&self, key: &Key, uid: &str) -> Option<Arc<StoredExperiment>> {
        let mut all = write(&self.0);
        all.get(key).filter(|stored| stored.known_as().0 == uid)?;
        all.remove(key)
    }

    /// Forgets everything that a complete list did not name; what went is returned.
    pub(crate) fn keep_only(&self, listed: &HashSet<Key>) -> Vec<(Key, Arc<StoredExperiment>)> {
        let mut all = write(&self.0);
        let gone: Vec<Key> = all.keys().filter(|key| !listed.contains(*key)).cloned().collect();
        gone.into_iter().filter_map(|key| all.remove_entry(&key)).collect()
    }

    /// One experiment.
    #[must_use]
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<StoredExperiment>> {
        read(&self.0).get(key).cloned()
    }

    /// Those whose names begin with that of a rollout, whoever owns them.
    #[must_use]
    pub(crate) fn of(&self, rollout: &Key) -> Vec<Arc<StoredExperiment>> {
        let prefix = format!("{}-", rollout.name);
        let all = read(&self.0);
        let from = (Bound::Included(rollout.sibling(&prefix)), Bound::Unbounded);
        let named = all
            .range(from)
            .take_while(|(key, _)| key.namespace == rollout.namespace && key.name.starts_with(&prefix));
        named.map(|(_, stored)| Arc::clone(stored)).collect()
    }

    /// All of them, in the order of their names.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(Key, Arc<StoredExperiment>)> {
        let all = read(&self.0);
        all.iter()
            .map(|(key, stored)| (key.clone(), Arc::clone(stored)))
            .collect()
    }

    /// How many there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        read(&self.0).len()
    }
}

/// A Service with its owner.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct StoredOwnService {
    /// Its metadata.
    #[serde(rename = "metadata")]
    meta: ObjectMeta,
}

crate::store::stands_for!(StoredOwnService: k8s_openapi::api::core::v1::Service);

impl StoredOwnService {
    /// What decisions about the experiment of this UID see; `None` of one that another owns.
    pub(crate) fn observed(&self, experiment_uid: &str) -> Option<OwnService> {
        controller_of(&self.meta).filter(|owner| owner.uid == experiment_uid)?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Some(OwnService {
            name: text(&self.meta.name),
            uid: text(&self.meta.uid),
            resource_version: text(&self.meta.resource_version),
            deleting: self.meta.deletion_timestamp.is_some(),
            annotations: self.meta.annotations.clone().unwrap_or_default(),
        })
    }
}

/// A ReplicaSet with what its pods are made of.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StoredSetTemplate {
    /// Its metadata.
    #[serde(rename = "metadata")]
    meta: ObjectMeta,
    /// Selector and pod template.
    pub(crate) spec: observed::SetTemplate,
}

crate::store::stands_for!(StoredSetTemplate: k8s_openapi::api::apps::v1::ReplicaSet);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn stored(name: &str, version: &str, owner: &Value) -> StoredExperiment {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version,
                "managedFields": [], "ownerReferences": owner},
            "spec": {"templates": [], "terminate": true}, "status": {"phase": "Failed", "message": "bad"},
        }))
        .unwrap()
    }

    #[test]
    fn experiments_are_found_by_the_name_of_their_rollout() {
        let all = Experiments::default();
        let owner = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}]);
        assert!(all.apply(stored("web-1-2-0", "9", &owner), Source::Event));
        assert!(all.apply(stored("web-other", "9", &json!([])), Source::Event));
        assert!(all.apply(stored("website", "9", &owner), Source::Event));
        assert!(!all.apply(stored("web-1-2-0", "8", &owner), Source::Event));
        let web = Key::new("shop", "web");
        let seen: Vec<observed::Experiment> = all.of(&web).iter().map(|stored| stored.observed("u")).collect();
        let names: Vec<(&str, bool)> = seen.iter().map(|of| (of.name.as_str(), of.foreign)).collect();
        assert_eq!(names, [("web-1-2-0", false), ("web-other", true)]);
        assert_eq!(
            (seen[0].phase, seen[0].message.as_str(), seen[0].terminate),
            (Phase::Failed, "bad", true)
        );
        assert_eq!(all.of(&web)[0].rollout(), Some((web.clone(), "u")));
        assert!(all.delete(&web.sibling("web-1-2-0"), "another").is_none());
        assert!(all.delete(&web.sibling("web-1-2-0"), "uid-web-1-2-0").is_some());
        assert_eq!(all.keep_only(&HashSet::new()).len(), 2);
        assert_eq!(all.len(), 0);
    }

    #[test]
    fn what_does_not_decode_is_named() {
        let odd: StoredExperiment =
            serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {"duration": 5}})).unwrap();
        assert!(odd.undecodable.unwrap().starts_with("spec.duration: "));
        assert_eq!(odd.experiment.spec, ExperimentSpec::default());
    }
}
