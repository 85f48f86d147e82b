//! Pods are wanted again after there were none: a timed pause that was under way begins anew (decision 42).

use crate::plan::{Plan, Wake, WakeReason};
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::status;

/// How old a pause may be that began anew in the reconcile before, in seconds.
const FRESH_SECONDS: i64 = 10;

/// Writes the pauses anew before any pod is asked for, and nothing else. Once pods are asked for, nothing tells that there
/// were none: a controller that dies between the two would take the night for the pause.
pub(crate) fn wake_up(look: &Look<'_>) -> Option<Plan> {
    let old = &look.rollout.status;
    let is_old = after_seconds(look.now, -FRESH_SECONDS);
    let stale = old.pause_conditions.iter().any(|pause| pause.start_time.0 < is_old);
    let asked = old.abort || old.promote_full || look.change != Change::Nothing;
    if !stale || asked || !look.wakes() {
        return None;
    }
    let mut next = old.clone();
    for pause in &mut next.pause_conditions {
        // The time without pods says nothing of the new revision.
        pause.start_time = look.stamp_rounded_up();
    }
    Some(Plan {
        status: status::write(old, &next),
        wake: Some(Wake {
            at: look.now,
            why: WakeReason::PodsWanted,
        }),
        ..Plan::default()
    })
}
