//! Which AnalysisRuns of a rollout count, which end, and which go (contract 03 §13).

use crate::api::rollout_status::AnalysisRunReference;
use crate::observed::AnalysisRun;
use crate::plan::Target;
use crate::rollout::history::Kept;
use crate::rollout::look::Look;
use crate::wire::STEP_INDEX;
use crate::wire::analysis::Phase;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What of a rollout a run belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The step with this index.
    Step(usize),
    /// It runs beside the steps.
    Background,
    /// It runs before the active Service is switched.
    PrePromotion,
    /// It runs after that.
    PostPromotion,
}

impl Kind {
    /// The value of the label `rollout-type`, which events name, too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Step(_) => "Step",
            Self::Background => "Background",
            Self::PrePromotion => "PrePromotion",
            Self::PostPromotion => "PostPromotion",
        }
    }

    /// What the name of a run ends with.
    pub(crate) fn infix(self) -> Option<String> {
        match self {
            Self::Step(index) => Some(index.to_string()),
            Self::Background => None,
            Self::PrePromotion => Some("pre".to_owned()),
            Self::PostPromotion => Some("post".to_owned()),
        }
    }

    /// How the message of an abort begins where such a run fails.
    pub(crate) fn failed(self) -> &'static str {
        match self {
            Self::Step(_) => "Step-based analysis phase error/failed",
            Self::Background => "Background analysis phase error/failed",
            Self::PrePromotion => "Blue/green pre-promotion analysis phase error/failed",
            Self::PostPromotion => "Blue/green post-promotion analysis phase error/failed",
        }
    }

    /// What the status records of such a run.
    pub(crate) fn recorded<'a>(self, look: &Look<'a>) -> Option<&'a AnalysisRunReference> {
        let status = &look.rollout.status;
        let (canary, blue_green) = (&status.canary, &status.blue_green);
        match self {
            Self::Step(_) => canary.current_step_analysis_run_status.as_deref(),
            Self::Background => canary.current_background_analysis_run_status.as_deref(),
            Self::PrePromotion => blue_green.pre_promotion_analysis_run_status.as_deref(),
            Self::PostPromotion => blue_green.post_promotion_analysis_run_status.as_deref(),
        }
    }

    /// The run that the status names, if it is there.
    pub(crate) fn named<'a>(self, look: &Look<'a>) -> Option<&'a AnalysisRun> {
        let name = &self.recorded(look)?.name;
        look.seen
            .analysis_runs
            .iter()
            .find(|run| run.name == *name && !run.deleting)
    }
}

/// All kinds; the index of the step is of no account.
const KINDS: [Kind; 4] = [Kind::PostPromotion, Kind::PrePromotion, Kind::Step(0), Kind::Background];

/// Whether the status names this run.
pub(super) fn is_named(look: &Look<'_>, run: &AnalysisRun) -> bool {
    let recorded = KINDS.iter().filter_map(|kind| kind.recorded(look));
    recorded.into_iter().any(|reference| reference.name == run.name)
}

/// Whether a run that the status names still measures: who waits for it makes no progress, and need not.
pub(crate) fn is_measuring(look: &Look<'_>) -> bool {
    let named = KINDS.iter().filter_map(|kind| kind.named(look));
    named.into_iter().any(|run| !run.is_completed() && !run.spec.terminate)
}

/// Whether a run was made for the step with this index.
pub(super) fn is_of_step(run: &AnalysisRun, index: usize) -> bool {
    run.labels
        .get(STEP_INDEX)
        .is_some_and(|label| *label == index.to_string())
}

/// It measures, and nobody has asked it to end.
pub(super) fn may_be_terminated(run: &AnalysisRun) -> bool {
    !run.foreign && !run.deleting && !run.spec.terminate && !run.is_completed()
}

/// The run in the version decided upon.
pub(super) fn target_of(run: &AnalysisRun) -> Target {
    Target {
        name: run.name.clone(),
        uid: run.uid.clone(),
        resource_version: run.resource_version.clone(),
    }
}

impl Kept for AnalysisRun {
    fn of(&self) -> (Timestamp, &str, &BTreeMap<String, String>, Phase) {
        (self.created, &self.name, &self.labels, self.phase)
    }
}
