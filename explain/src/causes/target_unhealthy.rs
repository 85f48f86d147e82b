//! `target-unhealthy`: the load balancer does not send traffic to the pods.

use super::shared::{clause, is_rbac, observed, pods, short, standing, standing_event};
use super::{CauseKind, Scope, weight_not_verified};
use crate::case::{Case, closed_gates};
use crate::explanation::{Cause, Evidence};
use crate::sources::text;
use jiff::SignedDuration;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "target-unhealthy",
    docs: "The pods run, and the load balancer does not have them as healthy targets. Seen in the condition \
           TrafficNotVerified, which counts them, in the events TargetGroupUnverified, TargetGroupVerifyError and \
           LoadBalancerNotFound, and in a closed readiness gate `target-health…` of a pod.",
    remedy: "Look at the target group: health check path and port, security groups.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut why = String::new();
    let hits = pods(case, |pod| {
        let gate = closed_gates(pod.object)
            .into_iter()
            .find(|gate| gate.contains("target-health"))?;
        let old = pod
            .object
            .created()
            .is_none_or(|at| case.now.duration_since(at) > SignedDuration::from_secs(90));
        let ready = !pod.containers().is_empty() && pod.containers().iter().all(|it| it.init || it.is_ready());
        let condition = pod.object.condition(gate);
        if why.is_empty() {
            why = format!("{} {}", text(&condition["reason"]), text(&condition["message"]))
                .trim()
                .to_owned();
        }
        let told = format!("readiness gate {gate} is not True: {why}");
        (old && ready).then(|| {
            case.fact(
                "pod",
                pod.object,
                &format!("status.conditions[{gate}]"),
                pod.object.created(),
                &told,
            )
        })
    });
    let told = told(case);
    if hits.is_empty() && told.is_none() {
        return None;
    }
    let said = told.as_ref().map_or(why.as_str(), |(said, _)| said);
    let said = if said.is_empty() {
        "a readiness gate of the pods is closed"
    } else {
        said
    };
    let summary = format!(
        "The load balancer does not have the pods as healthy targets: {}.",
        short(clause(said), 170)
    );
    let mut evidence: Vec<_> = told.map(|(_, fact)| fact).into_iter().collect();
    evidence.extend(hits.into_iter().map(|hit| hit.evidence).take(2));
    Some(observed(&CAUSE, summary, evidence))
}

/// What the controller says of target groups: the condition of Serin, where it stands, else the events that both have.
fn told(case: &Case<'_>) -> Option<(String, Evidence)> {
    if standing(case, condition::TRAFFIC_NOT_VERIFIED).is_some() {
        let (said, fact) = weight_not_verified::of_targets(case)?;
        let counts = weight_not_verified::is_late(case) && !is_rbac(said);
        return counts.then(|| (said.to_owned(), fact));
    }
    let event = standing_event(
        case,
        &[
            "TargetGroupUnverified",
            "TargetGroupVerifyError",
            "LoadBalancerNotFound",
        ],
        &["TargetGroupVerified", "RolloutCompleted"],
        SignedDuration::from_mins(30),
    )?;
    Some((event.text("/message").to_owned(), case.event_fact(event)))
}
