//! Which AnalysisRuns and which Experiment speak of the present: those of earlier tries are history.

use super::{Case, Kind};
use crate::sources::{Object, text};
use jiff::SignedDuration;
use serin_core::wire;

/// A run that ended so long before an abort did not cause it.
const NEAR: SignedDuration = SignedDuration::from_secs(120);

/// Paths in the status of a Rollout that name a run.
pub(crate) const REFERENCES: [&str; 4] = [
    "/status/canary/currentStepAnalysisRunStatus",
    "/status/canary/currentBackgroundAnalysisRunStatus",
    "/status/blueGreen/prePromotionAnalysisRunStatus",
    "/status/blueGreen/postPromotionAnalysisRunStatus",
];

/// The Experiment of a Rollout: the one its status names, else the newest of the newest revision after an abort.
pub(super) fn experiment<'a>(case: &Case<'a>) -> Option<&'a Object> {
    if case.kind != Kind::Rollout {
        return None;
    }
    let named = case.object.text("/status/canary/currentExperiment");
    if !named.is_empty() {
        return case.sibling("Experiment", named);
    }
    if !case.is_aborted() {
        return None;
    }
    let hash = case.object.text("/status/currentPodHash");
    let owned = case.index.owned("Experiment", case.object);
    owned
        .filter(|it| it.label(wire::HASH_LABEL) == hash && is_bad(it.text("/status/phase")))
        .max_by_key(|it| it.created())
}

/// The runs of a case: those that the status names; after an abort, where none of these failed, those of the newest
/// revision that failed shortly before. An Experiment's own runs come with it.
pub(super) fn of_the_present<'a>(case: &Case<'a>) -> Vec<&'a Object> {
    match case.kind {
        Kind::AnalysisRun => vec![case.object],
        Kind::Experiment => of_experiment(case, case.object),
        Kind::Rollout => {
            let named = REFERENCES.iter().map(|path| text(&case.object.at(path)["name"]));
            let mut runs: Vec<_> = named
                .filter(|name| !name.is_empty())
                .filter_map(|name| case.sibling("AnalysisRun", name))
                .collect();
            if case.is_aborted() && !runs.iter().any(|run| is_bad(run.text("/status/phase"))) {
                runs.extend(shortly_before_the_abort(case));
            }
            if let Some(experiment) = case.experiment {
                runs.extend(of_experiment(case, experiment));
            }
            runs
        }
    }
}

fn of_experiment<'a>(case: &Case<'a>, experiment: &'a Object) -> Vec<&'a Object> {
    let named = experiment.list("/status/analysisRuns").iter();
    let named: Vec<_> = named
        .filter_map(|run| {
            case.index
                .find("AnalysisRun", experiment.namespace(), text(&run["analysisRun"]))
        })
        .collect();
    if named.is_empty() {
        case.index.owned("AnalysisRun", experiment).collect()
    } else {
        named
    }
}

fn shortly_before_the_abort<'a>(case: &Case<'a>) -> Option<&'a Object> {
    let aborted = case.object.time("/status/abortedAt");
    let hash = case.object.text("/status/currentPodHash");
    let owned = case.index.owned("AnalysisRun", case.object);
    owned
        .filter(|run| run.label(wire::HASH_LABEL) == hash && is_bad(run.text("/status/phase")))
        .filter(|run| match (run.time("/status/completedAt"), aborted) {
            (Some(completed), Some(aborted)) => aborted.duration_since(completed) <= NEAR,
            _ => true,
        })
        .max_by_key(|run| run.created())
}

fn is_bad(phase: &str) -> bool {
    matches!(phase, "Failed" | "Error" | "Inconclusive")
}
