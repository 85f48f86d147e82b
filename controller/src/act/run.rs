//! Changes AnalysisRuns: their status, and their end. Nothing of their spec.

use super::replica_set::params;
use super::{Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::runs::StoredRun;
use crate::store::{Key, Owner};
use kube::Api;
use kube::api::Patch;
use serde_json::{Value, json};
use serin_core::observed::{Kind, Verb};
use serin_core::plan::{StatusWrite, Target};

impl Writer {
    /// Reads a run live.
    pub(crate) async fn get_run(&self, key: &Key) -> Result<Option<StoredRun>, Failure> {
        self.get_child(key).await
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
        let api: Api<StoredRun> = self.children(&owner.key.namespace);
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&owner.key.name, &params, &body);
        let call = Call {
            verb: Verb::Patch,
            kind: Kind::AnalysisRun,
            namespace: &owner.key.namespace,
            name: &owner.key.name,
            urgent,
        };
        self.write(&call, sent).await
    }

    /// Deletes a run whose time is over, if it is still the one that was decided on.
    pub(crate) async fn delete_run(&self, key: &Key, target: &Target) -> Result<(), Error> {
        self.drop_child::<StoredRun>(key, target).await
    }
}
