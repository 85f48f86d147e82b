//! How many pods the Deployment behind a `workloadRef` is to have: the migration (contract 05 §5, contract 11 A6).
//!
//! - The Deployment only ever shrinks. Together with the pods of the rollout that are available it keeps `spec.replicas`
//!   pods until the rollout has them all; then it goes to 0.
//! - It gives up some of its pods only while it is whole: of a Deployment whose status is older than its spec, or that
//!   replaces its own pods, nobody knows which pods go. Once the rollout has all that are wanted, that does not matter.
//! - Once its pods have moved, a Deployment that somebody brings back is scaled to 0 again, at any revision and in any
//!   phase, unless the rollout is short of pods itself (argo-rollouts#4935).

use super::record::Record;
use crate::api::Rollout;
use crate::meaning::Strategy;
use crate::observed::{Workload, WorkloadKind};
use crate::plan::{After, Event, Plan};
use crate::rollout::look::Look;
use crate::rollout::order;
use crate::rollout::refused;
use crate::rollout::service;
use crate::wire::phase;
use jiff::Timestamp;

/// What becomes of the scale of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// It is not ours: there is none, or its scale is left to others.
    NotOurs,
    /// It stays as it is for now.
    Stays(Option<Record>),
    /// It shrinks to so many pods.
    To(i32, Option<Record>),
    /// Somebody brought it back: it is scaled down at this instant.
    Waits(Record, Timestamp),
}

/// When pods move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScaleDown {
    OnSuccess,
    Progressively,
}

/// The scale of the workload that is to be.
pub(crate) fn scale(look: &Look<'_>) -> Scale {
    let Some((workload, when)) = ours(look) else {
        return Scale::NotOurs;
    };
    match Record::of(look.rollout, workload) {
        Some(record) => keep_down(look, workload, record),
        None => migrate(look, workload, when),
    }
}

/// The Deployment whose scale is ours.
fn ours<'a>(look: &Look<'a>) -> Option<(&'a Workload, ScaleDown)> {
    let workload = look.seen.workload.as_ref()?;
    moves(look.rollout, workload).map(|when| (workload, when))
}

/// Whether pods of the workload move to the rollout.
pub(super) fn gives_pods(rollout: &Rollout, workload: &Workload) -> bool {
    moves(rollout, workload).is_some()
}

/// Whether pods of the workload move to the rollout, and when. An unknown `scaleDown` is taken and means `never` (contract 11
/// §E).
fn moves(rollout: &Rollout, workload: &Workload) -> Option<ScaleDown> {
    let when = match rollout.spec.workload_ref.as_ref()?.scale_down.as_str() {
        "onsuccess" => ScaleDown::OnSuccess,
        "progressively" => ScaleDown::Progressively,
        _ => return None,
    };
    let scaled = match workload.kind {
        WorkloadKind::Deployment => !workload.deleting,
        WorkloadKind::ReplicaSet | WorkloadKind::PodTemplate => false,
    };
    scaled.then_some(when)
}

/// What happens to the Deployment of a rollout that is being deleted, or is gone: where its pods had moved, or some of them, it
/// gets as many as the rollout was to have. Nothing happens where no pod was wanted, or where it has that many.
///
/// The pods of the rollout go at the same time, so this ends an outage and does not prevent it.
#[must_use]
pub fn give_back(rollout: &Rollout, workload: &Workload) -> Plan {
    let wanted = rollout.spec.replicas.unwrap_or(1);
    let took_pods = moves(rollout, workload).is_some_and(|when| match when {
        ScaleDown::OnSuccess => Record::of(rollout, workload).is_some(),
        ScaleDown::Progressively => Record::of(rollout, workload).is_some() || rollout.status.available_replicas > 0,
    });
    if !took_pods || wanted <= workload.replicas {
        return Plan::default();
    }
    let (action, news) = order::scaled(workload, wanted);
    Plan {
        actions: vec![action],
        events: vec![Event {
            news,
            after: After::Action(0),
        }],
        ..Plan::default()
    }
}

/// The pods have not all moved yet.
fn migrate(look: &Look<'_>, workload: &Workload, when: ScaleDown) -> Scale {
    if look.rollout.spec.paused || look.replicas == 0 || is_left_alone(look, workload) {
        // Where no pod is wanted, there is nothing to move to.
        return Scale::Stays(None);
    }
    let available = available(look);
    let missing = look.replicas.saturating_sub(available).max(0);
    let size = match when {
        ScaleDown::OnSuccess if missing > 0 || !was_healthy(look) => return Scale::Stays(None),
        ScaleDown::OnSuccess => 0,
        ScaleDown::Progressively if missing > 0 && (available == 0 || !workload.is_whole()) => {
            return Scale::Stays(None);
        }
        ScaleDown::Progressively => missing,
    };
    let record = (size == 0).then(|| Record::first(workload, look.now));
    if size < workload.replicas {
        Scale::To(size, record)
    } else {
        Scale::Stays(record)
    }
}

/// The pods have moved: the Deployment is to have none.
fn keep_down(look: &Look<'_>, workload: &Workload, record: Record) -> Scale {
    if workload.replicas == 0 {
        return Scale::Stays(Some(record));
    }
    // Where the rollout is short of pods, those of the Deployment are what is left: they stay.
    let needed = look.replicas.saturating_sub(look.strategy.max_unavailable());
    if available(look) < needed || is_left_alone(look, workload) {
        return Scale::Stays(Some(record));
    }
    let unscaled = record.generation == workload.generation || refused::is_standing(look, &workload.uid);
    if unscaled {
        // It was decided, and did not go through: nobody brought it back.
        return Scale::To(0, Some(record));
    }
    let due = record.due();
    if due > look.now {
        Scale::Waits(record, due)
    } else {
        let again = record.again(workload, look.now);
        Scale::To(0, Some(again))
    }
}

fn is_left_alone(look: &Look<'_>, workload: &Workload) -> bool {
    refused::is_left_alone(look, &workload.uid)
}

/// The rollout was Healthy when its status was last written: upstream scales at a later reconcile, too (contract 05 §5). An
/// edit since then takes no pods away, and those that are available are counted.
fn was_healthy(look: &Look<'_>) -> bool {
    look.rollout.status.phase == phase::HEALTHY
}

/// Available pods of the rollout that stand in for those of the Deployment. Of blue-green these are the pods that the
/// active Service leads to; before it selects a revision, those of the newest.
fn available(look: &Look<'_>) -> i32 {
    match &look.strategy {
        Strategy::Canary(_) => look
            .revisions
            .all()
            .map(|set| look.available(set))
            .fold(0, i32::saturating_add),
        Strategy::BlueGreen(meant) => {
            let active = service::hash_of(look, meant.active_service);
            let serving = look
                .revisions
                .all()
                .find(|set| !active.is_empty() && set.hash() == active);
            serving.map_or_else(|| look.new_available(), |set| look.available(set))
        }
    }
}
