//! Creates Experiments, asks them to end, deletes them, and writes their status.

use super::replica_set::{owner_reference, params};
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::expectations::Subject;
use crate::store::experiments::StoredExperiment;
use crate::store::{Key, Owner};
use kube::Api;
use kube::api::Patch;
use serde_json::{Value, json};
use serin_core::api::API_VERSION;
use serin_core::observed::{Kind, Verb};
use serin_core::plan::{ExperimentAction, NewExperiment, StatusWrite};

impl Act<'_> {
    pub(super) async fn on_experiment(&mut self, action: &ExperimentAction) -> Result<(), Error> {
        let subject = |name: &str| Subject::Experiment(name.to_owned());
        match action {
            ExperimentAction::Create(new) => {
                let body = manifest(new, self.owner);
                self.create_child::<StoredExperiment>(subject(&new.name), &new.name, &body)
                    .await
            }
            ExperimentAction::Terminate(target) => {
                self.terminate_child::<StoredExperiment>(subject(&target.name), target)
                    .await
            }
            ExperimentAction::Delete(target) => {
                self.delete_child::<StoredExperiment>(subject(&target.name), target)
                    .await
            }
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
        let api: Api<StoredExperiment> = self.writer.children(self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&target.name, &params, &body);
        let call = Call {
            verb: Verb::Patch,
            kind: Kind::Experiment,
            namespace: self.namespace(),
            name: &target.name,
            urgent: self.urgent,
        };
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
    /// Reads an Experiment live.
    pub(crate) async fn get_experiment(&self, key: &Key) -> Result<Option<StoredExperiment>, Failure> {
        self.get_child(key).await
    }
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
