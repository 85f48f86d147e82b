//! AnalysisRuns: counts and Jobs (contract 10 §4, §9).

use super::{Around, Identity, analysis_icon, is_owned_by, revision};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::{Measurement, MetricResult};
use std::cmp::Reverse;

/// Metadata of a measurement: the number of samples; of a comparison the trials of the canary so far.
const SAMPLES: [&str; 2] = ["samples", "canaryTrials"];
/// Metadata of a measurement: the Job that measured.
const JOB_NAME: &str = "job-name";

/// An AnalysisRun, its counts and its Jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AnalysisRunInfo {
    /// The run itself.
    pub identity: Identity,
    /// Icon of the phase.
    pub icon: &'static str,
    /// Phase.
    pub status: String,
    /// Why.
    pub message: String,
    /// Revision of the rollout.
    pub revision: i64,
    /// Successful measurements of all metrics.
    pub successful: i32,
    /// Failed measurements.
    pub failed: i32,
    /// Inconclusive measurements.
    pub inconclusive: i32,
    /// Measurements that could not be taken.
    pub error: i32,
    /// Samples behind the newest measurement of each metric that counts them (decision 50).
    pub samples: Vec<SamplesInfo>,
    /// Jobs that measured.
    pub jobs: Vec<JobInfo>,
}

/// How many samples are behind the newest measurement of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SamplesInfo {
    /// The metric.
    pub metric: String,
    /// The number, as it was measured.
    pub samples: String,
}

/// A Job as its measurement speaks of it: the Job itself is never read, its age is that of the measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobInfo {
    /// The job.
    pub identity: Identity,
    /// Icon of the measurement's phase.
    pub icon: &'static str,
    /// The measurement's phase.
    pub status: String,
    /// Why.
    pub message: String,
    /// The metric that it measured.
    pub metric: String,
}

/// The AnalysisRuns of an owner, newest revision first, then oldest first. Of two that were made in the same second, the
/// one with the greater name stands first, as upstream has it.
pub(super) fn owned_by(owner_uid: &str, around: &Around<'_>) -> Vec<AnalysisRunInfo> {
    let mut infos: Vec<_> = around
        .analysis_runs
        .iter()
        .filter(|run| is_owned_by(run.metadata.owner_references.as_ref(), owner_uid))
        .map(|run| info(run))
        .collect();
    infos.sort_by(|a, b| {
        let key = |it: &AnalysisRunInfo| (Reverse(it.revision), it.identity.created);
        key(a).cmp(&key(b)).then(b.identity.name.cmp(&a.identity.name))
    });
    infos
}

fn info(run: &AnalysisRun) -> AnalysisRunInfo {
    let results = &run.status.metric_results;
    let jobs = |result: &MetricResult| {
        let job = |measurement| job(&result.name, measurement);
        result.measurements.iter().filter_map(job).collect::<Vec<_>>()
    };
    let total = |count: fn(&MetricResult) -> i32| results.iter().map(count).fold(0, i32::saturating_add);
    AnalysisRunInfo {
        identity: Identity::from(&run.metadata),
        icon: analysis_icon(&run.status.phase),
        status: run.status.phase.clone(),
        message: run.status.message.clone(),
        revision: revision(&run.metadata),
        successful: total(|it| it.successful),
        failed: total(|it| it.failed),
        inconclusive: total(|it| it.inconclusive),
        error: total(|it| it.error),
        samples: results.iter().filter_map(samples).collect(),
        jobs: results.iter().flat_map(jobs).collect(),
    }
}

fn samples(result: &MetricResult) -> Option<SamplesInfo> {
    let newest = &result.measurements.last()?.metadata;
    let samples = SAMPLES.into_iter().find_map(|key| newest.get(key))?;
    Some(SamplesInfo {
        metric: result.name.clone(),
        samples: samples.clone(),
    })
}

fn job(metric: &str, measurement: &Measurement) -> Option<JobInfo> {
    Some(JobInfo {
        identity: Identity {
            name: measurement.metadata.get(JOB_NAME)?.clone(),
            created: measurement.started_at.as_ref().map(|time| time.0),
            ..Identity::default()
        },
        icon: analysis_icon(&measurement.phase),
        status: measurement.phase.clone(),
        message: measurement.message.clone(),
        metric: metric.to_owned(),
    })
}
