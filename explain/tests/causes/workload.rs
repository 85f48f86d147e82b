//! What a workloadRef brings. The messages are those of Serin's controller.

use crate::world::{World, ago};
use serde_json::{Value, json};

const CONTESTED: &str = "argocd-controller sets the replicas of Deployment web again and again, although its pods have moved \
                         to the rollout: remove spec.replicas from the manifest of the Deployment, or set it to 0";
const DOUBLE: &str = "Deployment web runs its pods, and the rollout runs all of its own: set spec.workloadRef.scaleDown to \
                      onsuccess or progressively, or scale the Deployment to 0";

fn conditions(all: &[(&str, &str, &str)]) -> Value {
    let condition = |(kind, status, message): &(&str, &str, &str)| {
        json!({"type": kind, "status": status, "reason": kind, "message": message,
            "lastUpdateTime": ago(120), "lastTransitionTime": ago(120)})
    };
    let all: Vec<_> = all.iter().map(condition).collect();
    json!({"status": {"conditions": all}})
}

#[test]
fn workload_scale_contested() {
    let told = conditions(&[("WorkloadScaleContested", "True", CONTESTED)]);
    let mut healthy = World::canary();
    healthy.healthy().rollout(told.clone());
    let explained = healthy.is(&["workload-scale-contested"]);
    let cause = &explained.causes[0];
    assert_eq!(
        cause.summary,
        "argocd-controller sets the replicas of Deployment web again and again, although its pods have moved to the rollout."
    );
    assert!(
        cause.evidence[0]
            .text
            .contains("remove spec.replicas from the manifest"),
        "{cause:?}"
    );
    assert_eq!(cause.evidence[0].field, "status.conditions[WorkloadScaleContested]");
    // Why the update fails stands first.
    let mut broken = World::canary();
    broken
        .rollout(told)
        .waiting("ImagePullBackOff", "")
        .is(&["image-pull", "workload-scale-contested"]);
    // It is over.
    let mut over = World::canary();
    over.healthy()
        .rollout(conditions(&[("WorkloadScaleContested", "False", "")]))
        .is(&[]);
}

#[test]
fn double_capacity() {
    let told = conditions(&[("DoubleCapacity", "True", DOUBLE)]);
    let mut healthy = World::canary();
    healthy.healthy().rollout(told.clone());
    let explained = healthy.is(&["double-capacity"]);
    let cause = &explained.causes[0];
    assert_eq!(
        cause.summary,
        "Deployment web runs its pods, and the rollout runs all of its own."
    );
    assert!(
        cause.evidence[0].text.contains("set spec.workloadRef.scaleDown"),
        "{cause:?}"
    );
    let mut paused = World::canary();
    paused.paused().rollout(told).is(&["double-capacity"]);
    // Both at once.
    let both = [
        ("DoubleCapacity", "True", DOUBLE),
        ("WorkloadScaleContested", "True", CONTESTED),
    ];
    let mut contested = World::canary();
    contested
        .healthy()
        .rollout(conditions(&both))
        .is(&["workload-scale-contested", "double-capacity"]);
    let mut over = World::canary();
    over.healthy()
        .rollout(conditions(&[("DoubleCapacity", "False", DOUBLE)]))
        .is(&[]);
}
