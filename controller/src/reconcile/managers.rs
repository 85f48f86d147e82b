//! Rollouts that Services name as their managers: whether they are there, be they ours or another instance's
//! (decision 48).

use crate::act::Writer;
use crate::cluster::refusal::Failure;
use crate::store::decode::StoredRollout;
use crate::store::service::named;
use crate::store::{Key, Stores};
use jiff::Timestamp;
use serin_core::observed::Service;
use std::collections::{BTreeMap, BTreeSet};

/// Since when live reads do not find a rollout; `None` if it is there.
pub(crate) async fn gone_since(
    stores: &Stores,
    writer: &Writer,
    manager: &Key,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    if stores.rollouts.get(manager).is_none() && writer.get_rollout(manager).await?.is_none() {
        return Ok(Some(stores.services.manager_is_gone(manager, now)));
    }
    stores.services.manager_is_there(manager);
    Ok(None)
}

/// Completes what is known of Services that other rollouts manage.
pub(crate) async fn complete(
    services: &mut BTreeMap<String, Option<Service>>,
    stores: &Stores,
    writer: &Writer,
    key: &Key,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut named_by_others = None;
    for (name, service) in services {
        let Some(service) = service else { continue };
        let Some(manager) = service.managed_by.as_deref().filter(|manager| *manager != &*key.name) else {
            continue;
        };
        service.manager_gone_since = gone_since(stores, writer, &key.sibling(manager), now).await?;
        if service.free_from().is_some_and(|free| free <= now) {
            if named_by_others.is_none() {
                named_by_others = Some(named_by_all_but(writer, key).await?);
            }
            service.named_elsewhere = named_by_others.as_ref().is_some_and(|names| names.contains(name));
        }
    }
    Ok(())
}

/// The Services that rollouts of a namespace name, those of all instances but this one rollout, read live.
pub(crate) async fn named_by_all_but(writer: &Writer, key: &Key) -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    for StoredRollout { rollout, .. } in writer.list_rollouts(&key.namespace).await? {
        if rollout.metadata.name.as_deref() != Some(&*key.name) {
            names.extend(named(&rollout).into_iter().map(str::to_owned));
        }
    }
    Ok(names)
}
