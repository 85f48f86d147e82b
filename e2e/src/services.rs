//! What stories say of Services.

use crate::story::{Step, Story, is};
use crate::world::World;
use anyhow::Result;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_core::wire;

/// What somebody does to a Service.
pub(crate) enum Services {
    /// Creates it.
    Create(Value),
    /// Merges a patch into it.
    Patch(String, Value),
    /// Deletes it.
    Delete(String),
}

impl Services {
    pub(crate) async fn make(self, world: &World) -> Result<()> {
        let services: Api<Service> = Api::namespaced(world.client(), world.namespace());
        match self {
            Self::Create(service) => {
                let service: Service = serde_json::from_value(service)?;
                services.create(&PostParams::default(), &service).await?;
            }
            Self::Patch(name, patch) => {
                let patch = Patch::Merge(patch);
                services.patch(&name, &PatchParams::default(), &patch).await?;
            }
            Self::Delete(name) => {
                services.delete(&name, &DeleteParams::default()).await?;
            }
        }
        Ok(())
    }
}

impl Story<'_> {
    /// Creates a Service that selects the pods of `app: web`.
    pub fn service(self, name: &str) -> Self {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
        self.step(format!("a Service {name}"), Step::Service(Services::Create(service)))
    }

    /// Merges a patch into a Service, as somebody edits it.
    pub fn edit_service(self, name: &str, patch: Value) -> Self {
        let text = format!("edit the Service {name}: {patch}");
        self.step(text, Step::Service(Services::Patch(name.to_owned(), patch)))
    }

    /// Removes the hash from the selector of a Service, as somebody does who applies it anew.
    pub fn release_service(self, name: &str) -> Self {
        self.edit_service(name, json!({"spec": {"selector": {wire::HASH_LABEL: null}}}))
    }

    /// Deletes a Service.
    pub fn delete_service(self, name: &str) -> Self {
        let change = Services::Delete(name.to_owned());
        self.step(format!("delete the Service {name}"), Step::Service(change))
    }

    /// A Service sends to the pods of this revision alone.
    pub fn serves(self, service: &'static str, revision: i64) -> Self {
        self.until(format!("{service} serves revision {revision}"), move |view| {
            let (selected, wanted) = (view.selected(service), view.hash(revision));
            is(wanted.is_some() && selected == wanted, || {
                format!("{service} selects {selected:?} in place of {wanted:?}")
            })
        })
    }

    /// A Service is nobody's.
    pub fn is_released(self, service: &'static str) -> Self {
        self.until(format!("{service} is released"), move |view| {
            let selected = view.selected(service);
            is(selected.is_none(), || format!("{service} selects {selected:?}"))
        })
    }

    /// A Service carries the name of this rollout.
    pub fn is_managed_by(self, service: &'static str, rollout: &'static str) -> Self {
        self.until(format!("{service} is managed by {rollout}"), move |view| {
            let found = view.manager(service);
            is(found == Some(rollout), || format!("its manager is {found:?}"))
        })
    }
}
