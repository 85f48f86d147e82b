//! Phase and message, as Argo CD and the kubectl plugin read them (contract 02 §9).

use crate::api::rollout::{RolloutSpec, RolloutStatus};
use crate::meaning::Strategy;
use crate::rollout::conditions::STABLE_MISSING;
use crate::wire::{condition, phase};

/// Message of a rollout that a person paused.
pub(crate) const MANUALLY_PAUSED: &str = "manually paused";

/// A phase and the message that goes with it.
pub(crate) type Phase = (&'static str, String);

/// The phase that follows from a spec and a status whose other fields are final.
pub(crate) fn of(spec: &RolloutSpec, status: &RolloutStatus, strategy: &Strategy<'_>) -> Phase {
    degraded(status)
        .or_else(|| paused(spec, status))
        .or_else(|| progressing(spec, status, strategy))
        .unwrap_or((phase::HEALTHY, String::new()))
}

fn degraded(status: &RolloutStatus) -> Option<Phase> {
    status.conditions.iter().find_map(|found| {
        if found.r#type == condition::INVALID_SPEC {
            return Some((
                phase::DEGRADED,
                format!("{}: {}", condition::INVALID_SPEC, found.message),
            ));
        }
        matches!(
            found.reason.as_str(),
            condition::ROLLOUT_ABORTED | condition::PROGRESS_DEADLINE_EXCEEDED | STABLE_MISSING
        )
        .then(|| (phase::DEGRADED, format!("{}: {}", found.reason, found.message)))
    })
}

fn paused(spec: &RolloutSpec, status: &RolloutStatus) -> Option<Phase> {
    if spec.paused {
        return Some((phase::PAUSED, MANUALLY_PAUSED.to_owned()));
    }
    status
        .pause_conditions
        .first()
        .map(|pause| (phase::PAUSED, pause.reason.clone()))
}

fn progressing(spec: &RolloutSpec, status: &RolloutStatus, strategy: &Strategy<'_>) -> Option<Phase> {
    why_progressing(spec, status, Some(strategy)).map(|message| (phase::PROGRESSING, message.to_owned()))
}

/// Routers lead a part of the traffic to the canary: nobody is to go on because of a phase that the traffic has not reached
/// (contract 11 B10).
fn canary_has_weight(status: &RolloutStatus) -> bool {
    let weights = status.canary.weights.as_ref();
    weights.is_some_and(|weights| weights.canary.weight > 0)
}

/// The first thing that is yet to come.
pub(crate) fn why_progressing(
    spec: &RolloutSpec,
    status: &RolloutStatus,
    strategy: Option<&Strategy<'_>>,
) -> Option<&'static str> {
    let replicas = spec.replicas_or_default();
    let completed = crate::rollout::conditions::is_completed(status);
    if spec.restart_at.is_some() && spec.restart_at != status.restarted_at {
        Some("rollout is restarting")
    } else if status.updated_replicas < replicas {
        Some("more replicas need to be updated")
    } else if status.available_replicas < status.updated_replicas {
        Some("updated replicas are still becoming available")
    } else {
        match strategy {
            Some(Strategy::Canary(canary)) if !canary.routed && status.replicas > status.updated_replicas => {
                Some("old replicas are pending termination")
            }
            Some(Strategy::Canary(_)) if !completed => Some("waiting for all steps to complete"),
            Some(Strategy::Canary(canary)) if canary.routed && replicas > 0 && canary_has_weight(status) => {
                Some("waiting for stable to have all of the traffic")
            }
            Some(Strategy::BlueGreen(_))
                if status.blue_green.active_selector.is_empty()
                    || status.blue_green.active_selector != status.current_pod_hash =>
            {
                Some("active service cutover pending")
            }
            Some(Strategy::BlueGreen(_)) if !completed => Some("waiting for post-promotion verification to complete"),
            Some(Strategy::Canary(_) | Strategy::BlueGreen(_)) | None => None,
        }
    }
}
