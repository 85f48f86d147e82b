//! Creates and deletes the Services of experiments, and reads what decisions about experiments need live.

use super::replica_set::owner_reference;
use super::{Act, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::experiments::{StoredOwnService, StoredSetTemplate};
use crate::store::{Key, Owner};
use serde_json::{Value, json};
use serin_core::observed::{Refusal, SetTemplate};
use serin_core::plan::{NewPort, NewService, OwnServiceAction};

impl Act<'_> {
    /// Nothing is expected of the store: each look reads these Services live. One that is already gone counts as deleted.
    pub(super) async fn on_own_service(&mut self, action: &OwnServiceAction) -> Result<(), Error> {
        match action {
            OwnServiceAction::Create(new) => {
                let body = manifest(new, self.owner);
                self.post_child::<StoredOwnService>(&new.name, &body).await.map(|_| ())
            }
            OwnServiceAction::Delete(target) => {
                let key = self.owner.key.sibling(&target.name);
                match self.writer.drop_child::<StoredOwnService>(&key, target).await {
                    Err(Error::Refused(failure)) if failure.why == Refusal::NotFound => Ok(()),
                    result => result,
                }
            }
        }
    }
}

impl Writer {
    /// Reads a Service that an experiment may own, live.
    pub(crate) async fn get_own_service(&self, key: &Key) -> Result<Option<StoredOwnService>, Failure> {
        self.get_child(key).await
    }

    /// Reads what a ReplicaSet is made of, live.
    pub(crate) async fn get_set_template(&self, key: &Key) -> Result<Option<SetTemplate>, Failure> {
        let found: Option<StoredSetTemplate> = self.get_child(key).await?;
        Ok(found.map(|found| found.spec))
    }
}

fn manifest(new: &NewService, owner: &Owner) -> Value {
    let port = |port: &NewPort| {
        let mut written = json!({"protocol": port.protocol, "port": port.port, "targetPort": port.port});
        if !port.name.is_empty() {
            written["name"] = port.name.as_str().into();
        }
        written
    };
    let ports: Vec<Value> = new.ports.iter().map(port).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": new.name,
            "namespace": &*owner.key.namespace,
            "annotations": new.annotations,
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {"selector": new.selector, "ports": ports},
    })
}
