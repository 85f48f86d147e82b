//! Services and the ReplicaSet that each should select (contract 03 §6, contract 04 §1).

use crate::observed::{ReplicaSet, Service};
use crate::rollout::look::Look;
use crate::wire::HASH_LABEL;

/// The pod template hash that a Service selects; empty where it selects none, or does not exist.
pub(crate) fn hash_of<'a>(look: &Look<'a>, name: &str) -> &'a str {
    find(look, name)
        .and_then(|service| service.selector.get(HASH_LABEL))
        .map_or("", String::as_str)
}

/// A Service that exists.
pub(crate) fn find<'a>(look: &Look<'a>, name: &str) -> Option<&'a Service> {
    look.seen.services.get(name)?.as_ref()
}

/// Whether a Service exists and carries the name of this rollout as that of its manager.
pub(crate) fn is_managed(look: &Look<'_>, name: &str) -> bool {
    find(look, name).is_some_and(|service| is_ours(look, service))
}

/// One that names a manager that stays away is as free as one that names none (decision 48).
pub(crate) fn is_ours(look: &Look<'_>, service: &Service) -> bool {
    service.managed_by.as_deref() == Some(look.name())
}

/// Whether any Service of the rollout still selects this ReplicaSet: its last pod stays until that has changed.
pub(crate) fn selects(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let selected = |service: &Service| service.selector.get(HASH_LABEL).is_some_and(|hash| hash == set.hash());
    look.seen.services.values().flatten().any(selected)
}

/// Whether a Service of traffic may move to a ReplicaSet, where so many pods are needed: once that has them, or at least
/// one and no fewer than what the Service leads to now (decision 43).
///
/// So it never waits for pods on a side that serves more than the one that serves now. A Service that selects no hash, or
/// one that no ReplicaSet has, leads to nothing that could be kept.
pub(crate) fn may_move(look: &Look<'_>, name: &str, to: &ReplicaSet, needed: i32) -> bool {
    let hash = hash_of(look, name);
    let loses = look.revisions.all().find(|set| !hash.is_empty() && set.hash() == hash);
    let loses = loses.map_or(0, |set| look.availability(set).at_most());
    let gains = look.available(to);
    gains >= needed.max(1) || (gains > 0 && gains >= loses)
}

/// Whether a Service leads to this ReplicaSet, so that its last available pod stays (decision 6).
///
/// A Service without a hash selects the pods of every revision. One of these is kept, and only while no revision that
/// stays has an available pod. Were the last pod of each kept, those of superseded revisions could leave the newest no
/// room for ever.
pub(crate) fn leads_to(look: &Look<'_>, name: &str, set: &ReplicaSet) -> bool {
    let hash = hash_of(look, name);
    !name.is_empty() && (hash == set.hash() || (hash.is_empty() && is_kept_for_all(look, set)))
}

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
