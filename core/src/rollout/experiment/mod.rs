//! The Experiments of a rollout: which there are to be, and what their ends make of the update (contract 03 §12).
//!
//! As with AnalysisRuns, an experiment counts while the status names it, and one that is asked to end may say that all was
//! well. So one that the status names is asked to end only where the status says why.

mod make;

use crate::api::rollout::PauseCondition;
use crate::meaning::{Canary, Step, Strategy, Wait};
use crate::observed::{Experiment, Observed};
use crate::plan::{NewExperiment, Target};
use crate::rollout::history::{Kept, past};
use crate::rollout::look::{Change, Look};
use crate::rollout::revision::Stable;
use crate::rollout::traffic;
use crate::rollout::update::Course;
use crate::rollout::want::Experiments as Wanted;
use crate::wire::analysis::Phase;
use crate::wire::pause;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The experiment that counts from now on.
#[derive(Debug, Default)]
enum Slot<'a> {
    #[default]
    Empty,
    Found(&'a Experiment),
    New(Box<NewExperiment>),
}

/// The experiment that counts from now on, and those that end.
#[derive(Debug, Default)]
pub(crate) struct Experiments<'a> {
    slot: Slot<'a>,
    terminate: Option<&'a Experiment>,
}

/// Names of the ReplicaSets whose pod templates a decision needs to see now; none unless an experiment begins.
#[must_use]
pub fn needed(seen: &Observed, now: Timestamp) -> Vec<String> {
    let experiments = |step: &Step<'_>| matches!(step.waits_for, Wait::Experiment(_));
    let strategy = match Strategy::of(&seen.rollout.spec) {
        Ok(Strategy::Canary(canary)) if canary.steps.iter().any(experiments) => Strategy::Canary(canary),
        Ok(Strategy::Canary(_) | Strategy::BlueGreen(_)) | Err(_) => return Vec::new(),
    };
    let look = Look::of(seen, strategy, now);
    let Strategy::Canary(canary) = &look.strategy else {
        return Vec::new();
    };
    let course = Course::recorded(&look);
    let begins = is_under_way(&look, &course)
        && course.step(canary).is_some_and(experiments)
        && current(&look, &course).is_none();
    let sets = look.revisions.new.into_iter().chain(look.revisions.other_stable());
    sets.filter(|_| begins).map(|set| set.name.clone()).collect()
}

/// The update goes on: nothing superseded, aborted, promoted or holds it, and no analysis was inconclusive.
fn is_under_way(look: &Look<'_>, course: &Course) -> bool {
    let settled = matches!(look.revisions.stable, Stable::None | Stable::Newest | Stable::Missing);
    let inconclusive = course
        .pauses
        .iter()
        .any(|pause| pause.reason == pause::INCONCLUSIVE_ANALYSIS);
    look.change == Change::Nothing
        && course.abort.is_none()
        && !settled
        && !course.promote_full
        && !look.is_fast_rollback()
        && !inconclusive
}

/// The experiment that the status names, if it is there.
fn named<'a>(look: &Look<'a>) -> Option<&'a Experiment> {
    let name = &look.rollout.status.canary.current_experiment;
    let mut own = look.seen.experiments().iter().filter(|of| !of.foreign && !of.deleting);
    own.find(|of| of.name == *name)
}

/// The experiment of the step under way: the one that the status names, unless the step is tried again: after an abort, or
/// because a person ended the pause for an experiment that was inconclusive.
fn current<'a>(look: &Look<'a>, course: &Course) -> Option<&'a Experiment> {
    let retried = look.rollout.status.aborted_at.is_some();
    let resumed =
        |of: &Experiment| of.phase == Phase::Inconclusive && course.controller_pause && !is_paused_for_it(course);
    named(look).filter(|of| !retried && !resumed(of))
}

fn is_paused_for_it(course: &Course) -> bool {
    course
        .pauses
        .iter()
        .any(|pause| pause.reason == pause::INCONCLUSIVE_EXPERIMENT)
}

impl<'a> Experiments<'a> {
    /// The experiments of a canary. The end of the one that counts pauses or aborts the course.
    ///
    /// # Errors
    /// Why one that is due cannot be made.
    pub(crate) fn of(look: &Look<'a>, canary: &Canary<'_>, course: &mut Course) -> Result<Self, String> {
        let mut all = Self::default();
        let named = named(look);
        if look.change != Change::Nothing {
            // All of them belong to the update before.
            return Ok(all);
        }
        let settled = matches!(look.revisions.stable, Stable::None | Stable::Newest);
        let told = look.rollout.status.aborted_at.is_some();
        if settled || course.promote_full || look.is_fast_rollback() || (course.abort.is_some() && told) {
            all.terminate = named;
            return Ok(all);
        }
        let step = course.index.zip(course.step(canary));
        let step = step.and_then(|(index, step)| match step.waits_for {
            Wait::Experiment(written) => Some((index, written)),
            Wait::Pause(_)
            | Wait::Scale(_)
            | Wait::Weight
            | Wait::Analysis(_)
            | Wait::HeaderRoute(_)
            | Wait::MirrorRoute(_)
            | Wait::Plugin(_) => None,
        });
        if !is_under_way(look, course) {
            all.slot = named.map_or(Slot::Empty, Slot::Found);
            return Ok(all);
        }
        let Some((index, written)) = step else {
            return Ok(all);
        };
        if let Some(current) = current(look, course) {
            judge(look, current, course);
            all.slot = Slot::Found(current);
        } else if !course.sleeps(look) {
            all.slot = make::experiment(look, index, written)?;
        }
        Ok(all)
    }

    /// The experiment of the step was successful.
    pub(crate) fn is_successful(&self) -> bool {
        match &self.slot {
            Slot::Found(of) => of.phase == Phase::Successful,
            Slot::Empty | Slot::New(_) => false,
        }
    }

    /// The one that runs, where the status names it.
    pub(crate) fn running(&self, look: &Look<'_>) -> Option<&'a Experiment> {
        let Slot::Found(of) = self.slot else { return None };
        let named = look.rollout.status.canary.current_experiment == of.name;
        (named && of.phase == Phase::Running && !of.terminate).then_some(of)
    }

    /// The name that the status records; empty for none.
    pub(crate) fn name(&self) -> &str {
        match &self.slot {
            Slot::Empty => "",
            Slot::Found(of) => &of.name,
            Slot::New(new) => &new.name,
        }
    }

    /// What is to be done to experiments. Those that do not count end, and go when they have had their time.
    pub(crate) fn want(&self, look: &Look<'a>) -> Wanted {
        let recorded = &look.rollout.status.canary.current_experiment;
        let own = look.seen.experiments().iter().filter(|of| !of.foreign && !of.deleting);
        let superseded = look.change != Change::Nothing;
        let named = |of: &Experiment| of.name == self.name() || (of.name == *recorded && !superseded);
        let others: Vec<&Experiment> = own.filter(|of| !named(of)).collect();
        let past = past(look, &others);
        // Pods that traffic leads to stay until it no longer does.
        let past: Vec<&Experiment> = past.into_iter().filter(|of| !traffic::leads_to(look, of)).collect();
        let gone = |of: &Experiment| past.iter().any(|past| past.name == of.name);
        let end = self.terminate.into_iter().chain(others.iter().copied());
        let end = end.filter(|of| !of.terminate && !of.phase.is_completed() && !gone(of));
        Wanted {
            create: match &self.slot {
                Slot::New(new) => Some(NewExperiment::clone(new)),
                Slot::Empty | Slot::Found(_) => None,
            },
            terminate: end.map(target_of).collect(),
            delete: past.iter().map(|of| target_of(of)).collect(),
        }
    }
}

/// What its end makes of the update.
fn judge(look: &Look<'_>, of: &Experiment, course: &mut Course) {
    match of.phase {
        Phase::Inconclusive => {
            if !is_paused_for_it(course) {
                course.pauses.push(PauseCondition {
                    reason: pause::INCONCLUSIVE_EXPERIMENT.to_owned(),
                    start_time: look.stamp_rounded_up(),
                });
            }
            course.controller_pause = true;
        }
        Phase::Failed | Phase::Error => {
            let mut message = "Experiment analysis phase is error/failed".to_owned();
            if !of.message.is_empty() {
                message = format!("{message}: {}", of.message);
            }
            course.abort_for(look, message);
        }
        Phase::Unset | Phase::Pending | Phase::Running | Phase::Successful => {}
    }
}

fn target_of(of: &Experiment) -> Target {
    Target {
        name: of.name.clone(),
        uid: of.uid.clone(),
        resource_version: of.resource_version.clone(),
    }
}

impl Kept for Experiment {
    fn of(&self) -> (Timestamp, &str, &BTreeMap<String, String>, Phase) {
        (self.created, &self.name, &self.labels, self.phase)
    }
}
