//! Creates AnalysisRuns, asks them to end, and deletes them.

use super::replica_set::owner_reference;
use super::{Act, Error};
use crate::store::Owner;
use crate::store::expectations::Subject;
use crate::store::runs::StoredRun;
use serde_json::{Value, json};
use serin_core::api::API_VERSION;
use serin_core::plan::{AnalysisRunAction, NewAnalysisRun};

impl Act<'_> {
    pub(super) async fn on_analysis_run(&mut self, action: &AnalysisRunAction) -> Result<(), Error> {
        let subject = |name: &str| Subject::AnalysisRun(name.to_owned());
        match action {
            AnalysisRunAction::Create(new) => {
                let body = manifest(new, self.owner);
                self.create_child::<StoredRun>(subject(&new.name), &new.name, &body)
                    .await
            }
            AnalysisRunAction::Terminate(target) => {
                self.terminate_child::<StoredRun>(subject(&target.name), target).await
            }
            AnalysisRunAction::Delete(target) => self.delete_child::<StoredRun>(subject(&target.name), target).await,
        }
    }
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
