//! Services and the ReplicaSet that each should select (contract 03 §6, contract 04 §1).

use crate::observed::{ReplicaSet, Service};
use crate::plan::draft::{Draft, Group};
use crate::plan::{Action, EventKind, ServicePatch, Target};
use crate::rollout::look::Look;
use crate::wire::{HASH_LABEL, event};

/// The pod template hash that a Service selects; empty where it selects none, or does not exist.
pub(crate) fn hash_of<'a>(look: &Look<'a>, name: &str) -> &'a str {
    find(look, name)
        .and_then(|service| service.selector.get(HASH_LABEL))
        .map_or("", String::as_str)
}

fn find<'a>(look: &Look<'a>, name: &str) -> Option<&'a Service> {
    look.seen.services.get(name)?.as_ref()
}

/// Whether a Service exists and carries the name of this rollout as that of its manager.
pub(crate) fn is_managed(look: &Look<'_>, name: &str) -> bool {
    find(look, name).is_some_and(|service| is_ours(look, service))
}

/// One that names a manager that stays away is as free as one that names none (decision 48).
fn is_ours(look: &Look<'_>, service: &Service) -> bool {
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

/// Switches a Service where it does not yet select `hash`, or is not yet managed; tells whether it does.
pub(crate) fn switch(look: &Look<'_>, name: &str, hash: &str, group: Group, draft: &mut Draft) -> bool {
    let Some(service) = find(look, name) else { return false };
    let old = hash_of(look, name);
    let managed = is_ours(look, service);
    if old == hash && managed {
        return false;
    }
    let after = draft.act(Action::PatchService(ServicePatch {
        target: Target {
            name: name.to_owned(),
            uid: String::new(),
            resource_version: service.resource_version.clone(),
        },
        hash: (old != hash).then(|| hash.to_owned()),
        managed_by: (!managed).then(|| look.name().to_owned()),
        clear: false,
    }));
    let message = format!("Switched selector for service '{name}' from '{old}' to '{hash}'");
    draft.tell(group, EventKind::Normal, event::SWITCH_SERVICE, message, after);
    true
}

/// Services that carry this rollout's name although its spec no longer does: the hash and the name are taken off
/// (contract 05 §9).
pub(crate) fn release_unnamed(look: &Look<'_>, named: &[&str], draft: &mut Draft) {
    for (name, service) in &look.seen.services {
        let Some(service) = service else { continue };
        if is_ours(look, service) && !named.contains(&name.as_str()) {
            draft.act(Action::PatchService(ServicePatch {
                target: Target {
                    name: name.clone(),
                    uid: String::new(),
                    resource_version: service.resource_version.clone(),
                },
                clear: true,
                ..ServicePatch::default()
            }));
        }
    }
}
