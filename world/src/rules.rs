//! Rules that are looked at when the controller decides and writes; those of pods and Services stand next to them.

use super::World;
use super::cluster::Set;
use super::hands::Basis;
use serin_core::Observed;
use serin_core::identity::Fingerprint;
use serin_core::observed::ReplicaSet;
use serin_core::plan::{Action, Plan, ReplicaSetAction, ReplicaSetPatch};
use serin_core::wire::{SIZE_AT_PAUSE, event};

impl World {
    /// Invariant 4 as far as it goes without routes: within a plan, capacity goes up before it goes down.
    pub fn check_order(&mut self, seen: &Observed, plan: &Plan) {
        let mut down = false;
        for action in &plan.actions {
            let Action::ReplicaSet(ReplicaSetAction::Patch(ReplicaSetPatch {
                target,
                replicas: Some(size),
                ..
            })) = action
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
    /// rollout had to give up, or that lost its hash, is not its own (contract 02 §3); one whose creation was never answered,
    /// and that the store does not show yet, cannot be known.
    pub fn check_identity(&mut self, name: &str, template: Option<Fingerprint>) {
        let mut own = self
            .sets
            .iter()
            .filter(|set| !set.object.orphan && !set.object.hash().is_empty())
            .filter(|set| !self.stores.misses(&set.object.uid));
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
        let told = plan
            .events
            .iter()
            .filter(|event| event.news.reason() == event::COMPLETED);
        let told = told.count();
        if told != usize::from(promoted) {
            self.break_rule(format!("RolloutCompleted is sent {told} times, stable is {stable:?}"));
        }
    }

    /// Decision 41: a canary that is paused by hand makes no ReplicaSet, and none changes its size unless `spec.replicas`
    /// did. `size`: of a ReplicaSet that exists, and its new size.
    pub fn check_pause(&mut self, resized: Option<(usize, i32)>) {
        let spec = &self.basis.rollout.spec;
        if !spec.paused || spec.strategy.canary.is_none() {
            return;
        }
        let Some((index, size)) = resized else {
            self.break_rule("41: a ReplicaSet is made while the rollout is paused".to_owned());
            return;
        };
        let object = &self.sets[index].object;
        let follows = object.desired_replicas() != spec.replicas || object.annotations.contains_key(SIZE_AT_PAUSE);
        if size != object.replicas && !follows {
            let (name, from) = (object.name.clone(), object.replicas);
            self.break_rule(format!(
                "41: {name} goes from {from} to {size} while the rollout is paused"
            ));
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
        let skipped = plan.events.iter().any(|event| event.news.reason() == event::SKIP_STEPS);
        let step = patch["currentStepIndex"].as_i64().unwrap_or(0);
        let stepped = step > old.current_step_index.map_or(0, i64::from) && !resumed && !skipped;
        if patch["stableRS"].is_string() || stepped {
            self.break_rule(format!("42: without replicas an update goes on: {patch}"));
        }
    }

    /// Invariant 5 for a restart of blue-green: the active Service keeps all pods but those that may be unavailable.
    pub fn check_active_restart(&mut self, index: usize, basis: &Basis) {
        let rollout = &basis.rollout;
        let Some(blue_green) = &rollout.spec.strategy.blue_green else {
            return;
        };
        let hash = self.sets[index].object.hash().to_owned();
        let replicas = rollout.spec.replicas.unwrap_or(1);
        let unavailable = serin_core::meaning::restart_unavailable(blue_green.max_unavailable.as_ref(), replicas);
        let least = replicas - unavailable;
        let left = self.sets[index].available(self.now) + self.unknown_losses(basis.at, Some(&hash));
        let selected = self.selected(&blue_green.active_service) == hash;
        if selected && !self.changed_since(&blue_green.active_service, basis) && left < least {
            self.break_rule(format!(
                "5: a pod behind the active Service is evicted, {left} left, {least} needed"
            ));
        }
    }

    /// Whether a restart may take all pods at once.
    pub fn all_may_be_unavailable(&self) -> bool {
        let rollout = &self.basis.rollout;
        let replicas = rollout.spec.replicas.unwrap_or(1);
        let strategy = &rollout.spec.strategy;
        let unavailable = match (&strategy.canary, &strategy.blue_green) {
            (Some(canary), _) => serin_core::meaning::fenceposts(canary, replicas).unavailable,
            (None, Some(of)) => serin_core::meaning::restart_unavailable(of.max_unavailable.as_ref(), replicas),
            (None, None) => 0,
        };
        unavailable.max(Self::restarts_in_an_update(rollout).into()) >= replicas
    }

    /// A restart is over when no older pod is left, and all that came in their place are available.
    pub fn check_restart(&mut self, seen: &Observed, plan: &Plan) {
        let status = plan.status.as_ref().map(|status| &status.patch["status"]);
        let Some(status) = status.filter(|status| status["restartedAt"].is_string()) else {
            return;
        };
        // A new template counts as a restart.
        if status.get("currentPodHash").is_some() {
            return;
        }
        let at = seen.rollout.spec.restart_at.as_ref().map(|at| at.0);
        let old = |set: &Set| set.pods.iter().any(|pod| at.is_some_and(|at| pod.created < at));
        let replicas = seen.rollout.spec.replicas.unwrap_or(1);
        let sets = self.sets.iter().filter(|set| !set.object.orphan);
        let lacking = |set: &Set| {
            let wanted = seen.replica_sets.iter().find(|it| it.uid == set.object.uid);
            wanted.is_some_and(|wanted| set.available(self.now) < wanted.replicas.min(replicas))
        };
        let wrong: Vec<String> = sets
            .filter(|set| old(set) || lacking(set))
            .map(|set| set.object.name.clone())
            .collect();
        if !wrong.is_empty() {
            self.break_rule(format!("a restart counts as done before its pods are there: {wrong:?}"));
        }
    }

    /// Invariant 4: a switch of a Service of traffic does not leave it fewer available pods than it led to and needs:
    /// all of them of blue-green, on the way back and of a canary R − maxUnavailable (decisions 6, 43).
    ///
    /// A Service without a hash leads to the pods of every revision, and what it goes back to are fewer (contract 11
    /// B8). Where what it led to has crashed, it moves to as many pods as are left there (decision 43).
    pub fn check_capacity(&mut self, name: &str, (former, before): (&str, i32), basis: &Basis) {
        let rollout = &basis.rollout;
        let strategy = &rollout.spec.strategy;
        let active = strategy.blue_green.as_ref().filter(|of| of.active_service == name);
        let stable = strategy.canary.as_ref().filter(|of| of.stable_service == name);
        let selected = Some(self.selected(name)).filter(|hash| !hash.is_empty());
        let back = selected == Some(rollout.status.stable_rs.as_str());
        let replicas = rollout.spec.replicas.unwrap_or(1);
        let wanted = match (active, stable) {
            (Some(of), _) if back => {
                let unavailable = serin_core::meaning::restart_unavailable(of.max_unavailable.as_ref(), replicas);
                (replicas - unavailable).max(1)
            }
            (Some(_), _) => replicas,
            (None, Some(_)) => Self::least_available(rollout).max(1),
            (None, None) => return,
        };
        let after = self.behind(name) + self.unknown_losses(self.now, selected);
        // Pods that became available a moment ago nobody could know of.
        let known = before - self.unknown_arrivals(basis, former);
        if !former.is_empty() && after < known.min(wanted) {
            self.break_rule(format!(
                "4: Service {name} is switched from {before} to {after} available pods, {wanted} are needed"
            ));
        }
    }
}
