//! The one way in: what is seen and a clock reading give a plan.

use crate::meaning::Strategy;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::plan::draft::Draft;
use crate::rollout::bluegreen;
use crate::rollout::canary;
use crate::rollout::ephemeral;
use crate::rollout::invalid;
use crate::rollout::look::{Change, Look};
use crate::rollout::refused;
use crate::rollout::replica_set;
use crate::rollout::restart::{self, Restart};
use jiff::Timestamp;

/// Decides what happens next to a rollout. Total: no panic, no error, the same answer for the same input.
#[must_use]
pub fn decide(seen: &Observed, now: Timestamp) -> Plan {
    if seen.rollout.metadata.deletion_timestamp.is_some() {
        // Its ReplicaSets go with it; nothing is to be done (contract 02 §5 item 4).
        return Plan::default();
    }
    let mut look = Look::of(seen, now);
    if let Some(problem) = invalid::problem(seen, now) {
        return invalid::plan(&look, &problem);
    }
    let written = &seen.rollout.spec.strategy;
    let strategy = match Strategy::of(&seen.rollout.spec) {
        Ok(strategy) => strategy,
        Err(error) => return invalid::plan(&look, &error.to_string()),
    };
    if let Some(error) = ephemeral::problem(&look) {
        return invalid::plan(&look, &error.to_string());
    }
    if let Some(plan) = refused::tell_first(&look) {
        return plan;
    }
    let mut draft = Draft::default();
    if replica_set::claim(&look, &mut draft) {
        // What is not ours yet, or no longer, is neither scaled nor counted: the next look has it.
        return draft.finish(None);
    }
    look.restart = Restart::of(&look, restart::max_unavailable(&look));
    if look.restart.in_flight && look.change != Change::Nothing {
        // An update begins once the pods are gone for all that were evicted.
        look.restart.plan(&mut draft);
        return draft.finish(None);
    }
    match (&strategy, &written.canary, &written.blue_green) {
        (Strategy::Canary(meant), Some(written), _) => canary::decide(&look, &strategy, meant, written),
        (Strategy::BlueGreen(meant), _, Some(written)) => bluegreen::decide(&look, &strategy, meant, written),
        // A strategy is only what is written.
        (Strategy::Canary(_), None, _) | (Strategy::BlueGreen(_), _, None) => Plan::default(),
    }
}
