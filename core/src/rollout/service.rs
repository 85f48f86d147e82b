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

/// Whether a Service exists and carries the name of the rollout that manages it.
pub(crate) fn is_managed(look: &Look<'_>, name: &str) -> bool {
    find(look, name).is_some_and(|service| service.managed_by.is_some())
}

/// Whether any Service of the rollout still selects this ReplicaSet: its last pod stays until that has changed.
pub(crate) fn selects(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let selected = |service: &Service| service.selector.get(HASH_LABEL).is_some_and(|hash| hash == set.hash());
    look.seen.services.values().flatten().any(selected)
}

/// Switches a Service where it does not yet select `hash`, or is not yet managed; tells whether it does.
pub(crate) fn switch(look: &Look<'_>, name: &str, hash: &str, group: Group, draft: &mut Draft) -> bool {
    let Some(service) = find(look, name) else { return false };
    let old = hash_of(look, name);
    let managed = service.managed_by.is_some();
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
        let ours = service.managed_by.as_deref() == Some(look.name());
        if ours && !named.contains(&name.as_str()) {
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
