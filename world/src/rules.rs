//! Rules that are looked at when the controller decides and writes; those of pods and Services stand next to them.

use super::World;
use super::hands::Basis;
use serin_core::Observed;
use serin_core::identity::Fingerprint;
use serin_core::observed::ReplicaSet;
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

    /// Invariant 5 for blue-green: neither what the active Service selects nor stable is made smaller than wanted.
    pub fn check_active_size(&mut self, index: usize, patch: &ReplicaSetPatch) {
        let Some(size) = patch.replicas else { return };
        let basis = &self.basis;
        let Some(blue_green) = &basis.rollout.spec.strategy.blue_green else {
            return;
        };
        let active = &blue_green.active_service;
        let wanted = basis.rollout.spec.replicas.unwrap_or(1);
        let object = &self.sets[index].object;
        let selected = !self.changed_since(active, basis) && self.selected(active) == object.hash();
        let stable = basis.rollout.status.stable_rs == object.hash();
        if (selected || stable) && size < object.replicas && size < wanted {
            let part = if selected { "active" } else { "stable" };
            self.break_rule(format!("5: the {part} ReplicaSet is scaled down to {size} of {wanted}"));
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

    /// Decision 42: while no pods are wanted, an update that began with pods keeps its step, and nothing but a person
    /// promotes it.
    pub fn check_sleep(&mut self, seen: &Observed, plan: &Plan) {
        let Some(patch) = plan.status.as_ref().map(|status| &status.patch["status"]) else {
            return;
        };
        let (spec, old) = (&seen.rollout.spec, &seen.rollout.status);
        let none_wanted = spec.replicas == Some(0);
        if patch["currentPodHash"].is_string() {
            let lives = |set: &ReplicaSet| {
                let unknown = set.observed_generation < set.generation && set.generation > 1;
                set.replicas > 0 || set.current_replicas > 0 || unknown
            };
            self.began_with_pods = !none_wanted || seen.replica_sets.iter().any(lives);
            return;
        }
        if !none_wanted || !self.began_with_pods || old.promote_full || old.stable_rs == old.current_pod_hash {
            return;
        }
        let resumed = old.controller_pause && old.pause_conditions.is_empty();
        // Where stable never worked there is nothing to wait for (decision 11).
        let skipped = plan.events.iter().any(|event| event.reason == event::SKIP_STEPS);
        let step = patch["currentStepIndex"].as_i64().unwrap_or(0);
        let stepped = step > old.current_step_index.map_or(0, i64::from) && !resumed && !skipped;
        if patch["stableRS"].is_string() || stepped {
            self.break_rule(format!("42: without replicas an update goes on: {patch}"));
        }
    }

    /// Invariant 4: a switch of a Service of traffic does not leave it fewer available pods than it led to and needs:
    /// all of them of blue-green, of a canary R − maxUnavailable (decision 6).
    ///
    /// A Service without a hash leads to the pods of every revision, and what it goes back to are fewer (contract 11
    /// B8). The stable Service of an aborted canary goes back to whatever of stable is there (contract 03 §6).
    pub fn check_capacity(&mut self, name: &str, (former, before): (&str, i32), basis: &Basis) {
        let rollout = &basis.rollout;
        let strategy = &rollout.spec.strategy;
        let active = strategy.blue_green.as_ref().filter(|of| of.active_service == name);
        let stable = strategy.canary.as_ref().filter(|of| of.stable_service == name);
        let selected = Some(self.selected(name)).filter(|hash| !hash.is_empty());
        let back = selected == Some(rollout.status.stable_rs.as_str());
        let wanted = match (active, stable) {
            (Some(_), _) => rollout.spec.replicas.unwrap_or(1),
            (None, Some(_)) if !back => Self::least_available(rollout).max(1),
            (None, Some(_) | None) => return,
        };
        let after = self.behind(name) + self.unknown_losses(self.now, selected);
        if !former.is_empty() && after < before.min(wanted) {
            self.break_rule(format!(
                "4: Service {name} is switched from {before} to {after} available pods, {wanted} are needed"
            ));
        }
    }
}
