//! How long AnalysisRuns and Experiments are kept after their end (contract 03 §12, §13).

use crate::rollout::look::Look;
use crate::wire::HASH_LABEL;
use crate::wire::analysis::Phase;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What is kept for a while after its end.
pub(crate) trait Kept {
    /// When it was created, its name, its labels, its phase.
    fn of(&self) -> (Timestamp, &str, &BTreeMap<String, String>, Phase);
}

/// Which of these have had their time, none of which counts any more: those of a ReplicaSet that is no longer there, and the
/// oldest that ended beyond the limits of `spec.analysis`. One that has not ended stays.
pub(crate) fn past<'a, T: Kept>(look: &Look<'_>, others: &[&'a T]) -> Vec<&'a T> {
    let spec = &look.rollout.spec;
    let limit = |limit: i32| usize::try_from(limit).unwrap_or(0);
    let (mut good, mut bad) = (
        limit(spec.successful_run_history_limit_or_default()),
        limit(spec.unsuccessful_run_history_limit_or_default()),
    );
    let mut newest_first = others.to_vec();
    newest_first.sort_by_key(|kept| {
        let (created, name, _, _) = kept.of();
        (Reverse(created), Reverse(name))
    });
    newest_first.retain(|kept| {
        let (_, _, labels, phase) = kept.of();
        let hash = labels.get(HASH_LABEL);
        let mut sets = look.seen.replica_sets.iter().filter(|set| !set.deleting);
        if !sets.any(|set| hash.is_some_and(|hash| set.hash() == hash)) {
            return true;
        }
        let left = match phase {
            Phase::Unset | Phase::Pending | Phase::Running => return false,
            Phase::Successful => &mut good,
            Phase::Failed | Phase::Error | Phase::Inconclusive => &mut bad,
        };
        let beyond = *left == 0;
        *left = left.saturating_sub(1);
        beyond
    });
    newest_first
}
