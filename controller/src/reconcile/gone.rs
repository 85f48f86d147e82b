//! What a rollout that is gone leaves behind (decision 38): Services that carry its name and hash.

use crate::act::{Act, Error};
use crate::cluster::refusal::Failure;
use crate::queue::{Ended, Reason};
use crate::shell::Shell;
use crate::store::Key;
use serin_core::api::ObjectMeta;
use serin_core::plan::{Action, ServicePatch, Target, WakeReason};

/// Takes name and hash off the Services of a rollout that does not exist any more (contract 05 §9).
pub(crate) async fn release_services(shell: &Shell, key: &Key) -> Ended {
    let services = shell.stores.services.managed_by(key);
    if services.is_empty() || !shell.writer.may_write() {
        return Ended::Well(None);
    }
    match shell.writer.get_rollout(key).await {
        // It belongs to another instance of the controller, or the watch lags.
        Ok(Some(_)) => return Ended::Well(None),
        Ok(None) => {}
        Err(failure) => return failed(key, &failure),
    }
    let clear = |(name, service): &(_, std::sync::Arc<serin_core::observed::Service>)| {
        let name: &std::sync::Arc<str> = name;
        Action::Service(ServicePatch {
            target: Target {
                name: name.to_string(),
                uid: String::new(),
                resource_version: service.resource_version.clone(),
            },
            clear: true,
            ..ServicePatch::default()
        })
    };
    let actions: Vec<Action> = services.iter().map(clear).collect();
    let nobody = ObjectMeta::default();
    let mut act = Act::new(&shell.writer, &shell.expectations, key, &nobody, false);
    let done = act.carry_out(&actions).await;
    // Nobody is left to expect anything; the watch brings what was written.
    shell.expectations.forget("");
    match done.error {
        None => {
            tracing::info!(namespace = %key.namespace, rollout = %key.name, services = actions.len(), "services of a deleted rollout are released");
            Ended::Well(None)
        }
        Some((Error::NotLeading, _)) => Ended::Well(None),
        Some((Error::Refused(failure), _)) => failed(key, &failure),
    }
}

fn failed(key: &Key, failure: &Failure) -> Ended {
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, "{failure}");
    Ended::Failed {
        why: Reason::Wake(WakeReason::Refused(failure.why)),
        at_least: failure.retry_after,
        wake: None,
    }
}
