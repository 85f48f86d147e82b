//! Reads a workload as the API server has it.

use crate::api::{LabelSelector, PodTemplate};
use crate::observed::{Workload, WorkloadKind};
use crate::wire::FIELD_MANAGER;
use jiff::Timestamp;
use serde_json::Value;

/// A workload with what rollouts take from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Referenced {
    /// What decisions go by.
    pub workload: Workload,
    /// Its pod template.
    pub template: PodTemplate,
    /// Its selector; a PodTemplate has none.
    pub selector: Option<LabelSelector>,
}

impl Referenced {
    /// Reads the JSON of an object of this kind.
    ///
    /// # Errors
    /// The field whose content cannot be what the API server stores, and why.
    pub fn of(kind: WorkloadKind, object: &Value) -> Result<Self, String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        let pods = |pointer: &str| i32::try_from(number(pointer)).unwrap_or(i32::MAX);
        let template = match kind {
            WorkloadKind::Deployment | WorkloadKind::ReplicaSet => "/spec/template",
            WorkloadKind::PodTemplate => "/template",
        };
        let selector = object.pointer("/spec/selector").filter(|selector| !selector.is_null());
        let selector = selector
            .map(|selector| serde_json::from_value(selector.clone()))
            .transpose()
            .map_err(|error| format!("spec.selector of {kind} {:?}: {error}", text("/metadata/name")))?;
        let current = pods("/status/replicas");
        Ok(Self {
            workload: Workload {
                kind,
                name: text("/metadata/name").to_owned(),
                uid: text("/metadata/uid").to_owned(),
                resource_version: text("/metadata/resourceVersion").to_owned(),
                generation: number("/metadata/generation"),
                observed_generation: number("/status/observedGeneration"),
                created: text("/metadata/creationTimestamp")
                    .parse()
                    .unwrap_or(Timestamp::UNIX_EPOCH),
                deleting: !text("/metadata/deletionTimestamp").is_empty(),
                replicas: match kind {
                    WorkloadKind::PodTemplate => 0,
                    WorkloadKind::Deployment | WorkloadKind::ReplicaSet => {
                        let written = object.pointer("/spec/replicas").is_some_and(|of| !of.is_null());
                        if written { pods("/spec/replicas") } else { 1 }
                    }
                },
                current_replicas: current,
                updated_replicas: match kind {
                    WorkloadKind::Deployment => pods("/status/updatedReplicas"),
                    WorkloadKind::ReplicaSet | WorkloadKind::PodTemplate => current,
                },
                available_replicas: pods("/status/availableReplicas"),
                scaled_by: scaled_by(object),
            },
            template: PodTemplate::new(object.pointer(template).unwrap_or(&Value::Null)),
            selector,
        })
    }
}

/// The manager that last set `spec.replicas`, unless it was this controller.
fn scaled_by(object: &Value) -> Option<String> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    let others = entries.iter().filter(|entry| {
        entry.pointer("/fieldsV1/f:spec/f:replicas").is_some() && entry["manager"].as_str() != Some(FIELD_MANAGER)
    });
    let last = others.max_by_key(|entry| entry["time"].as_str().unwrap_or_default())?;
    last["manager"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_manager_that_scaled_last_is_found() {
        let entry =
            |manager: &str, time: &str, fields: Value| json!({"manager": manager, "time": time, "fieldsV1": fields});
        let replicas = || json!({"f:spec": {"f:replicas": {}}});
        let object = json!({"metadata": {"name": "web", "managedFields": [
            entry("helm", "2026-01-01T00:00:00Z", replicas()),
            entry("argocd-controller", "2026-01-02T00:00:00Z", replicas()),
            entry("kubectl", "2026-01-03T00:00:00Z", json!({"f:spec": {"f:template": {}}})),
            entry("rollouts-controller", "2026-01-04T00:00:00Z", replicas()),
        ]}, "spec": {}});
        let found = Referenced::of(WorkloadKind::Deployment, &object).unwrap();
        assert_eq!(found.workload.scaled_by.as_deref(), Some("argocd-controller"));
        assert_eq!(found.workload.replicas, 1, "the API server's default");
    }

    #[test]
    fn templates_stand_where_the_kind_has_them() {
        let template = json!({"metadata": {"labels": {"app": "web"}}});
        let deep = json!({"spec": {"template": template, "replicas": 3, "selector": {"matchLabels": {"app": "web"}}}});
        let flat = json!({"template": template});
        for (kind, object, pods, selects) in [
            (WorkloadKind::Deployment, &deep, 3, true),
            (WorkloadKind::ReplicaSet, &deep, 3, true),
            (WorkloadKind::PodTemplate, &flat, 0, false),
        ] {
            let found = Referenced::of(kind, object).unwrap();
            assert_eq!(found.template.to_value(), template, "{kind}");
            assert_eq!(
                (found.workload.replicas, found.selector.is_some()),
                (pods, selects),
                "{kind}"
            );
        }
    }
}
