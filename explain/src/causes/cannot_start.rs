//! `cannot-start`: a container does not come to run.

use super::shared::{containers, of_hits, pods, short, warning};
use super::{CauseKind, Scope};
use crate::case::{Case, Container, Pod};
use crate::explanation::{Cause, Evidence};

/// Why a container waits although its image is there.
const REASONS: [&str; 8] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
    "ContainerCannotRun",
    "PostStartHookError",
    "PreCreateHookError",
    "PreStartHookError",
];

/// Events of a pod whose containers are not even created.
const EVENTS: [&str; 5] = [
    "FailedMount",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
    "FailedMapVolume",
    "NetworkNotReady",
];

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "cannot-start",
    docs: "A container does not come to run: its configuration is refused, a volume cannot be mounted, its command cannot be \
           started, or an init container fails. Seen in waiting reasons, in how processes ended, and in events of the pod.",
    remedy: "Correct what the message names: the ConfigMap, Secret or volume, the command, or the init container.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut why = String::new();
    let mut hits = containers(case, |pod, container| {
        let (told, field) = by_container(case, pod, container)?;
        if why.is_empty() {
            why = format!(": {}", short(&told, 160));
        }
        Some(case.fact("pod", pod.object, &container.field(field), pod.object.created(), &told))
    });
    if hits.is_empty() {
        hits = pods(case, |pod| {
            let event = by_event(case, pod)?;
            if why.is_empty() {
                why = format!(": {}", short(&event.text, 160));
            }
            Some(event)
        });
    }
    let mut cause = of_hits(&CAUSE, case, hits, "cannot start", "cannot start", &why)?;
    // "in container app: …" reads better without a doubled stop.
    cause.summary = cause.summary.replace("..", ".");
    Some(cause)
}

fn by_container(_: &Case<'_>, _: &Pod<'_>, container: &Container<'_>) -> Option<(String, &'static str)> {
    let (reason, message) = container.waiting();
    let name = container.name;
    if REASONS.contains(&reason) {
        return Some((format!("container {name}: {reason} {message}"), "state.waiting"));
    }
    let ended = container.ended()?;
    if matches!(ended.reason, "StartError" | "ContainerCannotRun") && !container.is_ready() {
        let told = format!("container {name}: {} (exit code {})", ended.reason, ended.code);
        return Some((told, "lastState.terminated"));
    }
    let failing = container.init && ended.code != 0 && ended.reason != "OOMKilled" && !container.is_ready();
    failing.then(|| {
        let told = format!(
            "init container {name} ended with exit code {}, {} restarts",
            ended.code,
            container.restarts()
        );
        (
            told,
            if ended.still {
                "state.terminated"
            } else {
                "lastState.terminated"
            },
        )
    })
}

/// A pod whose containers wait to be created, and the newest event that says why.
fn by_event(case: &Case<'_>, pod: &Pod<'_>) -> Option<Evidence> {
    let waits = pod
        .containers()
        .iter()
        .any(|container| matches!(container.waiting().0, "ContainerCreating" | "PodInitializing"));
    let none = pod.containers().is_empty() && !pod.object.text("/spec/nodeName").is_empty();
    if !(waits || none) {
        return None;
    }
    warning(case, pod.object, &EVENTS)
}
