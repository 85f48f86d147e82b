//! The sizes of all ReplicaSets of a canary, as actions (contract 02 §6, contract 03 §3).

use crate::api::rollout::CanaryStrategy;
use crate::meaning::{Canary, fenceposts};
use crate::observed::ReplicaSet;
use crate::plan::draft::Draft;
use crate::rollout::availability::Budget;
use crate::rollout::canary::scale::{self, Input, Pods, Targets};
use crate::rollout::canary::{paused, services};
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
        canary: look.revisions.new.map_or(Pods::default(), |set| pods(look, set)),
        canary_exists: look.revisions.new.is_some(),
        stable: look.revisions.other_stable().map(|set| pods(look, set)),
        others: look
            .revisions
            .others
            .iter()
            .map(|set| pods(look, set))
            .fold(Pods::default(), |sum, set| Pods {
                spec: sum.spec.saturating_add(set.spec),
                available: sum.available.saturating_add(set.available),
            }),
    }
}

fn pods(look: &Look<'_>, set: &ReplicaSet) -> Pods {
    Pods {
        spec: set.replicas,
        available: look.available(set),
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
        scale::next(input)
    };
    let paused = look.rollout.spec.paused;
    let creation = if paused {
        // No ReplicaSet is made (decision 41).
        Creation::without(look, draft)
    } else {
        Creation::plan(look, next.canary, draft)
    };
    if paused && !held {
        paused::plan(look, written, input, course, draft);
        return;
    }
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
    // A restart may run one pod more meanwhile (decision 9).
    let next = Targets {
        canary: next
            .canary
            .saturating_add(new.map_or(0, |set| look.restart.surge_of(set))),
        ..next
    };
    let needed = input.replicas.saturating_sub(input.fenceposts.unavailable);
    let mut budget = Budget::of(look, look.revisions.all(), needed);
    if let Some(set) = stable.filter(|set| next.stable > set.replicas) {
        resize(look, set, next.stable, draft);
    }
    if new.is_some_and(|set| next.canary >= set.replicas) {
        creation.sync(look, Some(next.canary), false, draft);
    }
    services::plan(look, written, input, course, draft);
    if let Some(set) = new.filter(|set| next.canary < set.replicas) {
        let size = budget.shrink(look, set, next.canary);
        let size = services::floor(look, written, input, set, size, draft);
        creation.sync(look, Some(size), false, draft);
    }
    if let Some(set) = stable.filter(|set| next.stable <= set.replicas) {
        let size = budget.shrink(look, set, next.stable);
        resize(
            look,
            set,
            services::floor(look, written, input, set, size, draft),
            draft,
        );
    }
    drain_others(look, written, input, &mut budget, draft);
}

/// Old revisions go to zero as fast as the available pods allow, unhealthy pods first (contract 03 §3, last item).
fn drain_others(look: &Look<'_>, written: &CanaryStrategy, input: &Input, budget: &mut Budget, draft: &mut Draft) {
    for set in &look.revisions.others {
        let size = services::floor(look, written, input, set, budget.shrink(look, set, 0), draft);
        if size < set.replicas {
            resize(look, set, size, draft);
        }
    }
}
