//! What decisions know of the Experiments of a rollout, and of the pod templates that these are made from.

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
