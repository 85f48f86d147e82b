//! What people are told of the workload: annotations, conditions and events.

use super::record::Record;
use super::scale::Scale;
use crate::api::rollout::RolloutStatus;
use crate::observed::{Observed, Workload, WorkloadKind};
use crate::plan::draft::Draft;
use crate::plan::{After, News, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::Look;
use crate::rollout::refused;
use crate::wire::condition::{DOUBLE_CAPACITY, WORKLOAD_SCALE_CONTESTED};
use crate::wire::{WORKLOAD_GENERATION, WORKLOAD_MOVED};
use std::collections::BTreeMap;

/// Annotations of the Rollout that are to change: the generation of the workload, which Argo CD compares with
/// `status.workloadObservedGeneration`, and the record that its pods have moved.
pub(crate) fn annotations(seen: &Observed, scale: &Scale) -> BTreeMap<String, Option<String>> {
    let mut changes = BTreeMap::new();
    let Some(workload) = &seen.workload else { return changes };
    let annotations = seen.rollout.metadata.annotations.as_ref();
    let recorded = |key: &str| annotations.and_then(|all| all.get(key));
    let generation = workload.generation.to_string();
    if recorded(WORKLOAD_GENERATION) != Some(&generation) {
        changes.insert(WORKLOAD_GENERATION.to_owned(), Some(generation));
    }
    let record = match scale {
        // A workload that is released has not moved.
        Scale::NotOurs => recorded(WORKLOAD_MOVED).map(|_| None),
        Scale::Stays(record) | Scale::To(_, record) => record.as_ref().map(|record| Some(record.to_text())),
        Scale::Waits(..) => None,
    };
    if let Some(record) = record.filter(|record| record.as_ref() != recorded(WORKLOAD_MOVED)) {
        changes.insert(WORKLOAD_MOVED.to_owned(), record);
    }
    changes
}

/// Sets the conditions, tells what there is to tell, and asks for the reconciles that are due.
pub(crate) fn settle(look: &Look<'_>, next: &mut RolloutStatus, healthy: bool, scale: &Scale, draft: &mut Draft) {
    let Some(workload) = &look.seen.workload else {
        for kind in [WORKLOAD_SCALE_CONTESTED, DOUBLE_CAPACITY] {
            conditions::remove(next, kind);
        }
        return;
    };
    let record = match scale {
        Scale::NotOurs => None,
        Scale::Stays(record) | Scale::To(_, record) => record.as_ref(),
        Scale::Waits(record, due) => {
            draft.wake(Wake {
                at: *due,
                why: WakeReason::WorkloadBackOff,
            });
            Some(record)
        }
    };
    let contested = record.filter(|record| record.is_contested(workload.replicas, look.now));
    if let Some(record) = contested.filter(|record| record.over_at() > look.now) {
        draft.wake(Wake {
            at: record.over_at(),
            why: WakeReason::WorkloadAtRest,
        });
    }
    settle_contest(look, next, workload, contested, draft);
    match why_double(look, workload, healthy, scale) {
        Some(message) => tell(look, next, DOUBLE_CAPACITY, message),
        None => conditions::remove(next, DOUBLE_CAPACITY),
    }
}

fn settle_contest(
    look: &Look<'_>,
    next: &mut RolloutStatus,
    workload: &Workload,
    contested: Option<&Record>,
    draft: &mut Draft,
) {
    if contested.is_none() {
        return conditions::remove(next, WORKLOAD_SCALE_CONTESTED);
    }
    let (kind, name) = (workload.kind, &workload.name);
    let told = conditions::get(next, WORKLOAD_SCALE_CONTESTED).is_some();
    // Who it was is seen while its replicas are there; later the managedFields may name nobody else.
    let Some(other) = workload.scaled_by.as_deref().or((!told).then_some("another manager")) else {
        return;
    };
    let message = format!(
        "{other} sets the replicas of {kind} {name} again and again, although its pods have moved to the rollout: remove \
         spec.replicas from the manifest of the {kind}, or set it to 0; to run the {kind} again, set \
         spec.workloadRef.scaleDown to never"
    );
    tell(look, next, WORKLOAD_SCALE_CONTESTED, message.clone());
    if !told {
        draft.tell(News::WorkloadScaleContested { message }, After::Status);
    }
}

/// Why the pods run twice, and what to do; only where that lasts.
fn why_double(look: &Look<'_>, workload: &Workload, healthy: bool, scale: &Scale) -> Option<String> {
    if !healthy || workload.replicas == 0 || workload.deleting {
        return None;
    }
    let (kind, name) = (workload.kind, &workload.name);
    let both = format!("{kind} {name} runs its pods, and the rollout runs all of its own");
    let (resource, scales) = match kind {
        WorkloadKind::Deployment => ("deployment", true),
        WorkloadKind::ReplicaSet => ("replicaset", false),
        WorkloadKind::PodTemplate => return None,
    };
    let by_hand = format!("kubectl scale {resource} {name} --replicas=0");
    match scale {
        Scale::NotOurs if scales => Some(format!(
            "{both}: set spec.workloadRef.scaleDown to onsuccess or progressively, or scale the {kind} to 0 ({by_hand}); to \
             go back to the {kind}, delete the Rollout"
        )),
        Scale::NotOurs => Some(format!(
            "{both}: scaleDown scales Deployments only, so scale the {kind} to 0 ({by_hand})"
        )),
        Scale::Stays(_) | Scale::To(..) if refused::is_standing(look, &workload.uid) => Some(format!(
            "{both}: the API server refuses to scale the {kind} to 0; permit the controller to patch deployments/scale, or \
             scale it ({by_hand})"
        )),
        Scale::Stays(_) if look.rollout.spec.paused => Some(format!(
            "{both}: the rollout is paused, so the {kind} is not scaled to 0; set spec.paused to false"
        )),
        Scale::Stays(_) | Scale::To(..) | Scale::Waits(..) => None,
    }
}

/// Sets a condition of status True. Other words replace it.
fn tell(look: &Look<'_>, next: &mut RolloutStatus, kind: &str, message: String) {
    if conditions::get(next, kind).is_some_and(|told| told.message == message) {
        return;
    }
    conditions::remove(next, kind);
    conditions::set(next, conditions::new(kind, TRUE, kind, message, &look.stamp()));
}
