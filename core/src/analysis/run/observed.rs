//! What a decision on a run may know.

use crate::api::AnalysisRun;
use crate::api::analysis_run::Measurement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of one run. The values of Secrets are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The run as stored.
    pub run: AnalysisRun,
    /// Why the stored run could not be decoded, field path first; the rest of `run` is then what could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
    /// Why an argument has no value: its Secret, or the key in it, is missing or may not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<String>,
    /// What the shell is measuring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_flight: Vec<Asked>,
    /// What was answered, oldest first; the shell keeps an answer until it has seen the status that has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The Jobs of this run that the shell has seen. It may lag: a Job that is missing here may be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<SeenJob>,
}

/// A Job that a measurement of the run made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SeenJob {
    /// Its name, which says the metric and the number of the measurement (contract 08 §3).
    pub name: String,
    /// Whether it is complete or has failed.
    pub ended: bool,
}

/// A measurement to take, to go on with, or to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Question {
    /// UID of the run: one that was deleted and created anew is another.
    pub run: String,
    /// Index of the metric in the spec.
    pub index: usize,
    /// Name of the metric, with its arguments.
    pub metric: String,
    /// Number of the measurement within the metric, from 1; errors count. Jobs are named by it (contract 08 §3).
    pub number: i32,
    /// What is done.
    pub step: Step,
}

/// What is done about a measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Take it.
    #[default]
    Run,
    /// Look again at one that is under way: as it stands in the status.
    Resume(Box<Measurement>),
    /// End one that is under way: as it stands in the status.
    Terminate(Box<Measurement>),
}

/// A question that is not answered yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Asked {
    /// What is asked.
    pub question: Question,
    /// Since when.
    pub at: Timestamp,
}

/// What came of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// When it was answered.
    pub at: Timestamp,
    /// The measurement, finished or under way.
    pub measurement: Measurement,
    /// What the provider tells of the metric; it counts with the first measurement only.
    pub metadata: BTreeMap<String, String>,
}
