//! Creates Experiments, asks them to end, deletes them, and writes their status.

use super::replica_set::{owner_reference, params};
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::expectations::{Expected, Subject};
use crate::store::experiments::StoredExperiment;
use crate::store::{Key, Owner};
use kube::Api;
use kube::api::{DeleteParams, Patch, PostParams, Preconditions};
use kube::core::Request;
use serde_json::{Value, json};
use serin_core::api::API_VERSION;
use serin_core::observed::{Kind, Refusal, Verb};
use serin_core::plan::{ExperimentAction, NewExperiment, StatusWrite, Target};
use serin_core::wire;

impl Act<'_> {
    pub(super) async fn on_experiment(&mut self, action: &ExperimentAction) -> Result<(), Error> {
        match action {
            ExperimentAction::Create(new) => self.create_experiment(new).await,
            ExperimentAction::Terminate(target) => self.terminate_experiment(target).await,
            ExperimentAction::Delete(target) => self.delete_experiment(target).await,
        }
    }

    fn experiment_call<'c>(&'c self, verb: Verb, name: &'c str) -> Call<'c> {
        Call {
            verb,
            kind: Kind::Experiment,
            namespace: self.namespace(),
            name,
            urgent: self.urgent,
        }
    }

    /// Where the name is taken, the store must show by whom before the next decision: it may be one of ours.
    async fn create_experiment(&mut self, new: &NewExperiment) -> Result<(), Error> {
        let subject = Subject::Experiment(new.name.clone());
        let sent = create(self.writer, self.namespace(), manifest(new, self.owner));
        let call = self.experiment_call(Verb::Create, &new.name);
        match self.writer.write(&call, sent).await {
            Ok(created) => {
                let (uid, version) = created.known_as();
                self.created(subject, uid, version);
                Ok(())
            }
            Err(error) => {
                let taken = matches!(&error, Error::Refused(failure) if failure.why == Refusal::AlreadyExists);
                let key = self.owner.key.sibling(&new.name);
                if taken && let Some(live) = self.writer.get_experiment(&key).await? {
                    let (uid, version) = live.known_as();
                    self.created(subject, uid, version);
                }
                Err(error)
            }
        }
    }

    async fn terminate_experiment(&mut self, target: &Target) -> Result<(), Error> {
        let version = self.version(&target.uid, &target.resource_version);
        let body = json!({"metadata": {"uid": target.uid, "resourceVersion": version}, "spec": {"terminate": true}});
        let (api, params, body) = (self.writer.experiments(self.namespace()), params(), Patch::Merge(&body));
        let sent = api.patch(&target.name, &params, &body);
        let subject = Subject::Experiment(target.name.clone());
        let call = self.experiment_call(Verb::Patch, &target.name);
        match self.writer.write(&call, sent).await {
            Ok(patched) => {
                let (uid, version) = patched.known_as();
                self.changed(subject, uid, version);
                Ok(())
            }
            Err(error) => self.gone_is_done(subject, target, error),
        }
    }

    async fn delete_experiment(&mut self, target: &Target) -> Result<(), Error> {
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(target.uid.clone()),
            resource_version: Some(self.version(&target.uid, &target.resource_version)),
        });
        let api = self.writer.experiments(self.namespace());
        let subject = Subject::Experiment(target.name.clone());
        let call = self.experiment_call(Verb::Delete, &target.name);
        match self.writer.write(&call, api.delete(&target.name, &params)).await {
            Ok(_) => {
                let uid = target.uid.clone();
                self.expectations
                    .expect(&self.owner.uid, subject, Expected::Gone { uid });
                Ok(())
            }
            Err(error) => self.gone_is_done(subject, target, error),
        }
    }

    /// Writes the status of the experiment that was decided on. Its CRD has no subresource (contract 01 §1).
    pub(super) async fn write_experiment_status(&mut self, write: &StatusWrite) -> Result<(), Error> {
        let target = self.itself();
        let mut body = write.patch.clone();
        if let Value::Object(fields) = &mut body {
            let version = self.version(&target.uid, &target.resource_version);
            let metadata = json!({"uid": target.uid, "resourceVersion": version});
            fields.insert("metadata".into(), metadata);
        }
        let api = self.writer.experiments(self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&target.name, &params, &body);
        let call = self.experiment_call(Verb::Patch, &target.name);
        match self.writer.write(&call, sent).await {
            Ok(written) => {
                let (uid, version) = written.known_as();
                self.changed(Subject::Itself, uid, version);
                Ok(())
            }
            Err(error) => {
                self.learn(Subject::Itself, &target, &error);
                Err(error)
            }
        }
    }
}

impl Writer {
    fn experiments(&self, namespace: &str) -> Api<StoredExperiment> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Reads an Experiment live.
    pub(crate) async fn get_experiment(&self, key: &Key) -> Result<Option<StoredExperiment>, Failure> {
        let (namespace, name) = (&*key.namespace, &*key.name);
        let call = Call {
            verb: Verb::Get,
            kind: Kind::Experiment,
            namespace,
            name,
            urgent: true,
        };
        self.call(&call, self.experiments(namespace).get_opt(name)).await
    }
}

async fn create(writer: &Writer, namespace: &str, body: Value) -> kube::Result<StoredExperiment> {
    let params = PostParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let body = serde_json::to_vec(&body).map_err(kube::Error::SerdeError)?;
    let path = <StoredExperiment as kube::Resource>::url_path(&(), Some(namespace));
    let request = Request::new(path)
        .create(&params, body)
        .map_err(kube::Error::BuildRequest)?;
    writer.client.request(request).await
}

fn manifest(new: &NewExperiment, owner: &Owner) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "Experiment",
        "metadata": {
            "name": new.name,
            "namespace": &*owner.key.namespace,
            "labels": new.labels,
            "annotations": new.annotations,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": new.spec,
    })
}
