//! The conditions of an experiment (contract 05 §8).

use super::look::Look;
use super::validate;
use crate::api::Time;
use crate::api::experiment::{ExperimentStatus, TemplateStatus};
use crate::api::rollout::Condition;
use crate::rollout::conditions::{FALSE, TRUE, new, set_in};
use crate::rollout::look::stamp;
use crate::wire::analysis::Phase;
use crate::wire::condition::{INVALID_SPEC, NEW_REPLICA_SET_AVAILABLE, PROGRESSING, REPLICA_SET_UPDATED};
use crate::wire::experiment::EXPERIMENT_COMPLETED;

/// Sets the conditions of `next`, whose other parts are final.
pub(super) fn settle(look: &Look<'_>, next: &mut ExperimentStatus) {
    let now = stamp(look.now);
    next.conditions.retain(|condition| condition.r#type != INVALID_SPEC);
    let name = look.name();
    let phase = Phase::of(&next.phase);
    if phase == Phase::Successful {
        let message = format!("Experiment \"{name}\" has successfully ran and completed.");
        set_in(
            &mut next.conditions,
            new(PROGRESSING, FALSE, EXPERIMENT_COMPLETED, message, &now),
        );
    } else if progressed(look, next) {
        let message = format!("Experiment \"{name}\" is progressing.");
        renew(next, new(PROGRESSING, TRUE, REPLICA_SET_UPDATED, message, &now));
    } else if look.status().available_at.is_some() && !look.has_passed() && !phase.is_completed() {
        let message = format!("Experiment \"{name}\" is running.");
        set_in(
            &mut next.conditions,
            new(PROGRESSING, TRUE, NEW_REPLICA_SET_AVAILABLE, message, &now),
        );
    }
}

/// The condition of a spec that cannot be carried out. Another message is another condition.
pub(super) fn invalid(next: &mut ExperimentStatus, problem: &str, now: &Time) {
    let told = |condition: &Condition| condition.r#type == INVALID_SPEC && condition.message == problem;
    if !next.conditions.iter().any(told) {
        next.conditions.retain(|condition| condition.r#type != INVALID_SPEC);
        next.conditions
            .push(new(INVALID_SPEC, TRUE, validate::REASON, problem, now));
    }
}

/// Sets a condition anew even where only its time changes.
fn renew(next: &mut ExperimentStatus, mut condition: Condition) {
    let old = next.conditions.iter().find(|old| old.r#type == condition.r#type);
    if let Some(old) = old.filter(|old| old.status == condition.status) {
        condition.last_transition_time = old.last_transition_time.clone();
    }
    next.conditions.retain(|old| old.r#type != condition.r#type);
    next.conditions.push(condition);
}

/// There are more templates than before, or the counters of one changed.
fn progressed(look: &Look<'_>, next: &ExperimentStatus) -> bool {
    let old = look.status();
    let moved = |of: &TemplateStatus| {
        let before = old.template_statuses.iter().find(|before| before.name == of.name);
        before.is_some_and(|before| {
            before.replicas != of.replicas
                || before.updated_replicas != of.updated_replicas
                || before.ready_replicas != of.ready_replicas
                || before.available_replicas != of.available_replicas
        })
    };
    old.template_statuses.len() < next.template_statuses.len() || next.template_statuses.iter().any(moved)
}
