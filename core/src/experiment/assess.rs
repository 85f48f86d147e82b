//! Templates and analyses summed up as the phase of the experiment (contract 05 §8).

use super::look::{Look, has_required_runs, required_runs_succeeded, run_status, template_status};
use super::template;
use crate::api::experiment::ExperimentStatus;
use crate::plan::draft::Draft;
use crate::plan::{After, ExperimentNews, News};
use crate::rollout::look::stamp;
use crate::wire::analysis::Phase;
use crate::wire::experiment::{REQUIRED_RUNS_COMPLETED, TemplateState};

/// A phase and its message.
type Verdict = (Phase, String);

/// Sets the phase, the message and the time since when the pods are available, whose other parts are final. A phase that is
/// final stays.
pub(super) fn conclude(look: &Look<'_>, next: &mut ExperimentStatus, draft: &mut Draft) {
    let from = next.phase.clone();
    let to = match Phase::of(&from) {
        // A word that is no phase is as none: it would wait for ever.
        Phase::Unset => (Phase::Pending, String::new()),
        Phase::Pending | Phase::Running => {
            let templates = templates(look, next);
            if templates.0 == Phase::Running && next.available_at.is_none() {
                next.available_at = Some(stamp(look.now));
            }
            verdict(look, next, templates)
        }
        Phase::Successful | Phase::Failed | Phase::Error | Phase::Inconclusive => return,
    };
    next.message = to.1;
    let to = to.0;
    if from != to.as_str() {
        to.as_str().clone_into(&mut next.phase);
        draft.tell(News::Experiment(ExperimentNews::Phase { from, to }), After::Status);
    }
}

fn verdict(look: &Look<'_>, next: &ExperimentStatus, templates: Verdict) -> Verdict {
    let analyses = analyses(look, next);
    let completed = analyses.0.is_completed();
    let of_analyses = if templates.0.is_completed() {
        templates.0 == Phase::Successful && (completed || has_required_runs(look.spec()))
    } else {
        (completed && analyses.0 != Phase::Successful) || required_runs_succeeded(look.spec(), next)
    };
    if of_analyses { analyses } else { templates }
}

/// The worst state of a template, as a phase.
fn templates(look: &Look<'_>, next: &ExperimentStatus) -> Verdict {
    let badness = |state: TemplateState| TemplateState::ALL.iter().position(|of| *of == state);
    let (mut worst, mut message) = (TemplateState::Successful, String::new());
    for of in &look.spec().templates {
        let status = template_status(next, &of.name);
        let state = status.and_then(template::state).unwrap_or(TemplateState::Progressing);
        if badness(state) > badness(worst) {
            worst = state;
            message = status.map(|status| status.message.clone()).unwrap_or_default();
        }
    }
    let phase = match worst {
        TemplateState::Successful => Phase::Successful,
        TemplateState::Running => Phase::Running,
        TemplateState::Progressing => Phase::Pending,
        TemplateState::Error => Phase::Error,
        TemplateState::Failed => Phase::Failed,
    };
    (phase, message)
}

/// The worst phase of an analysis; Successful without any.
fn analyses(look: &Look<'_>, next: &ExperimentStatus) -> Verdict {
    let (mut worst, mut message) = (Phase::Successful, String::new());
    for of in &look.spec().analyses {
        let Some(run) = run_status(next, &of.name) else {
            continue;
        };
        let phase = Phase::of(&run.phase);
        if phase.is_worse_than(worst) {
            worst = phase;
            message.clone_from(&run.message);
        }
    }
    match worst {
        Phase::Successful if required_runs_succeeded(look.spec(), next) => (worst, REQUIRED_RUNS_COMPLETED.to_owned()),
        Phase::Pending => (Phase::Running, message),
        Phase::Unset | Phase::Running | Phase::Successful | Phase::Failed | Phase::Error | Phase::Inconclusive => {
            (worst, message)
        }
    }
}
