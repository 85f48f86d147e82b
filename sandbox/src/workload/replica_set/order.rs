//! Which pods go first, in the order of kube-controller-manager. Pure.

use super::judge::{is_active, phase, ready_since};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The pods to delete so that `wanted` of these active ones remain: those that serve least go first, and of pods alike the
/// younger. `related` are the pods of all ReplicaSets with the same owner, which are to stay spread over the nodes.
pub(super) fn surplus(mut active: Vec<Pod>, related: &[Pod], wanted: usize, now: Timestamp) -> Vec<Pod> {
    let surplus = active.len().saturating_sub(wanted);
    let mut on_node: HashMap<&str, usize> = HashMap::new();
    for pod in related.iter().filter(|it| is_active(it)) {
        *on_node.entry(node(pod)).or_default() += 1;
    }
    let neighbours = |pod: &Pod| on_node.get(node(pod)).copied().unwrap_or(0);
    active.sort_by(|one, other| compare(one, other, &neighbours, now));
    active.truncate(surplus);
    active
}

/// `Less` where `one` goes before `other`: unassigned, pending, not ready, of lower deletion cost, with more neighbours on its
/// node, ready for a shorter time, restarted more often, created later.
fn compare(one: &Pod, other: &Pod, neighbours: &impl Fn(&Pod) -> usize, now: Timestamp) -> Ordering {
    let (ready, ready_other) = (ready_since(one), ready_since(other));
    is_assigned(one)
        .cmp(&is_assigned(other))
        .then_with(|| progress(one).cmp(&progress(other)))
        .then_with(|| ready.is_some().cmp(&ready_other.is_some()))
        .then_with(|| deletion_cost(one).cmp(&deletion_cost(other)))
        .then_with(|| neighbours(other).cmp(&neighbours(one)))
        .then_with(|| match (ready, ready_other) {
            (Some(ready), Some(ready_other)) if ready != ready_other => younger(ready, ready_other, one, other, now),
            _ => Ordering::Equal,
        })
        .then_with(|| restarts(other).cmp(&restarts(one)))
        .then_with(|| match (created(one), created(other)) {
            (Some(at), Some(at_other)) if at != at_other => younger(at, at_other, one, other, now),
            _ => Ordering::Equal,
        })
        .then_with(|| end_of_uid(one).cmp(end_of_uid(other)))
}

/// Ages are compared by their order of magnitude in base two; among pods of the same magnitude chance decides, by UID.
fn younger(at: Timestamp, at_other: Timestamp, one: &Pod, other: &Pod, now: Timestamp) -> Ordering {
    magnitude(now, at)
        .cmp(&magnitude(now, at_other))
        .then_with(|| end_of_uid(one).cmp(end_of_uid(other)))
}

/// None for the present and the future.
fn magnitude(now: Timestamp, at: Timestamp) -> Option<u32> {
    u128::try_from(now.duration_since(at).as_nanos())
        .ok()
        .and_then(u128::checked_ilog2)
}

fn node(pod: &Pod) -> &str {
    let spec = pod.spec.as_ref();
    spec.and_then(|it| it.node_name.as_deref()).unwrap_or_default()
}

fn is_assigned(pod: &Pod) -> bool {
    !node(pod).is_empty()
}

fn progress(pod: &Pod) -> u8 {
    match phase(pod) {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    }
}

fn deletion_cost(pod: &Pod) -> i32 {
    let annotations = pod.metadata.annotations.as_ref();
    annotations
        .and_then(|it| it.get("controller.kubernetes.io/pod-deletion-cost"))
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
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

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|it| it.0)
}

/// The sandbox counts its UIDs, so that their beginnings tell their age; their ends are as good as chance.
fn end_of_uid(pod: &Pod) -> &str {
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    uid.rsplit('-').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    /// A pod that has been ready for a while; `changes` are merged into it.
    fn pod(name: &str, changes: &Value) -> Pod {
        let mut pod = json!({
            "metadata": {"name": name, "uid": format!("0-{name}"), "creationTimestamp": at(900).to_string()},
            "spec": {"nodeName": "n", "containers": []},
            "status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": at(910).to_string()}]},
        });
        json_patch::merge(&mut pod, changes);
        serde_json::from_value(pod).unwrap()
    }

    fn ready_at(seconds: i64) -> Value {
        json!({"status": {"conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": at(seconds).to_string()}]}})
    }

    fn cost(cost: &str) -> Value {
        json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}}})
    }

    fn restarted(times: i32) -> Value {
        json!({"status": {"containerStatuses": [
            {"name": "c", "image": "", "imageID": "", "ready": true, "restartCount": times}]}})
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// The names in the order in which they go, whichever way round they came.
    #[track_caller]
    fn go(pods: &[Pod], related: &[Pod]) -> Vec<String> {
        let names = |pods: Vec<Pod>| -> Vec<String> {
            let gone = surplus(pods, related, 0, at(1000));
            gone.into_iter().filter_map(|it| it.metadata.name).collect()
        };
        let order = names(pods.to_vec());
        assert_eq!(names(pods.iter().rev().cloned().collect()), order);
        order
    }

    #[test]
    fn each_rule_decides_where_those_before_it_do_not() {
        let unready = json!({"status": {"conditions": []}});
        let pods = [
            pod(
                "unassigned",
                &json!({"spec": {"nodeName": null}, "status": {"phase": "Pending", "conditions": []}}),
            ),
            pod("pending", &json!({"status": {"phase": "Pending", "conditions": []}})),
            pod("unknown", &json!({"status": {"phase": "Unknown", "conditions": []}})),
            pod("unready", &unready),
            pod("cheap", &cost("-5")),
            pod("young", &ready_at(999)),
            pod("restarted", &restarted(3)),
            pod("new", &json!({"metadata": {"creationTimestamp": at(990).to_string()}})),
            pod("plain", &json!({})),
            pod("dear", &cost("7")),
        ];
        let wanted: Vec<_> = pods.iter().filter_map(|it| it.metadata.name.clone()).collect();
        assert_eq!(go(&pods, &[]), wanted);
    }

    #[test]
    fn of_pods_doubled_on_a_node_one_goes() {
        let pods = [pod("a", &json!({})), pod("b", &json!({"spec": {"nodeName": "m"}}))];
        let other = pod("other", &json!({"spec": {"nodeName": "m"}}));
        assert_eq!(
            go(&pods, &[pods.as_slice(), std::slice::from_ref(&other)].concat()),
            ["b", "a"]
        );
        // One that is over or going is no neighbour.
        let over = pod(
            "over",
            &json!({"spec": {"nodeName": "m"}, "status": {"phase": "Failed"}}),
        );
        let going = pod(
            "going",
            &json!({"spec": {"nodeName": "m"}, "metadata": {"deletionTimestamp": at(1).to_string()}}),
        );
        assert_eq!(go(&pods, &[pods.as_slice(), &[over, going]].concat()), ["a", "b"]);
    }

    #[test]
    fn ages_of_one_magnitude_are_left_to_chance() {
        // 100 and 120 seconds are between 2^36 and 2^37 nanoseconds: the UID decides, not the age.
        let (older, younger) = (pod("a", &ready_at(880)), pod("b", &ready_at(900)));
        assert_eq!(go(&[older.clone(), younger], &[]), ["a", "b"]);
        // 50 seconds are of another magnitude.
        assert_eq!(go(&[older, pod("b", &ready_at(950))], &[]), ["b", "a"]);
        // What was ready within this second is the youngest of all.
        assert_eq!(
            go(&[pod("a", &ready_at(999)), pod("b", &ready_at(1000))], &[]),
            ["b", "a"]
        );
    }
}
