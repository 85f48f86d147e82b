//! A spec that cannot be carried out: the condition, the phase, and when it is looked at again (contract 01 §9, last item).

use crate::api::rollout::{CanaryStep, RolloutStatus};
use crate::observed::{Observed, Refusal};
use crate::plan::{Plan, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::{Look, after_seconds};
use crate::rollout::status;
use crate::validate;
use crate::wire::{condition, phase};
use jiff::Timestamp;

/// Seconds until an invalid spec is looked at again, as upstream has it.
const RETRY_SECONDS: i64 = 20;

/// Why the spec cannot be carried out, if it cannot: the first error counts.
pub(crate) fn problem(seen: &Observed, now: Timestamp) -> Option<String> {
    if let Some(error) = &seen.undecodable {
        return Some(error.clone());
    }
    if let Some(error) = &seen.identity.invalid {
        return Some(error.clone());
    }
    if let Some(error) = validate::references(seen) {
        return Some(error.to_string());
    }
    if let Some(error) = not_served(seen) {
        return Some(error);
    }
    // What our validation leaves to the API server, the API server says when it refuses the ReplicaSet (decision 23).
    let refused = seen
        .refused_creation()
        .filter(|refused| refused.why == Refusal::Invalid)?;
    // After a while it is tried again: admission rules change.
    (now < after_seconds(refused.at, RETRY_SECONDS)).then(|| refused.message.clone())
}

/// Why the spec alone, whatever else there is, cannot be carried out; one that does not decode is another matter.
pub(crate) fn of_spec(seen: &Observed) -> Option<String> {
    seen.identity.invalid.clone().or_else(|| not_served(seen))
}

/// What is said of the first field that asks for something that is not there yet.
fn not_served(seen: &Observed) -> Option<String> {
    let field = field_not_served(seen)?;
    Some(format!(
        "{field}: Forbidden: this version of Serin does not serve it yet"
    ))
}

fn field_not_served(seen: &Observed) -> Option<&'static str> {
    let spec = &seen.rollout.spec;
    let strategy = &spec.strategy;
    let asked: Vec<(bool, &'static str)> = match (&strategy.canary, &strategy.blue_green) {
        (Some(canary), _) => {
            let steps = |asks: fn(&CanaryStep) -> bool| canary.steps.iter().any(asks);
            vec![
                (canary.traffic_routing.is_some(), "spec.strategy.canary.trafficRouting"),
                (canary.ping_pong.is_some(), "spec.strategy.canary.pingPong"),
                (canary.analysis.is_some(), "spec.strategy.canary.analysis"),
                (
                    steps(|step| step.analysis.is_some()),
                    "spec.strategy.canary.steps.analysis",
                ),
                (
                    steps(|step| step.experiment.is_some()),
                    "spec.strategy.canary.steps.experiment",
                ),
                (steps(|step| step.plugin.is_some()), "spec.strategy.canary.steps.plugin"),
            ]
        }
        (None, Some(blue)) => vec![
            (
                blue.pre_promotion_analysis.is_some(),
                "spec.strategy.blueGreen.prePromotionAnalysis",
            ),
            (
                blue.post_promotion_analysis.is_some(),
                "spec.strategy.blueGreen.postPromotionAnalysis",
            ),
        ],
        (None, None) => Vec::new(),
    };
    if spec.workload_ref.is_some() {
        return Some("spec.workloadRef");
    }
    asked.into_iter().find_map(|(asked, field)| asked.then_some(field))
}

/// Says so, keeps everything as it is, and looks again in a while.
pub(crate) fn plan(look: &Look<'_>, problem: &str) -> Plan {
    let old = &look.rollout.status;
    let mut next: RolloutStatus = old.clone();
    let message = format!("The Rollout \"{}\" is invalid: {problem}", look.name());
    let same = conditions::get(old, condition::INVALID_SPEC).is_some_and(|found| found.message == message);
    if !same {
        conditions::remove(&mut next, condition::INVALID_SPEC);
        let now = look.stamp();
        let found = conditions::new(
            condition::INVALID_SPEC,
            TRUE,
            condition::INVALID_SPEC,
            message.clone(),
            &now,
        );
        conditions::set(&mut next, found);
    }
    next.observed_generation = look.rollout.metadata.generation.unwrap_or(0).to_string();
    phase::DEGRADED.clone_into(&mut next.phase);
    next.message = format!("{}: {message}", condition::INVALID_SPEC);
    let wake = Wake {
        at: after_seconds(look.now, RETRY_SECONDS),
        why: WakeReason::InvalidSpecRetry,
    };
    Plan {
        status: status::write(old, &next),
        wake: Some(wake),
        ..Plan::default()
    }
}
