//! What a decision on an experiment may know.

use crate::api::Experiment;
use crate::observed::{AnalysisRun, Refused, ReplicaSet, Templates};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one experiment and of what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The experiment as stored. No older than our own last write to it.
    pub experiment: Experiment,
    /// Why the stored experiment could not be decoded, field path first; the rest of `experiment` is then what could be
    /// read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
    /// All ReplicaSets that the experiment owns, in any order. Which of them counts for which template is decided here.
    pub replica_sets: Vec<ReplicaSet>,
    /// All Services that it owns, in any order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<OwnService>,
    /// Names that the experiment would give to objects of its own, and that others have.
    #[serde(skip_serializing_if = "Taken::is_empty")]
    pub taken: Taken,
    /// AnalysisRuns that it owns, and those of others whose names it would give. One that its status names and that is not
    /// here does not exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analysis_runs: Vec<AnalysisRun>,
    /// The templates of its analyses, and those that they name in turn.
    #[serde(skip_serializing_if = "Templates::is_empty")]
    pub templates: Templates,
    /// Services that its rollout leads traffic to, or is about to ([`crate::rollout::traffic::led_to`]).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub led_to: BTreeSet<String>,
    /// The last change that the API server refused, while it has not gone through since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// A Service that an experiment owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnService {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// A deletion is under way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Names that others have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Taken {
    /// Of ReplicaSets.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub replica_sets: BTreeSet<String>,
    /// Of Services.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
}

impl Taken {
    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replica_sets.is_empty() && self.services.is_empty()
    }
}
