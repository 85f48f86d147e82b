//! The sizes of all ReplicaSets of a canary, as actions (contract 02 §6, contract 03 §3).

use crate::api::rollout::CanaryStrategy;
use crate::meaning::{Canary, fenceposts};
use crate::observed::ReplicaSet;
use crate::plan::draft::Draft;
use crate::rollout::canary::scale::{self, Input, Pods, Targets};
use crate::rollout::canary::services;
use crate::rollout::look::Look;
use crate::rollout::replica_set::{Creation, resize};
use crate::rollout::revision::Stable;
use crate::rollout::update::Course;

/// What the arithmetic sees.
pub(crate) fn input(look: &Look<'_>, canary: &Canary, written: &CanaryStrategy, course: &Course) -> Input {
    Input {
        replicas: look.replicas,
        weight: course.weight(look, canary),
        fenceposts: fenceposts(written, look.replicas),
        canary: look.revisions.new.map_or(Pods::default(), pods),
        canary_exists: look.revisions.new.is_some(),
        stable: look.revisions.other_stable().map(pods),
        others: look
            .revisions
            .others
            .iter()
            .map(|set| pods(set))
            .fold(Pods::default(), |sum, set| Pods {
                spec: sum.spec.saturating_add(set.spec),
                available: sum.available.saturating_add(set.available),
            }),
    }
}

fn pods(set: &ReplicaSet) -> Pods {
    Pods {
        spec: set.replicas,
        available: set.available(),
    }
}

/// Plans all changes of size, capacity up before capacity down; creates the newest ReplicaSet at its first size.
pub(crate) fn plan(look: &Look<'_>, written: &CanaryStrategy, input: &Input, course: &Course, draft: &mut Draft) {
    // A recorded stable that is gone: nothing is scaled until a person decides (decision 8).
    let held = look.revisions.stable == Stable::Missing && !course.promote_full;
    let next = if course.is_halted(look) || held {
        Targets {
            canary: input.canary.spec,
            stable: input.stable.unwrap_or_default().spec,
        }
    } else {
        keep_unobserved(look, input, scale::next(input))
    };
    let creation = Creation::plan(look, next.canary, draft);
    if held {
        creation.sync(look, None, true, draft);
        return;
    }
    if course.is_halted(look) {
        creation.sync(look, None, true, draft);
        services::plan(look, written, input, course, draft);
        return;
    }
    let (new, stable) = (look.revisions.new, look.revisions.other_stable());
    if let Some(set) = stable.filter(|set| next.stable > set.replicas) {
        resize(look, set, next.stable, draft);
    }
    if new.is_some_and(|set| next.canary >= set.replicas) {
        creation.sync(look, Some(next.canary), false, draft);
    }
    services::plan(look, written, input, course, draft);
    if let Some(set) = new.filter(|set| next.canary < set.replicas) {
        creation.sync(
            look,
            Some(services::floor(look, written, input, set, next.canary, draft)),
            false,
            draft,
        );
    }
    if let Some(set) = stable.filter(|set| next.stable <= set.replicas) {
        resize(
            look,
            set,
            services::floor(look, written, input, set, next.stable, draft),
            draft,
        );
    }
    drain_others(look, written, input, draft);
}

/// Where both sides are to shrink, such as after somebody else scaled one of them up, a side whose status speaks of an
/// older spec stays: what is available of it counts as none, and would be given away.
fn keep_unobserved(look: &Look<'_>, input: &Input, mut next: Targets) -> Targets {
    let unobserved = |set: &ReplicaSet| set.observed_generation < set.generation;
    let stable = input.stable.unwrap_or_default().spec;
    if next.canary < input.canary.spec && next.stable < stable {
        if look.revisions.other_stable().is_some_and(unobserved) {
            next.stable = stable;
        }
        if look.revisions.new.is_some_and(unobserved) {
            next.canary = input.canary.spec;
        }
    }
    next
}

/// Old revisions go to zero as fast as the available pods allow, unhealthy pods first (contract 03 §3, last item).
fn drain_others(look: &Look<'_>, written: &CanaryStrategy, input: &Input, draft: &mut Draft) {
    let mut sizes: Vec<(&ReplicaSet, i32)> = look.revisions.others.iter().map(|set| (*set, set.replicas)).collect();
    for (set, size) in &mut sizes {
        // A status that speaks of an older spec says nothing about which pods are unhealthy.
        if set.observed_generation >= set.generation {
            *size = (*size).min(set.available());
        }
    }
    let of_stable = input.stable.map_or(0, |stable| stable.available);
    let available = [input.canary.available, of_stable, input.others.available];
    let available = available.into_iter().fold(0, i32::saturating_add);
    let mut room = available.saturating_sub(look.replicas.saturating_sub(input.fenceposts.unavailable));
    for (_, size) in &mut sizes {
        let taken = room.clamp(0, *size);
        *size -= taken;
        room -= taken;
    }
    for (set, size) in sizes {
        let size = services::floor(look, written, input, set, size, draft);
        if size < set.replicas {
            resize(look, set, size, draft);
        }
    }
}
