//! The pods themselves: most decisions are about counts, two are not, injected metadata and restarts.

use crate::observed::{Observed, Pod, ReplicaSet};
use crate::rollout::ephemeral;
use crate::rollout::look::{Change, Look};
use crate::rollout::restart;
use jiff::{SignedDuration, Timestamp};

/// Names of the ReplicaSets whose pods a decision needs to see now; none at rest. Nothing that needs pods is done for a
/// ReplicaSet whose pods are not in [`Observed::pods`].
#[must_use]
pub fn needed(seen: &Observed, now: Timestamp) -> Vec<String> {
    let look = Look::of(seen, now);
    let restarting = restart::is_due(&look) && look.change == Change::Nothing;
    let sets = look.revisions.all().filter(|set| has_pods(set));
    sets.filter(|set| restarting || ephemeral::needs_pods(&look, set))
        .map(|set| set.name.clone())
        .collect()
}

/// It has pods, or is to have some.
pub(crate) fn has_pods(set: &ReplicaSet) -> bool {
    set.replicas > 0 || set.current_replicas > 0
}

impl Pod {
    /// Ready for as long as its ReplicaSet asks for, and here to stay.
    pub(crate) fn is_available(&self, set: &ReplicaSet, now: Timestamp) -> bool {
        let wait = SignedDuration::from_secs(i64::from(set.min_ready_seconds));
        !self.deleting
            && self
                .ready_since
                .is_some_and(|since| since.saturating_add(wait).is_ok_and(|at| at <= now))
    }
}
