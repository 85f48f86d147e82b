//! The one way in: what is seen and a clock reading give a plan.

use crate::meaning::Strategy;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::plan::draft::Draft;
use crate::rollout::asleep;
use crate::rollout::bluegreen;
use crate::rollout::canary;
use crate::rollout::ephemeral;
use crate::rollout::invalid;
use crate::rollout::look::{Change, Look};
use crate::rollout::order;
use crate::rollout::refused;
use crate::rollout::restart::Restart;
use crate::rollout::unread;
use jiff::Timestamp;

/// Decides what happens next to a rollout. Total: no panic, no error, the same answer for the same input.
#[must_use]
pub fn decide(seen: &Observed, now: Timestamp) -> Plan {
    if seen.rollout.metadata.deletion_timestamp.is_some() {
        // Its ReplicaSets go with it; nothing is to be done (contract 02 §5 item 4).
        return Plan::default();
    }
    if let Some(plan) = unread::hold(seen, now) {
        return plan;
    }
    let strategy = match invalid::strategy(seen, now) {
        Ok(strategy) => strategy,
        Err(problem) => return invalid::plan(seen, now, &problem),
    };
    let mut look = Look::of(seen, strategy, now);
    if let Some(error) = ephemeral::problem(&look) {
        return invalid::plan(seen, now, &error.to_string());
    }
    if let Some(plan) = refused::tell_first(&look).or_else(|| asleep::wake_up(&look)) {
        return plan;
    }
    let claim = order::claim(&look);
    if !claim.is_empty() {
        // What is not ours yet, or no longer, is neither scaled nor counted: the next reconcile has it.
        return Draft::default().finish(claim.into_vec(), None);
    }
    look.restart = Restart::of(&look);
    if look.restart.in_flight && look.change != Change::Nothing {
        // An update begins once the pods are gone for all that were evicted.
        let mut draft = Draft::default();
        look.restart.wake(&mut draft);
        return draft.finish(Vec::new(), None);
    }
    match &look.strategy {
        Strategy::Canary(meant) => canary::decide(&look, meant),
        Strategy::BlueGreen(meant) => bluegreen::decide(&look, meant),
    }
}
