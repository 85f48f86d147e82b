//! What decisions know of the Experiments of a rollout, and of the pod templates that these are made from.

use crate::api::experiment::TemplateStatus;
use crate::api::{LabelSelector, PodTemplate};
use crate::wire::analysis::Phase;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parts of an Experiment that decisions about its rollout need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Experiment {
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
    /// It is to end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub terminate: bool,
    /// Its phase.
    pub phase: Phase,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Its templates, as its status has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<ExperimentTemplate>,
}

/// The parts of the state of a template that decisions about the rollout need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentTemplate {
    /// Name.
    pub name: String,
    /// Its state.
    pub status: String,
    /// Available pods.
    pub available_replicas: i32,
    /// Service; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Pod template hash that the Service selects; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

impl From<&TemplateStatus> for ExperimentTemplate {
    fn from(status: &TemplateStatus) -> Self {
        Self {
            name: status.name.clone(),
            status: status.status.clone(),
            available_replicas: status.available_replicas,
            service: status.service_name.clone(),
            hash: status.pod_template_hash.clone(),
        }
    }
}

/// What a ReplicaSet is made of, as the API server has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetTemplate {
    /// `spec.template`.
    pub template: PodTemplate,
    /// `spec.selector`.
    pub selector: LabelSelector,
}
