//! Pods: the state that `kubectl get pods` shows, in one word (contract 10 §4, §9).

use super::{Identity, icon};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodStatus};

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodInfo {
    /// The pod itself.
    pub identity: Identity,
    /// Icon of the status.
    pub icon: &'static str,
    /// Phase, or a reason that says more.
    pub status: String,
    /// Ready containers.
    pub ready: usize,
    /// Containers, init containers aside.
    pub containers: usize,
    /// Restarts.
    pub restarts: i32,
    /// Where it runs; empty until it is scheduled.
    pub node: String,
    /// Why it is in its state, where somebody wrote that; mostly empty.
    pub message: String,
}

impl PodInfo {
    /// Reads a pod.
    #[must_use]
    pub(crate) fn new(pod: &Pod) -> Self {
        let empty = PodStatus::default();
        let status = pod.status.as_ref().unwrap_or(&empty);
        let mut info = Self {
            identity: Identity::from(&pod.metadata),
            containers: pod.spec.as_ref().map_or(0, |spec| spec.containers.len()),
            node: pod
                .spec
                .as_ref()
                .and_then(|spec| spec.node_name.clone())
                .unwrap_or_default(),
            message: status.message.clone().unwrap_or_default(),
            ..Self::default()
        };
        if let Some((reason, restarts)) = initializing(pod, status) {
            (info.status, info.restarts) = (reason, restarts);
        } else {
            let containers = Containers::read(status);
            info.status = containers.reason;
            (info.ready, info.restarts) = (containers.ready, containers.restarts);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            let lost = status.reason.as_deref() == Some("NodeLost");
            info.status = if lost { "Unknown" } else { "Terminating" }.to_owned();
        }
        info.icon = pod_icon(&info.status);
        info
    }
}

/// The reason and the restarts of the first init container that is not done; `None` once all are.
fn initializing(pod: &Pod, status: &PodStatus) -> Option<(String, i32)> {
    let init_containers = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.init_containers.as_deref())
        .unwrap_or_default();
    let is_sidecar = |name: &str| {
        init_containers
            .iter()
            .any(|it| it.name == name && it.restart_policy.as_deref() == Some("Always"))
    };
    let mut restarts = 0;
    for (index, container) in status.init_container_statuses.iter().flatten().enumerate() {
        restarts += container.restart_count;
        let state = container.state.clone().unwrap_or_default();
        let reason = match (&state.terminated, waiting_reason(&state)) {
            (Some(terminated), _) if terminated.exit_code == 0 => continue,
            (Some(terminated), _) => format!("Init:{}", end_of(terminated)),
            (None, _) if is_sidecar(&container.name) && container.started == Some(true) => {
                // A sidecar that runs but is not ready stops neither the others nor the walk's answer.
                if container.ready {
                    continue;
                }
                return None;
            }
            (None, Some(reason)) if reason != "PodInitializing" => format!("Init:{reason}"),
            (None, _) => format!("Init:{index}/{}", init_containers.len()),
        };
        return Some((reason, restarts));
    }
    None
}

/// What the regular containers say.
struct Containers {
    reason: String,
    ready: usize,
    restarts: i32,
}

impl Containers {
    fn read(status: &PodStatus) -> Self {
        let phase = status.phase.as_deref().unwrap_or_default();
        let reason = status
            .reason
            .as_deref()
            .filter(|reason| !reason.is_empty())
            .unwrap_or(phase);
        let mut seen = Self {
            reason: reason.to_owned(),
            ready: 0,
            restarts: 0,
        };
        // From last to first, so that the first container decides.
        for container in status.container_statuses.iter().flatten().rev() {
            seen.restarts += container.restart_count;
            if let Some(reason) = trouble(container) {
                seen.reason = reason;
            } else if container.ready && container.state.as_ref().is_some_and(|state| state.running.is_some()) {
                seen.ready += 1;
            }
        }
        if seen.reason == "Completed" && seen.ready > 0 {
            "Running".clone_into(&mut seen.reason);
        }
        seen
    }
}

/// Why a container does not run, if it waits for a reason or has ended.
fn trouble(container: &ContainerStatus) -> Option<String> {
    let state = container.state.as_ref()?;
    waiting_reason(state)
        .map(str::to_owned)
        .or_else(|| state.terminated.as_ref().map(end_of))
}

fn waiting_reason(state: &ContainerState) -> Option<&str> {
    state
        .waiting
        .as_ref()?
        .reason
        .as_deref()
        .filter(|reason| !reason.is_empty())
}

fn end_of(terminated: &ContainerStateTerminated) -> String {
    match (
        terminated.reason.as_deref().filter(|reason| !reason.is_empty()),
        terminated.signal,
    ) {
        (Some(reason), _) => reason.to_owned(),
        (None, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        (None, _) => format!("ExitCode:{}", terminated.exit_code),
    }
}

fn pod_icon(status: &str) -> &'static str {
    if status.starts_with("Init:") {
        return icon::PROGRESSING;
    }
    if status.starts_with("Signal:") || status.starts_with("ExitCode:") {
        return icon::BAD;
    }
    if status.ends_with("Error") || status.starts_with("Err") {
        return icon::WARNING;
    }
    match status {
        "Pending" | "Terminating" | "ContainerCreating" => icon::PROGRESSING,
        "Running" | "Completed" => icon::OK,
        "Failed" | "InvalidImageName" | "CrashLoopBackOff" => icon::BAD,
        "ImagePullBackOff" | "RegistryUnavailable" => icon::WARNING,
        "Unknown" => icon::UNKNOWN,
        _ => icon::NONE,
    }
}
