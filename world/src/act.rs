//! What the API server does with the controller's writes: versions, conflicts, and a crash where one is asked for.

use super::cluster::Set;
use super::pods::Injected;
use super::replica_sets::Controller;
use super::{World, merge, note};
use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::identity::{Fingerprint, anti_affinity};
use serin_core::observed::{Attempt, Attempted, Kind, Refusal, Refused, ReplicaSet, Verb};
use serin_core::plan::{
    Action, After, NewReplicaSet, Ownership, Plan, PodAction, ReplicaSetAction, ReplicaSetPatch, RolloutPatch,
    StatusWrite, Target, Urgency,
};
use std::rc::Rc;

/// How long the controller leaves a refused change alone. The real one waits longer from time to time.
const BACK_OFF: SignedDuration = SignedDuration::from_secs(1);

/// How a write ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    Done,
    Conflict,
    Refused,
    /// Refused, and it holds nothing back (decision 46).
    Skipped,
}

impl World {
    /// Actions in order, stopped at the first failure; then the status; then the events whose cause went through.
    pub fn carry_out(&mut self, seen: &Observed, plan: &Plan) {
        let mut version = version_of(&seen.rollout);
        let mut done = 0;
        // Pods that were not available when it was decided may have become so since: nobody can know that.
        let known = seen.replica_sets.iter().map(|set| set.available_replicas).sum();
        self.basis.at = self.now;
        self.basis.version = self.next_version;
        self.basis.least = Self::least_available(&seen.rollout).min(known);
        if !plan.actions.is_empty() {
            self.leasts.push((self.basis.version, self.basis.least));
        }
        self.check_order(seen, plan);
        self.check_promotion(seen, plan);
        self.begin_to_write();
        self.note_sight(seen, plan);
        self.check_sleep(seen, plan);
        self.check_restart(seen, plan);
        self.check_verdicts(seen, plan);
        self.late_write_lands();
        self.forget_old_answers(plan);
        for action in &plan.actions {
            match self.write(action, seen, &mut version) {
                Wrote::Done | Wrote::Skipped => done += 1,
                Wrote::Conflict => {
                    self.note("409: read again");
                    self.read_again();
                    return self.send(plan, done, false);
                }
                Wrote::Refused => return self.send(plan, done, false),
            }
            self.interrupt();
            if self.dies() {
                return self.leave_behind(plan.actions.get(done), seen);
            }
        }
        if let Some(status) = &plan.status {
            let lost = self.loses_answer();
            if !self.write_status(status, &version) {
                self.note("409 on the status: read again");
                self.read_again();
                return self.send(plan, done, false);
            }
            if let Some(lost) = lost {
                self.answer_to_status_is_lost(lost);
                return self.send(plan, done, false);
            }
            self.interrupt();
            if self.dies() {
                return;
            }
        }
        self.call_plugins(plan);
        self.ask_aws(plan);
        self.call_router_plugins(plan);
        self.send(plan, done, true);
        self.look_again = self.look_went_through(plan);
    }

    /// What a plan that changes pods was decided upon.
    fn note_sight(&mut self, seen: &Observed, plan: &Plan) {
        let changes = |action: &Action| match action {
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => patch.replicas.is_some(),
            Action::Pod(PodAction::Evict(_)) => true,
            _ => false,
        };
        if !self.tracing || !plan.actions.iter().any(changes) {
            return;
        }
        for set in &seen.replica_sets {
            let listed = seen.pods.get(&set.name).map_or_else(String::new, |pods| {
                let ready = pods.iter().filter(|pod| pod.ready_since.is_some()).count();
                format!(", {} pods are listed, {ready} of them ready", pods.len())
            });
            note!(
                self,
                "the controller sees {} of {}, {} ready and {} available as of generation {} of {}{listed}",
                set.name,
                set.replicas,
                set.ready_replicas,
                set.available_replicas,
                set.observed_generation,
                set.generation
            );
        }
    }

    fn send(&mut self, plan: &Plan, done: usize, status: bool) {
        for event in &plan.events {
            let sent = match event.after {
                After::Action(index) => index < done,
                After::Status => status,
            };
            if sent {
                note!(self, "event {} {}", event.news.reason(), event.news);
                self.remember_told(&event.news);
                self.events.push(event.clone());
            }
        }
    }

    /// Somebody acts while we write.
    fn interrupt(&mut self) {
        if let Some((_, act)) = self.interruption.take_if(|(after, _)| self.writes >= *after) {
            self.note("between two writes:");
            act(self);
        }
    }

    fn dies(&mut self) -> bool {
        let due = self.faults.crash_after_writes.is_some_and(|after| self.writes >= after);
        if due {
            self.note("the controller dies, and another takes over");
            self.forget_calls();
            self.forget_answers();
            // One that for ever dies after its first write gets nowhere: in the end a controller lives.
            self.takeovers += 1;
            let again = self.faults.crash_again_after.filter(|_| self.takeovers < 8);
            self.faults.crash_after_writes = again.map(|more| self.writes + more);
            self.refused = None;
            self.refusals.standing.clear();
            self.read_again();
            self.another_clock();
        }
        due
    }

    fn write(&mut self, action: &Action, seen: &Observed, version: &mut String) -> Wrote {
        let lost = self.loses_answer();
        let wrote = self.do_write(action, seen, version);
        if wrote != Wrote::Done {
            return wrote;
        }
        self.writes += 1;
        match lost {
            Some(lost) => self.answer_is_lost(lost, action),
            None => wrote,
        }
    }

    pub(super) fn do_write(&mut self, action: &Action, seen: &Observed, version: &mut String) -> Wrote {
        match action {
            Action::ReplicaSet(ReplicaSetAction::Create(new)) => self.create_set(new, seen),
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => self.patch_set_or_part(patch, seen),
            Action::ReplicaSet(ReplicaSetAction::Delete(target)) => self.delete_set(target),
            Action::Rollout(patch) => self.patch_rollout(patch, version),
            Action::Workload(scale) => self.scale_workload(scale, seen),
            Action::AnalysisRun(action) => self.write_run(action),
            Action::Service(patch) => self.patch_service_or_fail(patch, seen),
            Action::Route(change) => self.write_route(change),
            Action::Experiment(action) => self.write_experiment(action),
            Action::OwnService(_) => panic!("no business of a rollout"),
            Action::Pod(PodAction::Patch(patch)) => self.patch_pod_or_skip(patch),
            Action::Pod(PodAction::Evict(target)) => {
                self.evict(target);
                Wrote::Done
            }
        }
    }

    fn create_set(&mut self, new: &NewReplicaSet, seen: &Observed) -> Wrote {
        let foreign = self.names_taken > 0;
        self.names_taken -= usize::from(foreign);
        let taken = foreign || self.sets.iter().any(|set| set.object.name == new.name);
        let uid = |set: &Set| set.object.uid.clone();
        let own = self
            .sets
            .iter()
            .find(|set| set.object.name == new.name && !set.object.orphan)
            .map(uid);
        if let Some(uid) = own.filter(|uid| !foreign && self.stores.misses(uid)) {
            note!(self, "create ReplicaSet {}: an earlier create went through", new.name);
            self.seen_own_set(&uid);
            return Wrote::Done;
        }
        let refusal = self.refuse_creation.clone().or_else(|| {
            taken.then(|| {
                (
                    Refusal::AlreadyExists,
                    format!("replicasets.apps \"{}\" already exists", new.name),
                )
            })
        });
        if let Some((why, message)) = refusal {
            note!(self, "create ReplicaSet {}: {message}", new.name);
            self.refused = Some(Refused {
                attempt: Attempt::new(Verb::Create, Kind::ReplicaSet, &new.name),
                what: Attempted::Creation,
                generation: seen.rollout.metadata.generation.unwrap_or(0),
                collision_count: seen.rollout.status.collision_count,
                why,
                message,
                at: self.controllers_now(),
            });
            self.back_off();
            return Wrote::Refused;
        }
        self.refused = None;
        note!(self, "create ReplicaSet {} at {}", new.name, new.replicas);
        let good = !new.template.as_str().contains("bad");
        let template = Some(Fingerprint::of_replica_set(&new.template, &new.annotations));
        self.check_identity(&new.name, template);
        self.check_pause(None);
        let injected = Injected::of(new);
        let object = ReplicaSet {
            name: new.name.clone(),
            uid: format!("uid-{}", self.version()),
            resource_version: self.version(),
            generation: 1,
            created: self.now,
            labels: new.labels.clone(),
            annotations: new.annotations.clone(),
            template_labels: Some(injected.labels.clone()).filter(|labels| *labels != new.labels),
            template_annotations: injected.annotations.clone(),
            replicas: new.replicas,
            min_ready_seconds: new.min_ready_seconds,
            template,
            avoids: anti_affinity::avoided(&new.template),
            ..ReplicaSet::default()
        };
        self.sets.push(Set {
            object,
            pods: Vec::new(),
            injected: Rc::new(injected),
            made: new.clone(),
            good,
            controller: Controller::default(),
            basis: self.basis.clone(),
            silent_until: None,
        });
        self.spec_changed(self.sets.len() - 1, false);
        Wrote::Done
    }

    /// The controller leaves a refused change alone for a while.
    pub(super) fn back_off(&mut self) {
        self.retry_at = self.now.checked_add(BACK_OFF).ok();
    }

    fn find(&self, target: &Target) -> Option<usize> {
        self.sets
            .iter()
            .position(|set| set.object.uid == target.uid && set.object.resource_version == target.resource_version)
    }

    pub(super) fn patch_set(&mut self, patch: &ReplicaSetPatch) -> Wrote {
        let Some(index) = self.find(&patch.target) else {
            return Wrote::Conflict;
        };
        let version = self.version();
        let basis = self.basis.clone();
        self.check_active_size(index, patch);
        self.check_weighed_size(index, patch);
        if let Some(size) = patch.replicas {
            self.check_pause(Some((index, size)));
        }
        self.patch_template(index, patch);
        let set = &mut self.sets[index];
        let from = set.object.replicas;
        set.object.resource_version = version;
        for (key, value) in patch.annotations.iter().chain(&patch.secondary.annotations) {
            match value {
                Some(value) => set.object.annotations.insert(key.clone(), value.clone()),
                None => set.object.annotations.remove(key),
            };
        }
        match patch.ownership {
            Some(Ownership::Adopt) => set.object.orphan = false,
            Some(Ownership::Release) => set.object.orphan = true,
            None => {}
        }
        let resized = patch.replicas.is_some_and(|size| size != from);
        let template = !patch.secondary.template_labels.is_empty() || !patch.secondary.template_annotations.is_empty();
        let changed = resized || patch.min_ready_seconds.is_some() || template || patch.anti_affinity.is_some();
        if changed {
            set.object.replicas = patch.replicas.unwrap_or(from);
            set.object.min_ready_seconds = patch.min_ready_seconds.unwrap_or(set.object.min_ready_seconds);
            set.object.generation += 1;
            set.basis = basis;
            self.spec_changed(index, false);
        }
        let to = self.sets[index].object.replicas;
        note!(self, "patch ReplicaSet {} {from} → {to}", patch.target.name);
        self.seen_own_set(&patch.target.uid);
        Wrote::Done
    }

    fn delete_set(&mut self, target: &Target) -> Wrote {
        let Some(index) = self.find(target) else {
            return Wrote::Conflict;
        };
        note!(self, "delete ReplicaSet {}", target.name);
        let set = &self.sets[index];
        let pods = set.pods.len();
        // Where none are wanted, its controller may have made some that it does not see yet: they go in any case.
        if pods > 0 && set.object.replicas > 0 {
            self.break_rule(format!("5: ReplicaSet {} is deleted with {pods} pods", target.name));
        }
        self.sets.remove(index);
        Wrote::Done
    }

    fn patch_rollout(&mut self, patch: &RolloutPatch, version: &mut String) -> Wrote {
        if self.rollout["metadata"]["resourceVersion"] != version.as_str() {
            return Wrote::Conflict;
        }
        let mut change = json!({ "metadata": { "annotations": patch.annotations } });
        if let Some(replicas) = patch.replicas {
            change["spec"] = json!({ "replicas": replicas });
        }
        note!(self, "patch Rollout {change}");
        self.change_rollout(&change);
        self.seen_own_rollout();
        self.rollout["metadata"]["resourceVersion"]
            .as_str()
            .expect("every write of the World sets a version")
            .clone_into(version);
        Wrote::Done
    }

    fn write_status(&mut self, status: &StatusWrite, version: &str) -> bool {
        if self.rollout["metadata"]["resourceVersion"] != version {
            return false;
        }
        self.writes += 1;
        self.counter_writes += usize::from(status.urgency == Urgency::Counters);
        note!(self, "status {}", status.patch["status"]);
        let mut change = status.patch.clone();
        change["metadata"] = json!({ "resourceVersion": self.version() });
        let before = self.decoded();
        merge(&mut self.rollout, &change);
        self.decode_status(&before);
        self.seen_own_rollout();
        true
    }

    /// A change of the main resource: the generation follows the spec.
    pub fn change_rollout(&mut self, change: &Value) {
        let before = change.get("spec").map(|_| self.rollout["spec"].clone());
        merge(&mut self.rollout, change);
        let version = self.version();
        self.rollout["metadata"]["resourceVersion"] = version.into();
        if before.is_some_and(|before| before != self.rollout["spec"]) {
            let generation = self.rollout["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            self.rollout["metadata"]["generation"] = generation.into();
        }
    }
}

pub(super) fn version_of(rollout: &serin_core::api::Rollout) -> String {
    rollout.metadata.resource_version.clone().unwrap_or_default()
}
