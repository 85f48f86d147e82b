//! What is observed, the clock, and what follows from both and the recorded status.

use super::observed::Observed;
use crate::api::Experiment;
use crate::api::experiment::{
    ExperimentAnalysisRunStatus, ExperimentSpec, ExperimentStatus, TemplateSpec, TemplateStatus,
};
use crate::notation::duration::GoDuration;
use crate::observed::Refused;
use crate::wire::analysis::Phase;
use crate::wire::experiment::TemplateState;
use jiff::{SignedDuration, Timestamp};

/// One look at an experiment.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) seen: &'a Observed,
    pub(super) experiment: &'a Experiment,
    pub(super) now: Timestamp,
    /// It is to end, or has ended: no pods are wanted, and no analysis begins.
    pub(super) terminating: bool,
}

impl<'a> Look<'a> {
    pub(super) fn of(seen: &'a Observed, now: Timestamp) -> Self {
        let experiment = &seen.experiment;
        Self {
            seen,
            experiment,
            now,
            terminating: is_terminating(experiment),
        }
    }

    pub(super) fn name(&self) -> &'a str {
        self.experiment.metadata.name.as_deref().unwrap_or_default()
    }

    pub(super) fn spec(&self) -> &'a ExperimentSpec {
        &self.experiment.spec
    }

    pub(super) fn status(&self) -> &'a ExperimentStatus {
        &self.experiment.status
    }

    /// It has a final phase.
    pub(super) fn is_finished(&self) -> bool {
        Phase::of(&self.status().phase).is_completed()
    }

    /// When its time is over; never before its pods were available, and never without a duration.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        ends_at(self.experiment)
    }

    /// Its time is over: strictly later than its end (contract 05 §8).
    pub(super) fn has_passed(&self) -> bool {
        self.ends_at().is_some_and(|end| self.now > end)
    }

    /// What was refused last, if it was refused for this very spec and the refusal speaks of the change itself: another try
    /// would be refused, too.
    pub(super) fn refused(&self) -> Option<&'a Refused> {
        let refused = self.seen.refused.as_ref()?;
        let this = self.experiment.metadata.generation == Some(refused.generation);
        (this && refused.why.stands()).then_some(refused)
    }

    /// Pods that a template asks for.
    pub(super) fn replicas(template: &TemplateSpec) -> i32 {
        template.replicas.unwrap_or(1).max(0)
    }
}

/// When the time of an experiment is over; never before its pods were available, and never without a duration.
pub(super) fn ends_at(experiment: &Experiment) -> Option<Timestamp> {
    let begin = experiment.status.available_at.as_ref()?;
    let duration: GoDuration = experiment.spec.duration.parse().ok()?;
    let duration = SignedDuration::from_nanos(duration.nanos());
    Some(begin.0.checked_add(duration).unwrap_or(Timestamp::MAX))
}

/// The recorded state of a template.
pub(super) fn template_status<'s>(status: &'s ExperimentStatus, name: &str) -> Option<&'s TemplateStatus> {
    status.template_statuses.iter().find(|of| of.name == name)
}

/// The recorded state of an analysis.
pub(super) fn run_status<'s>(status: &'s ExperimentStatus, name: &str) -> Option<&'s ExperimentAnalysisRunStatus> {
    status.analysis_runs.iter().find(|of| of.name == name)
}

/// At least one analysis is required for completion, and all of these were successful.
pub(super) fn required_runs_succeeded(spec: &ExperimentSpec, status: &ExperimentStatus) -> bool {
    let mut required = spec.analyses.iter().filter(|analysis| analysis.required_for_completion);
    let succeeded = |name: &str| run_status(status, name).is_some_and(|run| Phase::of(&run.phase) == Phase::Successful);
    has_required_runs(spec) && required.all(|analysis| succeeded(&analysis.name))
}

/// An analysis is required for completion.
pub(super) fn has_required_runs(spec: &ExperimentSpec) -> bool {
    spec.analyses.iter().any(|analysis| analysis.required_for_completion)
}

fn is_terminating(experiment: &Experiment) -> bool {
    let status = &experiment.status;
    let ended = |phase: &str| Phase::of(phase).is_completed();
    let bad_template = |of: &TemplateStatus| TemplateState::of(&of.status).is_some_and(TemplateState::is_bad);
    let bad_run = |of: &ExperimentAnalysisRunStatus| ended(&of.phase) && Phase::of(&of.phase) != Phase::Successful;
    experiment.spec.terminate
        || ended(&status.phase)
        || status.template_statuses.iter().any(bad_template)
        || status.analysis_runs.iter().any(bad_run)
        || required_runs_succeeded(&experiment.spec, status)
}
