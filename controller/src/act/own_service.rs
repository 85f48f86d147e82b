//! Creates and deletes the Services of experiments, and reads what decisions about experiments need live.

use super::replica_set::owner_reference;
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::Owner;
use crate::store::experiments::{StoredOwnService, StoredSetTemplate};
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::core::Request;
use serde_json::{Value, json};
use serin_core::observed::{Kind, Refusal, SetTemplate, Verb};
use serin_core::plan::{NewPort, NewService, OwnServiceAction, Target};
use serin_core::wire;

impl Act<'_> {
    pub(super) async fn on_own_service(&mut self, action: &OwnServiceAction) -> Result<(), Error> {
        match action {
            OwnServiceAction::Create(new) => self.create_own_service(new).await,
            OwnServiceAction::Delete(target) => self.delete_own_service(target).await,
        }
    }

    fn own_service_call<'c>(&'c self, verb: Verb, name: &'c str) -> Call<'c> {
        Call {
            verb,
            kind: Kind::Service,
            namespace: self.namespace(),
            name,
            urgent: self.urgent,
        }
    }

    async fn create_own_service(&mut self, new: &NewService) -> Result<(), Error> {
        let sent = create(self.writer, self.namespace(), manifest(new, self.owner));
        let call = self.own_service_call(Verb::Create, &new.name);
        self.writer.write(&call, sent).await.map(|_| ())
    }

    /// One that is already gone counts as deleted.
    async fn delete_own_service(&mut self, target: &Target) -> Result<(), Error> {
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(target.uid.clone()),
            resource_version: Some(target.resource_version.clone()),
        });
        let api: Api<StoredOwnService> = Api::namespaced(self.writer.client.clone(), self.namespace());
        let call = self.own_service_call(Verb::Delete, &target.name);
        match self.writer.write(&call, api.delete(&target.name, &params)).await {
            Err(Error::Refused(failure)) if failure.why == Refusal::NotFound => Ok(()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Writer {
    /// Reads a Service that an experiment may own, live.
    pub(crate) async fn get_own_service(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredOwnService>, Failure> {
        let call = read(Kind::Service, namespace, name);
        let api: Api<StoredOwnService> = Api::namespaced(self.client.clone(), namespace);
        self.call(&call, api.get_opt(name)).await
    }

    /// Reads what a ReplicaSet is made of, live.
    pub(crate) async fn get_set_template(&self, namespace: &str, name: &str) -> Result<Option<SetTemplate>, Failure> {
        let call = read(Kind::ReplicaSet, namespace, name);
        let api: Api<StoredSetTemplate> = Api::namespaced(self.client.clone(), namespace);
        let found = self.call(&call, api.get_opt(name)).await?;
        Ok(found.map(|found| found.spec))
    }
}

fn read<'c>(kind: Kind, namespace: &'c str, name: &'c str) -> Call<'c> {
    Call {
        verb: Verb::Get,
        kind,
        namespace,
        name,
        urgent: true,
    }
}

async fn create(writer: &Writer, namespace: &str, body: Value) -> kube::Result<StoredOwnService> {
    let params = PostParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let body = serde_json::to_vec(&body).map_err(kube::Error::SerdeError)?;
    let path = <StoredOwnService as kube::Resource>::url_path(&(), Some(namespace));
    let request = Request::new(path)
        .create(&params, body)
        .map_err(kube::Error::BuildRequest)?;
    writer.client.request(request).await
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
