//! Which pods count, and what the status says. Pure.

use super::resource::ReplicaSet;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use serde_json::{Value, json};

/// Whether a pod counts: neither over nor terminating.
pub(super) fn is_active(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !is_over(pod)
}

fn is_over(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

pub(super) fn phase(pod: &Pod) -> &str {
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

/// Since when a pod is ready, if it is.
pub(super) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    readiness(pod).map(|it| it.last_transition_time.as_ref().map_or(Timestamp::MIN, |at| at.0))
}

/// What to write, and when a count changes by time alone.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The fields of the status to be merged, if one differs.
    pub(super) status: Option<Value>,
    pub(super) again: Option<Timestamp>,
}

/// The status of `set` with these `pods`; `refusal` is why a pod could not be created or deleted.
pub(super) fn status(set: &ReplicaSet, pods: &[Pod], refusal: Option<&str>, now: Timestamp) -> Verdict {
    let active: Vec<&Pod> = pods.iter().filter(|it| is_active(it)).collect();
    let wait = SignedDuration::from_secs(set.spec.min_ready_seconds.into());
    let available_at = active
        .iter()
        .filter_map(|it| ready_since(it))
        .map(|it| it.checked_add(wait).unwrap_or(Timestamp::MAX));
    // Ready long enough, or for any time at all where none is asked for.
    let (available, pending): (Vec<_>, Vec<_>) = available_at.partition(|at| wait.is_zero() || *at <= now);
    let again = pending.into_iter().min();

    let labels = set.spec.template["metadata"]["labels"].as_object();
    let is_labelled = |pod: &&&Pod| {
        let own = pod.metadata.labels.as_ref();
        labels.is_none_or(|all| {
            all.iter()
                .all(|(key, value)| own.and_then(|it| it.get(key)).map(String::as_str) == value.as_str())
        })
    };
    let terminating = pods
        .iter()
        .filter(|it| it.metadata.deletion_timestamp.is_some() && !is_over(it))
        .count();
    let current = set.status.clone().unwrap_or_default();
    // As kube-controller-manager writes them: some counts of zero are absent.
    let count = |count: usize| if count == 0 { Value::Null } else { count.into() };
    let mut wanted = json!({
        "replicas": active.len(),
        "fullyLabeledReplicas": count(active.iter().filter(is_labelled).count()),
        "readyReplicas": count(active.iter().filter(|it| readiness(it).is_some()).count()),
        "availableReplicas": count(available.len()),
        "terminatingReplicas": terminating,
        "observedGeneration": set.metadata.generation,
    });
    let differs = |(key, value): (&String, &Value)| current.get(key).unwrap_or(&Value::Null) != value;
    let counts_differ = wanted.as_object().is_some_and(|it| it.iter().any(differs));
    let conditions = conditions(set, &current, active.len(), refusal, now);
    let there = current.get("conditions").cloned().unwrap_or_else(|| json!([]));
    let conditions_differ = there != conditions;
    // The status is written whole, with a list that is there or goes.
    if conditions_differ || conditions != json!([]) {
        wanted["conditions"] = conditions;
    }
    let status = (counts_differ || conditions_differ).then_some(wanted);
    Verdict { status, again }
}

/// The conditions of others, and `ReplicaFailure` as long as a request was refused.
fn conditions(set: &ReplicaSet, current: &Value, active: usize, refusal: Option<&str>, now: Timestamp) -> Value {
    let there = current
        .get("conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let (mut ours, mut list): (Vec<Value>, Vec<Value>) =
        there.into_iter().partition(|it| it["type"] == "ReplicaFailure");
    if let Some(message) = refusal {
        let wanted = usize::try_from(set.spec.replicas.unwrap_or(1)).unwrap_or(0);
        let reason = if active < wanted {
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
    fn availability_waits_for_min_ready_seconds() {
        let pods = [pod("a", None, "Running", Some(10)), pod("b", None, "Running", None)];
        let early = status(&set(5, &json!({})), &pods, None, at(14));
        let counts = early.status.unwrap().clone();
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
        assert_eq!(late.status.unwrap()["availableReplicas"], 1);
        assert_eq!(late.again, None);
    }

    #[test]
    fn a_status_that_says_so_already_is_not_written() {
        let pods = [pod("a", None, "Running", Some(10))];
        let first = status(&set(0, &json!({})), &pods, None, at(10)).status.unwrap();
        assert!(status(&set(0, &first), &pods, None, at(11)).status.is_none());
    }

    #[test]
    fn a_refusal_is_a_condition_until_it_is_over() {
        let refused = status(&set(0, &json!({})), &[], Some("quota"), at(1))
            .status
            .unwrap()
            .clone();
        assert_eq!(refused["conditions"][0]["reason"], "FailedCreate");
        assert_eq!(refused["conditions"][0]["message"], "quota");
        assert!(status(&set(0, &refused), &[], Some("quota"), at(9)).status.is_none());
        let mended = status(&set(0, &refused), &[], None, at(9)).status.unwrap();
        assert_eq!(mended["conditions"], json!([]));
    }
}
