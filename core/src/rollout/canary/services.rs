//! The canary and the stable Service of a canary without traffic routing (contract 03 §6, decisions 6 and 43).

use crate::api::rollout::CanaryStrategy;
use crate::observed::ReplicaSet;
use crate::plan::draft::{Draft, Group};
use crate::rollout::canary::scale::{Input, wanted};
use crate::rollout::look::Look;
use crate::rollout::references;
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;

/// Plans the switches that are due.
pub(crate) fn plan(look: &Look<'_>, written: &CanaryStrategy, input: &Input, course: &Course, draft: &mut Draft) {
    let stable = match look.revisions.stable {
        Stable::Newest => look.revisions.new,
        Stable::Other(set) => Some(set),
        Stable::None | Stable::Missing => None,
    };
    let needed = input.replicas.saturating_sub(input.fenceposts.unavailable);
    let may_move = |name: &str, to: &ReplicaSet| service::may_move(look, name, to, needed);
    // Nothing of stable is to be left: its Service moves before its last pod goes (contract 11 B1). Once moved it stays,
    // whatever becomes of the pods meanwhile.
    let name = &written.stable_service;
    let moved = service::hash_of(look, name) == look.revisions.new_hash;
    let ready = |new: &&ReplicaSet| moved || may_move(name, new);
    // Without replicas nothing of stable is wanted, and that approves nothing (decision 42).
    let taken_over = course.abort.is_none() && !course.sleeps(look) && wanted(input).stable == 0;
    let behind_stable = look.revisions.new.filter(|_| taken_over).filter(ready).or(stable);
    follow(look, name, behind_stable.filter(|set| may_move(name, set)), draft);
    // The canary Service shows whatever there is of the canary; on the way back it moves as the stable one.
    let name = &written.canary_service;
    let behind_canary = if course.abort.is_some() {
        stable.filter(|set| may_move(name, set))
    } else {
        look.revisions.new
    };
    follow(look, name, behind_canary, draft);
    let named: Vec<&str> = references::services(look.seen)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    service::release_unnamed(look, &named, draft);
}

/// Lets a Service select a ReplicaSet once that has an available pod; all of them where the Service is new to us.
fn follow(look: &Look<'_>, name: &str, set: Option<&ReplicaSet>, draft: &mut Draft) {
    let Some(set) = set.filter(|set| service::hash_of(look, name) != set.hash()) else {
        return;
    };
    let available = look.available(set);
    let whole = set.replicas > 0 && set.replicas <= available;
    if available > 0 && (whole || service::is_managed(look, name)) {
        service::switch(look, name, set.hash(), Group::Traffic, draft);
    }
}

/// A Service without a hash selects the pods of every revision: whether the last pod of this one is kept for it.
///
/// One is kept, and only while no revision that stays has an available pod. Were the last pod of each kept, those of
/// superseded revisions could leave the newest no room for ever.
fn is_kept_for_all(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let serves = |other: &&ReplicaSet| other.replicas > 0 && look.available(other) > 0;
    let staying = look.revisions.new.into_iter().chain(look.revisions.other_stable());
    if staying.filter(|other| other.uid != set.uid).any(|other| serves(&other)) {
        return false;
    }
    let may_serve = |other: &&ReplicaSet| other.replicas > 0 && look.availability(other).at_most() > 0;
    let all = || look.revisions.all();
    if let Some(kept) = all().find(serves) {
        return kept.uid == set.uid;
    }
    if all().any(|other| may_serve(&other)) {
        // For the moment in which nothing is known all of these stay.
        return may_serve(&set);
    }
    all()
        .find(|other| other.replicas > 0)
        .is_some_and(|kept| kept.uid == set.uid)
}

/// The size that `set` may go down to: its last available pod stays while the stable Service selects it (decision 6).
pub(crate) fn floor(
    look: &Look<'_>,
    written: &CanaryStrategy,
    input: &Input,
    set: &ReplicaSet,
    size: i32,
    draft: &Draft,
) -> i32 {
    let hash = service::hash_of(look, &written.stable_service);
    let selected =
        !written.stable_service.is_empty() && (hash == set.hash() || (hash.is_empty() && is_kept_for_all(look, set)));
    // Where only one pod may exist at all, or none is wanted, waiting for another would wait for ever.
    let no_room = input.replicas == 0 || input.replicas.saturating_add(input.fenceposts.surge) <= 1;
    if size >= set.replicas || no_room {
        size
    } else if size <= 0 && draft.switches() {
        // The next look sees what the Service selects now.
        set.replicas
    } else if selected {
        look.availability(set).floor(size)
    } else {
        size
    }
}
