//! The one way in: what is seen and a clock reading give a plan.

use crate::look::Look;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::spec::Strategy;
use crate::{canary, invalid};
use jiff::Timestamp;

/// Decides what happens next to a rollout. Total: no panic, no error, the same answer for the same input.
#[must_use]
pub fn decide(seen: &Observed, now: Timestamp) -> Plan {
    if seen.rollout.metadata.deletion_timestamp.is_some() {
        // Its ReplicaSets go with it; nothing is to be done (contract 02 §5 item 4).
        return Plan::default();
    }
    let look = Look::of(seen, now);
    if let Some(problem) = invalid::problem(seen, now) {
        return invalid::plan(&look, &problem);
    }
    match (Strategy::of(&seen.rollout.spec), &seen.rollout.spec.strategy.canary) {
        (Ok(strategy @ Strategy::Canary(_)), Some(written)) => {
            let Strategy::Canary(meant) = &strategy else {
                return Plan::default();
            };
            canary::decide(&look, &strategy, meant, written)
        }
        // `invalid::problem` has spoken of these.
        (Ok(Strategy::Canary(_)), None) | (Ok(Strategy::BlueGreen(_)), _) => Plan::default(),
        (Err(error), _) => invalid::plan(&look, &error.to_string()),
    }
}
