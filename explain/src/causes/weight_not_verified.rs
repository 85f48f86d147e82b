//! `weight-not-verified`: the router does not confirm the weight.

use super::shared::{clause, observed, short, standing_event};
use super::{CauseKind, Scope};
use crate::case::{Case, event_time};
use crate::explanation::{Cause, State};
use jiff::SignedDuration;

/// A router needs a moment.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "weight-not-verified",
    docs: "The weight was sent to the router, which does not confirm it (status.canary.weights.verified is false for more than a \
           minute, or the event WeightVerifyError). The step does not end before it does.",
    remedy: "Look at the load balancer's rules and target groups.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let unverified = case.object.at("/status/canary/weights/verified").as_bool() == Some(false);
    let error = standing_event(
        case,
        &["WeightVerifyError"],
        &["TargetGroupVerified", "RolloutStepCompleted"],
        SignedDuration::from_mins(30),
    );
    let sent = case.event(&["TrafficWeightUpdated"]).and_then(event_time);
    let late = sent.is_none_or(|at| case.now.duration_since(at) > GRACE) || case.state() == State::Degraded;
    if !(unverified && late) && error.is_none() {
        return None;
    }
    let weight = case.object.number("/status/canary/weights/canary/weight").unwrap_or(0);
    let mut evidence = Vec::new();
    if unverified {
        evidence.push(case.fact(
            "status",
            case.object,
            "status.canary.weights.verified",
            sent,
            &format!("false, at weight {weight}"),
        ));
    }
    evidence.extend(error.map(|event| case.event_fact(event)));
    let why = error
        .map(|event| format!(": {}", short(clause(event.text("/message")), 160)))
        .unwrap_or_default();
    let summary = format!("The router does not confirm weight {weight} of the canary{why}.");
    Some(observed(&CAUSE, summary, evidence))
}
