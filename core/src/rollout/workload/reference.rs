//! What a `workloadRef` refers to, and what is said of one that leads nowhere (contract 05 §5, contract 11 §E).

use crate::api::Rollout;
use crate::observed::WorkloadKind;

/// What the spec of a rollout refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// Nothing: it has a pod template of its own.
    None,
    /// To something that there cannot be: in the words of the condition InvalidSpec.
    Problem(String),
    /// To this workload, in the namespace of the rollout.
    To(WorkloadKind, &'a str),
}

/// What a rollout refers to. `rollout` is as stored: a template that was filled in counts as its own.
#[must_use]
pub fn reference(rollout: &Rollout) -> Reference<'_> {
    let Some(written) = &rollout.spec.workload_ref else {
        return Reference::None;
    };
    let (group, version) = written.api_version.split_once('/').unwrap_or_else(|| {
        // Of the core group only the version is written.
        ("", &written.api_version)
    });
    let known = WorkloadKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == written.kind && kind.group() == group);
    match known {
        Some(kind) if version == "v1" => Reference::To(kind, &written.name),
        Some(_) => Reference::Problem("the server could not find the requested resource".to_owned()),
        None => Reference::Problem(format!("workload of type {group}/{} is not supported", written.kind)),
    }
}

/// What is said where there is no such workload.
pub(super) fn missing(kind: WorkloadKind, namespace: &str, name: &str) -> String {
    format!("{} \"{namespace}/{name}\" not found", kind.resource())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    /// Contract 11 §E, "01 §8 item 3".
    #[test]
    fn kinds_and_versions() {
        let unsupported = |what: &str| Reference::Problem(format!("workload of type {what} is not supported"));
        let unknown = Reference::Problem("the server could not find the requested resource".to_owned());
        for (api_version, kind, expected) in [
            ("apps/v1", "Deployment", Reference::To(WorkloadKind::Deployment, "web")),
            ("apps/v1", "ReplicaSet", Reference::To(WorkloadKind::ReplicaSet, "web")),
            ("v1", "PodTemplate", Reference::To(WorkloadKind::PodTemplate, "web")),
            ("apps/v1", "StatefulSet", unsupported("apps/StatefulSet")),
            ("apps/v1", "PodTemplate", unsupported("apps/PodTemplate")),
            ("v1", "Deployment", unsupported("/Deployment")),
            ("", "Deployment", unsupported("/Deployment")),
            ("", "", unsupported("/")),
            ("apps/v1beta1", "Deployment", unknown),
        ] {
            let reference_ = json!({"apiVersion": api_version, "kind": kind, "name": "web"});
            let rollout: Rollout = serde_json::from_value(json!({"spec": {"workloadRef": reference_}})).unwrap();
            assert_eq!(reference(&rollout), expected, "{api_version} {kind}");
        }
        assert_eq!(reference(&Rollout::default()), Reference::None);
    }
}
