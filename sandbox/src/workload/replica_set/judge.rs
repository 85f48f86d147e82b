//! Which pods count, which go first, and what the status says. Pure.

use super::resource::ReplicaSet;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use serde_json::{Value, json};
use std::cmp::Reverse;

/// The pods that count: not over, not terminating.
pub(super) fn active(pods: &[Pod]) -> Vec<Pod> {
    let is_over = |pod: &Pod| matches!(phase(pod), "Succeeded" | "Failed");
    pods.iter()
        .filter(|it| it.metadata.deletion_timestamp.is_none() && !is_over(it))
        .cloned()
        .collect()
}

fn phase(pod: &Pod) -> &str {
    pod.status
        .as_ref()
        .and_then(|it| it.phase.as_deref())
        .unwrap_or("Pending")
}

fn readiness(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref().and_then(|it| it.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .find(|it| it.type_ == "Ready" && it.status == "True")
}

fn ready_since(pod: &Pod) -> Option<Timestamp> {
    readiness(pod).map(|it| it.last_transition_time.as_ref().map_or(Timestamp::MIN, |at| at.0))
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|it| it.container_statuses.as_ref());
    statuses
        .into_iter()
        .flatten()
        .map(|it| it.restart_count)
        .max()
        .unwrap_or(0)
}

fn deletion_cost(pod: &Pod) -> i32 {
    let annotations = pod.metadata.annotations.as_ref();
    annotations
        .and_then(|it| it.get("controller.kubernetes.io/pod-deletion-cost"))
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
}

/// The pods to delete so that `wanted` remain, in Kubernetes' order: unassigned, pending, not ready, of low deletion cost, ready
/// for a shorter time, often restarted, younger.
pub(super) fn surplus(mut active: Vec<Pod>, wanted: usize) -> Vec<Pod> {
    active.sort_by_key(|pod| {
        let is_assigned = pod.spec.as_ref().is_some_and(|it| it.node_name.is_some());
        let phase = match phase(pod) {
            "Running" => 2,
            "Unknown" => 1,
            _ => 0,
        };
        let created = pod.metadata.creation_timestamp.as_ref().map(|it| it.0);
        (
            is_assigned,
            phase,
            readiness(pod).is_some(),
            deletion_cost(pod),
            Reverse(ready_since(pod)),
            Reverse(restarts(pod)),
            Reverse(created),
            pod.metadata.name.clone(),
        )
    });
    active.truncate(active.len().saturating_sub(wanted));
    active
}

/// What to write, and when a count changes by time alone.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) patch: Option<Value>,
    pub(super) again: Option<Timestamp>,
}

/// The status of `set` with these `pods`; `refusal` is why a pod could not be created or deleted.
pub(super) fn status(set: &ReplicaSet, pods: &[Pod], refusal: Option<&str>, now: Timestamp) -> Verdict {
    let active = active(pods);
    let wait = SignedDuration::from_secs(set.spec.min_ready_seconds.into());
    let available_at = active
        .iter()
        .filter_map(ready_since)
        .map(|it| it.checked_add(wait).unwrap_or(Timestamp::MAX));
    // Ready long enough, or for any time at all where none is asked for.
    let (available, pending): (Vec<_>, Vec<_>) = available_at.partition(|at| wait.is_zero() || *at <= now);
    let again = pending.into_iter().min();

    let labels = set.spec.template["metadata"]["labels"].as_object();
    let is_labelled = |pod: &&Pod| {
        let own = pod.metadata.labels.as_ref();
        labels.is_none_or(|all| {
            all.iter()
                .all(|(key, value)| own.and_then(|it| it.get(key)).map(String::as_str) == value.as_str())
        })
    };
    let terminating = pods
        .iter()
        .filter(|it| it.metadata.deletion_timestamp.is_some())
        .count();
    let current = set.status.clone().unwrap_or_default();
    // As a typed client writes them: counts of zero are absent, but for the required one.
    let count = |count: usize| if count == 0 { Value::Null } else { count.into() };
    let mut wanted = json!({
        "replicas": active.len(),
        "fullyLabeledReplicas": count(active.iter().filter(is_labelled).count()),
        "readyReplicas": count(active.iter().filter(|it| readiness(it).is_some()).count()),
        "availableReplicas": count(available.len()),
        "terminatingReplicas": count(terminating),
        "observedGeneration": set.metadata.generation,
    });
    let differs = |(key, value): (&String, &Value)| current.get(key).unwrap_or(&Value::Null) != value;
    let counts_differ = wanted.as_object().is_some_and(|it| it.iter().any(differs));
    let conditions = conditions(set, &current, &active, refusal, now);
    let conditions_differ = current.get("conditions").cloned().unwrap_or_else(|| json!([])) != conditions;
    if conditions_differ {
        wanted["conditions"] = conditions;
    }
    // A list is replaced whole, hence the version it was computed from.
    let meta = json!({"uid": set.metadata.uid, "resourceVersion": set.metadata.resource_version});
    let patch = (counts_differ || conditions_differ).then(|| json!({"metadata": meta, "status": wanted}));
    Verdict { patch, again }
}

/// The conditions of others, and `ReplicaFailure` as long as a request was refused.
fn conditions(set: &ReplicaSet, current: &Value, active: &[Pod], refusal: Option<&str>, now: Timestamp) -> Value {
    let there = current
        .get("conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let (mut ours, mut list): (Vec<Value>, Vec<Value>) =
        there.into_iter().partition(|it| it["type"] == "ReplicaFailure");
    if let Some(message) = refusal {
        let wanted = usize::try_from(set.spec.replicas.unwrap_or(1)).unwrap_or(0);
        let reason = if active.len() < wanted {
            "FailedCreate"
        } else {
            "FailedDelete"
        };
        let before = ours.pop().filter(|it| it["reason"] == reason);
        let since = before.map_or_else(
            || now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
            |it| it["lastTransitionTime"].clone(),
        );
        list.push(json!({
            "type": "ReplicaFailure", "status": "True", "reason": reason, "message": message, "lastTransitionTime": since,
        }));
    }
    Value::Array(list)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn pod(name: &str, node: Option<&str>, phase: &str, ready_at: Option<i64>) -> Pod {
        let ready = ready_at.map(|at| {
            json!([{"type": "Ready", "status": "True", "lastTransitionTime": Timestamp::from_second(at).unwrap().to_string()}])
        });
        serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"app": "web"}},
            "spec": {"nodeName": node, "containers": []},
            "status": {"phase": phase, "conditions": ready},
        }))
        .unwrap()
    }

    fn set(min_ready_seconds: i32, status: &Value) -> ReplicaSet {
        serde_json::from_value(json!({
            "metadata": {"name": "web", "generation": 3},
            "spec": {
                "replicas": 2, "minReadySeconds": min_ready_seconds, "selector": {},
                "template": {"metadata": {"labels": {"app": "web"}}},
            },
            "status": status,
        }))
        .unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_least_useful_pods_go_first() {
        let pods = vec![
            pod("old", Some("n"), "Running", Some(10)),
            pod("young", Some("n"), "Running", Some(20)),
            pod("starting", Some("n"), "Running", None),
            pod("pending", Some("n"), "Pending", None),
            pod("unassigned", None, "Pending", None),
        ];
        let gone: Vec<_> = surplus(pods, 1).into_iter().filter_map(|it| it.metadata.name).collect();
        assert_eq!(gone, ["unassigned", "pending", "starting", "young"]);
    }

    #[test]
    fn availability_waits_for_min_ready_seconds() {
        let pods = [pod("a", None, "Running", Some(10)), pod("b", None, "Running", None)];
        let early = status(&set(5, &json!({})), &pods, None, at(14));
        let counts = early.patch.unwrap()["status"].clone();
        assert_eq!(
            (
                &counts["replicas"],
                &counts["readyReplicas"],
                &counts["availableReplicas"]
            ),
            (&json!(2), &json!(1), &Value::Null)
        );
        assert_eq!(
            (&counts["fullyLabeledReplicas"], &counts["observedGeneration"]),
            (&json!(2), &json!(3))
        );
        assert_eq!(early.again, Some(at(15)));
        let late = status(&set(5, &counts), &pods, None, at(15));
        assert_eq!(late.patch.unwrap()["status"]["availableReplicas"], 1);
        assert_eq!(late.again, None);
    }

    #[test]
    fn a_status_that_says_so_already_is_not_written() {
        let pods = [pod("a", None, "Running", Some(10))];
        let first = status(&set(0, &json!({})), &pods, None, at(10)).patch.unwrap();
        assert!(status(&set(0, &first["status"]), &pods, None, at(11)).patch.is_none());
    }

    #[test]
    fn a_refusal_is_a_condition_until_it_is_over() {
        let refused = status(&set(0, &json!({})), &[], Some("quota"), at(1)).patch.unwrap()["status"].clone();
        assert_eq!(refused["conditions"][0]["reason"], "FailedCreate");
        assert_eq!(refused["conditions"][0]["message"], "quota");
        assert!(status(&set(0, &refused), &[], Some("quota"), at(9)).patch.is_none());
        let mended = status(&set(0, &refused), &[], None, at(9)).patch.unwrap();
        assert_eq!(mended["status"]["conditions"], json!([]));
    }
}
