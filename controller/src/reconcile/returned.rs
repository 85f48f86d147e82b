//! What a deleted rollout owes to the Deployment that it refers to: its pods (contract 05 §5).

use crate::act::{Act, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::queue::{Ended, Reason};
use crate::shell::Shell;
use crate::store::decode::StoredRollout;
use crate::store::leaving::Owed;
use crate::store::{Key, Owner};
use serin_core::observed::{Kind, WorkloadKind};
use serin_core::plan::WakeReason;
use serin_core::rollout::workload::{self, Reference};

/// Scales the Deployment up, once; `None` where nothing is left to do for it. A process that does not lead, or that starts
/// after the deletion, knows nothing of it.
pub(crate) async fn give_back(shell: &Shell, key: &Key) -> Option<Ended> {
    let is_gone = shell.stores.rollouts.get(key).is_none();
    if let Some(owed) = shell.stores.leaving.owed(key).filter(|_| shell.writer.may_write())
        && let Err(Error::Refused(failure)) = scale(shell, key, &owed).await
    {
        return Some(failed(shell, key, &failure, is_gone));
    }
    shell.stores.leaving.settled(key, is_gone);
    None
}

async fn scale(shell: &Shell, key: &Key, owed: &Owed) -> Result<(), Error> {
    let writer = &shell.writer;
    if is_wanted(writer, key, owed).await.map_err(Error::Refused)? {
        return Ok(());
    }
    let found = writer.get_workload(WorkloadKind::Deployment, &owed.workload).await;
    let Some(found) = found.map_err(Error::Refused)? else {
        return Ok(());
    };
    let Ok(referenced) = &found.read else { return Ok(()) };
    let rollout = &owed.rollout.rollout;
    let plan = workload::give_back(rollout, &referenced.workload);
    let owner = Owner::new(Kind::Rollout, key, &rollout.metadata);
    let mut act = Act::new(writer, &shell.expectations, &owner, true);
    let done = act.carry_out(&plan.actions).await;
    // Nobody is left to expect anything.
    shell.expectations.forget(&owner.uid);
    if let Some((error, _)) = done.error {
        return Err(error);
    }
    if let Some(skipped) = done.skipped.into_iter().next() {
        return Err(Error::Refused(skipped.failure));
    }
    for event in &plan.events {
        tracing::info!(namespace = %key.namespace, rollout = %key.name, "{} of a deleted rollout", event.news);
        shell.recorder.record(&owner, &event.news);
    }
    Ok(())
}

/// The rollout lives after all (another instance serves it now), or another refers to the Deployment.
async fn is_wanted(writer: &Writer, key: &Key, owed: &Owed) -> Result<bool, Failure> {
    let refers = |stored: &StoredRollout| match workload::reference(&stored.rollout) {
        Reference::To(WorkloadKind::Deployment, name) => *name == *owed.workload.name,
        Reference::To(WorkloadKind::ReplicaSet | WorkloadKind::PodTemplate, _)
        | Reference::None
        | Reference::Problem(_) => false,
    };
    let lives = |stored: &&StoredRollout| stored.rollout.metadata.deletion_timestamp.is_none();
    let all = writer.list_rollouts(&key.namespace).await?;
    Ok(all.iter().filter(lives).any(refers))
}

/// A refusal that stands is told and left alone; everything else is tried again.
fn failed(shell: &Shell, key: &Key, failure: &Failure, is_gone: bool) -> Ended {
    if failure.why.stands() {
        tracing::warn!(
            namespace = %key.namespace, rollout = %key.name,
            "{failure}; the Deployment of the deleted rollout stays as it is: scale it with kubectl scale"
        );
        shell.stores.leaving.settled(key, is_gone);
        return Ended::Well(None);
    }
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, "{failure}");
    Ended::Failed {
        why: Reason::Wake(WakeReason::Refused(failure.why)),
        at_least: failure.retry_after,
        wake: None,
    }
}
