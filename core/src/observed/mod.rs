//! Everything a decision may know: read once, never changed while deciding.
//!
//! The shell builds an [`Observed`] from its stores; together with one clock reading it is all that
//! [`decide`](crate::decide()) sees. Written to a file it is a bug report, a replay and the seed of a simulated life (decision 33).

mod analysis;
mod attempt;
mod experiment;
mod plugin;
mod pod;
mod refused;
mod replica_set;
mod routers;
mod service;
mod workload;

pub use crate::traffic::told::{
    RouterCall, RouterDone, RouterFailed, RouterOperation, RouterPlugins, RouterSays, RouterTold, RouterWish, Verified,
};
pub use analysis::{AnalysisRun, Template, Templates};
pub use attempt::{Attempt, Kind, Verb};
pub use experiment::{Experiment, ExperimentTemplate, SetTemplate};
pub use plugin::{Answer, CallId, Called, Configured, Operation, Says, StepPlugins, StepResult};
pub use pod::Pod;
pub use refused::{Attempted, LeftAlone, Refusal, Refused, Standing};
pub use replica_set::{ReplicaFailure, ReplicaSet};
pub use routers::Routers;
pub use service::Service;
pub use workload::{Workload, WorkloadKind};

use crate::api::Rollout;
use crate::api::lenient::Unread;
use crate::identity::Identity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of one rollout and of what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The rollout as stored; where it refers to a workload, with the pod template and the selector of that (contract 05 §5).
    pub rollout: Rollout,
    /// Why the stored spec could not be decoded, field path first; the rest of `rollout` is then what could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
    /// Fields of the stored status that do not decode; `rollout` has them as absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Hashes of template and steps, computed once per generation (decision 18).
    pub identity: Identity,
    /// The workload that the rollout refers to, once its pod template is filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Why there is no pod template although the rollout refers to a workload, in the words of the condition InvalidSpec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_problem: Option<String>,
    /// `spec.replicas` is absent as stored, and filled in with the pods of the workload.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replicas_from_workload: bool,
    /// All ReplicaSets that the rollout owns, in any order, and those of its namespace that carry a pod template hash
    /// and that nobody owns: which of these are taken is decided here (contract 02 §3).
    pub replica_sets: Vec<ReplicaSet>,
    /// Services that the strategy names; `None` where the API server says there is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Option<Service>>,
    /// Pods by name of their ReplicaSet, only of those that [`crate::rollout::pods::needed`] names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pods: BTreeMap<String, Vec<Pod>>,
    /// AnalysisRuns: those that the rollout owns, those that its status names, and others whose names begin with its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analysis_runs: Vec<AnalysisRun>,
    /// Templates that the strategy names, and those that they name in turn.
    #[serde(skip_serializing_if = "Templates::is_empty")]
    pub templates: Templates,
    /// Experiments whose names begin with that of the rollout; `None` where they are not served here, and a step that asks
    /// for one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiments: Option<Vec<Experiment>>,
    /// What ReplicaSets are made of, by name, only of those that [`crate::rollout::experiment::needed`] names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set_templates: BTreeMap<String, SetTemplate>,
    /// The step plugins of the controller, and their answers; `None` where plugins are not served here, and a step that asks
    /// for one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_plugins: Option<StepPlugins>,
    /// The traffic routers and their objects; `None` where routers are not served here, and a spec that asks for one is
    /// refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routers: Option<Routers>,
    /// The last change that the API server refused, while it has not gone through since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Changes whose content or permission the API server refuses, and has not taken since, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Standing>,
}

impl Observed {
    /// The Experiments; none where they are not served.
    pub(crate) fn experiments(&self) -> &[Experiment] {
        self.experiments.as_deref().unwrap_or_default()
    }

    /// The creation of a ReplicaSet that the API server refused, if that is what was refused last, for this very spec.
    pub(crate) fn refused_creation(&self) -> Option<&Refused> {
        let rollout = &self.rollout;
        self.refused.as_ref().filter(|refused| {
            refused.what == Attempted::Creation
                && Some(refused.generation) == rollout.metadata.generation
                && refused.collision_count == rollout.status.collision_count
        })
    }
}
