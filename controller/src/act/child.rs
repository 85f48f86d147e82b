//! What is done alike to objects that what is decided on owns: AnalysisRuns, Experiments, ReplicaSets and Services.

use super::replica_set::params;
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::Key;
use crate::store::decode::StoredReplicaSet;
use crate::store::expectations::{Expected, Subject};
use crate::store::experiments::{StoredExperiment, StoredOwnService, StoredSetTemplate};
use crate::store::runs::StoredRun;
use kube::api::{DeleteParams, Patch, PostParams, Preconditions};
use kube::core::{NamespaceResourceScope, Request};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serin_core::observed::{Kind, Refusal, Verb};
use serin_core::plan::Target;
use serin_core::wire;
use std::fmt::Debug;

/// An object that is read as far as decisions need it.
pub(super) trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
    /// Its kind, in logs and metrics.
    const KIND: Kind;
}

impl Child for StoredRun {
    const KIND: Kind = Kind::AnalysisRun;
}
impl Child for StoredExperiment {
    const KIND: Kind = Kind::Experiment;
}
impl Child for StoredReplicaSet {
    const KIND: Kind = Kind::ReplicaSet;
}
impl Child for StoredOwnService {
    const KIND: Kind = Kind::Service;
}
impl Child for StoredSetTemplate {
    const KIND: Kind = Kind::ReplicaSet;
}

fn known_as(object: &impl Resource) -> (&str, &str) {
    let meta = object.meta();
    (
        meta.uid.as_deref().unwrap_or_default(),
        meta.resource_version.as_deref().unwrap_or_default(),
    )
}

/// Deletes an object in the background, if it is still the one that was decided on.
fn if_still(uid: &str, version: &str) -> DeleteParams {
    DeleteParams::background().preconditions(Preconditions {
        uid: Some(uid.to_owned()),
        resource_version: Some(version.to_owned()),
    })
}

impl Act<'_> {
    fn on_child<'c, K: Child>(&'c self, verb: Verb, name: &'c str) -> Call<'c> {
        Call {
            verb,
            kind: K::KIND,
            namespace: self.namespace(),
            name,
            urgent: self.urgent,
        }
    }

    /// Creates an object. Where the name is taken, the store must show by whom before the next decision: it may be one of ours.
    pub(super) async fn create_child<K: Child>(
        &mut self,
        subject: Subject,
        name: &str,
        body: &Value,
    ) -> Result<(), Error> {
        match self.post_child::<K>(name, body).await {
            Ok(created) => {
                let (uid, version) = known_as(&created);
                self.created(subject, uid, version);
                Ok(())
            }
            Err(error) => {
                let taken = matches!(&error, Error::Refused(failure) if failure.why == Refusal::AlreadyExists);
                let key = self.owner.key.sibling(name);
                if taken && let Some(live) = self.writer.get_child::<K>(&key).await? {
                    let (uid, version) = known_as(&live);
                    self.created(subject, uid, version);
                }
                Err(error)
            }
        }
    }

    /// Sends a new object as it is written: what is kept of it would not have all of its fields.
    pub(super) async fn post_child<K: Child>(&self, name: &str, body: &Value) -> Result<K, Error> {
        let params = PostParams {
            field_manager: Some(wire::FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let sent = async {
            let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
            let request = Request::new(K::url_path(&(), Some(self.namespace())))
                .create(&params, body)
                .map_err(kube::Error::BuildRequest)?;
            self.writer.client.request(request).await
        };
        self.writer.write(&self.on_child::<K>(Verb::Create, name), sent).await
    }

    /// Asks an AnalysisRun or an Experiment to end. One that is gone need not.
    pub(super) async fn terminate_child<K: Child>(&mut self, subject: Subject, target: &Target) -> Result<(), Error> {
        let version = self.version(&target.uid, &target.resource_version);
        let body = json!({"metadata": {"uid": target.uid, "resourceVersion": version}, "spec": {"terminate": true}});
        let api: Api<K> = self.writer.children(self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&target.name, &params, &body);
        match self
            .writer
            .write(&self.on_child::<K>(Verb::Patch, &target.name), sent)
            .await
        {
            Ok(patched) => {
                let (uid, version) = known_as(&patched);
                self.changed(subject, uid, version);
                Ok(())
            }
            Err(error) => self.gone_is_done(subject, target, error),
        }
    }

    /// Deletes an object. One that is gone counts as deleted.
    pub(super) async fn delete_child<K: Child>(&mut self, subject: Subject, target: &Target) -> Result<(), Error> {
        let params = if_still(&target.uid, &self.version(&target.uid, &target.resource_version));
        let api: Api<K> = self.writer.children(self.namespace());
        let call = self.on_child::<K>(Verb::Delete, &target.name);
        match self.writer.write(&call, api.delete(&target.name, &params)).await {
            Ok(_) => {
                let uid = target.uid.clone();
                self.expectations.add(&self.owner.uid, subject, Expected::Gone { uid });
                Ok(())
            }
            Err(error) => self.gone_is_done(subject, target, error),
        }
    }

    /// What is asked of an object that is gone need not be done.
    pub(super) fn gone_is_done(&self, subject: Subject, target: &Target, error: Error) -> Result<(), Error> {
        self.learn(subject, target, &error);
        match error {
            Error::Refused(failure) if failure.why == Refusal::NotFound => Ok(()),
            Error::Refused(_) | Error::NotLeading => Err(error),
        }
    }
}

impl Writer {
    pub(super) fn children<K: Child>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Reads an object live.
    pub(super) async fn get_child<K: Child>(&self, key: &Key) -> Result<Option<K>, Failure> {
        let call = Call {
            verb: Verb::Get,
            kind: K::KIND,
            namespace: &key.namespace,
            name: &key.name,
            urgent: true,
        };
        let api: Api<K> = self.children(&key.namespace);
        self.call(&call, api.get_opt(&key.name)).await
    }

    /// Deletes an object for which nobody waits.
    pub(super) async fn drop_child<K: Child>(&self, key: &Key, target: &Target) -> Result<(), Error> {
        let call = Call {
            verb: Verb::Delete,
            kind: K::KIND,
            namespace: &key.namespace,
            name: &key.name,
            urgent: false,
        };
        let api: Api<K> = self.children(&key.namespace);
        let params = if_still(&target.uid, &target.resource_version);
        self.write(&call, api.delete(&target.name, &params)).await.map(|_| ())
    }
}
