//! The closed list of causes: one file each, all of one shape, in the order of their ranks.
//!
//! A detector looks at a [`Case`] and says whether its cause is there *now*. The order of [`ALL`] is the ranking: a root
//! stands before its symptoms. What was not seen is not guessed.

mod aborted_by_argocd;
mod aborted_by_person;
mod analysis_error;
mod analysis_failed;
mod analysis_inconclusive;
mod analysis_no_data;
mod application;
mod autoscaler;
mod cannot_start;
mod controller_absent;
mod controller_stale;
mod crash;
mod deadline;
mod deletion_stuck;
mod disruption_budget;
mod double_capacity;
mod evicted;
mod experiment;
mod field_fight;
mod forbidden;
mod ignore_differences_freeze;
mod image_pull;
mod invalid_spec;
mod metrics;
mod node_lost;
mod not_ready;
mod out_of_memory;
mod out_of_sync;
mod paused;
mod reference_missing;
mod replicaset_refused;
mod route_missing;
mod router_refused;
mod selector_mismatch;
mod self_heal_loop;
mod shared;
mod stable_missing;
mod step_plugin;
mod stickiness_not_served;
mod superseded;
mod sync_failed;
mod target_unhealthy;
mod unknown;
mod unschedulable;
mod wave_blocked;
mod weight_not_verified;
mod workload_scale_contested;
mod write_refused;

use crate::case::Case;
use crate::explanation::{Cause, State};

/// A kind of cause.
#[derive(Clone, Copy, Debug)]
pub struct CauseKind {
    /// Its id in the output.
    pub id: &'static str,
    /// What it means, and what it is seen by.
    pub docs: &'static str,
    /// What to do first.
    pub remedy: &'static str,
    /// Says whether it is there.
    pub detect: fn(&Case<'_>) -> Option<Cause>,
    /// Where it belongs.
    pub scope: Scope,
}

/// When a cause is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// While the object is not Healthy.
    Trouble,
    /// Also while it is Healthy: Argo CD's view of it, and what is wrong with its workload.
    Always,
}

/// All causes with a detector, roots before symptoms.
pub const ALL: [CauseKind; 44] = [
    controller_absent::CAUSE,
    forbidden::CAUSE,
    write_refused::CAUSE,
    controller_stale::CAUSE,
    stable_missing::CAUSE,
    reference_missing::CAUSE,
    selector_mismatch::CAUSE,
    route_missing::CAUSE,
    invalid_spec::CAUSE,
    replicaset_refused::CAUSE,
    node_lost::CAUSE,
    unschedulable::CAUSE,
    evicted::CAUSE,
    image_pull::CAUSE,
    cannot_start::CAUSE,
    out_of_memory::CAUSE,
    crash::CAUSE,
    target_unhealthy::CAUSE,
    not_ready::CAUSE,
    router_refused::CAUSE,
    weight_not_verified::CAUSE,
    analysis_no_data::CAUSE,
    analysis_error::CAUSE,
    analysis_failed::CAUSE,
    analysis_inconclusive::CAUSE,
    step_plugin::CAUSE,
    experiment::CAUSE,
    field_fight::CAUSE,
    autoscaler::CAUSE,
    workload_scale_contested::CAUSE,
    double_capacity::CAUSE,
    stickiness_not_served::CAUSE,
    disruption_budget::CAUSE,
    deletion_stuck::CAUSE,
    deadline::CAUSE,
    aborted_by_person::CAUSE,
    aborted_by_argocd::CAUSE,
    ignore_differences_freeze::CAUSE,
    self_heal_loop::CAUSE,
    sync_failed::CAUSE,
    wave_blocked::CAUSE,
    out_of_sync::CAUSE,
    paused::CAUSE,
    superseded::CAUSE,
];

/// Ids of the closed list that stand for states, and of the cause of last resort. `healthy` and `progressing` never stand
/// among causes: an object in good order has none.
pub const STATES: [(&str, &str); 2] = [
    ("healthy", "All is as wanted. It has no causes."),
    ("progressing", "Something moves, in time. It has no causes."),
];

/// What is said where no detector finds anything.
pub const UNKNOWN: CauseKind = unknown::CAUSE;

/// The causes of a case, roots before symptoms.
#[must_use]
pub fn find(case: &Case<'_>) -> Vec<Cause> {
    let healthy = case.state() == State::Healthy && case.object.deleted().is_none();
    let looked_for = ALL.iter().filter(|kind| !healthy || kind.scope == Scope::Always);
    let mut found: Vec<Cause> = looked_for.filter_map(|kind| (kind.detect)(case)).collect();
    let beside = |cause: &Cause| {
        matches!(
            cause.id.as_str(),
            "superseded"
                | "out-of-sync"
                | "wave-blocked"
                | "paused"
                | "workload-scale-contested"
                | "double-capacity"
                | "stickiness-not-served"
        )
    };
    let broken = matches!(case.state(), State::Degraded | State::Unknown);
    if broken && found.iter().all(beside) {
        found.extend((UNKNOWN.detect)(case));
    }
    found
}
