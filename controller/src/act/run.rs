//! Changes AnalysisRuns: their status, and their end. Nothing of their spec.

use super::replica_set::params;
use super::{Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::runs::StoredRun;
use crate::store::{Key, Owner};
use kube::Api;
use kube::api::{DeleteParams, Patch, Preconditions};
use serde_json::{Value, json};
use serin_core::observed::{Kind, Verb};
use serin_core::plan::{StatusWrite, Target};

fn on(verb: Verb, key: &Key, urgent: bool) -> Call<'_> {
    Call {
        verb,
        kind: Kind::AnalysisRun,
        namespace: &key.namespace,
        name: &key.name,
        urgent,
    }
}

impl Writer {
    fn runs(&self, namespace: &str) -> Api<StoredRun> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Reads a run live.
    pub(crate) async fn get_run(&self, key: &Key) -> Result<Option<StoredRun>, Failure> {
        let api = self.runs(&key.namespace);
        self.call(&on(Verb::Get, key, true), api.get_opt(&key.name)).await
    }

    /// Writes the status on the version that was decided on; the run as it is then. The CRD has no subresource
    /// (contract 01 §1).
    pub(crate) async fn write_run_status(
        &self,
        owner: &Owner,
        write: &StatusWrite,
        urgent: bool,
    ) -> Result<StoredRun, Error> {
        let mut body = write.patch.clone();
        if let Value::Object(fields) = &mut body {
            let metadata = json!({"uid": owner.uid, "resourceVersion": owner.version});
            fields.insert("metadata".into(), metadata);
        }
        let api = self.runs(&owner.key.namespace);
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&owner.key.name, &params, &body);
        self.write(&on(Verb::Patch, &owner.key, urgent), sent).await
    }

    /// Deletes a run whose time is over, if it is still the one that was decided on.
    pub(crate) async fn delete_run(&self, key: &Key, target: &Target) -> Result<(), Error> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(target.uid.clone()),
                resource_version: Some(target.resource_version.clone()),
            }),
            ..DeleteParams::background()
        };
        let api = self.runs(&key.namespace);
        let sent = api.delete(&target.name, &params);
        self.write(&on(Verb::Delete, key, false), sent).await.map(|_| ())
    }
}
