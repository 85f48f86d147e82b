//! What is shown of a rollout: pure functions from API objects to rows, roles and icons (contract 10 §4, §8, §9).
//!
//! The dashboard shows the same facts (contract 10 §7).

mod analysis_run;
mod experiment;
mod image;
mod pod;
mod replica_set;

pub(crate) use analysis_run::{AnalysisRunInfo, JobInfo, SamplesInfo};
pub(crate) use experiment::ExperimentInfo;
pub(crate) use image::ImageInfo;
pub(crate) use pod::PodInfo;
pub(crate) use replica_set::ReplicaSetInfo;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serin_core::api::{AnalysisRun, Experiment, Rollout};
use serin_core::rollout::view;
use serin_core::wire;
use std::collections::BTreeSet;

/// One character that stands for a state.
pub(crate) mod icon {
    /// Waits to begin.
    pub(crate) const WAITING: &str = "◷";
    /// Under way.
    pub(crate) const PROGRESSING: &str = "◌";
    /// Needs a look.
    pub(crate) const WARNING: &str = "⚠";
    /// Nobody knows.
    pub(crate) const UNKNOWN: &str = "?";
    /// Well.
    pub(crate) const OK: &str = "✔";
    /// Broken.
    pub(crate) const BAD: &str = "✖";
    /// Waits for a person or a time.
    pub(crate) const PAUSED: &str = "॥";
    /// Nothing runs, as wanted.
    pub(crate) const NEUTRAL: &str = "•";
    /// A state without an icon.
    pub(crate) const NONE: &str = " ";
}

/// What a ReplicaSet is for. Declared in the order in which the tags of one image stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The newest revision of a canary.
    Canary,
    /// The revision that is known to be good.
    Stable,
    /// Behind the active Service.
    Active,
    /// Behind the preview Service.
    Preview,
    /// Behind the ping Service.
    Ping,
    /// Behind the pong Service.
    Pong,
}

impl Role {
    /// The word shown.
    #[must_use]
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Stable => "stable",
            Self::Active => "active",
            Self::Preview => "preview",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// Name and age: what every row has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Name.
    pub name: String,
    /// UID, by which owners are found.
    pub uid: String,
    /// When it was created.
    pub created: Option<Timestamp>,
}

impl From<&ObjectMeta> for Identity {
    fn from(meta: &ObjectMeta) -> Self {
        Self {
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            created: meta.creation_timestamp.as_ref().map(|time| time.0),
        }
    }
}

/// Everything `get rollout` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RolloutInfo {
    /// The rollout itself.
    pub identity: Identity,
    /// Namespace.
    pub namespace: String,
    /// Icon of the phase.
    pub icon: &'static str,
    /// Phase.
    pub status: String,
    /// Why.
    pub message: String,
    /// A write that the API server refuses, and what to do (decision 47); mostly empty.
    pub refused: String,
    /// What is particular to the strategy.
    pub strategy: StrategyInfo,
    /// Pods wanted.
    pub desired: i32,
    /// Pods there are.
    pub current: i32,
    /// Pods of the newest revision.
    pub updated: i32,
    /// Ready pods.
    pub ready: i32,
    /// Available pods.
    pub available: i32,
    /// ReplicaSets that the rollout owns, newest revision first.
    pub replica_sets: Vec<ReplicaSetInfo>,
    /// Experiments that the rollout owns, newest revision first.
    pub experiments: Vec<ExperimentInfo>,
    /// AnalysisRuns that the rollout owns, newest revision first.
    pub analysis_runs: Vec<AnalysisRunInfo>,
}

/// Lines of the head that depend on the strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StrategyInfo {
    /// Steps and weights.
    Canary {
        /// Index and number of steps, such as `1/4`; empty without steps.
        step: String,
        /// The weight that the steps ask for.
        set_weight: i32,
        /// The weight that is reached.
        actual_weight: i32,
    },
    /// No such lines.
    BlueGreen,
    /// The spec names none, which is invalid.
    Missing,
}

/// What is in the namespace of a rollout or an experiment; also what belongs to others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around<'a> {
    /// ReplicaSets.
    pub replica_sets: Vec<&'a ReplicaSet>,
    /// Pods.
    pub pods: Vec<&'a Pod>,
    /// Experiments.
    pub experiments: Vec<&'a Experiment>,
    /// AnalysisRuns.
    pub analysis_runs: Vec<&'a AnalysisRun>,
}

fn refused(rollout: &Rollout) -> String {
    let mut conditions = rollout.status.conditions.iter();
    let refused = conditions.find(|found| found.r#type == wire::condition::REFUSED);
    refused.map(|found| found.message.clone()).unwrap_or_default()
}

impl RolloutInfo {
    /// Reads a rollout and what it owns.
    #[must_use]
    pub(crate) fn new(rollout: &Rollout, around: &Around<'_>) -> Self {
        let identity = Identity::from(&rollout.metadata);
        let replica_sets = replica_set::owned_by(&identity.uid, Some(rollout), around);
        let (phase, message) = view::phase(rollout);
        Self {
            namespace: rollout.metadata.namespace.clone().unwrap_or_default(),
            icon: rollout_icon(phase),
            status: phase.to_owned(),
            message: message.to_owned(),
            refused: refused(rollout),
            strategy: strategy(rollout, &replica_sets),
            desired: rollout.spec.replicas.unwrap_or(1),
            current: rollout.status.replicas,
            updated: rollout.status.updated_replicas,
            ready: rollout.status.ready_replicas,
            available: rollout.status.available_replicas,
            replica_sets,
            experiments: experiment::owned_by(&identity.uid, around),
            analysis_runs: analysis_run::owned_by(&identity.uid, around),
            identity,
        }
    }

    /// Images of the ReplicaSets that have pods, sorted, each with its tags (contract 10 §4).
    #[must_use]
    pub(crate) fn images(&self) -> Vec<ImageInfo> {
        let of_rollout = self.replica_sets.iter().map(|set| (set, set.image_tags()));
        let of_experiments = self.experiments.iter().flat_map(ExperimentInfo::sets_with_tags);
        image::merged(of_rollout.chain(of_experiments))
    }

    /// Revisions of everything shown, newest first.
    #[must_use]
    pub(crate) fn revisions(&self) -> Vec<i64> {
        let sets = self.replica_sets.iter().map(|set| set.revision);
        let experiments = self.experiments.iter().map(|experiment| experiment.revision);
        let runs = self.analysis_runs.iter().map(|run| run.revision);
        sets.chain(experiments)
            .chain(runs)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .rev()
            .collect()
    }
}

fn strategy(rollout: &Rollout, replica_sets: &[ReplicaSetInfo]) -> StrategyInfo {
    let strategy = &rollout.spec.strategy;
    if let Some(canary) = &strategy.canary {
        let step = match rollout.status.current_step_index {
            Some(index) if !canary.steps.is_empty() => format!("{index}/{}", canary.steps.len()),
            Some(_) | None => String::new(),
        };
        StrategyInfo::Canary {
            step,
            set_weight: view::set_weight(rollout),
            actual_weight: actual_weight(rollout, replica_sets),
        }
    } else if strategy.blue_green.is_some() {
        StrategyInfo::BlueGreen
    } else {
        StrategyInfo::Missing
    }
}

/// The share of the canary that is reached, rounded down (contract 10 §4).
fn actual_weight(rollout: &Rollout, replica_sets: &[ReplicaSetInfo]) -> i32 {
    let available = rollout.status.available_replicas;
    if view::current_step(rollout).is_none() {
        return view::max_weight(rollout);
    }
    if available <= 0 {
        return 0;
    }
    let routed = rollout
        .spec
        .strategy
        .canary
        .as_ref()
        .is_some_and(|canary| canary.traffic_routing.is_some());
    if routed {
        let weights = rollout.status.canary.weights.as_ref();
        return weights.map_or_else(|| view::set_weight(rollout), |weights| weights.canary.weight);
    }
    let canary = replica_sets.iter().find(|set| set.roles.contains(&Role::Canary));
    canary.map_or(0, |set| set.available * view::max_weight(rollout) / available)
}

/// Icon of a rollout's phase.
#[must_use]
pub(crate) fn rollout_icon(phase: &str) -> &'static str {
    match phase {
        wire::phase::PROGRESSING => icon::PROGRESSING,
        "Error" | wire::condition::INVALID_SPEC => icon::WARNING,
        wire::phase::PAUSED => icon::PAUSED,
        wire::phase::HEALTHY => icon::OK,
        wire::phase::DEGRADED => icon::BAD,
        "Unknown" => icon::UNKNOWN,
        "ScaledDown" => icon::NEUTRAL,
        _ => icon::NONE,
    }
}

/// Revision of the rollout that an object was made for; 0 where none is recorded.
fn revision(metadata: &ObjectMeta) -> i64 {
    let recorded = metadata.annotations.as_ref().and_then(|it| it.get(wire::REVISION));
    recorded.and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Icon of the phase of an AnalysisRun, a measurement or an Experiment.
fn analysis_icon(phase: &str) -> &'static str {
    match phase {
        "Successful" => icon::OK,
        "Inconclusive" => icon::UNKNOWN,
        "Failed" => icon::BAD,
        "Error" => icon::WARNING,
        "Running" => icon::PROGRESSING,
        "Pending" => icon::WAITING,
        _ => icon::NONE,
    }
}

/// Whether one of the owners has this UID.
fn is_owned_by(owners: Option<&Vec<OwnerReference>>, uid: &str) -> bool {
    owners.is_some_and(|owners| owners.iter().any(|owner| owner.uid == uid))
}

#[cfg(test)]
mod tests;
