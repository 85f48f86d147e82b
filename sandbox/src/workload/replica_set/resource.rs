//! A ReplicaSet as far as this controller reads it, and the pods it makes.

use crate::selector::LabelSelector;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::core::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The template stays the JSON it came as: a typed struct would lose what it does not know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) replicas: Option<i32>,
    #[serde(default)]
    pub(super) min_ready_seconds: i32,
    #[serde(default)]
    pub(super) selector: Value,
    #[serde(default)]
    pub(super) template: Value,
}

pub(super) type ReplicaSet = Object<Spec, Value>;

pub(super) fn api_resource() -> ApiResource {
    ApiResource::erase::<k8s_openapi::api::apps::v1::ReplicaSet>(&())
}

/// What Kubernetes makes the ends of generated names of: no vowels, so no words.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
/// The longest generated prefix, so that the name fits into a label.
const LONGEST_PREFIX: usize = 58;

fn name(set: &str) -> String {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let suffix = bytes
        .iter()
        .take(SUFFIX_LENGTH)
        .map(|it| char::from(ALPHABET[usize::from(*it) % ALPHABET.len()]));
    let prefix: String = format!("{set}-").chars().take(LONGEST_PREFIX).collect();
    prefix.chars().chain(suffix).collect()
}

/// The set as an owner of pods.
pub(super) fn owner(set: &ReplicaSet) -> OwnerReference {
    OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "ReplicaSet".to_owned(),
        name: set.metadata.name.clone().unwrap_or_default(),
        uid: set.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Which pods a set selects.
pub(super) fn selector(set: &ReplicaSet) -> LabelSelector {
    LabelSelector::from_object(&set.spec.selector)
}

/// A pod from the template, owned by the set.
pub(super) fn new_pod(set: &ReplicaSet) -> Result<DynamicObject, kube::Error> {
    let template = &set.spec.template;
    let part = |key: &str| {
        let value = template
            .get("metadata")
            .and_then(|it| it.get(key))
            .cloned()
            .unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(kube::Error::SerdeError)
    };
    let set_name = set.metadata.name.as_deref().unwrap_or_default();
    let metadata = ObjectMeta {
        name: Some(name(set_name)),
        generate_name: Some(format!("{set_name}-")),
        namespace: set.metadata.namespace.clone(),
        labels: part("labels")?,
        annotations: part("annotations")?,
        owner_references: Some(vec![owner(set)]),
        ..ObjectMeta::default()
    };
    let mut pod = DynamicObject::new("", &ApiResource::erase::<Pod>(&()));
    pod.metadata = metadata;
    pod.data = serde_json::json!({"spec": template.get("spec").cloned().unwrap_or_default()});
    Ok(pod)
}

/// The UID of what controls a pod; whatever kind that is, the pod is nobody else's.
pub(super) fn controller_of(pod: &Pod) -> Option<&str> {
    controller(pod.owner_references())
}

/// The UID of what controls a set.
pub(super) fn controller_of_set(set: &ReplicaSet) -> Option<&str> {
    controller(set.metadata.owner_references.as_deref().unwrap_or_default())
}

fn controller(owners: &[OwnerReference]) -> Option<&str> {
    owners
        .iter()
        .find(|it| it.controller == Some(true))
        .map(|it| it.uid.as_str())
}

pub(super) fn unreadable(error: kube::core::dynamic::ParseDynamicObjectError) -> kube::Error {
    kube::Error::Service(Box::new(error))
}

/// What goes into the condition: the API server's words alone where there are any.
pub(super) fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_keeps_fields_that_nobody_knows() {
        let spec = json!({"containers": [{"name": "c", "fromTheFuture": {"a": 1}}]});
        let set: ReplicaSet = serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "n", "uid": "u"},
            "spec": {"selector": {}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}},
        }))
        .unwrap();
        let pod = new_pod(&set).unwrap();
        assert_eq!(pod.data["spec"], spec);
        assert_eq!(pod.metadata.labels.unwrap()["a"], "b");
        assert_eq!(pod.metadata.owner_references.unwrap()[0].uid, "u");
        let name = pod.metadata.name.unwrap();
        assert!(name.starts_with("web-") && name.len() == 9, "{name}");
    }
}
