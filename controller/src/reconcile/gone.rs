//! What a deleted rollout leaves behind (decision 38): Services that carry its name and hash.

use crate::act::{Act, Error};
use crate::cluster::refusal::Failure;
use crate::queue::{Due, Ended, Reason};
use crate::reconcile::managers;
use crate::shell::Shell;
use crate::store::{Key, Owner};
use serin_core::api::ObjectMeta;
use serin_core::observed::{Kind, Service};
use serin_core::plan::{Action, ServicePatch, Target, WakeReason};
use serin_core::rollout::references;
use std::time::Duration;

/// Takes name and hash off the Services of a rollout that has not existed for a while and that no other names
/// (contract 05 §9, decision 48): one that names them takes them itself.
pub(crate) async fn release_services(shell: &Shell, key: &Key) -> Ended {
    let services = shell.stores.services.managed_by(key);
    if services.is_empty() || !shell.writer.may_write() {
        return Ended::Well(None);
    }
    let now = (shell.clock)();
    let since = match managers::gone_since(&shell.stores, &shell.writer, key, now).await {
        Ok(Some(since)) => since,
        // It belongs to another instance of the controller, or the watch lags.
        Ok(None) => return Ended::Well(None),
        Err(failure) => return failed(key, &failure),
    };
    let rest = Duration::try_from(references::free_from(since).duration_since(now)).unwrap_or_default();
    if !rest.is_zero() {
        return Ended::Well(Some(Due {
            after: rest,
            why: Reason::Wake(WakeReason::ManagerStaysAway),
        }));
    }
    let named = match managers::named_by_all_but(&shell.writer, key).await {
        Ok(named) => named,
        Err(failure) => return failed(key, &failure),
    };
    let free = services.iter().filter(|(name, _)| !named.contains(&**name));
    let actions: Vec<Action> = free.map(|(name, service)| clear(name, service)).collect();
    let nobody = Owner::new(Kind::Rollout, key, &ObjectMeta::default());
    let mut act = Act::new(&shell.writer, &shell.expectations, &nobody, false);
    let done = act.carry_out(&actions).await;
    // Nobody is left to expect anything; the watch brings what was written.
    shell.expectations.forget("");
    match done.error {
        None => {
            tracing::info!(namespace = %key.namespace, rollout = %key.name, services = actions.len(), "released the Services of a deleted rollout");
            Ended::Well(None)
        }
        Some((Error::NotLeading, _)) => Ended::Well(None),
        Some((Error::Refused(failure), _)) => failed(key, &failure),
    }
}

fn clear(name: &str, service: &Service) -> Action {
    Action::Service(ServicePatch {
        target: Target {
            name: name.to_owned(),
            uid: String::new(),
            resource_version: service.resource_version.clone(),
        },
        clear: true,
        ..ServicePatch::default()
    })
}

fn failed(key: &Key, failure: &Failure) -> Ended {
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, "{failure}");
    Ended::Failed {
        why: Reason::Wake(WakeReason::Refused(failure.why)),
        at_least: failure.retry_after,
        wake: None,
    }
}
