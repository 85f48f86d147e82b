//! Which ReplicaSet is what.

use super::{Case, Kind};
use crate::sources::{Object, text};
use serin_core::wire;
use std::collections::BTreeMap;

/// What a ReplicaSet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The newest revision, while it is not stable.
    New,
    /// The newest revision, which is stable.
    NewAndStable,
    /// The stable revision, while there is a newer one.
    Stable,
    /// An earlier revision.
    Old,
    /// Of an experiment.
    Experiment,
}

impl Part {
    /// The newest revision.
    #[must_use]
    pub fn is_new(self) -> bool {
        matches!(self, Self::New | Self::NewAndStable)
    }

    /// The stable revision.
    #[must_use]
    pub fn is_stable(self) -> bool {
        matches!(self, Self::Stable | Self::NewAndStable)
    }
}

/// A ReplicaSet of the case.
#[derive(Clone, Debug)]
pub struct Set<'a> {
    /// As it was read.
    pub object: &'a Object,
    /// Its pod template hash.
    pub hash: &'a str,
    /// Its revision.
    pub revision: Option<i64>,
    /// What it is for.
    pub part: Part,
    /// Pods wanted.
    pub wanted: i64,
    /// Pods there are.
    pub current: i64,
    /// Ready pods.
    pub ready: i64,
    /// Available pods.
    pub available: i64,
}

impl Set<'_> {
    /// How texts call it.
    #[must_use]
    pub fn words(&self) -> String {
        let name = self.object.name();
        match (self.part, self.revision) {
            (Part::Experiment, _) => format!("the experiment's ReplicaSet {name}"),
            (_, Some(revision)) => format!("revision {revision}"),
            (_, None) => format!("ReplicaSet {name}"),
        }
    }

    /// Fewer pods are available than are wanted.
    #[must_use]
    pub fn lacks_pods(&self) -> bool {
        self.available < self.wanted
    }

    /// Labels of its pods.
    #[must_use]
    pub fn pod_labels(&self) -> BTreeMap<&str, &str> {
        let labels = self.object.at("/spec/template/metadata/labels").as_object();
        labels
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), text(value)))
            .collect()
    }
}

/// The ReplicaSets of a case, the newest revision first.
pub(super) fn of<'a>(case: &Case<'a>) -> Vec<Set<'a>> {
    let mut sets: Vec<Set<'a>> = Vec::new();
    match case.kind {
        Kind::Rollout => {
            let hash = newest_hash(case);
            let stable = case.rollout.status.stable_rs.as_str();
            sets.extend(case.index.owned("ReplicaSet", case.object).map(|object| {
                let own = object.label(wire::HASH_LABEL);
                let (new, stable) = (own == hash, !stable.is_empty() && own == stable);
                let part = match (new, stable) {
                    (true, true) => Part::NewAndStable,
                    (true, false) => Part::New,
                    (false, true) => Part::Stable,
                    (false, false) => Part::Old,
                };
                set(object, part)
            }));
            if let Some(experiment) = case.experiment {
                sets.extend(of_experiment(case, experiment));
            }
        }
        Kind::Experiment => sets.extend(of_experiment(case, case.object)),
        Kind::AnalysisRun => {}
    }
    sets.sort_by_key(|set| std::cmp::Reverse((set.part != Part::Experiment, set.revision, set.object.created())));
    sets
}

fn of_experiment<'a>(case: &Case<'a>, experiment: &'a Object) -> Vec<Set<'a>> {
    let owned = case.index.owned("ReplicaSet", experiment);
    owned.map(|object| set(object, Part::Experiment)).collect()
}

fn set(object: &Object, part: Part) -> Set<'_> {
    let number = |path| object.number(path).unwrap_or(0);
    Set {
        object,
        hash: object.label(wire::HASH_LABEL),
        revision: object.annotation(wire::REVISION).parse().ok(),
        part,
        wanted: object.number("/spec/replicas").unwrap_or(1),
        current: number("/status/replicas"),
        ready: number("/status/readyReplicas"),
        available: number("/status/availableReplicas"),
    }
}

/// The hash of the newest revision: the recorded one while the status speaks of the last change, else the one whose
/// ReplicaSet has the template of the spec.
fn newest_hash<'a>(case: &Case<'a>) -> &'a str {
    let recorded = case.object.text("/status/currentPodHash");
    if case.generation_is_observed() {
        return recorded;
    }
    let Some(template) = case.sources.templates.get(case.object.uid()) else {
        return recorded;
    };
    let Some(identity) = &template.identity else {
        return recorded;
    };
    let mut owned = case.index.owned("ReplicaSet", case.object);
    let same = owned.find(|set| {
        let hash = set.label(wire::HASH_LABEL);
        let fingerprint = case.sources.templates.get(set.uid()).and_then(|it| it.fingerprint);
        hash == identity.pod_hash
            || hash == identity.pod_hash_with_null_timestamp
            || (fingerprint.is_some() && fingerprint == identity.template)
    });
    same.map_or("", |set| set.label(wire::HASH_LABEL))
}
