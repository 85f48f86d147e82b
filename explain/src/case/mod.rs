//! One object with everything around it, as causes ask about it: which ReplicaSet is what, whose pods are whose, which
//! runs and events belong to the present.

pub mod age;
mod index;
mod pods;
mod runs;
mod sets;

pub use index::{Index, event_count, event_time};
pub use pods::{Container, Ended, Pod, closed_gates};
pub use sets::{Part, Set};

use crate::explanation::{Evidence, ObjectName, State};
use crate::sources::{Object, Sources, key, rollout, text, time};
use age::age;
use jiff::Timestamp;
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::rollout::view;
use serin_core::wire::{condition, phase};
use std::collections::HashSet;

/// The kinds that are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Rollout.
    Rollout,
    /// An AnalysisRun.
    AnalysisRun,
    /// An Experiment.
    Experiment,
}

/// One object to explain.
#[derive(Debug)]
pub struct Case<'a> {
    /// Everything that was read.
    pub sources: &'a Sources,
    /// The same, found by name.
    pub index: &'a Index<'a>,
    /// The object.
    pub object: &'a Object,
    /// Its kind.
    pub kind: Kind,
    /// The object as far as it decodes, if it is a Rollout.
    pub rollout: Rollout,
    /// Its ReplicaSets, and those of its experiment, the newest revision first.
    pub sets: Vec<Set<'a>>,
    /// Pods that are there to stay: of the ReplicaSets, and of Jobs that measure.
    pub pods: Vec<Pod<'a>>,
    /// AnalysisRuns that say something of the present.
    pub runs: Vec<&'a Object>,
    /// The Experiment of the present.
    pub experiment: Option<&'a Object>,
    /// When everything was read.
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    /// The case of an object; `None` for a kind that is not explained.
    #[must_use]
    pub fn new(sources: &'a Sources, index: &'a Index<'a>, object: &'a Object) -> Option<Self> {
        let kind = match object.kind() {
            "Rollout" => Kind::Rollout,
            "AnalysisRun" => Kind::AnalysisRun,
            "Experiment" => Kind::Experiment,
            _ => return None,
        };
        let mut case = Self {
            sources,
            index,
            object,
            kind,
            rollout: if kind == Kind::Rollout {
                rollout(object.value())
            } else {
                Rollout::default()
            },
            sets: Vec::new(),
            pods: Vec::new(),
            runs: Vec::new(),
            experiment: None,
            now: sources.now,
        };
        case.experiment = runs::experiment(&case);
        case.runs = runs::of_the_present(&case);
        case.sets = sets::of(&case);
        case.pods = case.find_pods();
        Some(case)
    }

    /// Pods of the sets, then those of Jobs, each once.
    fn find_pods(&self) -> Vec<Pod<'a>> {
        let mut pods = Vec::new();
        let mut known = HashSet::new();
        for (at, set) in self.sets.iter().enumerate() {
            for object in self.index.owned("Pod", set.object) {
                known.insert(object.uid());
                pods.push(Pod { object, set: Some(at) });
            }
        }
        for run in &self.runs {
            for job in self.index.owned("Job", run) {
                pods.extend(
                    self.index
                        .owned("Pod", job)
                        .filter(|pod| known.insert(pod.uid()))
                        .map(|object| Pod { object, set: None }),
                );
            }
        }
        pods.retain(Pod::is_active);
        pods.sort_by_key(|pod| pod.object.name());
        pods
    }

    /// Phase and message, as a client must show them.
    #[must_use]
    pub fn phase(&self) -> (&str, &str) {
        match self.kind {
            Kind::Rollout => view::phase(&self.rollout),
            Kind::AnalysisRun | Kind::Experiment => {
                (self.object.text("/status/phase"), self.object.text("/status/message"))
            }
        }
    }

    /// The state that the phase stands for.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.kind, self.phase().0) {
            (Kind::Rollout, phase::HEALTHY) | (_, "Successful") => State::Healthy,
            (Kind::Rollout, phase::PAUSED) => State::Paused,
            (Kind::Rollout, phase::DEGRADED) | (_, "Failed" | "Error") => State::Degraded,
            (Kind::Rollout, phase::PROGRESSING) | (_, "" | "Pending" | "Running") => State::Progressing,
            _ => State::Unknown,
        }
    }

    /// The ReplicaSet of the newest revision.
    #[must_use]
    pub fn newest(&self) -> Option<&Set<'a>> {
        self.sets.iter().find(|set| set.part.is_new())
    }

    /// The ReplicaSet of the stable revision.
    #[must_use]
    pub fn stable(&self) -> Option<&Set<'a>> {
        self.sets.iter().find(|set| set.part.is_stable())
    }

    /// An update is under way, or was aborted: the newest revision is not the stable one.
    #[must_use]
    pub fn is_updating(&self) -> bool {
        let status = &self.rollout.status;
        status.stable_rs.is_empty() || status.stable_rs != status.current_pod_hash || !self.generation_is_observed()
    }

    /// The status speaks of the last change of the spec.
    #[must_use]
    pub fn generation_is_observed(&self) -> bool {
        let generation = self.object.number("/metadata/generation").unwrap_or(0);
        match self.object.at("/status/observedGeneration") {
            Value::Null => self.object.at("/status/phase").is_string() && generation <= 1,
            _ => self
                .object
                .number("/status/observedGeneration")
                .is_none_or(|observed| observed >= generation),
        }
    }

    /// The update was aborted.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.object.flag("/status/abort") && self.generation_is_observed()
    }

    /// What the controller said about an abort after the revision: empty where a person asked for it.
    #[must_use]
    pub fn abort_reason(&self) -> Option<&'a str> {
        let progressing = self.object.condition(condition::PROGRESSING);
        let said = text(&progressing["reason"]) == condition::ROLLOUT_ABORTED;
        let message = text(&progressing["message"]);
        (said && self.is_aborted()).then(|| message.split_once(": ").map_or("", |(_, reason)| reason))
    }

    /// The progress deadline has passed.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        let reason = text(&self.object.condition(condition::PROGRESSING)["reason"]);
        // A status of an earlier generation speaks of the past.
        if !self.generation_is_observed() {
            return false;
        }
        reason == condition::PROGRESS_DEADLINE_EXCEEDED
            || self
                .abort_reason()
                .is_some_and(|reason| reason.contains("has timed out progressing"))
    }

    /// Events about an object of the case, newest first.
    #[must_use]
    pub fn events(&self, about: &Object) -> Vec<&'a Object> {
        self.index.events(about)
    }

    /// The newest event about the object with one of these reasons.
    #[must_use]
    pub fn event(&self, reasons: &[&str]) -> Option<&'a Object> {
        self.events(self.object)
            .into_iter()
            .find(|event| reasons.contains(&event.text("/reason")))
    }

    /// An object of the same namespace.
    #[must_use]
    pub fn sibling(&self, kind: &str, name: &str) -> Option<&'a Object> {
        self.index.find(kind, self.object.namespace(), name)
    }

    /// Whether all objects of a kind were read: what was not read is not missing.
    #[must_use]
    pub fn was_listed(&self, kind: &str) -> bool {
        self.sources.listed.contains(kind)
    }

    /// Whether it is known that there is no such object.
    #[must_use]
    pub fn is_missing(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let object = ObjectName {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        self.was_listed(kind) || self.sources.missing.contains(&key(&object))
    }

    /// A fact of an object.
    #[must_use]
    pub fn fact(&self, source: &str, object: &Object, field: &str, at: Option<Timestamp>, told: &str) -> Evidence {
        Evidence {
            source: source.to_owned(),
            object: object.address(),
            field: field.to_owned(),
            age: age(self.now, at),
            text: told.trim().to_owned(),
        }
    }

    /// A condition of an object as a fact.
    #[must_use]
    pub fn condition_fact(&self, object: &Object, kind: &str) -> Option<Evidence> {
        let condition = object.condition(kind);
        let told = format!("{}: {}", text(&condition["reason"]), text(&condition["message"]));
        let at = time(&condition["lastTransitionTime"]).or_else(|| time(&condition["lastUpdateTime"]));
        let field = format!("status.conditions[{kind}]");
        condition
            .is_object()
            .then(|| self.fact("condition", object, &field, at, &told))
    }

    /// An event as a fact.
    #[must_use]
    pub fn event_fact(&self, event: &Object) -> Evidence {
        let about = event.at("/involvedObject");
        let count = event_count(event);
        let times = if count > 1 {
            format!(" ({count} times)")
        } else {
            String::new()
        };
        Evidence {
            source: "event".to_owned(),
            object: format!("{}/{}", text(&about["kind"]).to_lowercase(), text(&about["name"])),
            field: String::new(),
            age: age(self.now, event_time(event)),
            text: format!("{}: {}{times}", event.text("/reason"), event.text("/message").trim()),
        }
    }
}
