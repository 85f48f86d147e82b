//! What decisions know of the AnalysisRuns of a rollout, and of the templates that it names.

use crate::api::analysis_run::AnalysisRunSpec;
use crate::api::analysis_template::AnalysisTemplateSpec;
use crate::wire::analysis::Phase;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Templates by name: those that a rollout names and that exist, and those that they name in turn. One that is named and
/// not here does not exist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Templates {
    /// AnalysisTemplates of the namespace.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaced: BTreeMap<String, Template>,
    /// ClusterAnalysisTemplates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cluster: BTreeMap<String, Template>,
}

impl Templates {
    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.namespaced.is_empty() && self.cluster.is_empty()
    }
}

/// A template as stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Template {
    /// What it says; empty where it does not decode.
    pub spec: AnalysisTemplateSpec,
    /// Why the stored template does not decode, field path first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
}

impl From<AnalysisTemplateSpec> for Template {
    fn from(spec: AnalysisTemplateSpec) -> Self {
        Self {
            spec,
            undecodable: None,
        }
    }
}

/// The parts of an AnalysisRun that decisions about its rollout need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRun {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// When it was created.
    pub created: Timestamp,
    /// A deletion is under way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// Another controller owns it, or none: its name is taken, and it is left alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub foreign: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What it measures, and whether it is to end.
    pub spec: AnalysisRunSpec,
    /// Its phase.
    pub phase: Phase,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl AnalysisRun {
    /// It has a verdict, and measures no more.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.phase.is_completed()
    }

    /// It said that all is well; nothing else counts as that (invariant 6).
    #[must_use]
    pub fn is_successful(&self) -> bool {
        self.phase == Phase::Successful
    }
}
