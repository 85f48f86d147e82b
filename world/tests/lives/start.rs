//! The rollout with which most lives begin.

use serde_json::{Value, json};
use serin_world::World;

/// Four pods of `web:good-0`, not deployed yet.
pub(crate) fn four_pods(strategy: &Value, progress_deadline_seconds: i32) -> World {
    World::new(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": 4,
            "progressDeadlineSeconds": progress_deadline_seconds,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:good-0" }] },
            },
            "strategy": strategy,
        },
    }))
}
