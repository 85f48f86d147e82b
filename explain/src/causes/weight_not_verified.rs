//! `weight-not-verified`: the router does not confirm the weight.

use super::shared::{clause, condition_time, is_rbac, observed, short, standing, standing_event};
use super::{CauseKind, Scope};
use crate::case::{Case, event_time};
use crate::explanation::{Cause, Evidence, State};
use crate::sources::text;
use jiff::SignedDuration;
use serin_core::wire::{condition, event};

/// A router needs a moment.
pub(super) const GRACE: SignedDuration = SignedDuration::from_secs(60);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "weight-not-verified",
    docs: "The weight was sent to the router, which does not confirm it: the load balancer has another weight, no target group \
           or no rule for it, or cannot be asked, or a router plugin says no. Seen in the condition TrafficNotVerified for more \
           than a minute, in status.canary.weights.verified, and in the event WeightVerifyError. The step does not end before it \
           does.",
    remedy: "Look at the load balancer's rules and target groups, at the permissions of the controller there, or at the plugin.",
    detect,
    scope: Scope::Trouble,
};

/// What the condition says of target groups, where it speaks of their targets and not of weights.
pub(super) fn of_targets<'a>(case: &Case<'a>) -> Option<(&'a str, Evidence)> {
    let (told, fact) = standing(case, condition::TRAFFIC_NOT_VERIFIED)?;
    let reason = text(&case.object.condition(condition::TRAFFIC_NOT_VERIFIED)["reason"]);
    let unhealthy = reason == event::TARGET_GROUP_UNVERIFIED && told.contains("endpoints registered");
    (unhealthy || reason == event::TARGET_GROUP_VERIFY_ERROR).then_some((told, fact))
}

/// Whether the condition has stood, or the weight has been sent, for longer than a router needs. What failed has failed.
pub(super) fn is_late(case: &Case<'_>) -> bool {
    let reason = text(&case.object.condition(condition::TRAFFIC_NOT_VERIFIED)["reason"]);
    let pending = [event::TARGET_GROUP_UNVERIFIED, condition::TRAFFIC_NOT_VERIFIED];
    let old = |at| case.now.duration_since(at) > GRACE;
    let sent = case.event(&[event::TRAFFIC_WEIGHT_UPDATED]).and_then(event_time);
    let since = condition_time(case.object, condition::TRAFFIC_NOT_VERIFIED);
    !pending.contains(&reason) || since.is_none_or(old) || sent.is_some_and(old) || case.state() == State::Degraded
}

fn detect(case: &Case<'_>) -> Option<Cause> {
    let weight = case.object.number("/status/canary/weights/canary/weight").unwrap_or(0);
    let summary = |why: &str| format!("The router does not confirm weight {weight} of the canary{why}.");
    if let Some((told, fact)) = standing(case, condition::TRAFFIC_NOT_VERIFIED) {
        if of_targets(case).is_some() || is_rbac(told) || !is_late(case) {
            return None;
        }
        let why = format!(": {}", short(clause(told), 170));
        return Some(observed(&CAUSE, summary(&why), vec![fact]));
    }
    let unverified = case.object.at("/status/canary/weights/verified").as_bool() == Some(false);
    let error = standing_event(
        case,
        &[event::WEIGHT_VERIFY_ERROR],
        &[event::TARGET_GROUP_VERIFIED, event::STEP_COMPLETED],
        SignedDuration::from_mins(30),
    );
    let sent = case.event(&[event::TRAFFIC_WEIGHT_UPDATED]).and_then(event_time);
    let late = sent.is_none_or(|at| case.now.duration_since(at) > GRACE) || case.state() == State::Degraded;
    if !(unverified && late) && error.is_none() {
        return None;
    }
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
    Some(observed(&CAUSE, summary(&why), evidence))
}
