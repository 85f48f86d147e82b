//! Experiments, and the controller of experiments: it acts before the rollout looks, so that whatever it may do it has done.

use super::act::Wrote;
use super::cluster::count;
use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_core::api::Experiment;
use serin_core::experiment::{Observed, OwnService, decide};
use serin_core::observed::{self, ExperimentTemplate, ReplicaSet, SetTemplate};
use serin_core::plan::{
    Action, ExperimentAction, NewExperiment, NewService, OwnServiceAction, Plan, ReplicaSetAction, Target,
};
use serin_core::rollout::{experiment, traffic};
use serin_core::wire::HASH_LABEL;
use serin_core::wire::analysis::Phase;
use std::collections::BTreeMap;

/// Looks at one experiment that no instant needs.
const MOST_LOOKS: usize = 50;

/// An Experiment as the API server has it, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The experiment.
    pub object: Experiment,
    /// Its ReplicaSets: each with its template, and with when its pods are ready.
    pub sets: Vec<(String, ReplicaSet, Vec<Option<Timestamp>>)>,
    services: Vec<(OwnService, NewService)>,
    wake: Option<Timestamp>,
}

impl Trial {
    /// Its name.
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// Available pods of its ReplicaSet with this hash.
    fn available(&self, hash: &str, now: Timestamp) -> i32 {
        let sets = self.sets.iter().filter(|(_, set, _)| set.hash() == hash);
        count(
            sets.flat_map(|(_, _, pods)| pods)
                .filter(|ready| ready.is_some_and(|at| at <= now)),
        )
    }

    /// Available pods behind a Service of it; none where it has no such Service.
    fn behind(&self, service: &str, now: Timestamp) -> i32 {
        let found = self.services.iter().find(|(own, _)| own.name == service);
        let hash = found.and_then(|(_, made)| made.selector.get(HASH_LABEL));
        hash.map_or(0, |hash| self.available(hash, now))
    }

    /// What the ReplicaSet controller does at once.
    fn run_controller(&mut self, now: Timestamp, ready_at: Timestamp) {
        for (_, set, pods) in &mut self.sets {
            pods.resize(usize::try_from(set.replicas).unwrap_or(0), Some(ready_at));
            let ready = count(pods.iter().filter(|ready| ready.is_some_and(|at| at <= now)));
            set.observed_generation = set.generation;
            set.current_replicas = set.replicas;
            (set.ready_replicas, set.available_replicas) = (ready, ready);
        }
    }
}

/// The Experiments of a world that serves them.
#[derive(Clone, Debug, Default)]
pub struct Experiments {
    /// Oldest first.
    pub all: Vec<Trial>,
    /// Services that an experiment ever had.
    services: BTreeMap<String, String>,
}

impl World {
    /// What the controller of the rollout sees of them.
    pub(super) fn observed_experiments(&self) -> Option<Vec<observed::Experiment>> {
        let seen = |trial: &Trial| {
            let (meta, status) = (&trial.object.metadata, &trial.object.status);
            observed::Experiment {
                name: trial.name().to_owned(),
                uid: meta.uid.clone().unwrap_or_default(),
                resource_version: meta.resource_version.clone().unwrap_or_default(),
                created: meta.creation_timestamp.as_ref().map(|at| at.0).unwrap_or_default(),
                labels: meta.labels.clone().unwrap_or_default(),
                terminate: trial.object.spec.terminate,
                phase: Phase::of(&status.phase),
                message: status.message.clone(),
                templates: status.template_statuses.iter().map(ExperimentTemplate::from).collect(),
                ..observed::Experiment::default()
            }
        };
        Some(self.experiments.as_ref()?.all.iter().map(seen).collect())
    }

    /// The pod templates that the decision asks for.
    pub(super) fn observed_set_templates(&self, seen: &serin_core::Observed) -> BTreeMap<String, SetTemplate> {
        if self.experiments.is_none() {
            return BTreeMap::new();
        }
        let needed = experiment::needed(seen, self.controllers_now());
        let sets = self.sets.iter().filter(|set| needed.contains(&set.object.name));
        let template = |set: &super::Set| SetTemplate {
            template: set.made.template.clone(),
            selector: serde_json::from_value(set.made.selector.clone()).expect("the selector of a ReplicaSet"),
        };
        sets.map(|set| (set.object.name.clone(), template(set))).collect()
    }

    /// The rollout's write.
    pub(super) fn write_experiment(&mut self, action: &ExperimentAction) -> Wrote {
        let version = self.version();
        let created = self.now;
        let Some(experiments) = &mut self.experiments else {
            panic!("this world serves no experiments");
        };
        let find = |target: &Target| {
            let mut all = experiments.all.iter();
            all.position(|of| of.object.metadata.uid.as_deref() == Some(&*target.uid))
        };
        match action {
            ExperimentAction::Create(new) => {
                if experiments.all.iter().any(|of| of.name() == new.name) {
                    return Wrote::Conflict;
                }
                experiments.all.push(trial(new, &version, created));
                note!(self, "create Experiment {}", new.name);
            }
            ExperimentAction::Terminate(target) => {
                if let Some(index) = find(target) {
                    let object = &mut experiments.all[index].object;
                    object.spec.terminate = true;
                    object.metadata.resource_version = Some(version);
                }
                note!(self, "terminate Experiment {}", target.name);
            }
            ExperimentAction::Delete(target) => {
                if let Some(index) = find(target) {
                    experiments.all.remove(index);
                }
                note!(self, "delete Experiment {}", target.name);
                self.check_led_to();
            }
        }
        Wrote::Done
    }

    /// Lets the controller of experiments do all that it has to do now.
    pub(super) fn run_experiments(&mut self) {
        if self.stopped {
            return;
        }
        let ready_at = self.after(self.ready_after);
        for index in 0..self.experiments.as_ref().map_or(0, |of| of.all.len()) {
            for look in 0.. {
                let led_to = traffic::led_to(&self.current());
                let now = self.now;
                let Some(trial) = self.experiments.as_mut().and_then(|of| of.all.get_mut(index)) else {
                    break;
                };
                trial.run_controller(now, ready_at);
                let plan = decide(
                    &Observed {
                        experiment: trial.object.clone(),
                        replica_sets: trial.sets.iter().map(|(_, set, _)| set.clone()).collect(),
                        services: trial.services.iter().map(|(service, _)| service.clone()).collect(),
                        led_to,
                        ..Observed::default()
                    },
                    now,
                );
                trial.wake = plan.wake.map(|wake| wake.at);
                if plan.is_empty() {
                    break;
                }
                self.carry_out_trial(index, &plan);
                assert!(look < MOST_LOOKS, "an experiment does not come to rest: {plan:?}");
            }
        }
    }

    fn carry_out_trial(&mut self, index: usize, plan: &Plan) {
        for action in &plan.actions {
            let version = self.version();
            let created = self.now;
            let Some(experiments) = &mut self.experiments else {
                return;
            };
            let trial = &mut experiments.all[index];
            match action {
                Action::ReplicaSet(ReplicaSetAction::Create(new)) => {
                    let object = ReplicaSet {
                        name: new.name.clone(),
                        uid: format!("uid-{version}"),
                        resource_version: version,
                        generation: 1,
                        created,
                        labels: new.labels.clone(),
                        annotations: new.annotations.clone(),
                        replicas: new.replicas,
                        ..ReplicaSet::default()
                    };
                    let template = new.name.strip_prefix(&format!("{}-", trial.name()));
                    let template = template.unwrap_or_default().to_owned();
                    trial.sets.push((template, object, Vec::new()));
                }
                Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => {
                    let found = trial.sets.iter_mut().find(|(_, set, _)| set.uid == patch.target.uid);
                    let (_, set, pods) = found.expect("a ReplicaSet of the experiment");
                    for (key, value) in &patch.annotations {
                        match value {
                            Some(value) => set.annotations.insert(key.clone(), value.clone()),
                            None => set.annotations.remove(key),
                        };
                    }
                    if let Some(size) = patch.replicas {
                        set.replicas = size;
                        set.generation += 1;
                        pods.truncate(usize::try_from(size).unwrap_or(0));
                        note!(self, "{} gets {size} pods", patch.target.name);
                    }
                }
                Action::OwnService(OwnServiceAction::Create(new)) => {
                    let name = trial.name().to_owned();
                    let object = OwnService {
                        name: new.name.clone(),
                        uid: format!("uid-{version}"),
                        resource_version: version,
                        annotations: new.annotations.clone(),
                        ..OwnService::default()
                    };
                    trial.services.push((object, (**new).clone()));
                    experiments.services.insert(new.name.clone(), name);
                }
                Action::OwnService(OwnServiceAction::Delete(target)) => {
                    trial.services.retain(|(service, _)| service.uid != target.uid);
                }
                other => panic!("no business of an experiment of this world: {other:?}"),
            }
            self.check_led_to();
        }
        let version = self.version();
        let Some(experiments) = &mut self.experiments else {
            return;
        };
        let trial = &mut experiments.all[index];
        if let Some(write) = &plan.status {
            let mut whole = serde_json::to_value(&trial.object).expect("an Experiment");
            super::merge(&mut whole, &write.patch);
            trial.object = serde_json::from_value(whole).expect("an Experiment");
            trial.object.metadata.resource_version = Some(version);
            let (name, phase) = (trial.name().to_owned(), trial.object.status.phase.clone());
            note!(self, "Experiment {name} is {phase}");
        }
    }

    /// No weight leads to a Service of an experiment that has no available pods (design: invariant 4).
    pub(super) fn check_led_to(&mut self) {
        let Some(experiments) = &self.experiments else { return };
        let now = self.now;
        let empty = |service: &&String| experiments.all.iter().all(|trial| trial.behind(service, now) == 0);
        let objects = || self.objects.all();
        let led_to = |service: &&String| objects().any(|object| leads(object, service));
        let wrong = experiments.services.keys().filter(empty).find(led_to).cloned();
        if let Some(service) = wrong {
            self.break_rule(format!(
                "4: weight leads to Service {service} of an experiment, which has no available pod"
            ));
        }
    }

    /// When an experiment next moves.
    pub(super) fn experiments_due(&self) -> impl Iterator<Item = Timestamp> {
        let trials = || self.experiments.iter().flat_map(|of| &of.all);
        let pods = trials().flat_map(|trial| &trial.sets).flat_map(|(_, _, pods)| pods);
        let wakes = trials().filter_map(|trial| trial.wake);
        pods.copied().flatten().chain(wakes)
    }

    /// A person asks the newest experiment to end, and its controller does at once all that this lets it do.
    pub fn end_experiment(&mut self) {
        let version = self.version();
        if let Some(trial) = self.experiments.as_mut().and_then(|of| of.all.last_mut()) {
            trial.object.spec.terminate = true;
            trial.object.metadata.resource_version = Some(version);
        }
        note!(self, "a person ends the newest experiment");
        self.run_experiments();
    }

    /// All pods of a template of the newest experiment are no longer ready; false where there is none.
    pub fn fail_trial_pods(&mut self, template: &str) -> bool {
        let newest = self.experiments.as_mut().and_then(|of| of.all.last_mut());
        let set = newest.and_then(|trial| trial.sets.iter_mut().find(|(of, _, _)| of == template));
        set.map(|(_, _, pods)| pods.fill(None)).is_some()
    }
}

/// An Experiment that was created a moment ago.
fn trial(new: &NewExperiment, version: &str, created: Timestamp) -> Trial {
    // In whole seconds, as the API server writes it.
    let created = created.checked_sub(SignedDuration::from_nanos(created.subsec_nanosecond().into()));
    let object = json!({
        "metadata": {
            "name": new.name, "uid": format!("uid-{version}"), "resourceVersion": version, "generation": 1,
            "creationTimestamp": created.expect("lives are short").to_string(),
            "labels": new.labels, "annotations": new.annotations,
        },
        "spec": new.spec, "status": {},
    });
    Trial {
        object: serde_json::from_value(object).expect("an Experiment"),
        sets: Vec::new(),
        services: Vec::new(),
        wake: None,
    }
}

/// Whether an object of a router gives a Service some weight; read apart from what Serin reads.
fn leads(value: &Value, service: &str) -> bool {
    match value {
        Value::Object(fields) => {
            let named = [
                &value["service"],
                &value["destination"]["host"],
                &value["ServiceName"],
                &value["name"],
            ];
            let weight = [&value["weight"], &value["Weight"]].into_iter().any(|weight| {
                let text = weight.as_str().and_then(|text| text.parse().ok());
                weight.as_i64().or(text).unwrap_or(0) > 0
            });
            (weight && named.into_iter().any(|name| name.as_str() == Some(service)))
                || fields.values().any(|value| leads(value, service))
        }
        Value::Array(items) => items.iter().any(|item| leads(item, service)),
        // An annotation may hold an object as text.
        Value::String(text) if text.starts_with('{') => {
            serde_json::from_str(text).is_ok_and(|value| leads(&value, service))
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => false,
    }
}
