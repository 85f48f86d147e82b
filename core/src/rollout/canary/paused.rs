//! A canary that is paused by hand follows `spec.replicas`, in the proportion that it was paused in, and nothing else: no
//! pod moves between revisions (decision 41).
//!
//! The proportion is recorded on each ReplicaSet that follows, so that a number of replicas always gives the same sizes,
//! whichever numbers came before it.

use crate::meaning::Fenceposts;
use crate::observed::ReplicaSet;
use crate::rollout::look::Look;
use crate::rollout::want::{Keeps, Of};
use crate::wire;

/// Pods of a ReplicaSet, and how many the rollout wanted in all, when it was paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its pods.
    pub pods: i32,
    /// `spec.replicas`.
    pub of: i32,
}

impl Share {
    /// As recorded, else as it is now.
    fn of(set: &ReplicaSet, replicas: i32) -> Self {
        let recorded = set.annotations.get(wire::SIZE_AT_PAUSE);
        let recorded = recorded.and_then(|text| text.split_once('/'));
        let recorded = recorded.and_then(|(pods, of)| Some((pods.parse().ok()?, of.parse().ok()?)));
        let (pods, of) = recorded.unwrap_or_else(|| (set.replicas, set.desired_replicas().unwrap_or(replicas)));
        Self { pods, of }
    }

    /// The record that a set of this size needs; none where it is what can be seen.
    fn record(self, size: i32, replicas: i32) -> Option<String> {
        let needed = self.pods > 0 && (self.of != replicas || self.pods != size);
        needed.then(|| format!("{}/{}", self.pods, self.of))
    }

    /// Its part of `replicas`, rounded down, and up.
    fn scaled(self, replicas: i32) -> (i32, i32) {
        if self.of <= 0 || self.of == replicas {
            return (self.pods.max(0), self.pods.max(0));
        }
        let product = i64::from(self.pods.max(0)) * i64::from(replicas);
        let of = i64::from(self.of);
        let down = product.div_euclid(of);
        let up = down + i64::from(product.rem_euclid(of) > 0);
        let pods = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
        (pods(down), pods(up))
    }
}

/// The size of each ReplicaSet for `replicas`. The first is stable: what does not divide goes to it, and where maxSurge
/// leaves no room it is the others that grow less.
#[must_use]
pub fn sizes(shares: &[Share], replicas: i32, fenceposts: Fenceposts) -> Vec<i32> {
    let Some((stable, others)) = shares.split_first() else {
        return Vec::new();
    };
    if shares.iter().all(|share| share.of == replicas) {
        return shares.iter().map(|share| share.pods).collect();
    }
    let most = replicas.saturating_add(fenceposts.surge);
    let mut first = stable.scaled(replicas).1.min(most);
    let mut room = most - first;
    let mut sizes = Vec::with_capacity(shares.len());
    for other in others {
        let size = other.scaled(replicas).0.min(room);
        room -= size;
        sizes.push(size);
    }
    // As many as there were, in proportion; at least as many as must be available.
    let whole = shares.iter().map(|share| share.pods).fold(0, i32::saturating_add) >= stable.of;
    let least = if whole {
        replicas
    } else {
        replicas.saturating_sub(fenceposts.unavailable)
    };
    let all = sizes.iter().copied().fold(first, i32::saturating_add);
    first = first.saturating_add(least.saturating_sub(all).max(0));
    sizes.insert(0, first);
    sizes
}

/// The ReplicaSets that have or had pods, the one that is to be favoured first: stable, unless it has none.
fn ordered<'a>(look: &Look<'a>) -> Vec<(&'a ReplicaSet, Share)> {
    let (new, stable) = (look.revisions.new, look.revisions.other_stable());
    let all = stable
        .into_iter()
        .chain(new)
        .chain(look.revisions.others.iter().copied());
    let all: Vec<(&ReplicaSet, Share)> = all.map(|set| (set, Share::of(set, look.replicas))).collect();
    let (with, without): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, share)| share.pods > 0);
    if with.is_empty() {
        // Paused while there were none at all: what serves gets them all.
        return without.into_iter().take(1).collect();
    }
    with
}

/// Each ReplicaSet follows `spec.replicas`; those of stable give up pods last.
pub(crate) fn want<'a>(look: &Look<'a>, fenceposts: Fenceposts, keeps: Keeps<'a>) -> Vec<Of<'a>> {
    let sets = ordered(look);
    let shares: Vec<Share> = sets.iter().map(|(_, share)| *share).collect();
    let sizes = sizes(&shares, look.replicas, fenceposts);
    let follow = |((set, share), size): ((&'a ReplicaSet, Share), i32)| Of {
        share: Some(share.record(size, look.replicas)),
        ..Of::size(set, size, keeps)
    };
    sets.into_iter().zip(sizes).rev().map(follow).collect()
}
