//! Which ReplicaSet is new, which is stable, which are old (contract 02 §3).

use crate::adoption::Reason;
use crate::conditions;
use crate::identity::Dialect;
use crate::observed::{Observed, ReplicaSet};
use crate::wire::condition;

/// The roles of the ReplicaSets of one rollout, at one look.
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
    /// None is recorded: the first deployment.
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
        let mut all: Vec<&ReplicaSet> = seen.replica_sets.iter().filter(|set| !set.deleting).collect();
        all.sort_by(|a, b| (b.revision(), b.created, &b.name).cmp(&(a.revision(), a.created, &a.name)));
        let (new, new_why) = newest(seen, &all).unzip();
        let new_hash = new.map_or(seen.identity.pod_hash.as_str(), ReplicaSet::hash);
        let recorded = seen.rollout.status.stable_rs.as_str();
        let stable = if recorded.is_empty() {
            Stable::None
        } else if recorded == new_hash && new.is_some() {
            Stable::Newest
        } else {
            all.iter()
                .find(|set| set.hash() == recorded)
                .map_or(Stable::Missing, |set| Stable::Other(set))
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

/// By recorded hash while the generation is observed (decision 16), then by either hash dialect (decision 15), then by
/// what the template says (decision 19); the oldest where several fit.
fn newest<'a>(seen: &Observed, all: &[&'a ReplicaSet]) -> Option<(&'a ReplicaSet, Reason)> {
    let status = &seen.rollout.status;
    let identity = &seen.identity;
    let recorded = if is_observed(seen) {
        status.current_pod_hash.as_str()
    } else {
        ""
    };
    let oldest = |fits: &dyn Fn(&ReplicaSet) -> bool| {
        let fitting = all.iter().copied().filter(|set| fits(set));
        fitting.min_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)))
    };
    let by_hash = [
        (recorded, Reason::RecordedHash),
        (&identity.pod_hash, Reason::hash(Dialect::Omitted)),
        (&identity.pod_hash_with_null_timestamp, Reason::hash(Dialect::Null)),
    ];
    let found = by_hash
        .into_iter()
        .filter(|(hash, _)| !hash.is_empty())
        .find_map(|(hash, why)| oldest(&|set| set.hash() == hash).map(|set| (set, why)));
    found.or_else(|| {
        let wanted = identity.template?;
        oldest(&|set| set.template == Some(wanted)).map(|set| (set, Reason::SemanticEquality))
    })
}

/// Whether the recorded hashes speak of the present spec.
///
/// They do not where it was found invalid: the generation counts as observed then, for all to read, but nothing was made
/// of it. What cures it need not be an edit (decision 23: the API server may accept the ReplicaSet later).
pub(crate) fn is_observed(seen: &Observed) -> bool {
    if conditions::get(&seen.rollout.status, condition::INVALID_SPEC).is_some() {
        return false;
    }
    let generation = seen.rollout.metadata.generation.unwrap_or(0);
    seen.rollout.status.observed_generation.parse() == Ok(generation)
}

/// Whether the status says for which generation it was written. Before v1.0 it held a hash of the spec in its place:
/// such a rollout is taken over where it stands.
pub(crate) fn speaks_of_generations(seen: &Observed) -> bool {
    let observed = &seen.rollout.status.observed_generation;
    observed.is_empty() || observed.parse::<i64>().is_ok()
}
