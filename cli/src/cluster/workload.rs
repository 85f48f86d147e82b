//! The object that holds the pod template of a rollout: the rollout itself, or the workload that it refers to. Objects are
//! read as they are stored, so that a change loses none of their other fields.

use crate::cluster::connect::Connection;
use crate::show::failure::Failure;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::PodTemplate;
use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;
use serin_core::api::Rollout;

/// Where a pod template is written.
pub(crate) struct Holder {
    /// The objects of its kind.
    pub(crate) objects: Api<DynamicObject>,
    /// Its name.
    pub(crate) name: String,
    /// The JSON pointer of the template.
    pub(crate) template: &'static str,
}

/// Objects of a kind in the namespace of the call.
pub(crate) fn objects<K>(connection: &Connection) -> Api<DynamicObject>
where
    K: kube::Resource<DynamicType = ()>,
{
    let resource = ApiResource::erase::<K>(&());
    Api::namespaced_with(connection.client.clone(), &connection.namespace, &resource)
}

/// The object that holds the template of a rollout.
///
/// # Errors
/// The rollout refers to a workload of a kind that it cannot follow (contract 10 §3).
pub(crate) fn holder(connection: &Connection, rollout: &DynamicObject) -> Result<Holder, Failure> {
    let text = |pointer| {
        rollout
            .data
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if rollout.data.pointer("/spec/workloadRef").is_none_or(Value::is_null) {
        return Ok(Holder {
            objects: objects::<Rollout>(connection),
            name: rollout.metadata.name.clone().unwrap_or_default(),
            template: "/spec/template",
        });
    }
    let (objects, template) = match text("/spec/workloadRef/kind") {
        "Deployment" => (objects::<Deployment>(connection), "/spec/template"),
        "ReplicaSet" => (objects::<ReplicaSet>(connection), "/spec/template"),
        "PodTemplate" => (objects::<PodTemplate>(connection), "/template"),
        other => return Err(Failure::message(format!("workload of type {other} is not supported"))),
    };
    Ok(Holder {
        objects,
        name: text("/spec/workloadRef/name").to_owned(),
        template,
    })
}
