//! The workload that a rollout refers to, and the Deployment controller: a moment late, like everybody.
//!
//! It is simpler than the real one. It has one set of pods, and an update of the template replaces them one by one while
//! all others are available. What decisions have to live with is here: its status is older than its spec, pods become ready
//! later, and other writers scale it and edit it.

use super::act::Wrote;
use super::cluster::count;
use super::hands::Basis;
use super::refusals::Change;
use super::{World, note};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::api::{PodTemplate, Rollout};
use serin_core::observed::{Attempt, Kind, Verb, WorkloadKind};
use serin_core::plan::WorkloadScale;
use serin_core::rollout::workload::{self, Reference, Referenced};
use std::cmp::Reverse;
use std::collections::VecDeque;

/// A pod of a workload.
#[derive(Clone, Debug)]
struct Pod {
    /// Image that it runs.
    image: String,
    /// When it is ready, if ever.
    ready_at: Option<Timestamp>,
}

/// A spec that its controller will see.
#[derive(Clone, Debug)]
struct Spec {
    generation: i64,
    replicas: i32,
    image: String,
    /// What our controller knew when it decided this size; none where somebody else did.
    basis: Option<Basis>,
}

/// A Deployment, ReplicaSet or PodTemplate as the API server has it, and its pods.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What it is.
    pub kind: WorkloadKind,
    /// As the API server has it.
    pub object: Value,
    pods: Vec<Pod>,
    coming: VecDeque<(Timestamp, Spec)>,
    spec: Option<Spec>,
}

impl Workload {
    /// Pods that are available at an instant.
    pub fn available(&self, now: Timestamp) -> i32 {
        count(self.pods.iter().filter(|pod| is_ready(pod, now)))
    }

    /// Pods wanted.
    pub fn replicas(&self) -> i32 {
        let replicas = self.object["spec"]["replicas"].as_i64().unwrap_or(0);
        i32::try_from(replicas).expect("a World has few of anything")
    }

    /// When something next happens to it by itself.
    pub fn due(&self) -> impl Iterator<Item = Timestamp> {
        let ready = self.pods.iter().filter_map(|pod| pod.ready_at);
        self.coming.front().map(|(due, _)| *due).into_iter().chain(ready)
    }

    fn text(&self, field: &str) -> &str {
        self.object["metadata"][field].as_str().unwrap_or_default()
    }

    fn generation(&self) -> i64 {
        self.object["metadata"]["generation"].as_i64().unwrap_or(0)
    }

    fn template_mut(&mut self) -> &mut Value {
        match self.kind {
            WorkloadKind::PodTemplate => &mut self.object["template"],
            WorkloadKind::Deployment | WorkloadKind::ReplicaSet => &mut self.object["spec"]["template"],
        }
    }
}

fn is_ready(pod: &Pod, now: Timestamp) -> bool {
    pod.ready_at.is_some_and(|at| at <= now)
}

impl World {
    /// Somebody creates a workload whose pods have run for long.
    pub fn create_workload(&mut self, kind: WorkloadKind, name: &str, replicas: i32, image: &str) {
        let uid = format!("uid-{}", self.version());
        let template = json!({
            "metadata": {"labels": {"app": "web"}, "creationTimestamp": null},
            "spec": {"containers": [{"name": "web", "image": image}]},
        });
        let mut object = json!({"metadata": {
            "name": name, "namespace": "default", "uid": uid, "resourceVersion": self.version(), "generation": 1,
            "creationTimestamp": self.now.to_string(),
        }});
        if kind == WorkloadKind::PodTemplate {
            object["template"] = template;
        } else {
            let selector = json!({"matchLabels": {"app": "web"}});
            object["spec"] = json!({"replicas": replicas, "selector": selector, "template": template});
        }
        let pod = Pod {
            image: image.to_owned(),
            ready_at: Some(self.now),
        };
        let pods = usize::try_from(replicas).expect("0 or more");
        note!(self, "somebody creates {kind} {name} with {replicas} pods of {image}");
        self.workload = Some(Workload {
            kind,
            object,
            pods: vec![pod; if kind == WorkloadKind::PodTemplate { 0 } else { pods }],
            coming: VecDeque::new(),
            spec: None,
        });
        self.workload_changed(None, 0);
        self.run_workload();
        self.stores.caught_up_with_workload();
    }

    /// Somebody deletes the workload.
    pub fn delete_workload(&mut self) {
        let lost = self.workload.take();
        self.version();
        if let Some(lost) = lost {
            note!(self, "somebody deletes {} {}", lost.kind, lost.text("name"));
            self.took("", lost.available(self.now));
        }
    }

    /// Somebody scales the workload.
    pub fn scale_workload_by_hand(&mut self, replicas: i32, manager: &str) {
        note!(self, "{manager} scales the workload to {replicas}");
        self.change_workload(&json!({"spec": {"replicas": replicas}}), Some(manager));
    }

    /// Somebody edits the image of the workload.
    pub fn set_workload_image(&mut self, image: &str) {
        let Some(workload) = &mut self.workload else { return };
        let mut template = workload.template_mut().clone();
        template["spec"]["containers"][0]["image"] = image.into();
        note!(self, "somebody sets the image of the workload to {image}");
        let kind = self.workload.as_ref().map(|workload| workload.kind);
        let change = if kind == Some(WorkloadKind::PodTemplate) {
            json!({"template": template})
        } else {
            json!({"spec": {"template": template}})
        };
        self.change_workload(&change, None);
    }

    /// A merge patch of the workload by somebody else: `manager` sets its replicas.
    fn change_workload(&mut self, change: &Value, manager: Option<&str>) {
        let old = self.referenced();
        let (version, now) = (self.version(), self.now.to_string());
        let Some(workload) = &mut self.workload else { return };
        let before = workload.object.clone();
        super::merge(&mut workload.object, change);
        let changed = before != workload.object;
        let metadata = &mut workload.object["metadata"];
        if let Some(manager) = manager {
            let fields = json!({"f:spec": {"f:replicas": {}}});
            metadata["managedFields"] = json!([{"manager": manager, "time": now, "fieldsV1": fields}]);
        }
        metadata["resourceVersion"] = version.into();
        if changed {
            metadata["generation"] = (metadata["generation"].as_i64().unwrap_or(0) + 1).into();
            let lag = self.rng.up_to(self.faults.controller_lag) + self.deployment_late;
            self.workload_changed(None, lag);
        }
        self.lag_workload(old);
    }

    /// Its controller will see the spec as it is now.
    fn workload_changed(&mut self, basis: Option<Basis>, lag: i64) {
        let due = self.after(lag);
        let Some(workload) = &mut self.workload else { return };
        let spec = Spec {
            generation: workload.generation(),
            replicas: workload.replicas(),
            image: workload.template_mut()["spec"]["containers"][0]["image"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            basis,
        };
        let due = workload.coming.back().map_or(due, |(last, _)| due.max(*last));
        workload.coming.push_back((due, spec));
    }

    /// The pod template of the rollout: its own, or the one of the workload that it refers to.
    pub fn template(&self) -> Option<PodTemplate> {
        let rollout = self.decoded();
        if rollout.spec.workload_ref.is_none() {
            return rollout.spec.template.clone();
        }
        Some(self.referenced()?.ok()?.template)
    }

    /// What the API server has under the name that the rollout refers to.
    pub fn referenced(&self) -> Option<Result<Referenced, String>> {
        let workload = self.workload.as_ref()?;
        Some(Referenced::of(workload.kind, &workload.object))
    }

    /// Fills in the pod template, as the store has the workload.
    pub(super) fn follow_workload(&self, seen: &mut Observed) {
        let found = self.stores.workload(self);
        let named = match workload::reference(&seen.rollout) {
            Reference::To(kind, name) => found.filter(|found| {
                let of = |found: &Referenced| found.workload.kind == kind && found.workload.name == name;
                found.as_ref().is_ok_and(of)
            }),
            Reference::None | Reference::Problem(_) => None,
        };
        workload::fill_in(seen, named.as_ref(), |rollout| self.identity_of_filled_in(rollout));
    }

    /// Our own controller scales it, by the version that it decided upon.
    pub(super) fn scale_workload(&mut self, scale: &WorkloadScale, seen: &Observed) -> Wrote {
        let now = self.now.to_string();
        let current = self
            .workload
            .as_ref()
            .is_some_and(|workload| workload.text("resourceVersion") == scale.target.resource_version);
        if !current {
            return Wrote::Conflict;
        }
        if let Some(refusal) = self.refusals.of.get(&Change::Workloads).cloned() {
            let attempt = Attempt::new(Verb::Patch, Kind::DeploymentScale, &scale.target.name);
            return self.skip(attempt, refusal, &scale.target.uid, None);
        }
        let mut basis = self.basis.clone();
        basis.least = self.least_with_workload(seen);
        let version = self.version();
        let workload = self.workload.as_mut().expect("it was there above");
        let from = workload.replicas();
        workload.object["spec"]["replicas"] = scale.replicas.into();
        let generation = workload.generation() + 1;
        let metadata = &mut workload.object["metadata"];
        let ours = json!({"manager": "rollouts-controller", "time": now, "fieldsV1": {"f:spec": {"f:replicas": {}}}});
        metadata["managedFields"] = json!([ours]);
        metadata["resourceVersion"] = version.into();
        metadata["generation"] = generation.into();
        note!(self, "scale the workload {from} → {}", scale.replicas);
        if scale.replicas > from {
            self.break_rule("A6: the Deployment comes back".to_owned());
        }
        let asked = seen.rollout.spec.workload_ref.as_ref();
        if asked.is_none_or(|of| !["onsuccess", "progressively"].contains(&of.scale_down.as_str())) {
            self.break_rule("A6: the Deployment is scaled although it was released".to_owned());
        }
        let lag = self.rng.up_to(self.faults.controller_lag) + self.deployment_late;
        self.workload_changed(Some(basis), lag);
        self.stores.caught_up_with_workload();
        Wrote::Done
    }

    /// Available pods of rollout and workload together that must be left: what the rollout needs, or as many as were seen.
    fn least_with_workload(&self, seen: &Observed) -> i32 {
        let rollout = &seen.rollout;
        let Some(workload) = &seen.workload else { return 0 };
        let wanted = rollout.spec.replicas.unwrap_or(1);
        let own = seen.replica_sets.iter();
        let own: i32 = own.map(|set| set.available_replicas.min(set.replicas)).sum();
        // Sizes of the rollout itself may change in the same plan, within its own budget.
        (wanted - unavailable(rollout)).min(own + workload.available_replicas)
    }

    /// Lets the Deployment controller do all that is due.
    pub(super) fn run_workload(&mut self) {
        let now = self.now;
        while let Some(workload) = &mut self.workload {
            let due = workload.coming.front().is_some_and(|(due, _)| *due <= now);
            if due {
                let (_, spec) = workload.coming.pop_front().expect("it was in front");
                workload.spec = Some(spec);
            }
            self.manage_workload();
            if !due {
                break;
            }
        }
        self.report_workload();
    }

    fn manage_workload(&mut self) {
        let now = self.now;
        let ready_at = self.after(self.ready_after);
        let Some(workload) = &mut self.workload else { return };
        let Some(spec) = workload
            .spec
            .clone()
            .filter(|_| workload.kind != WorkloadKind::PodTemplate)
        else {
            return;
        };
        let wanted = usize::try_from(spec.replicas).expect("0 or more");
        let before = workload.available(now);
        // Those first that are not ready.
        workload.pods.sort_by_key(|pod| Reverse(is_ready(pod, now)));
        workload.pods.truncate(wanted);
        let shrunk = before - workload.available(now);
        let updates = workload.kind == WorkloadKind::Deployment;
        let all = workload.available(now) == spec.replicas;
        let old = workload.pods.iter().position(|pod| pod.image != spec.image);
        let replaced = old.filter(|_| all && updates);
        if let Some(old) = replaced {
            workload.pods.remove(old);
        }
        let good = !spec.image.contains("bad");
        workload.pods.resize(
            wanted,
            Pod {
                image: spec.image.clone(),
                ready_at: good.then_some(ready_at),
            },
        );
        match &spec.basis {
            Some(basis) if shrunk > 0 => self.check_move(shrunk, basis),
            Some(_) | None => self.took("", shrunk),
        }
        self.took("", i32::from(replaced.is_some()));
    }

    fn report_workload(&mut self) {
        let now = self.now;
        let Some(workload) = &self.workload else { return };
        let Some(spec) = workload
            .spec
            .as_ref()
            .filter(|_| workload.kind != WorkloadKind::PodTemplate)
        else {
            return;
        };
        let status = json!({
            "observedGeneration": spec.generation,
            "replicas": workload.pods.len(),
            "updatedReplicas": workload.pods.iter().filter(|pod| pod.image == spec.image).count(),
            "availableReplicas": workload.available(now),
        });
        if workload.object["status"] == status {
            return;
        }
        let old = self.referenced();
        let version = self.version();
        let Some(workload) = &mut self.workload else { return };
        workload.object["status"] = status;
        workload.object["metadata"]["resourceVersion"] = version.into();
        self.lag_workload(old);
    }

    /// Invariant 5 for a migration: what we take away leaves enough available pods of rollout and workload together.
    fn check_move(&mut self, taken: i32, basis: &Basis) {
        let own: i32 = self.sets.iter().map(|set| set.available(self.now)).sum();
        let left = own
            + self
                .workload
                .as_ref()
                .map_or(0, |workload| workload.available(self.now));
        let unknown = self.unknown_losses(basis.at, None);
        // The rollout may have fewer replicas by now, or have had fewer in between: then its own pods went.
        let since = self
            .leasts
            .iter()
            .rev()
            .take_while(|(version, _)| *version >= basis.version);
        let rollout = self.decoded();
        let least = since
            .map(|(_, least)| *least)
            .fold(basis.least, i32::min)
            .min(rollout.spec.replicas.unwrap_or(1) - unavailable(&rollout));
        if left + unknown < least {
            self.break_rule(format!(
                "5: {taken} available pods of the workload taken away, {left} left, {least} needed"
            ));
        }
    }
}

/// Pods that the strategy lets be unavailable.
fn unavailable(rollout: &Rollout) -> i32 {
    let replicas = rollout.spec.replicas.unwrap_or(1);
    match (&rollout.spec.strategy.canary, &rollout.spec.strategy.blue_green) {
        (Some(canary), _) => serin_core::meaning::fenceposts(canary, replicas).unavailable,
        (None, Some(blue_green)) => {
            serin_core::meaning::restart_unavailable(blue_green.max_unavailable.as_ref(), replicas)
        }
        (None, None) => 0,
    }
}
