//! The status of a Deployment.

use super::plan;
use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

/// The status as it should be.
pub(super) fn status(deployment: &DynamicObject, owned: &[DynamicObject], now: Timestamp) -> Value {
    let sum = |sets: &[&DynamicObject], field: &str| -> i64 {
        sets.iter()
            .map(|set| set.data["status"][field].as_i64().unwrap_or(0))
            .sum()
    };
    let all: Vec<&DynamicObject> = owned.iter().collect();
    let new: Vec<&DynamicObject> = plan::current(deployment, owned).into_iter().collect();
    let wanted = plan::replicas(deployment);
    let (total, updated) = (sum(&all, "replicas"), sum(&new, "replicas"));
    let (ready, available) = (sum(&all, "readyReplicas"), sum(&all, "availableReplicas"));
    let least = wanted - plan::most_missing(deployment);
    let spec_total: i64 = all.iter().map(|set| plan::replicas(set)).sum();
    let mut status = Map::new();
    let counts = [
        ("observedGeneration", deployment.metadata.generation.unwrap_or_default()),
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", (spec_total - available).max(0)),
    ];
    status.extend(
        counts
            .iter()
            .filter(|(_, count)| *count != 0)
            .map(|(name, count)| ((*name).to_owned(), json!(count))),
    );
    let complete = updated == wanted && total == wanted && available >= wanted && !new.is_empty();
    let before = &deployment.data["status"]["conditions"];
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut conditions = Vec::new();
    let enough = available >= least;
    conditions.push(condition(
        before,
        &time,
        "Available",
        enough,
        if enough {
            (
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.".to_owned(),
            )
        } else {
            (
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.".to_owned(),
            )
        },
    ));
    let was_complete = reason(before) == Some("NewReplicaSetAvailable");
    if deployment.data["spec"]["paused"] == true {
        let said = ("DeploymentPaused", "Deployment is paused".to_owned());
        conditions.push(condition(before, &time, "Progressing", true, said));
        unknown(&mut conditions);
    } else if let Some(set) = new.first() {
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let observed = deployment.data["status"]["observedGeneration"].as_i64() == deployment.metadata.generation;
        let said = if complete || (was_complete && observed) {
            (
                "NewReplicaSetAvailable",
                format!("ReplicaSet {name:?} has successfully progressed."),
            )
        } else {
            ("ReplicaSetUpdated", format!("ReplicaSet {name:?} is progressing."))
        };
        conditions.push(condition(before, &time, "Progressing", true, said));
    }
    status.insert("conditions".to_owned(), Value::Array(conditions));
    Value::Object(status)
}

/// Whether a paused Deployment progresses is not known.
fn unknown(conditions: &mut [Value]) {
    if let Some(last) = conditions.last_mut() {
        last["status"] = json!("Unknown");
    }
}

fn reason(conditions: &Value) -> Option<&str> {
    let found = conditions.as_array()?.iter().find(|it| it["type"] == "Progressing")?;
    found["reason"].as_str()
}

/// A condition that keeps its times while it says the same.
fn condition(before: &Value, now: &str, kind: &str, holds: bool, (reason, message): (&str, String)) -> Value {
    let status = if holds { "True" } else { "False" };
    let old = before
        .as_array()
        .and_then(|all| all.iter().find(|it| it["type"] == kind));
    let keep = |field: &str, same: bool| {
        let kept = old.filter(|_| same).and_then(|it| it[field].as_str());
        kept.unwrap_or(now).to_owned()
    };
    let same_status = old.is_some_and(|it| it["status"] == status || it["reason"] == reason);
    let same_words = old.is_some_and(|it| it["reason"] == reason && it["message"] == message.as_str());
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": keep("lastTransitionTime", same_status),
        "lastUpdateTime": keep("lastUpdateTime", same_words),
    })
}
