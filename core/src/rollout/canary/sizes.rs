//! What a canary without traffic routing wants of its ReplicaSets and Services (contract 02 §6, contract 03 §3 and §6).

use crate::meaning::Canary;
use crate::observed::ReplicaSet;
use crate::rollout::canary::scale::{self, Input, Pods, Targets};
use crate::rollout::canary::{paused, services};
use crate::rollout::look::Look;
use crate::rollout::update::Course;
use crate::rollout::want::{Deadline, Keeps, Of, Want};

/// What the arithmetic sees.
pub(super) fn input(look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> Input {
    let sum = |sum: Pods, set: Pods| Pods {
        spec: sum.spec.saturating_add(set.spec),
        available: sum.available.saturating_add(set.available),
    };
    let others = look.revisions.others.iter().map(|set| pods(look, set));
    Input {
        replicas: look.replicas,
        weight: course.weight(look, canary),
        fenceposts: canary.fenceposts,
        canary: look.revisions.new.map_or(Pods::default(), |set| pods(look, set)),
        canary_exists: look.revisions.new.is_some(),
        stable: look.revisions.other_stable().map(|set| pods(look, set)),
        others: others.fold(Pods::default(), sum),
    }
}

fn pods(look: &Look<'_>, set: &ReplicaSet) -> Pods {
    Pods {
        spec: set.replicas,
        available: look.available(set),
    }
}

/// What is wanted, whether the update goes on, is paused by hand, is halted, or is held because stable is gone.
pub(super) fn want<'a>(look: &Look<'a>, canary: &Canary<'a>, input: &Input, course: &Course) -> Want<'a> {
    let paused = look.rollout.spec.paused;
    let (held, halted) = (course.is_held(look), course.is_halted(look));
    let keeps = if has_room(input) {
        Keeps::PartBehind(canary.stable_service)
    } else {
        Keeps::Part
    };
    let new = look.revisions.new;
    let stay = held || halted;
    let next = if stay { as_they_are(input) } else { next(input, course) };
    let replica_sets = if paused && !held {
        paused::want(look, input.fenceposts, keeps)
    } else if stay {
        new.into_iter().map(Of::as_is).collect()
    } else {
        towards(look, next, keeps)
    };
    Want {
        // Nothing is made while paused (decision 41).
        create: (!paused).then_some(next.canary),
        replica_sets,
        services: if held {
            Vec::new()
        } else {
            services::want(look, canary, input, course)
        },
        keep_available: input.replicas.saturating_sub(input.fenceposts.unavailable),
        keep_shares: paused,
        ..Want::default()
    }
}

/// After an abort the canary goes although superseded revisions have pods. They may be what is left available; pods of the
/// canary that never get ready would then keep the room that stable needs, and all would wait for ever.
fn next(input: &Input, course: &Course) -> Targets {
    let next = scale::next(input);
    let goes = course.abort.is_some() && input.others.spec > 0 && input.stable.is_some();
    let canary = if goes {
        next.canary.min(scale::wanted(input).canary)
    } else {
        next.canary
    };
    Targets { canary, ..next }
}

fn as_they_are(input: &Input) -> Targets {
    Targets {
        canary: input.canary.spec,
        stable: input.stable.unwrap_or_default().spec,
    }
}

/// Where only one pod may exist at all, or none is wanted, a last pod that waits for another would wait for ever.
fn has_room(input: &Input) -> bool {
    input.replicas > 0 && input.replicas.saturating_add(input.fenceposts.surge) > 1
}

/// The sizes that come next. Old revisions go to zero as fast as the available pods allow, unhealthy pods first (contract
/// 03 §3, last item).
fn towards<'a>(look: &Look<'a>, next: Targets, keeps: Keeps<'a>) -> Vec<Of<'a>> {
    let new = look.revisions.new.map(|set| {
        // A restart may run one pod more meanwhile (decision 9): than is wanted, not than there are now.
        let size = match look.restart.surge_of(set) {
            0 => next.canary,
            more => next.canary.min(look.replicas).saturating_add(more),
        };
        Of::size(set, size, keeps).deadline(Deadline::None)
    });
    let stable = look.revisions.other_stable();
    let stable = stable.map(|set| Of::size(set, next.stable, keeps));
    let old = look.revisions.others.iter().filter(|set| set.replicas > 0);
    let old = old.map(|set| Of::size(set, 0, keeps));
    new.into_iter().chain(stable).chain(old).collect()
}
