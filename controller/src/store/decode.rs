//! Objects as they come from the API server, pruned while they are decoded.
//!
//! Decoding a rollout never fails once its metadata can be read: a list of thousands survives one typo (decision 7,
//! contract 09 §2 "tolerant").

use crate::store::key::compare_versions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::core::NamespaceResourceScope;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use serin_core::api::lenient::{Lenient, Unread};
use serin_core::api::{PodTemplate, Rollout};
use serin_core::identity::anti_affinity;
use serin_core::identity::{Fingerprint, Identity};
use serin_core::observed::{ReplicaFailure, ReplicaSet};
use serin_core::wire;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A rollout as stored, with what could not be decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredRollout {
    /// What could be read.
    pub(crate) rollout: Rollout,
    /// Why some of its metadata or spec could not, field path first.
    pub(crate) undecodable: Option<String>,
    /// The same of metadata alone: a condition may not be all that tells of it, as the API server may refuse to write
    /// such an object.
    pub(crate) odd_metadata: Option<String>,
    /// What of its status could not.
    pub(crate) unread: Vec<Unread>,
    /// Computed at the first reconcile, then kept per generation (decision 18).
    pub(crate) identity: OnceLock<Identity>,
}

impl StoredRollout {
    /// What could not be read of spec and status, if anything could not.
    pub(crate) fn why_undecodable(&self) -> Option<String> {
        let status = self.unread.iter().map(|unread| unread.why.clone());
        let all: Vec<String> = self.undecodable.iter().cloned().chain(status).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

impl<'de> Deserialize<'de> for StoredRollout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let metadata = object.get_mut("metadata").map(Value::take).unwrap_or_default();
        let (metadata, odd_metadata) = Lenient::metadata(prune(metadata));
        if metadata.name.is_none() {
            // It is nobody's: nothing could be told of it, and nothing done.
            let why = odd_metadata.unwrap_or_else(|| "metadata.name: missing".to_owned());
            return Err(de::Error::custom(why));
        }
        let Lenient {
            mut rollout,
            undecodable,
            unread,
        } = Lenient::of(object);
        rollout.metadata = metadata;
        Ok(Self {
            rollout,
            undecodable: odd_metadata.clone().or(undecodable),
            odd_metadata,
            unread,
            identity: OnceLock::new(),
        })
    }
}

/// Drops what no decision reads: managed fields alone are often larger than the rest of the object.
pub(super) fn prune(mut metadata: Value) -> Value {
    if let Some(metadata) = metadata.as_object_mut() {
        for field in ["managedFields", "selfLink", "finalizers", "ownerReferences"] {
            metadata.remove(field);
        }
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(wire::LAST_APPLIED);
    }
    metadata
}

impl kube::Resource for StoredRollout {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Rollout::kind(&())
    }
    fn group((): &()) -> Cow<'_, str> {
        Rollout::group(&())
    }
    fn version((): &()) -> Cow<'_, str> {
        Rollout::version(&())
    }
    fn plural((): &()) -> Cow<'_, str> {
        Rollout::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.rollout.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.rollout.metadata
    }
}

/// The rollout, or the experiment, that controls an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerReference {
    /// UID.
    pub(crate) uid: String,
    /// Name.
    pub(crate) name: String,
}

/// A ReplicaSet without what no decision reads; of its pod template only the fingerprint is stored, and that is taken
/// when it is ([`Self::into_parts`]).
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredReplicaSet {
    /// Name, namespace, uid and resourceVersion only.
    meta: ObjectMeta,
    /// The rollout, or the experiment, that controls it.
    pub(crate) owner: Option<OwnerReference>,
    /// An experiment controls it.
    pub(crate) of_experiment: bool,
    /// What decisions see, but for what follows from the template.
    pub(crate) observed: ReplicaSet,
    /// As it came.
    template: Option<PodTemplate>,
}

impl StoredReplicaSet {
    /// Its owner, and what decisions see of it. What follows from the template is taken over from `known`, the version
    /// stored before, where that has the same: the template changes only with the generation, and how it is read also
    /// with the annotations that say which part of it is an overlay, and with the labels that it is compared with.
    pub(crate) fn into_parts(self, known: Option<&ReplicaSet>) -> (Option<OwnerReference>, ReplicaSet) {
        let (mut set, template) = (self.observed, self.template);
        let overlay = |set: &ReplicaSet| {
            [wire::EPHEMERAL_METADATA, wire::COVERED_METADATA].map(|record| set.annotations.get(record).cloned())
        };
        let same = known.filter(|known| {
            known.uid == set.uid
                && known.generation == set.generation
                // After a backup was restored the same generation may be another one.
                && compare_versions(&set.resource_version, &known.resource_version).is_ge()
                && overlay(known) == overlay(&set)
                && known.labels == set.labels
        });
        if let Some(known) = same {
            (set.template, set.avoids) = (known.template, known.avoids.clone());
            set.template_labels.clone_from(&known.template_labels);
            set.template_annotations.clone_from(&known.template_annotations);
        } else if let Some(template) = template {
            // Mostly they are the same, and there are many ReplicaSets.
            let labels = words(template.labels());
            set.template_labels = Some(labels).filter(|labels| *labels != set.labels);
            set.template_annotations = words(template.annotations());
            set.avoids = anti_affinity::avoided(&template);
            set.template = Some(Fingerprint::of_replica_set(&template, &set.annotations));
        }
        (self.owner, set)
    }
}

#[derive(Deserialize)]
struct RawReplicaSet {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: RawSpec,
    #[serde(default)]
    status: RawStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec {
    replicas: Option<i32>,
    min_ready_seconds: i32,
    template: Option<PodTemplate>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus {
    replicas: i32,
    ready_replicas: i32,
    available_replicas: i32,
    observed_generation: i64,
    conditions: Vec<RawCondition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCondition {
    r#type: String,
    status: String,
    reason: String,
    message: String,
}

impl<'de> Deserialize<'de> for StoredReplicaSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawReplicaSet::deserialize(deserializer).map(Self::from)
    }
}

impl From<RawReplicaSet> for StoredReplicaSet {
    fn from(raw: RawReplicaSet) -> Self {
        let RawReplicaSet { metadata, spec, status } = raw;
        let owner = metadata
            .owner_references
            .iter()
            .flatten()
            .find(|owner| owner.controller == Some(true));
        let orphan = owner.is_none();
        let owner = owner.filter(|owner| owner.api_version.starts_with("argoproj.io/"));
        let of_experiment = owner.is_some_and(|owner| owner.kind == "Experiment");
        let owner = owner
            .filter(|owner| owner.kind == "Rollout" || of_experiment)
            .map(|owner| OwnerReference {
                uid: owner.uid.clone(),
                name: owner.name.clone(),
            });
        let failure = status
            .conditions
            .into_iter()
            .find(|condition| condition.r#type == "ReplicaFailure");
        let annotations = kept_annotations(metadata.annotations);
        let name = metadata.name.unwrap_or_default();
        let uid = metadata.uid.unwrap_or_default();
        let resource_version = metadata.resource_version.unwrap_or_default();
        Self {
            meta: ObjectMeta {
                name: Some(name.clone()),
                namespace: metadata.namespace,
                uid: Some(uid.clone()),
                resource_version: Some(resource_version.clone()),
                ..ObjectMeta::default()
            },
            owner,
            of_experiment,
            observed: ReplicaSet {
                name,
                uid,
                resource_version,
                generation: metadata.generation.unwrap_or_default(),
                observed_generation: status.observed_generation,
                created: metadata.creation_timestamp.map(|Time(at)| at).unwrap_or_default(),
                deleting: metadata.deletion_timestamp.is_some(),
                orphan,
                labels: metadata.labels.unwrap_or_default(),
                template_labels: None,
                template_annotations: BTreeMap::new(),
                annotations,
                template: None,
                avoids: None,
                replicas: spec.replicas.unwrap_or(1),
                min_ready_seconds: spec.min_ready_seconds,
                current_replicas: status.replicas,
                ready_replicas: status.ready_replicas,
                available_replicas: status.available_replicas,
                failure: failure.map(|condition| ReplicaFailure {
                    status: condition.status,
                    reason: condition.reason,
                    message: condition.message,
                }),
            },
            template: spec.template,
        }
    }
}

fn words(members: Map<String, Value>) -> BTreeMap<String, String> {
    let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
    members.into_iter().filter_map(text).collect()
}

fn kept_annotations(annotations: Option<BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut annotations = annotations.unwrap_or_default();
    annotations.remove(wire::LAST_APPLIED);
    annotations
}

crate::store::stands_for!(StoredReplicaSet: k8s_openapi::api::apps::v1::ReplicaSet);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn an_undecodable_field_is_left_out_and_named() {
        let stored: StoredRollout = serde_json::from_value(json!({
            "metadata": {"name": "a", "namespace": "b", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"replicas": "three", "minReadySeconds": 5, "strategy": {"canary": {"steps": [{"setWeight": "x"}]}}},
        }))
        .unwrap();
        let why = stored.undecodable.expect("a reason");
        assert!(why.starts_with("spec."), "{why}");
        assert_eq!(stored.rollout.spec.min_ready_seconds, 5);
        assert_eq!(stored.rollout.spec.replicas, None);
        assert_eq!(stored.rollout.metadata.name.as_deref(), Some("a"));
        assert_eq!(stored.rollout.metadata.managed_fields, None);
    }

    #[test]
    fn a_status_that_does_not_decode_leaves_the_spec_valid() {
        let stored: StoredRollout = serde_json::from_value(json!({
            "metadata": {"name": "a"}, "spec": {"replicas": 3}, "status": {"abort": "yes", "phase": "Paused"},
        }))
        .unwrap();
        assert_eq!((stored.undecodable, stored.rollout.spec.replicas), (None, Some(3)));
        assert_eq!(stored.rollout.status.phase, "Paused");
        assert_eq!(stored.unread[0].path, ["abort"]);
    }

    #[test]
    fn labels_that_are_no_strings_are_left_out_and_named() {
        let stored: StoredRollout = serde_json::from_value(json!({
            "metadata": {"name": "a", "labels": {"app": 7, "team": "shop"}}, "spec": {"replicas": 3},
        }))
        .unwrap();
        let why = "metadata.labels.app: invalid type: integer `7`, expected a string";
        assert_eq!(stored.odd_metadata.as_deref(), Some(why));
        assert_eq!(stored.undecodable, stored.odd_metadata);
        assert_eq!(stored.rollout.spec.replicas, Some(3));
        assert_eq!(stored.rollout.metadata.labels.unwrap()["team"], "shop");
        assert!(serde_json::from_value::<StoredRollout>(json!({"metadata": {"labels": 7}})).is_err());
    }

    #[test]
    fn a_spec_of_the_wrong_kind_leaves_metadata_and_status() {
        let stored: StoredRollout = serde_json::from_value(json!({
            "metadata": {"name": "a"}, "spec": 7, "status": {"phase": "Healthy"},
        }))
        .unwrap();
        assert!(stored.undecodable.expect("a reason").starts_with("spec: "));
        assert_eq!(stored.rollout.status.phase, "Healthy");
    }

    #[test]
    fn a_replica_set_keeps_its_owner_and_failure() {
        let stored: StoredReplicaSet = serde_json::from_value(json!({
            "metadata": {"name": "a-1", "namespace": "b", "uid": "u", "resourceVersion": "7",
                "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "a", "uid": "r", "controller": true}]},
            "spec": {"replicas": 0, "template": {"spec": {"containers": 3}}},
            "status": {"replicas": 2, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}]},
        }))
        .unwrap();
        assert_eq!(
            stored.owner,
            Some(OwnerReference {
                uid: "r".into(),
                name: "a".into()
            })
        );
        assert_eq!((stored.observed.replicas, stored.observed.current_replicas), (0, 2));
        assert_eq!(stored.observed.failure.unwrap().message, "quota");
    }
}
