//! `spec.restartAt`: every pod that is older is evicted, as many at a time as may be unavailable (contract 05 §4).
//!
//! The ReplicaSet controller learns of an eviction a moment later; until then a ReplicaSet that shrinks may lose another
//! pod in place of the one that is gone (contract 11 F2). [`crate::rollout::availability`] counts that in, so one that surges goes
//! back to its size once it has made a pod in place of the last old one, or says that it cannot.

use crate::meaning::Strategy;
use crate::observed::{Pod, ReplicaSet};
use crate::plan::draft::Draft;
use crate::plan::{Target, Wake, WakeReason};
use crate::rollout::availability::{CLOCK_SECONDS, changes_at};
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::revision::Stable;
use crate::rollout::service;
use jiff::Timestamp;

/// How long until evictions that were not allowed are tried again, in seconds (contract 05 §4).
const RECHECK_SECONDS: i64 = 30;

/// How far a restart is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restart {
    /// No pod is older than asked for, and those that came in place of the old ones are available.
    pub(crate) done: bool,
    /// Pods that were evicted may still count for their ReplicaSet controller.
    pub(crate) in_flight: bool,
    /// UID of the ReplicaSet that runs one pod more meanwhile, because none may be unavailable (decision 9).
    surge: Option<String>,
    evict: Vec<Target>,
    wake: Option<Timestamp>,
}

/// When pods are to be restarted, if that has not been done.
fn asked(look: &Look<'_>) -> Option<Timestamp> {
    let asked = look.rollout.spec.restart_at.as_ref();
    let done = look.rollout.status.restarted_at.as_ref();
    asked.filter(|at| Some(*at) != done).map(|at| at.0)
}

/// Whether pods may have to be evicted now, or have been a moment ago: also by a controller before this one, whose clock was
/// ahead of ours.
pub(crate) fn is_due(look: &Look<'_>) -> bool {
    asked(look).is_some_and(|at| at <= after_seconds(look.now, CLOCK_SECONDS))
}

impl Restart {
    /// The restart at this reconcile.
    pub(crate) fn of(look: &Look<'_>) -> Self {
        let max_unavailable = look.strategy.max_unavailable();
        let Some(at) = asked(look) else {
            return Self::default();
        };
        if at > look.now {
            return Self::later(look, at);
        }
        let again = || Some(after_seconds(look.now, RECHECK_SECONDS));
        let Some(sets) = listed(look) else {
            return Self {
                wake: again(),
                ..Self::default()
            };
        };
        let in_flight = sets.iter().any(|(set, _)| look.availability(set).may_be_more());
        if look.change != Change::Nothing {
            return Self {
                in_flight,
                wake: again().filter(|_| in_flight),
                ..Self::default()
            };
        }
        let all = || {
            sets.iter()
                .flat_map(|(set, pods)| pods.iter().map(move |pod| (*set, pod)))
        };
        let is_old = |pod: &Pod| pod.created < at && pod.is_active();
        let old: Vec<(&ReplicaSet, &Pod)> = all().filter(|(_, pod)| is_old(pod)).collect();
        let changes = |(set, pods): &(&ReplicaSet, &[Pod])| changes_at(pods, set, look.now);
        let wake = sets.iter().filter_map(changes).min();
        let Some((first, _)) = old.first() else {
            let done = !in_flight && sets.iter().all(|(set, _)| is_replaced(look, set));
            return Self {
                done,
                wake: wake.filter(|_| !done),
                ..Self::default()
            };
        };
        let spec: i32 = sets.iter().map(|(set, _)| set.replicas).fold(0, i32::saturating_add);
        let available = sets.iter().map(|(set, _)| look.available(set));
        let available = available.fold(0, i32::saturating_add);
        let surges = max_unavailable <= 0 && is_whole(look, first);
        let allowed = if surges {
            // Those of other revisions stand in for none of these.
            look.available(first).saturating_sub(look.replicas)
        } else {
            let minimum = look.replicas.max(spec).saturating_sub(max_unavailable.max(1));
            available.saturating_sub(minimum)
        };
        let allowed = usize::try_from(allowed).unwrap_or(0);
        let due = old.iter().filter(|(set, _)| !surges || set.uid == first.uid);
        let evict = evictions(look, due, allowed, max_unavailable);
        Self {
            surge: surges.then(|| first.uid.clone()),
            // A PodDisruptionBudget may refuse an eviction, and nothing tells when it no longer does.
            wake: if evict.is_empty() { wake } else { again() },
            evict,
            ..Self::default()
        }
    }

    /// The restart while our clock is before `at`: the controller before may have begun it.
    fn later(look: &Look<'_>, at: Timestamp) -> Self {
        let mut sets = listed(look).into_iter().flatten();
        let in_flight = is_due(look) && sets.any(|(set, _)| look.availability(set).may_be_more());
        let again = || after_seconds(look.now, RECHECK_SECONDS);
        Self {
            in_flight,
            // A new template counts as restarted: `status::base` says so. It waits for pods that are evicted.
            wake: if look.change == Change::Nothing {
                Some(at)
            } else {
                in_flight.then(again)
            },
            ..Self::default()
        }
    }

    /// Pods that a ReplicaSet runs beyond its size.
    pub(crate) fn surge_of(&self, set: &ReplicaSet) -> i32 {
        i32::from(self.surge.as_ref() == Some(&set.uid))
    }

    /// Pods to evict now.
    pub(crate) fn evict(&self) -> &[Target] {
        &self.evict
    }

    /// Asks for the next reconcile.
    pub(crate) fn wake(&self, draft: &mut Draft) {
        if let Some(at) = self.wake {
            let why = WakeReason::Restart;
            draft.wake(Wake { at, why });
        }
    }
}

/// All pods that came in place of the old ones are available.
fn is_replaced(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let wanted = set.replicas.min(look.replicas);
    look.availability(set).left_at(wanted) >= wanted
}

/// As many of the pods as are allowed; of those that users are sent to one stays.
fn evictions<'a>(
    look: &Look<'_>,
    due: impl Iterator<Item = &'a (&'a ReplicaSet, &'a Pod)>,
    allowed: usize,
    max_unavailable: i32,
) -> Vec<Target> {
    let mut evict: Vec<(&ReplicaSet, &Pod)> = Vec::new();
    for (set, pod) in due {
        let taken = evict.iter().filter(|(other, _)| other.uid == set.uid).count();
        let left = look
            .available(set)
            .saturating_sub(i32::try_from(taken).unwrap_or(i32::MAX));
        let keeps_last = max_unavailable < look.replicas && left <= 1 && serves_users(look, set);
        if evict.len() < allowed && !keeps_last {
            evict.push((set, pod));
        }
    }
    evict.into_iter().map(|(_, pod)| target_of(pod)).collect()
}

/// Users are sent to it, so one of its available pods stays. A preview, or a canary of one pod, serves nobody else meanwhile:
/// it would wait for ever.
fn serves_users(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let stable = look.revisions.other_stable();
    stable.is_none_or(|stable| stable.uid == set.uid) && service::selects(look, set)
}

/// Whether all pods of a ReplicaSet must be available, so that it may run one more than is wanted: of the only one between
/// updates, and of the stable one of blue-green, or the one that its active Service leads to. How many pods there are while a
/// canary goes on, or while superseded revisions of it have pods, is for the update to decide.
fn is_whole(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let is_alone = || look.revisions.others.iter().all(|set| set.replicas == 0);
    let is_new = look.revisions.new.is_some_and(|new| new.uid == set.uid);
    match look.revisions.stable {
        Stable::None | Stable::Newest => is_new && (look.strategy.is_blue_green() || is_alone()),
        Stable::Other(stable) => match &look.strategy {
            Strategy::Canary(_) => false,
            Strategy::BlueGreen(meant) => {
                let is_active = service::hash_of(look, meant.active_service) == set.hash();
                stable.uid == set.uid || (is_new && is_active)
            }
        },
        // Nothing is scaled (decision 8).
        Stable::Missing => false,
    }
}

/// All ReplicaSets with their pods, stable first; `None` while some are not known.
fn listed<'a>(look: &Look<'a>) -> Option<Vec<(&'a ReplicaSet, &'a [Pod])>> {
    let revisions = &look.revisions;
    let ordered = revisions
        .other_stable()
        .into_iter()
        .chain(revisions.new)
        .chain(revisions.others.iter().copied());
    ordered
        .filter(|set| !set.is_empty())
        .map(|set| look.seen.pods.get(&set.name).map(|pods| (set, pods.as_slice())))
        .collect()
}

fn target_of(pod: &Pod) -> Target {
    Target {
        name: pod.name.clone(),
        uid: pod.uid.clone(),
        resource_version: pod.resource_version.clone(),
    }
}
