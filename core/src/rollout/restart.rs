//! `spec.restartAt`: every pod that is older is evicted, as many at a time as may be unavailable (contract 05 §4).

use crate::meaning::{fenceposts, restart_unavailable};
use crate::observed::{Pod, ReplicaSet};
use crate::plan::draft::Draft;
use crate::plan::{Action, Target, Wake, WakeReason};
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::pods::has_pods;
use jiff::Timestamp;

/// How long until evictions that were not allowed are tried again, in seconds (contract 05 §4).
const RECHECK_SECONDS: i64 = 30;

/// How far a restart is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restart {
    /// No pod is older than asked for.
    pub(crate) done: bool,
    /// UID of the ReplicaSet that runs one pod more meanwhile, because none may be unavailable (decision 9).
    surge: Option<String>,
    evict: Vec<Target>,
    wake: Option<Timestamp>,
}

/// When pods are to be restarted, if that has not been done.
fn asked(look: &Look<'_>) -> Option<Timestamp> {
    let asked = look.rollout.spec.restart_at.as_ref();
    let done = look.rollout.status.restarted_at.as_ref();
    // A new template counts as restarted: `status::base` says so.
    asked
        .filter(|at| Some(*at) != done && look.change == Change::Nothing)
        .map(|at| at.0)
}

/// Whether pods may have to be evicted now.
pub(crate) fn is_due(look: &Look<'_>) -> bool {
    asked(look).is_some_and(|at| at <= look.now)
}

/// How many pods a restart may take at a time; 0 where none may be unavailable (contract 05 §4).
pub(crate) fn max_unavailable(look: &Look<'_>) -> i32 {
    let strategy = &look.rollout.spec.strategy;
    match (&strategy.canary, &strategy.blue_green) {
        (Some(canary), _) => fenceposts(canary, look.replicas).unavailable,
        (None, Some(blue)) => restart_unavailable(blue.max_unavailable.as_ref(), look.replicas),
        (None, None) => 0,
    }
}

impl Restart {
    /// The restart at this look, where so many pods may be unavailable.
    pub(crate) fn of(look: &Look<'_>, max_unavailable: i32) -> Self {
        let Some(at) = asked(look) else {
            return Self::default();
        };
        if at > look.now {
            return Self {
                wake: Some(at),
                ..Self::default()
            };
        }
        let again = Self {
            wake: Some(after_seconds(look.now, RECHECK_SECONDS)),
            ..Self::default()
        };
        let Some(sets) = listed(look) else {
            return again;
        };
        let all = || {
            sets.iter()
                .flat_map(|(set, pods)| pods.iter().map(move |pod| (*set, pod)))
        };
        let old: Vec<(&ReplicaSet, &Pod)> = all().filter(|(_, pod)| pod.created < at && !pod.deleting).collect();
        let Some((first, _)) = old.first() else {
            return Self {
                done: true,
                ..Self::default()
            };
        };
        let spec: i32 = sets.iter().map(|(set, _)| set.replicas).fold(0, i32::saturating_add);
        let available = all().filter(|(set, pod)| pod.is_available(set, look.now)).count();
        let available = i32::try_from(available).unwrap_or(i32::MAX);
        // Between updates there is room for one pod more; in one, the update decides how many there are.
        let surges = max_unavailable <= 0 && look.revisions.other_stable().is_none();
        let minimum = if surges {
            look.replicas
        } else {
            look.replicas.max(spec).saturating_sub(max_unavailable.max(1))
        };
        let allowed = usize::try_from(available.saturating_sub(minimum)).unwrap_or(0);
        let targets = old.iter().take(allowed).map(|(_, pod)| target_of(pod));
        let surging = surges && look.revisions.new.is_some_and(|new| new.uid == first.uid);
        Self {
            surge: surging.then(|| first.uid.clone()),
            evict: targets.collect(),
            ..again
        }
    }

    /// Pods that a ReplicaSet runs beyond its size.
    pub(crate) fn surge_of(&self, set: &ReplicaSet) -> i32 {
        i32::from(self.surge.as_ref() == Some(&set.uid))
    }

    /// The evictions, and when to look again. What a plan takes away by sizes it cannot take away once more.
    pub(crate) fn plan(&self, draft: &mut Draft) {
        let evict = self.evict.iter().filter(|_| !draft.resizes());
        for target in evict.cloned().collect::<Vec<_>>() {
            draft.act(Action::EvictPod(target));
        }
        if let Some(at) = self.wake {
            draft.wake(Wake {
                at,
                why: WakeReason::Restart,
            });
        }
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
        .filter(|set| has_pods(set))
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
