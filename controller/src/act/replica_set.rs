//! Creates, changes and deletes ReplicaSets.

use super::{Act, Call, Error};
use crate::cluster::refusal::Failure;
use crate::store::Owner;
use crate::store::decode::StoredReplicaSet;
use crate::store::expectations::Subject;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use kube::{Client, Resource};
use serde_json::{Map, Value, json};
use serin_core::api::API_VERSION;
use serin_core::observed::{Kind, Refusal, Verb};
use serin_core::plan::{NewReplicaSet, Ownership, ReplicaSetPatch, Secondary, Target};
use serin_core::wire;
use std::collections::BTreeMap;
use std::time::Duration;

impl Act<'_> {
    fn on_replica_set<'c>(&'c self, verb: Verb, name: &'c str) -> Call<'c> {
        Call {
            verb,
            kind: Kind::ReplicaSet,
            namespace: self.namespace(),
            name,
            urgent: self.urgent,
        }
    }

    /// A name that is taken by a ReplicaSet of this very rollout means that an earlier create landed unseen.
    pub(super) async fn create_replica_set(&mut self, new: &NewReplicaSet) -> Result<(), Error> {
        let body = manifest(new, self.owner);
        let sent = create(self.writer.client.clone(), self.namespace(), body);
        let created = match self
            .writer
            .write(&self.on_replica_set(Verb::Create, &new.name), sent)
            .await
        {
            Ok(created) => created,
            Err(Error::Refused(failure)) if failure.why == Refusal::AlreadyExists => {
                let live = self.writer.get_replica_set(self.namespace(), &new.name).await?;
                // Without its hash it plays no part (contract 02 §3): another name is needed.
                let ours = live.filter(|live| {
                    live.owner.as_ref().is_some_and(|owner| owner.uid == self.owner.uid)
                        && !live.observed.deleting
                        && !live.observed.hash().is_empty()
                });
                ours.ok_or(failure)?
            }
            Err(error) => return Err(error),
        };
        let (uid, version) = (&created.observed.uid, &created.observed.resource_version);
        self.created(Subject::ReplicaSet(new.name.clone()), uid, version);
        Ok(())
    }

    /// One write; if the API server refuses the whole, another without the secondary part.
    pub(super) async fn patch_replica_set(&mut self, patch: &ReplicaSetPatch) -> Result<(), Error> {
        let result = self.send_patch(patch).await;
        let refused = matches!(&result, Err(Error::Refused(failure)) if failure.why.stands());
        if patch.secondary.is_empty() || !refused {
            return result;
        }
        if let Some(primary) = patch.primary() {
            self.send_patch(&primary).await?;
        }
        self.skip(result, &patch.target.uid, None)
    }

    async fn send_patch(&mut self, patch: &ReplicaSetPatch) -> Result<(), Error> {
        let target = &patch.target;
        if patch.ownership == Some(Ownership::Adopt) {
            self.prove_alive(&self.on_replica_set(Verb::Patch, &target.name))
                .await?;
        }
        let version = self.version(&target.uid, &target.resource_version);
        let body = patch_body(patch, &version, self.owner);
        let api = self.writer.replica_sets(self.namespace());
        let body = match patch.ownership {
            // Only this kind of patch adds one owner to a list, or takes one off, and leaves the others.
            Some(Ownership::Adopt | Ownership::Release) => Patch::Strategic(&body),
            None => Patch::Merge(&body),
        };
        let params = params();
        let sent = api.patch(&target.name, &params, &body);
        let subject = Subject::ReplicaSet(target.name.clone());
        match self
            .writer
            .write(&self.on_replica_set(Verb::Patch, &target.name), sent)
            .await
        {
            Ok(patched) => {
                self.changed(subject, &target.uid, &patched.observed.resource_version);
                Ok(())
            }
            Err(error) => {
                self.learn(subject, target, &error);
                Err(error)
            }
        }
    }

    /// Asks the API server whether the rollout exists, is the one decided on, and stays: what is owned
    /// by a rollout that is gone is deleted, pods and all (contract 02 §3).
    async fn prove_alive(&self, call: &Call<'_>) -> Result<(), Error> {
        let live = self
            .writer
            .get_rollout(&self.owner.key)
            .await?
            .map(|live| live.rollout.metadata);
        let lives = live
            .as_ref()
            .is_some_and(|live| live.uid.as_deref() == Some(&*self.owner.uid) && live.deletion_timestamp.is_none());
        if lives {
            return Ok(());
        }
        let failure = Failure {
            attempt: call.attempt(),
            why: Refusal::Conflict,
            message: "the rollout was deleted meanwhile: nothing is adopted".to_owned(),
            retry_after: Duration::ZERO,
        };
        let decided_upon = self.itself();
        let error = Error::Refused(failure);
        self.learn(Subject::Itself, &decided_upon, &error);
        Err(error)
    }

    /// A ReplicaSet that is already gone counts as deleted.
    pub(super) async fn delete_replica_set(&mut self, target: &Target) -> Result<(), Error> {
        let subject = Subject::ReplicaSet(target.name.clone());
        self.delete_child::<StoredReplicaSet>(subject, target).await
    }
}

pub(super) fn params() -> PatchParams {
    PatchParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// Sent as JSON, so that the template stays what it is.
async fn create(client: Client, namespace: &str, body: Value) -> kube::Result<StoredReplicaSet> {
    let params = PostParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let body = serde_json::to_vec(&body).map_err(kube::Error::SerdeError)?;
    let request = Request::new(StoredReplicaSet::url_path(&(), Some(namespace)))
        .create(&params, body)
        .map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}

fn manifest(new: &NewReplicaSet, owner: &Owner) -> Value {
    let mut spec = json!({
        "replicas": new.replicas,
        "selector": new.selector,
        "template": new.template.to_value(),
    });
    if new.min_ready_seconds != 0 {
        spec["minReadySeconds"] = new.min_ready_seconds.into();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": new.name,
            "namespace": &*owner.key.namespace,
            "labels": new.labels,
            "annotations": new.annotations,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": spec,
    })
}

pub(super) fn owner_reference(owner: &Owner) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": owner.kind.as_str(),
        "name": &*owner.key.name,
        "uid": owner.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

fn patch_body(patch: &ReplicaSetPatch, version: &str, owner: &Owner) -> Value {
    let mut metadata = json!({"uid": patch.target.uid, "resourceVersion": version});
    let Secondary {
        annotations,
        template_labels,
        template_annotations,
    } = &patch.secondary;
    if !patch.annotations.is_empty() || !annotations.is_empty() {
        let all: BTreeMap<_, _> = patch.annotations.iter().chain(annotations).collect();
        metadata["annotations"] = json!(all);
    }
    match patch.ownership {
        Some(Ownership::Adopt) => metadata["ownerReferences"] = json!([owner_reference(owner)]),
        Some(Ownership::Release) => metadata["ownerReferences"] = json!([{"$patch": "delete", "uid": owner.uid}]),
        None => {}
    }
    let mut spec = Map::new();
    if let Some(replicas) = patch.replicas {
        spec.insert("replicas".into(), replicas.into());
    }
    if let Some(seconds) = patch.min_ready_seconds {
        spec.insert("minReadySeconds".into(), seconds.into());
    }
    if !template_labels.is_empty() {
        spec.entry("template").or_insert_with(|| json!({}))["metadata"]["labels"] = json!(template_labels);
    }
    if !template_annotations.is_empty() {
        spec.entry("template").or_insert_with(|| json!({}))["metadata"]["annotations"] = json!(template_annotations);
    }
    if let Some(terms) = &patch.anti_affinity {
        spec.entry("template").or_insert_with(|| json!({}))["spec"]["affinity"]["podAntiAffinity"] = terms.clone();
    }
    let mut body = json!({"metadata": metadata});
    if !spec.is_empty() {
        body["spec"] = Value::Object(spec);
    }
    body
}
