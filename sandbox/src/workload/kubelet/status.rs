//! The pod status a real kubelet would write, as a merge patch, and only where it differs from what is there.

use super::container::{Seen, State};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Map, Value, json};

/// The address of the fake node (TEST-NET-1: documentation only, routed nowhere).
pub(super) const NODE_IP: &str = "192.0.2.1";

/// A time as Kubernetes writes it: whole seconds. With fractions the comparison with what is there would never come to rest.
pub(super) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The phase by a kubelet's rule: waiting without having run is Pending; stopped containers that will be restarted count as
/// Running; else the exit codes decide.
pub(super) fn phase(containers: &[Seen<'_>], runs_to_end: bool) -> &'static str {
    let any = |test: fn(&State) -> bool| containers.iter().any(|it| test(&it.state));
    if any(|it| matches!(it, State::Waiting { .. })) {
        return "Pending";
    }
    if !runs_to_end || any(|it| matches!(it, State::Running { .. } | State::Crashing { .. })) {
        return "Running";
    }
    let failed = any(|it| matches!(it, State::Terminated { code, .. } if *code != 0));
    if failed { "Failed" } else { "Succeeded" }
}

/// The patch that brings `pod`'s status to what its containers are, or `None` if it says so already.
pub(super) fn patch(
    pod: &Pod,
    containers: &[Seen<'_>],
    runs_to_end: bool,
    began: Timestamp,
    now: Timestamp,
) -> Option<Value> {
    let current = serde_json::to_value(&pod.status).unwrap_or_default();
    let phase = phase(containers, runs_to_end);
    let mut wanted = json!({
        "phase": phase,
        "containerStatuses": containers.iter().map(container_status).collect::<Vec<_>>(),
        "conditions": conditions(pod, &current, containers, phase, now),
    });
    if current["startTime"].is_null() {
        wanted["startTime"] = seconds(began).into();
    }
    if current["podIP"].is_null() && containers.iter().any(|it| matches!(it.state, State::Running { .. })) {
        let address = address(pod.metadata.uid.as_deref().unwrap_or_default());
        wanted["podIP"] = address.clone().into();
        wanted["podIPs"] = json!([{"ip": address}]);
        wanted["hostIP"] = NODE_IP.into();
        wanted["hostIPs"] = json!([{"ip": NODE_IP}]);
    }
    (!covers(&current, &wanted)).then(|| guarded(pod, &wanted))
}

/// The patch that says that every container was stopped, for a pod that must not vanish while it looks alive: the job controller
/// waits for a terminal phase.
pub(super) fn stopped(pod: &Pod, containers: &[Seen<'_>], now: Timestamp) -> Value {
    let ended: Vec<Value> = containers
        .iter()
        .map(|it| {
            let since = match it.state {
                State::Running { since } | State::Terminated { since, .. } | State::Crashing { since, .. } => since,
                State::Waiting { .. } => now,
            };
            let state = match it.state {
                State::Terminated { .. } => it.state.clone(),
                State::Waiting { .. } | State::Crashing { .. } | State::Running { .. } => State::Terminated {
                    code: 143,
                    reason: "Error",
                    since,
                    at: now,
                },
            };
            container_status(&Seen {
                state,
                ready: false,
                ..it.clone()
            })
        })
        .collect();
    guarded(pod, &json!({"phase": "Failed", "containerStatuses": ended}))
}

/// Both the uid and the version the patch was computed from: lists are replaced whole, and somebody else's entry must survive.
fn guarded(pod: &Pod, status: &Value) -> Value {
    json!({"metadata": {"uid": pod.metadata.uid, "resourceVersion": pod.metadata.resource_version}, "status": status})
}

fn container_status(seen: &Seen<'_>) -> Value {
    let Seen {
        container,
        state,
        ready,
        ..
    } = seen;
    let terminated = |code: i32, reason: &str, since: Timestamp, at: Timestamp| json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": seconds(since), "finishedAt": seconds(at)}});
    let (now, last, restarts) = match state {
        State::Waiting { reason, message: None } => (json!({"waiting": {"reason": reason}}), json!({}), 0),
        State::Waiting { reason, message } => {
            (json!({"waiting": {"reason": reason, "message": message}}), json!({}), 0)
        }
        State::Running { since } => (json!({"running": {"startedAt": seconds(*since)}}), json!({}), 0),
        State::Terminated {
            code,
            reason,
            since,
            at,
        } => (terminated(*code, reason, *since, *at), json!({}), 0),
        State::Crashing { restarts, since } => {
            let message = format!("back-off restarting failed container={}", container.name);
            let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
            (waiting, terminated(128, "StartError", *since, *since), *restarts)
        }
    };
    json!({
        "name": container.name, "image": container.image.as_deref().unwrap_or_default(), "imageID": "",
        "ready": ready, "started": matches!(state, State::Running { .. }), "restartCount": restarts,
        "state": now, "lastState": last,
    })
}

/// All conditions: ours brought up to date, those of others as they are.
fn conditions(pod: &Pod, current: &Value, containers: &[Seen<'_>], phase: &str, now: Timestamp) -> Vec<Value> {
    let mut list: Vec<Value> = current["conditions"].as_array().cloned().unwrap_or_default();
    let unready: Vec<&str> = containers
        .iter()
        .filter(|it| !it.ready)
        .map(|it| it.container.name.as_str())
        .collect();
    let over = matches!(phase, "Succeeded" | "Failed");
    let containers_ready = match (over, unready.is_empty()) {
        (true, _) => Err(("PodCompleted", None)),
        (false, true) => Ok(()),
        (false, false) => Err((
            "ContainersNotReady",
            Some(format!("containers with unready status: [{}]", unready.join(" "))),
        )),
    };
    let gates = pod.spec.iter().flat_map(|it| it.readiness_gates.iter().flatten());
    let closed: Vec<&str> = gates
        .map(|it| it.condition_type.as_str())
        .filter(|&it| !is_true(&list, it))
        .collect();
    let ready = match (&containers_ready, closed.first()) {
        (Ok(()), Some(gate)) => {
            let message =
                format!("corresponding condition of pod readiness gate \"{gate}\" does not exist or is not True.");
            Err(("ReadinessGatesNotReady", Some(message)))
        }
        (other, _) => other.clone(),
    };
    let started = containers.iter().any(|it| !matches!(it.state, State::Waiting { .. }));
    if started || has(&list, "PodReadyToStartContainers") {
        set(&mut list, "PodReadyToStartContainers", &Ok(()), now);
    }
    set(&mut list, "Initialized", &Ok(()), now);
    set(&mut list, "Ready", &ready, now);
    set(&mut list, "ContainersReady", &containers_ready, now);
    if !has(&list, "PodScheduled") {
        set(&mut list, "PodScheduled", &Ok(()), now);
    }
    list
}

fn has(list: &[Value], kind: &str) -> bool {
    list.iter().any(|it| it["type"] == kind)
}

fn is_true(list: &[Value], kind: &str) -> bool {
    list.iter().any(|it| it["type"] == kind && it["status"] == "True")
}

type Verdict = Result<(), (&'static str, Option<String>)>;

fn set(list: &mut Vec<Value>, kind: &str, verdict: &Verdict, now: Timestamp) {
    let status = if verdict.is_ok() { "True" } else { "False" };
    let mut wanted = Map::new();
    wanted.insert("type".into(), kind.into());
    wanted.insert("status".into(), status.into());
    if let Err((reason, message)) = verdict {
        wanted.insert("reason".into(), (*reason).into());
        wanted.extend(message.clone().map(|it| ("message".to_owned(), it.into())));
    }
    let place = list.iter().position(|it| it["type"] == kind);
    let before = place.map(|at| &list[at]);
    let kept = before
        .filter(|it| it["status"] == status)
        .map(|it| it["lastTransitionTime"].clone());
    wanted.insert(
        "lastTransitionTime".into(),
        kept.filter(Value::is_string).unwrap_or_else(|| seconds(now).into()),
    );
    match place {
        Some(at) if same(&list[at], &wanted) => {}
        Some(at) => list[at] = Value::Object(wanted),
        None => list.push(Value::Object(wanted)),
    }
}

/// Equal in what we write; a condition may have fields we do not (`lastProbeTime`, `observedGeneration`).
fn same(there: &Value, wanted: &Map<String, Value>) -> bool {
    ["status", "reason", "message"]
        .iter()
        .all(|key| there.get(key) == wanted.get(*key))
}

/// Whether a merge patch would change nothing: every field of `wanted` stands in `current`.
fn covers(current: &Value, wanted: &Value) -> bool {
    match (current, wanted) {
        (Value::Object(current), Value::Object(wanted)) => wanted.iter().all(|(key, value)| match current.get(key) {
            Some(there) => covers(there, value),
            None => value.as_object().is_some_and(Map::is_empty),
        }),
        (Value::Array(current), Value::Array(wanted)) => {
            current.len() == wanted.len() && current.iter().zip(wanted).all(|(a, b)| covers(a, b))
        }
        (current, wanted) => current == wanted,
    }
}

/// An address of the pod network (10.128.0.0/10) that depends on the pod's uid alone.
#[must_use]
pub fn address(uid: &str) -> String {
    let sum = uid.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let [_, a, b, c] = sum.to_be_bytes();
    format!("10.{}.{b}.{}", 128 + a % 64, 1 + c % 254)
}
