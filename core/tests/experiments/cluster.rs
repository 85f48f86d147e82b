//! A cluster of one experiment in virtual time: ReplicaSets whose pods become ready after a while, Services, and runs of
//! analyses that end as a test says.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_core::api::Experiment;
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::experiment::{Observed, OwnService, decide};
use serin_core::observed::{AnalysisRun, Refused, ReplicaSet, Template};
use serin_core::plan::{
    Action, After, AnalysisRunAction, NewAnalysisRun, NewService, News, OwnServiceAction, Plan, ReplicaSetAction,
    ReplicaSetPatch, Target, Wake,
};
use serin_core::wire::analysis::Phase;
use std::collections::BTreeMap;

/// A ReplicaSet and its pods.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) object: ReplicaSet,
    /// The pod template that it was created with.
    pub(crate) template: Value,
    /// When each pod becomes ready.
    pub(crate) pods: Vec<Timestamp>,
}

/// All there is.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) now: Timestamp,
    pub(crate) experiment: Experiment,
    pub(crate) sets: Vec<Set>,
    pub(crate) services: Vec<(OwnService, NewService)>,
    pub(crate) runs: Vec<(AnalysisRun, NewAnalysisRun)>,
    pub(crate) templates: BTreeMap<String, Template>,
    pub(crate) foreign_sets: Vec<String>,
    pub(crate) foreign_services: Vec<String>,
    pub(crate) refused: Option<Refused>,
    /// Events sent, as `reason: text`; those of the rollout begin with `rollout `.
    pub(crate) events: Vec<String>,
    /// Seconds until a pod is ready; none for never.
    pub(crate) ready_after: Option<i64>,
    /// Seconds by which the ReplicaSet controller lags.
    pub(crate) lag: i64,
    /// When the ReplicaSet controller acts next.
    pub(crate) controller_due: Option<Timestamp>,
    /// Writes until the controller dies in the middle of a plan.
    pub(crate) dies_after: Option<usize>,
    pub(crate) writes: usize,
    pub(crate) wake: Option<Wake>,
    version: u64,
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub(crate) fn pods(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}},
           "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]}})
}

pub(crate) fn template(name: &str, more: &Value) -> Value {
    let mut template = json!({
        "name": name,
        "selector": {"matchLabels": {"app": "web"}},
        "template": pods(name),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        template[key] = value.clone();
    }
    template
}

impl Cluster {
    pub(crate) fn of(spec: &Value) -> Self {
        let experiment = json!({
            "metadata": {"name": "exp", "namespace": "default", "uid": "u", "generation": 1, "resourceVersion": "1",
                         "labels": {"argo-rollouts.argoproj.io/controller-instance-id": "one"}},
            "spec": spec,
            "status": {},
        });
        Self {
            now: at(0),
            experiment: serde_json::from_value(experiment).unwrap(),
            sets: Vec::new(),
            services: Vec::new(),
            runs: Vec::new(),
            templates: BTreeMap::new(),
            foreign_sets: Vec::new(),
            foreign_services: Vec::new(),
            refused: None,
            events: Vec::new(),
            ready_after: Some(2),
            lag: 0,
            controller_due: None,
            dies_after: None,
            writes: 0,
            wake: None,
            version: 1,
        }
    }

    pub(crate) fn with_template(mut self, name: &str) -> Self {
        let spec: AnalysisTemplateSpec =
            serde_json::from_value(json!({"metrics": [{"name": "m", "provider": {"web": {"url": "http://x"}}}]}))
                .unwrap();
        self.templates.insert(name.to_owned(), Template::from(spec));
        self
    }

    pub(crate) fn observed(&self) -> Observed {
        let mut seen = Observed {
            experiment: self.experiment.clone(),
            replica_sets: self.sets.iter().map(|set| set.object.clone()).collect(),
            services: self.services.iter().map(|(service, _)| service.clone()).collect(),
            analysis_runs: self.runs.iter().map(|(run, _)| run.clone()).collect(),
            refused: self.refused.clone(),
            ..Observed::default()
        };
        seen.templates.namespaced = self.templates.clone();
        seen.taken.replica_sets = self.foreign_sets.iter().cloned().collect();
        seen.taken.services = self.foreign_services.iter().cloned().collect();
        seen
    }

    pub(crate) fn plan(&self) -> Plan {
        let seen = self.observed();
        let plan = decide(&seen, self.now);
        assert_eq!(plan, decide(&seen, self.now), "the same answer for the same input");
        plan
    }

    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    /// Looks, and does what is planned, until nothing is left to do at this moment.
    pub(crate) fn settle(&mut self) {
        for _ in 0..50 {
            self.run_controllers();
            let plan = self.plan();
            self.wake = plan.wake;
            if let Some(wake) = plan.wake {
                assert!(wake.at > self.now, "a busy loop: {wake:?}");
            }
            if plan.is_empty() {
                return;
            }
            self.carry_out(&plan);
        }
        panic!("it does not come to rest: {:?}", self.plan());
    }

    /// Lets time pass, and looks whenever something happens or a wake is due.
    pub(crate) fn run(&mut self, seconds: i64) {
        let end = self.after(seconds);
        loop {
            self.settle();
            let ready = self.sets.iter().flat_map(|set| &set.pods).copied();
            let next = ready.chain(self.wake.map(|wake| wake.at)).chain(self.controller_due);
            let Some(next) = next.filter(|next| *next > self.now && *next <= end).min() else {
                break;
            };
            self.now = next;
        }
        self.now = end;
        self.settle();
    }

    pub(crate) fn after(&self, seconds: i64) -> Timestamp {
        self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    /// The ReplicaSet controller makes and deletes pods, and counts them; ended runs end.
    fn run_controllers(&mut self) {
        let now = self.now;
        if self.controller_due.is_none_or(|due| due <= now) {
            self.controller_due = None;
            let ready_after = self.ready_after;
            for set in &mut self.sets {
                let ready_at = now
                    .checked_add(SignedDuration::from_secs(ready_after.unwrap_or(1_000_000)))
                    .unwrap();
                let wanted = usize::try_from(set.object.replicas).unwrap();
                set.pods.resize(wanted, ready_at);
                set.object.observed_generation = set.object.generation;
                set.object.current_replicas = set.object.replicas;
            }
        }
        for set in &mut self.sets {
            let ready = set.pods.iter().filter(|ready| **ready <= now).count();
            set.object.ready_replicas = i32::try_from(ready).unwrap();
            set.object.available_replicas = set.object.ready_replicas;
        }
        for (run, _) in &mut self.runs {
            if run.spec.terminate && !run.is_completed() {
                run.phase = Phase::Successful;
                run.message = "Run Terminated".to_owned();
            }
        }
    }

    fn set_changed(&mut self) {
        if self.lag > 0 {
            let due = self.after(self.lag);
            self.controller_due.get_or_insert(due);
        }
    }

    /// One write; false if the controller dies right after it.
    fn lives_on(&mut self) -> bool {
        self.writes += 1;
        if self.dies_after == Some(self.writes) {
            self.dies_after = None;
            return false;
        }
        true
    }

    fn carry_out(&mut self, plan: &Plan) {
        for action in &plan.actions {
            self.act(action);
            if !self.lives_on() {
                return;
            }
        }
        if let Some(write) = &plan.status {
            self.write_status(&write.patch);
            if !self.lives_on() {
                return;
            }
        }
        for event in &plan.events {
            match event.after {
                After::Action(index) => assert!(index < plan.actions.len()),
                After::Status => {}
            }
            let News::Experiment(news) = &event.news else {
                panic!("{event:?} is no news of an experiment")
            };
            let of = if news.is_of_rollout() { "rollout " } else { "" };
            self.events.push(format!("{of}{}: {news}", news.reason()));
        }
    }

    fn write_status(&mut self, patch: &Value) {
        let mut whole = serde_json::to_value(&self.experiment).unwrap();
        merge(&mut whole, patch);
        self.experiment = serde_json::from_value(whole).unwrap();
        self.experiment.metadata.resource_version = Some(self.next_version());
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::ReplicaSet(ReplicaSetAction::Create(new)) => {
                assert!(self.set(&new.name).is_none(), "a second {}", new.name);
                assert!(!self.foreign_sets.contains(&new.name));
                let version = self.next_version();
                self.sets.push(Set {
                    object: ReplicaSet {
                        name: new.name.clone(),
                        uid: format!("uid-{version}"),
                        resource_version: version,
                        generation: 1,
                        created: self.now,
                        labels: new.labels.clone(),
                        annotations: new.annotations.clone(),
                        replicas: new.replicas,
                        ..ReplicaSet::default()
                    },
                    template: new.template.to_value(),
                    pods: Vec::new(),
                });
                self.set_changed();
            }
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => self.patch_set(patch),
            Action::OwnService(OwnServiceAction::Create(new)) => {
                assert!(self.services.iter().all(|(service, _)| service.name != new.name));
                assert!(!self.foreign_services.contains(&new.name));
                let version = self.next_version();
                let object = OwnService {
                    name: new.name.clone(),
                    uid: format!("uid-{version}"),
                    resource_version: version,
                    annotations: new.annotations.clone(),
                    ..OwnService::default()
                };
                self.services.push((object, (**new).clone()));
            }
            Action::OwnService(OwnServiceAction::Delete(target)) => {
                self.services.retain(|(service, _)| service.uid != target.uid);
            }
            Action::AnalysisRun(AnalysisRunAction::Create(new)) => {
                assert!(
                    self.runs.iter().all(|(run, _)| run.name != new.name),
                    "a second {}",
                    new.name
                );
                let version = self.next_version();
                let run = AnalysisRun {
                    name: new.name.clone(),
                    uid: format!("uid-{version}"),
                    resource_version: version,
                    created: self.now,
                    spec: new.spec.clone(),
                    phase: Phase::Running,
                    ..AnalysisRun::default()
                };
                self.runs.push((run, (**new).clone()));
            }
            Action::AnalysisRun(AnalysisRunAction::Terminate(target)) => {
                let Target { name, .. } = target;
                let (run, _) = self.runs.iter_mut().find(|(run, _)| run.name == *name).unwrap();
                run.spec.terminate = true;
            }
            other => panic!("no business of an experiment: {other:?}"),
        }
    }

    fn patch_set(&mut self, patch: &ReplicaSetPatch) {
        let version = self.next_version();
        let set = self
            .sets
            .iter_mut()
            .find(|set| set.object.uid == patch.target.uid)
            .unwrap();
        assert_eq!(set.object.name, patch.target.name);
        for (key, value) in &patch.annotations {
            match value {
                Some(value) => set.object.annotations.insert(key.clone(), value.clone()),
                None => set.object.annotations.remove(key),
            };
        }
        if let Some(replicas) = patch.replicas {
            set.object.replicas = replicas;
            set.object.generation += 1;
        }
        set.object.resource_version = version;
        self.set_changed();
    }

    pub(crate) fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.object.name == name)
    }

    pub(crate) fn end_run(&mut self, name: &str, phase: Phase, message: &str) {
        let (run, _) = self.runs.iter_mut().find(|(run, _)| run.name == name).unwrap();
        run.phase = phase;
        message.clone_into(&mut run.message);
        self.settle();
    }

    /// Somebody changes the spec.
    pub(crate) fn edit(&mut self, patch: &Value) {
        let mut spec = serde_json::to_value(&self.experiment.spec).unwrap();
        merge(&mut spec, patch);
        self.experiment.spec = serde_json::from_value(spec).unwrap();
        let generation = self.experiment.metadata.generation.unwrap_or(0);
        self.experiment.metadata.generation = Some(generation + 1);
    }

    /// Phase and message of the experiment.
    pub(crate) fn phase(&self) -> (&str, &str) {
        let status = &self.experiment.status;
        (&status.phase, &status.message)
    }

    /// State and message of a template.
    pub(crate) fn template(&self, name: &str) -> (&str, &str) {
        let mut all = self.experiment.status.template_statuses.iter();
        let found = all.find(|status| status.name == name).expect(name);
        (&found.status, &found.message)
    }

    /// Name of the run, phase and message of an analysis.
    pub(crate) fn analysis(&self, name: &str) -> (&str, &str, &str) {
        let mut all = self.experiment.status.analysis_runs.iter();
        let found = all.find(|status| status.name == name).expect(name);
        (&found.analysis_run, &found.phase, &found.message)
    }

    /// Each ReplicaSet with the pods that it wants.
    pub(crate) fn sizes(&self) -> Vec<(&str, i32)> {
        self.sets
            .iter()
            .map(|set| (set.object.name.as_str(), set.object.replicas))
            .collect()
    }
}

fn merge(into: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        into.clone_from(patch);
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut into[key], value);
        }
    }
}
