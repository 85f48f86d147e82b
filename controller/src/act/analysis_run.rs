//! Creates AnalysisRuns, asks them to end, and deletes them.

use super::replica_set::{owner_reference, params};
use super::{Act, Call, Error, Writer};
use crate::store::Owner;
use crate::store::expectations::{Expected, Subject};
use crate::store::runs::StoredRun;
use kube::api::{DeleteParams, Patch, PostParams, Preconditions};
use kube::core::Request;
use kube::{Api, Resource};
use serde_json::{Value, json};
use serin_core::api::API_VERSION;
use serin_core::observed::{Kind, Refusal, Verb};
use serin_core::plan::{AnalysisRunAction, NewAnalysisRun, Target};
use serin_core::wire;

impl Act<'_> {
    pub(super) async fn on_analysis_run(&mut self, action: &AnalysisRunAction) -> Result<(), Error> {
        match action {
            AnalysisRunAction::Create(new) => self.create_run(new).await,
            AnalysisRunAction::Terminate(target) => self.terminate_run(target).await,
            AnalysisRunAction::Delete(target) => self.delete_run(target).await,
        }
    }

    fn run_call<'c>(&'c self, verb: Verb, name: &'c str) -> Call<'c> {
        Call {
            verb,
            kind: Kind::AnalysisRun,
            namespace: self.namespace(),
            name,
            urgent: self.urgent,
        }
    }

    fn runs(&self) -> Api<StoredRun> {
        Api::namespaced(self.writer.client.clone(), self.namespace())
    }

    /// Where the name is taken, the store must show by whom before the next decision: it may be a run of ours.
    async fn create_run(&mut self, new: &NewAnalysisRun) -> Result<(), Error> {
        let subject = Subject::AnalysisRun(new.name.clone());
        let sent = create(self.writer, self.namespace(), manifest(new, self.owner));
        match self.writer.write(&self.run_call(Verb::Create, &new.name), sent).await {
            Ok(created) => {
                let (_, uid, version) = created.known_as();
                self.created(subject, uid, version);
                Ok(())
            }
            Err(error) => {
                let taken = matches!(&error, Error::Refused(failure) if failure.why == Refusal::AlreadyExists);
                if taken && let Some(live) = self.writer.get_run(&self.owner.key.sibling(&new.name)).await? {
                    let (_, uid, version) = live.known_as();
                    self.created(subject, uid, version);
                }
                Err(error)
            }
        }
    }

    async fn terminate_run(&mut self, target: &Target) -> Result<(), Error> {
        let version = self.version(&target.uid, &target.resource_version);
        let body = json!({"metadata": {"uid": target.uid, "resourceVersion": version}, "spec": {"terminate": true}});
        let (api, params, body) = (self.runs(), params(), Patch::Merge(&body));
        let sent = api.patch(&target.name, &params, &body);
        let subject = Subject::AnalysisRun(target.name.clone());
        match self.writer.write(&self.run_call(Verb::Patch, &target.name), sent).await {
            Ok(patched) => {
                let (_, uid, version) = patched.known_as();
                self.changed(subject, uid, version);
                Ok(())
            }
            Err(error) => self.gone_is_done(subject, target, error),
        }
    }

    async fn delete_run(&mut self, target: &Target) -> Result<(), Error> {
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(target.uid.clone()),
            resource_version: Some(self.version(&target.uid, &target.resource_version)),
        });
        let api = self.runs();
        let subject = Subject::AnalysisRun(target.name.clone());
        let call = self.run_call(Verb::Delete, &target.name);
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

    /// What is asked of a run that is gone needs not be done.
    pub(super) fn gone_is_done(&self, subject: Subject, target: &Target, error: Error) -> Result<(), Error> {
        self.learn(subject, target, &error);
        match error {
            Error::Refused(failure) if failure.why == Refusal::NotFound => Ok(()),
            Error::Refused(_) | Error::NotLeading => Err(error),
        }
    }
}

async fn create(writer: &Writer, namespace: &str, body: Value) -> kube::Result<StoredRun> {
    let params = PostParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let body = serde_json::to_vec(&body).map_err(kube::Error::SerdeError)?;
    let request = Request::new(StoredRun::url_path(&(), Some(namespace)))
        .create(&params, body)
        .map_err(kube::Error::BuildRequest)?;
    writer.client.request(request).await
}

fn manifest(new: &NewAnalysisRun, owner: &Owner) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "AnalysisRun",
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
