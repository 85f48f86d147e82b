//! `target-unhealthy`: the load balancer does not send traffic to the pods.

use super::shared::{clause, observed, pods, short, standing_event};
use super::{CauseKind, Scope};
use crate::case::{Case, closed_gates};
use crate::explanation::Cause;
use crate::sources::text;
use jiff::SignedDuration;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "target-unhealthy",
    docs: "The pods run, and the load balancer does not have them as healthy targets. Seen in the events TargetGroupUnverified, \
           TargetGroupVerifyError and LoadBalancerNotFound, and in a closed readiness gate `target-health…` of a pod.",
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
    let event = standing_event(
        case,
        &[
            "TargetGroupUnverified",
            "TargetGroupVerifyError",
            "LoadBalancerNotFound",
        ],
        &["TargetGroupVerified", "RolloutCompleted"],
        SignedDuration::from_mins(30),
    );
    if hits.is_empty() && event.is_none() {
        return None;
    }
    let said = event.map_or(why.as_str(), |event| event.text("/message"));
    let said = if said.is_empty() {
        "a readiness gate of the pods is closed"
    } else {
        said
    };
    let summary = format!(
        "The load balancer does not have the pods as healthy targets: {}.",
        short(clause(said), 170)
    );
    let mut evidence: Vec<_> = event.map(|event| case.event_fact(event)).into_iter().collect();
    evidence.extend(hits.into_iter().map(|hit| hit.evidence).take(2));
    Some(observed(&CAUSE, summary, evidence))
}
