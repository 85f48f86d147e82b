//! Changes the rollout: annotations, an absent `spec.replicas` (decision 22), and its status. Nothing else of the spec.

use super::replica_set::params;
use super::{Act, Call, Error};
use crate::store::decode::StoredRollout;
use crate::store::expectations::Subject;
use jiff::Timestamp;
use kube::api::Patch;
use serde_json::{Value, json};
use serin_core::observed::{Kind, Verb};
use serin_core::plan::{RolloutPatch, StatusWrite, Target};
use serin_core::wire;

impl Act<'_> {
    fn on_rollout(&self, kind: Kind) -> Call<'_> {
        let (namespace, name) = (self.namespace(), &*self.owner.key.name);
        Call {
            verb: Verb::Patch,
            kind,
            namespace,
            name,
            urgent: self.urgent,
        }
    }

    pub(super) async fn patch_rollout(&mut self, patch: &RolloutPatch) -> Result<(), Error> {
        let target = &patch.target;
        let mut body = json!({"metadata": {
            "uid": target.uid,
            "resourceVersion": self.version(&target.uid, &target.resource_version),
            "annotations": patch.annotations,
        }});
        if let Some(replicas) = patch.replicas {
            body["spec"] = json!({"replicas": replicas});
        }
        let api = self.writer.rollouts(self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&target.name, &params, &body);
        let result = self.writer.write(&self.on_rollout(Kind::Rollout), sent).await;
        self.note(target, result)
    }

    /// Writes the status on the version that was decided on, or the one that [`Self::patch_rollout`] led to.
    pub(crate) async fn write_status(&mut self, write: &StatusWrite) -> Result<(), Error> {
        if self.owner.kind == Kind::Experiment {
            return self.write_experiment_status(write).await;
        }
        let target = self.itself();
        let mut body = write.patch.clone();
        if let Value::Object(fields) = &mut body {
            let version = self.version(&target.uid, &target.resource_version);
            fields.insert(
                "metadata".into(),
                json!({"uid": target.uid, "resourceVersion": version}),
            );
        }
        let api = self.writer.rollouts(self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch_status(&target.name, &params, &body);
        let result = self.writer.write(&self.on_rollout(Kind::RolloutStatus), sent).await;
        self.note(&target, result)
    }

    /// Writes an annotation when the message has changed: Argo CD does not refresh an object that changes only in its
    /// status, as long as its health is the same (contract 13 §4).
    pub(crate) async fn announce_message(&mut self, now: Timestamp) -> Result<(), Error> {
        let at = now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let patch = RolloutPatch {
            target: self.itself(),
            annotations: [(wire::MESSAGE_CHANGED_AT.to_owned(), Some(at))].into(),
            replicas: None,
        };
        self.patch_rollout(&patch).await
    }

    fn note(&mut self, target: &Target, result: Result<StoredRollout, Error>) -> Result<(), Error> {
        match result {
            Ok(written) => {
                let version = written.rollout.metadata.resource_version.unwrap_or_default();
                self.changed(Subject::Itself, &target.uid, &version);
                Ok(())
            }
            Err(error) => {
                self.learn(Subject::Itself, target, &error);
                Err(error)
            }
        }
    }
}
