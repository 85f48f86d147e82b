//! Rules that are looked at when the controller decides and writes; those of pods and Services stand next to them.

use super::World;
use super::hands::Basis;
use serin_core::Observed;
use serin_core::identity::Fingerprint;
use serin_core::plan::{Action, Plan, ReplicaSetPatch};
use serin_core::wire::event;

impl World {
    /// Invariant 4 as far as it goes without routes: within a plan, capacity goes up before it goes down.
    pub fn check_order(&mut self, seen: &Observed, plan: &Plan) {
        let mut down = false;
        for action in &plan.actions {
            let Action::PatchReplicaSet(ReplicaSetPatch {
                target,
                replicas: Some(size),
                ..
            }) = action
            else {
                continue;
            };
            let Some(set) = seen.replica_sets.iter().find(|set| set.uid == target.uid) else {
                continue;
            };
            if *size > set.replicas && down {
                self.break_rule("4: a ReplicaSet is scaled up after another was scaled down".to_owned());
                return;
            }
            down |= *size < set.replicas;
        }
    }

    /// Invariant 5 for blue-green: what the active Service selects is never made smaller than wanted.
    pub fn check_active_size(&mut self, index: usize, patch: &ReplicaSetPatch) {
        let Some(size) = patch.replicas else { return };
        let basis = &self.basis;
        let Some(blue_green) = &basis.rollout.spec.strategy.blue_green else {
            return;
        };
        let active = &blue_green.active_service;
        let wanted = basis.rollout.spec.replicas.unwrap_or(1);
        let object = &self.sets[index].object;
        if !self.changed_since(active, basis)
            && self.selected(active) == object.hash()
            && size < object.replicas
            && size < wanted
        {
            self.break_rule(format!("5: the active ReplicaSet is scaled down to {size} of {wanted}"));
        }
    }

    /// Invariant 9: a template that says the same as the one of a ReplicaSet that exists makes no other. One that the
    /// rollout had to give up, or that lost its hash, is not its own (contract 02 §3).
    pub fn check_identity(&mut self, name: &str, template: Option<Fingerprint>) {
        let mut own = self
            .sets
            .iter()
            .filter(|set| !set.object.orphan && !set.object.hash().is_empty());
        let same = own.find(|set| set.object.template == template);
        if let Some(same) = same.map(|set| set.object.name.clone()) {
            self.break_rule(format!("9: {name} is created though {same} runs the same template"));
        }
    }

    /// Another revision becomes stable: this is told once, and at no other time.
    pub fn check_promotion(&mut self, seen: &Observed, plan: &Plan) {
        let status = plan.status.as_ref().map(|status| &status.patch["status"]);
        let stable = status.and_then(|status| status["stableRS"].as_str());
        let promoted = stable.is_some_and(|stable| stable != seen.rollout.status.stable_rs);
        let told = plan.events.iter().filter(|event| event.reason == event::COMPLETED);
        let told = told.count();
        if told != usize::from(promoted) {
            self.break_rule(format!("RolloutCompleted is sent {told} times, stable is {stable:?}"));
        }
    }

    /// Invariant 4: a switch of the active Service does not leave it fewer available pods than it led to and needs.
    ///
    /// One without a hash leads to the pods of every revision; what it goes back to are fewer (contract 11 B8).
    pub fn check_capacity(&mut self, name: &str, (former, before): (&str, i32), basis: &Basis) {
        let strategy = basis.rollout.spec.strategy.blue_green.as_ref();
        let active = strategy.is_some_and(|strategy| strategy.active_service == name);
        if !active || former.is_empty() {
            return;
        }
        let wanted = basis.rollout.spec.replicas.unwrap_or(1);
        let selected = Some(self.selected(name)).filter(|hash| !hash.is_empty());
        let after = self.behind(name) + self.unknown_losses(self.now, selected);
        if after < before.min(wanted) {
            self.break_rule(format!(
                "4: Service {name} is switched from {before} to {after} available pods, {wanted} are wanted"
            ));
        }
    }
}
