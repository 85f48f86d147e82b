//! What people do: edits of the spec, and the status patches of the kubectl plugin (contract 10 §3).

use super::{World, merge, note};
use serde_json::{Value, json};

impl World {
    /// `kubectl apply` of a rollout that did not exist.
    pub fn create(&mut self, mut manifest: Value) {
        let version = self.version();
        manifest["metadata"]["resourceVersion"] = version.into();
        manifest["metadata"]["generation"] = 1.into();
        manifest["metadata"]["uid"] = "rollout-uid".into();
        manifest["metadata"]["namespace"] = "default".into();
        self.rollout = manifest;
    }

    /// A merge patch of the main resource.
    pub fn edit(&mut self, change: &Value) {
        note!(self, "somebody edits {change}");
        let old = self.decoded();
        self.change_rollout(change);
        self.lag_rollout(old);
    }

    /// A merge patch of the status.
    pub fn edit_status(&mut self, change: &Value) {
        note!(self, "somebody edits the status {change}");
        let old = self.decoded();
        let version = self.version();
        merge(
            &mut self.rollout,
            &json!({ "status": change, "metadata": { "resourceVersion": version } }),
        );
        self.lag_rollout(old);
    }

    /// Another image, of the workload where the rollout refers to one; one whose name contains `bad` never becomes ready.
    pub fn set_image(&mut self, image: &str) {
        if self.rollout["spec"]["workloadRef"].is_object() {
            return self.set_workload_image(image);
        }
        let mut containers = self.rollout["spec"]["template"]["spec"]["containers"].clone();
        containers[0]["image"] = image.into();
        self.edit(&json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
    }

    /// A default is written out, or no longer: the template says the same, and hashes otherwise.
    pub fn toggle_default(&mut self) {
        if self.rollout["spec"]["workloadRef"].is_object() {
            return;
        }
        let written = self.rollout["spec"]["template"]["spec"]["restartPolicy"].is_string();
        let policy = if written { Value::Null } else { "Always".into() };
        self.edit(&json!({ "spec": { "template": { "spec": { "restartPolicy": policy } } } }));
    }

    /// `kubectl argo rollouts restart`.
    pub fn restart(&mut self) {
        let at = self.now.to_string();
        self.edit(&json!({ "spec": { "restartAt": at } }));
    }

    /// `kubectl argo rollouts promote`.
    pub fn promote(&mut self) {
        let rollout = self.decoded();
        if rollout.spec.paused {
            self.edit(&json!({ "spec": { "paused": false } }));
        }
        if !rollout.status.pause_conditions.is_empty() {
            self.edit_status(&json!({ "pauseConditions": null }));
        }
    }

    /// `kubectl argo rollouts promote --full`.
    pub fn promote_full(&mut self) {
        let rollout = self.decoded();
        if rollout.spec.paused {
            self.edit(&json!({ "spec": { "paused": false } }));
        }
        if rollout.status.current_pod_hash != rollout.status.stable_rs {
            self.edit_status(&json!({ "promoteFull": true }));
        }
    }
}
