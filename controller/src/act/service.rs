//! Switches the selectors of Services.

use super::replica_set::params;
use super::{Act, Call, Error};
use crate::store::expectations::Subject;
use kube::api::Patch;
use serde_json::{Map, Value, json};
use serin_core::observed::{Kind, Verb};
use serin_core::plan::{ServicePatch, Target};
use serin_core::wire;

impl Act<'_> {
    pub(super) async fn patch_service(&mut self, patch: &ServicePatch) -> Result<(), Error> {
        // If the plan does not know the UID, the name stands for it: versions only grow, also if another object takes the name.
        let known_as = Target {
            uid: format!("Service/{}", patch.target.name),
            ..patch.target.clone()
        };
        let body = patch_body(patch, &self.version(&known_as.uid, &known_as.resource_version));
        let call = Call {
            verb: Verb::Patch,
            kind: Kind::Service,
            namespace: self.namespace(),
            name: &patch.target.name,
            urgent: self.urgent,
        };
        let api = self.writer.services(self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch(&patch.target.name, &params, &body);
        let subject = Subject::Service(patch.target.name.clone());
        match self.writer.write(&call, sent).await {
            Ok(patched) => {
                self.changed(subject, &known_as.uid, &patched.observed.resource_version);
                Ok(())
            }
            Err(error) => {
                self.learn(subject, &known_as, &error);
                Err(error)
            }
        }
    }
}

fn patch_body(patch: &ServicePatch, version: &str) -> Value {
    let mut metadata = json!({"resourceVersion": version});
    if !patch.target.uid.is_empty() {
        metadata["uid"] = patch.target.uid.as_str().into();
    }
    if patch.managed_by.is_some() || patch.clear {
        metadata["annotations"] = json!({wire::MANAGED_BY: patch.managed_by.as_ref().filter(|_| !patch.clear)});
    }
    let mut body = Map::new();
    body.insert("metadata".into(), metadata);
    if patch.hash.is_some() || patch.clear {
        let hash = patch.hash.as_ref().filter(|_| !patch.clear);
        body.insert("spec".into(), json!({"selector": {wire::HASH_LABEL: hash}}));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_left_as_it_is_and_clearing_removes_both() {
        let target = Target {
            name: "s".into(),
            resource_version: "7".into(),
            ..Target::default()
        };
        let switch = ServicePatch {
            target: target.clone(),
            hash: Some("abc".into()),
            ..ServicePatch::default()
        };
        let expected = json!({"metadata": {"resourceVersion": "7"}, "spec": {"selector": {wire::HASH_LABEL: "abc"}}});
        assert_eq!(patch_body(&switch, "7"), expected);
        let adopt = ServicePatch {
            target: target.clone(),
            managed_by: Some("r".into()),
            ..ServicePatch::default()
        };
        let expected = json!({"metadata": {"resourceVersion": "7", "annotations": {wire::MANAGED_BY: "r"}}});
        assert_eq!(patch_body(&adopt, "7"), expected);
        let clear = ServicePatch {
            target,
            clear: true,
            ..ServicePatch::default()
        };
        let expected = json!({
            "metadata": {"resourceVersion": "7", "annotations": {wire::MANAGED_BY: null}},
            "spec": {"selector": {wire::HASH_LABEL: null}},
        });
        assert_eq!(patch_body(&clear, "7"), expected);
    }
}
