//! Writes that are done although their answer gets lost: the connection broke, or the API server took too long. The
//! controller cannot know, leaves the rest of its plan alone, and its stores see what it did later. And writes that land
//! after another leader took over.

use super::act::{Wrote, version_of};
use super::cluster::Stores;
use super::hands::Basis;
use super::{World, note};
use serin_core::Observed;
use serin_core::api::Rollout;
use serin_core::observed::{AnalysisRun, ReplicaSet};
use serin_core::plan::{Action, AnalysisRunAction, ReplicaSetAction};
use serin_core::rollout::workload::Referenced;
use std::rc::Rc;

/// What was known before a write whose answer gets lost.
pub(super) struct Before {
    stores: Stores,
    rollout: Rc<Rollout>,
    sets: Vec<ReplicaSet>,
    runs: Vec<AnalysisRun>,
    workload: Option<Result<Referenced, String>>,
}

/// A write that a leader had sent when it lost its lease: nothing calls it back (decision 13).
pub(super) struct Late {
    action: Action,
    seen: Observed,
    basis: Basis,
}

impl World {
    /// The leader that goes may have sent its next write. Evictions are left out: what they take is judged by a
    /// PodDisruptionBudget, and their condition is the pod alone.
    pub(super) fn leave_behind(&mut self, next: Option<&Action>, seen: &Observed) {
        let Some(action) = next.filter(|action| self.faults.two_leaders && !matches!(action, Action::Pod(_))) else {
            return;
        };
        self.late = Some(Late {
            action: action.clone(),
            seen: seen.clone(),
            basis: self.basis.clone(),
        });
    }

    /// The late write of a leader that lost its lease lands, or is refused because it is late.
    pub(super) fn late_write_lands(&mut self) {
        if self.late.is_none() || self.rng.one_in(2) {
            return;
        }
        let Some(late) = self.late.take() else { return };
        self.note("a write of the leader before lands:");
        let stores = self.stores.clone();
        let basis = std::mem::replace(&mut self.basis, late.basis);
        let refused = self.refused.clone();
        let mut version = version_of(&late.seen.rollout);
        if self.do_write(&late.action, &late.seen, &mut version) == Wrote::Conflict {
            self.note("409: it was too late");
        }
        // The leader of now sees it as it sees the writes of others.
        self.stores = stores;
        self.basis = basis;
        self.refused = refused;
    }

    /// Whether the answer to the next write gets lost, and then what the stores have until they see it.
    pub(super) fn loses_answer(&mut self) -> Option<Before> {
        let one_in = self.faults.lost_answers;
        let lost = one_in > 0 && self.rng.one_in(one_in);
        lost.then(|| Before {
            stores: self.stores.clone(),
            rollout: self.decoded(),
            sets: self.sets.iter().map(|set| set.object.clone()).collect(),
            runs: self.runs.iter().map(|run| run.object.clone()).collect(),
            workload: self.referenced(),
        })
    }

    /// A write of the controller went through, and it does not know.
    pub(super) fn answer_is_lost(&mut self, before: Before, action: &Action) -> Wrote {
        note!(self, "its answer is lost");
        self.stores = before.stores;
        match action {
            Action::ReplicaSet(ReplicaSetAction::Create(new)) => {
                let lag = self.rng.up_to(self.faults.store_lag);
                let (until, made) = (
                    self.after(lag),
                    self.sets.iter().find(|set| set.object.name == new.name),
                );
                if let Some(uid) = made.map(|set| set.object.uid.clone()) {
                    self.stores.miss(until, &uid);
                }
            }
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => {
                let old = before.sets.into_iter().find(|set| set.uid == patch.target.uid);
                if let Some(old) = old {
                    self.lag_set(old);
                }
            }
            Action::AnalysisRun(AnalysisRunAction::Create(new)) => {
                let lag = self.rng.up_to(self.faults.store_lag);
                let until = self.after(lag);
                let made = self.runs.iter().find(|run| run.object.name == new.name);
                if let Some(uid) = made.map(|run| run.object.uid.clone()) {
                    self.stores.miss(until, &uid);
                }
            }
            Action::AnalysisRun(AnalysisRunAction::Terminate(target)) => {
                let old = before.runs.into_iter().find(|run| run.uid == target.uid);
                if let Some(old) = old {
                    self.lag_run(old);
                }
            }
            Action::Rollout(_) => self.lag_rollout(before.rollout),
            Action::Workload(_) => self.lag_workload(before.workload),
            Action::ReplicaSet(ReplicaSetAction::Delete(_))
            | Action::AnalysisRun(AnalysisRunAction::Delete(_))
            | Action::Experiment(_)
            | Action::OwnService(_)
            | Action::Service(_)
            | Action::Route(_)
            | Action::Pod(_) => {}
        }
        self.back_off();
        Wrote::Refused
    }

    /// As [`Self::answer_is_lost`], of a status.
    pub(super) fn answer_to_status_is_lost(&mut self, before: Before) {
        self.note("its answer is lost");
        self.stores = before.stores;
        self.lag_rollout(before.rollout);
        self.back_off();
    }
}
