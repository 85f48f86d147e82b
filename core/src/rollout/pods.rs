//! The pods themselves. Most decisions are about counts; injected metadata and restarts are not, and where the counts of a
//! status cannot be believed, the pods are counted (decision 45).

use crate::meaning::Strategy;
use crate::observed::Observed;
use crate::rollout::ephemeral;
use crate::rollout::look::Look;
use crate::rollout::restart;
use jiff::Timestamp;

/// Names of the ReplicaSets whose pods a decision needs to see now; none at rest. Nothing that needs pods is done for a
/// ReplicaSet whose pods are not in [`Observed::pods`].
#[must_use]
pub fn needed(seen: &Observed, now: Timestamp) -> Vec<String> {
    let Ok(strategy) = Strategy::of(&seen.rollout.spec) else {
        // Nothing is decided of a spec without a meaning.
        return Vec::new();
    };
    let look = Look::of(seen, strategy, now);
    let restarting = restart::is_due(&look);
    let sets = look.revisions.all().filter(|set| !set.is_empty());
    sets.filter(|set| restarting || set.is_doubtful() || ephemeral::needs_pods(&look, set))
        .map(|set| set.name.clone())
        .collect()
}
