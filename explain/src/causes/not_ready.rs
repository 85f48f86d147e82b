//! `not-ready`: pods run and do not become ready.

use super::shared::{clause, of_hits, pods, short, warning};
use super::{CauseKind, Scope};
use crate::case::{Case, Pod, closed_gates};
use crate::explanation::{Cause, State};
use jiff::SignedDuration;

/// A container without a slow probe is given so long.
const LEAST: i64 = 60;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "not-ready",
    docs: "Containers run, and their readiness or startup probe fails, or a readiness gate of the pod is not open. A pod is \
           given the time that its probes take, and at least a minute.",
    remedy: "Look at what the probe asks for, and at the log of the container.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut why = String::new();
    let hits = pods(case, |pod| {
        if pod.is_ready() {
            return None;
        }
        let (told, field, at) = running_unready(case, pod).or_else(|| behind_a_gate(case, pod))?;
        let event = warning(case, pod.object, &["Unhealthy"]);
        if why.is_empty() {
            let says = event.as_ref().map(|event| event.text.replacen("Unhealthy: ", "", 1));
            why = format!(": {}", short(clause(says.as_deref().unwrap_or(&told)), 160));
        }
        Some(event.unwrap_or_else(|| case.fact("pod", pod.object, &field, at, &told)))
    });
    of_hits(
        &CAUSE,
        case,
        hits,
        "runs and does not become ready",
        "run and do not become ready",
        &why,
    )
}

type Found = (String, String, Option<jiff::Timestamp>);

/// A container that runs for longer than its probes need, and is not ready.
fn running_unready(case: &Case<'_>, pod: &Pod<'_>) -> Option<Found> {
    let containers = pod.containers();
    // What crashes is another cause.
    if containers
        .iter()
        .any(|container| container.waiting().0 == "CrashLoopBackOff")
    {
        return None;
    }
    let container = containers
        .iter()
        .find(|container| !container.init && !container.is_ready() && container.running_since().is_some())?;
    let since = container.running_since()?;
    let grace = SignedDuration::from_secs(container.grace_seconds().max(LEAST));
    let warned = warning(case, pod.object, &["Unhealthy"]).is_some();
    let late = case.now.duration_since(since) > grace
        || (case.state() == State::Degraded && (warned || container.has_probe()));
    late.then(|| {
        let told = format!("container {} runs and is not ready", container.name);
        (told, container.field("ready"), Some(since))
    })
}

/// All containers are ready, and a readiness gate of another kind than a load balancer's is closed.
fn behind_a_gate(case: &Case<'_>, pod: &Pod<'_>) -> Option<Found> {
    let ready = pod
        .containers()
        .iter()
        .all(|container| container.init || container.is_ready());
    let gate = closed_gates(pod.object)
        .into_iter()
        .find(|gate| !gate.contains("target-health"))?;
    let since = pod.object.created();
    let old = since.is_none_or(|at| case.now.duration_since(at) > SignedDuration::from_secs(LEAST));
    (ready && old && !pod.containers().is_empty()).then(|| {
        (
            format!("readiness gate {gate} is not True"),
            format!("status.conditions[{gate}]"),
            since,
        )
    })
}
