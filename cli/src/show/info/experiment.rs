//! Experiments and what they own (contract 10 §4).

use super::{AnalysisRunInfo, Around, Identity, ImageInfo, ReplicaSetInfo};
use super::{analysis_icon, analysis_run, image, is_owned_by, replica_set, revision};
use serin_core::api::Experiment;
use std::cmp::Reverse;

/// An Experiment and what it owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExperimentInfo {
    /// The experiment itself.
    pub identity: Identity,
    /// Namespace.
    pub namespace: String,
    /// Icon of the phase.
    pub icon: &'static str,
    /// Phase.
    pub status: String,
    /// Why.
    pub message: String,
    /// Revision of the rollout.
    pub revision: i64,
    /// Its ReplicaSets; they have no role.
    pub replica_sets: Vec<ReplicaSetInfo>,
    /// Its AnalysisRuns.
    pub analysis_runs: Vec<AnalysisRunInfo>,
}

impl ExperimentInfo {
    /// Reads an experiment and what it owns.
    #[must_use]
    pub(crate) fn new(experiment: &Experiment, around: &Around<'_>) -> Self {
        let identity = Identity::from(&experiment.metadata);
        Self {
            namespace: experiment.metadata.namespace.clone().unwrap_or_default(),
            icon: analysis_icon(&experiment.status.phase),
            status: experiment.status.phase.clone(),
            message: experiment.status.message.clone(),
            revision: revision(&experiment.metadata),
            replica_sets: replica_set::owned_by(&identity.uid, None, around),
            analysis_runs: analysis_run::owned_by(&identity.uid, around),
            identity,
        }
    }

    /// Images of the ReplicaSets that have pods, each with the templates that it runs for.
    #[must_use]
    pub(crate) fn images(&self) -> Vec<ImageInfo> {
        image::merged(self.sets_with_tags())
    }

    /// The ReplicaSets with the tags of their images.
    pub(super) fn sets_with_tags(&self) -> impl Iterator<Item = (&ReplicaSetInfo, Vec<String>)> {
        self.replica_sets.iter().map(|set| (set, set.experiment_tags()))
    }
}

/// The Experiments of an owner, newest revision first, then oldest first.
pub(super) fn owned_by(owner_uid: &str, around: &Around<'_>) -> Vec<ExperimentInfo> {
    let mut infos: Vec<_> = around
        .experiments
        .iter()
        .filter(|it| is_owned_by(it.metadata.owner_references.as_ref(), owner_uid))
        .map(|it| ExperimentInfo::new(it, around))
        .collect();
    infos.sort_by(|a, b| {
        let key = |it: &ExperimentInfo| (Reverse(it.revision), it.identity.created);
        key(a).cmp(&key(b)).then(a.identity.name.cmp(&b.identity.name))
    });
    infos
}
