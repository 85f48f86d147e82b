//! Which ReplicaSet is new, which is stable, which are old (contract 02 §3).

use crate::api::LabelSelector;
use crate::identity::{Dialect, Identity};
use crate::notation::selector;
use crate::observed::{Observed, ReplicaSet};
use crate::plan::Ownership;
use crate::rollout::adoption::Reason;
use crate::rollout::conditions;
use crate::rollout::unread;
use crate::rollout::workload;
use crate::wire::condition;

/// The roles of the ReplicaSets of one rollout, at one reconcile.
#[derive(Debug)]
pub(crate) struct Revisions<'a> {
    /// Hash of the newest revision: the label of its ReplicaSet, or the one it will get.
    pub(crate) new_hash: &'a str,
    /// ReplicaSet of the newest revision, once it exists.
    pub(crate) new: Option<&'a ReplicaSet>,
    /// Why it is that one.
    pub(crate) new_why: Option<Reason>,
    /// The stable revision.
    pub(crate) stable: Stable<'a>,
    /// All others, newest revision first.
    pub(crate) others: Vec<&'a ReplicaSet>,
}

/// The stable revision (decision 16: the recorded hash decides).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stable<'a> {
    /// None is recorded: the first deployment. Or it is gone, and its template is the present one: it is made again.
    None,
    /// The newest revision is stable: settled, or going back.
    Newest,
    /// Another revision is stable: an update is under way.
    Other(&'a ReplicaSet),
    /// A hash is recorded whose ReplicaSet is gone (decision 8).
    Missing,
}

impl<'a> Revisions<'a> {
    /// Sorts out the ReplicaSets of a rollout.
    pub(crate) fn of(seen: &'a Observed) -> Self {
        let mut all: Vec<&ReplicaSet> = seen.replica_sets.iter().filter(|set| takes_part(seen, set)).collect();
        all.sort_by(|a, b| (b.revision(), b.created, &b.name).cmp(&(a.revision(), a.created, &a.name)));
        let (new, new_why) = newest(seen, &all).unzip();
        let new_hash = new.map_or(seen.identity.pod_hash.as_str(), ReplicaSet::hash);
        let recorded = seen.rollout.status.stable_rs.as_str();
        let stable = if recorded.is_empty() {
            Stable::None
        } else if recorded == new_hash && new.is_some() {
            Stable::Newest
        } else {
            // Gone, and what it ran is what is asked for: there is nothing to protect it from, and nothing to go back to.
            // One that merely lost its labels, and is owned no more, is not gone.
            let settled = is_observed(seen) && seen.rollout.status.current_pod_hash == recorded;
            let released = seen
                .replica_sets
                .iter()
                .any(|set| !set.deleting && set.hash() == recorded);
            let gone = if settled && !released {
                Stable::None
            } else {
                Stable::Missing
            };
            all.iter()
                .find(|set| set.hash() == recorded)
                .map_or(gone, |set| Stable::Other(set))
        };
        let stable_uid = match stable {
            Stable::Other(set) => Some(set.uid.as_str()),
            Stable::None | Stable::Newest | Stable::Missing => None,
        };
        let others = all
            .into_iter()
            .filter(|set| new.is_none_or(|new| new.uid != set.uid) && stable_uid != Some(set.uid.as_str()))
            .collect();
        Self {
            new_hash,
            new,
            new_why,
            stable,
            others,
        }
    }

    /// The stable ReplicaSet, if it is another than the newest.
    pub(crate) fn other_stable(&self) -> Option<&'a ReplicaSet> {
        match self.stable {
            Stable::Other(set) => Some(set),
            Stable::None | Stable::Newest | Stable::Missing => None,
        }
    }

    /// All ReplicaSets: new, stable, others.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a ReplicaSet> {
        self.new
            .into_iter()
            .chain(self.other_stable())
            .chain(self.others.iter().copied())
    }
}

/// One that is going plays no part, nor one that the selector does not mean (contract 02 §3).
fn takes_part(seen: &Observed, set: &ReplicaSet) -> bool {
    !set.deleting && belongs(seen, set)
}

/// Whether it carries a pod template hash, and the labels that the selector asks for (contract 02 §3). Where there is no
/// selector, what is owned is meant.
pub(crate) fn belongs(seen: &Observed, set: &ReplicaSet) -> bool {
    !set.hash().is_empty() && is_selected(seen, set).unwrap_or(!set.orphan)
}

/// Whether the selector matches its labels; `None` without a selector, or with one that selects everything.
fn is_selected(seen: &Observed, set: &ReplicaSet) -> Option<bool> {
    let asked: &LabelSelector = seen.rollout.spec.selector.as_ref()?;
    (!selector::is_empty(asked)).then(|| selector::matches(asked, &set.labels))
}

/// How its owner is to change. One that is going is left to who deletes it, and one without a pod template hash to
/// whoever took that away.
pub(crate) fn ownership(seen: &Observed, set: &ReplicaSet) -> Option<Ownership> {
    if set.deleting || set.hash().is_empty() {
        return None;
    }
    match (set.orphan, is_selected(seen, set)?) {
        (true, true) => Some(Ownership::Adopt),
        (false, false) => Some(Ownership::Release),
        (true, false) | (false, true) => None,
    }
}

/// By recorded hash while the generation is observed (decision 16), then by either hash dialect (decision 15), then by
/// what the template says (decision 19). Where several fit, the one that was new before, else the oldest.
fn newest<'a>(seen: &Observed, all: &[&'a ReplicaSet]) -> Option<(&'a ReplicaSet, Reason)> {
    let recorded = seen.rollout.status.current_pod_hash.as_str();
    let was_new = |set: &ReplicaSet| !recorded.is_empty() && set.hash() == recorded;
    let believed = is_observed(seen);
    let fitting = all.iter().filter_map(|set| {
        let why = if believed && was_new(set) {
            Reason::RecordedHash
        } else {
            fits(&seen.identity, set)?
        };
        Some((*set, why))
    });
    fitting.min_by(|(a, a_why), (b, b_why)| {
        let rank = |set: &ReplicaSet, why: &Reason| (!was_new(set), *why);
        let (a_rank, b_rank) = (rank(a, a_why), rank(b, b_why));
        (a_rank, a.created, &a.name).cmp(&(b_rank, b.created, &b.name))
    })
}

/// Why a ReplicaSet runs the present template, if it does.
fn fits(identity: &Identity, set: &ReplicaSet) -> Option<Reason> {
    let is = |hash: &str| !hash.is_empty() && set.hash() == hash;
    if is(&identity.pod_hash) {
        Some(Reason::hash(Dialect::Omitted))
    } else if is(&identity.pod_hash_with_null_timestamp) {
        Some(Reason::hash(Dialect::Null))
    } else {
        let equal = identity.template.is_some() && set.template == identity.template;
        equal.then_some(Reason::SemanticEquality)
    }
}

/// Whether the recorded hashes speak of the present spec.
///
/// They do not where it was found invalid: the generation counts as observed then, for all to read, but nothing was made
/// of it. Where a condition does not decode, that may be what it said. What cures it need not be an edit (decision 23: the
/// API server may accept the ReplicaSet later).
pub(crate) fn is_observed(seen: &Observed) -> bool {
    if conditions::get(&seen.rollout.status, condition::INVALID_SPEC).is_some() || unread::conditions_missing(seen) {
        return false;
    }
    let generation = seen.rollout.metadata.generation.unwrap_or(0);
    seen.rollout.status.observed_generation.parse() == Ok(generation) && workload::is_the_one_that_was_observed(seen)
}

/// Whether the status says for which generation it was written. Before v1.0 it held a hash of the spec in its place:
/// such a rollout is taken over where it stands.
pub(crate) fn speaks_of_generations(seen: &Observed) -> bool {
    let observed = &seen.rollout.status.observed_generation;
    observed.is_empty() || observed.parse::<i64>().is_ok()
}
