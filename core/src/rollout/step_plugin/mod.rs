//! Steps that a plugin carries out: which call is due, and what the answers make of the update (contract 03 §14).
//!
//! A run is recorded before it is called for the first time, so an abort takes it back even if the controller that called
//! it dies. Then one call is under way at a time. Its answer is an observation of a later reconcile, which records it.

mod record;

use crate::api::canary_step::PluginStep;
use crate::api::rollout_status::StepPluginStatus;
use crate::meaning::{Canary, Step, Wait};
use crate::notation::duration::GoDuration;
use crate::observed::{CallId, Configured, Operation, StepPlugins as Seen};
use crate::plan::draft::Draft;
use crate::plan::{After, News, StepCall, Wake, WakeReason};
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::revision::Stable;
use crate::rollout::update::Course;
use crate::wire::phase;
use crate::wire::step_plugin::StepPhase;
use jiff::{SignedDuration, Timestamp};

/// Seconds beyond the back-off until the rollout is reconciled again.
const AFTER_BACKOFF_SECONDS: i64 = 5;

/// The step plugins of an update.
#[derive(Debug, Default)]
pub(crate) struct StepPlugins {
    statuses: Vec<StepPluginStatus>,
    /// The step under way is a plugin's, and it is done.
    done: bool,
}

impl StepPlugins {
    /// Records what was answered, asks for the call that is due, and aborts the course where the step failed.
    pub(crate) fn of(look: &Look<'_>, canary: &Canary<'_>, course: &mut Course, draft: &mut Draft) -> Self {
        let mut all = Self::default();
        if look.change != Change::Nothing {
            // All of them belong to the update before.
            return all;
        }
        if !all.belongs_to_an_aborted_try(look, course) {
            let recorded = &look.rollout.status.canary.step_plugin_statuses;
            all.statuses.clone_from(recorded);
        }
        let Some(seen) = &look.seen.step_plugins else {
            return all;
        };
        for called in &seen.calls {
            all.record(called, draft);
        }
        all.fail(look, canary, course);
        let under_way = all.under_way(seen);
        let due = if under_way.is_some() {
            under_way
        } else if course.abort.is_some() {
            all.due_abort(canary, seen)
        } else if course.promote_full || matches!(look.revisions.stable, Stable::None | Stable::Newest) {
            all.due_terminate(canary, seen)
        } else {
            all.due_run(look, canary, course, seen, draft)
        };
        if let Some(call) = due.and_then(|id| all.call(canary, id)) {
            draft.call(call);
        }
        all.done = course.index.is_some_and(|index| all.is_complete(index));
        all
    }

    /// The step under way is a plugin's, and it is done: it was successful, ended from outside, or is not called at all.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// What the status records.
    pub(crate) fn into_statuses(self) -> Vec<StepPluginStatus> {
        self.statuses
    }

    /// An update that was aborted is tried again: what plugins answered before counts no more.
    fn belongs_to_an_aborted_try(&self, look: &Look<'_>, course: &Course) -> bool {
        let status = &look.rollout.status;
        let aborted = |of: &StepPluginStatus| of.operation == Operation::Abort.as_str();
        let first = course.index == Some(0) && status.canary.step_plugin_statuses.iter().any(aborted);
        let under_way = !course.promote_full && matches!(look.revisions.stable, Stable::Other(_));
        course.abort.is_none() && under_way && (status.aborted_at.is_some() || first)
    }

    /// The record of a call.
    fn find(&self, index: i32, name: &str, operation: Operation) -> Option<&StepPluginStatus> {
        let mut all = self.statuses.iter();
        all.find(|of| of.index == index && of.name == name && of.operation == operation.as_str())
    }

    /// A failed step aborts the update.
    fn fail(&self, look: &Look<'_>, canary: &Canary<'_>, course: &mut Course) {
        if course.abort.is_some() || course.promote_full || look.revisions.stable == Stable::Newest {
            return;
        }
        let under_way = course.index.zip(course.step(canary).and_then(plugin_of));
        let found = under_way.and_then(|(index, plugin)| self.find(number(index), &plugin.name, Operation::Run));
        if let Some(of) = found.filter(|of| phase_of(of) == Some(StepPhase::Failed)) {
            let step = of.index.saturating_add(1);
            course.abort_for(look, format!("Step Plugin {step} ({}) failed: {}", of.name, of.message));
        }
    }

    /// The run whose answer has yet to come. Whatever else is to be asked waits for it.
    fn under_way(&self, seen: &Seen) -> Option<CallId> {
        let mut open = seen.calls.iter().filter(|called| called.answer.is_none());
        let run = open.find(|called| called.id.operation == Operation::Run && self.awaits(&called.id).is_some())?;
        Some(run.id.clone())
    }

    /// The newest run that an abort has yet to take back.
    fn due_abort(&self, canary: &Canary<'_>, seen: &Seen) -> Option<CallId> {
        let mut runs = self.statuses.iter().rev().filter(|of| is_run(of) && !of.disabled);
        let run = runs.find(|of| {
            let stands = matches!(phase_of(of), Some(StepPhase::Running | StepPhase::Successful));
            stands && is_callable(canary, seen, of) && self.find(of.index, &of.name, Operation::Abort).is_none()
        })?;
        Some(id_of(run, Operation::Abort))
    }

    /// The last run that still goes on, once the update ends without it. It is ended once.
    fn due_terminate(&self, canary: &Canary<'_>, seen: &Seen) -> Option<CallId> {
        let mut runs = self.statuses.iter().rev().filter(|of| is_run(of) && !of.disabled);
        let run = runs.find(|of| phase_of(of) == Some(StepPhase::Running))?;
        let ended = self.find(run.index, &run.name, Operation::Terminate).is_some();
        (!ended && is_callable(canary, seen, run)).then(|| id_of(run, Operation::Terminate))
    }

    /// The run of the step under way, if it is due.
    fn due_run(
        &mut self,
        look: &Look<'_>,
        canary: &Canary<'_>,
        course: &Course,
        seen: &Seen,
        draft: &mut Draft,
    ) -> Option<CallId> {
        let progressing = look.rollout.status.phase == phase::PROGRESSING;
        if !progressing || course.sleeps(look) || course.is_halted(look) || course.is_held(look) {
            return None;
        }
        let (index, plugin) = course.index.zip(course.step(canary).and_then(plugin_of))?;
        let (index, name) = (number(index), &plugin.name);
        match seen.configured.get(name) {
            None => {
                if !seen.told_missing.contains(name) {
                    let name = name.clone();
                    draft.tell(News::StepPluginMissing { name, index }, After::Status);
                }
                None
            }
            Some(Configured::Disabled) => {
                self.put(StepPluginStatus {
                    disabled: true,
                    ..new_status(index, name)
                });
                None
            }
            Some(Configured::Enabled) => self.due_call(look, index, name, draft),
        }
    }

    /// The run of a plugin that may be called, which is recorded first.
    fn due_call(&mut self, look: &Look<'_>, index: i32, name: &str, draft: &mut Draft) -> Option<CallId> {
        let known = self.find(index, name, Operation::Run).filter(|of| !of.disabled);
        let Some(run) = known else {
            let run = StepPluginStatus {
                phase: StepPhase::Running.to_string(),
                started_at: Some(look.stamp()),
                ..new_status(index, name)
            };
            let id = id_of(&run, Operation::Run);
            self.put(run);
            return Some(id);
        };
        if phase_of(run).is_some_and(StepPhase::is_over) {
            return None;
        }
        match rests_until(run) {
            Some(end) if end > look.now => {
                let at = after_seconds(end, AFTER_BACKOFF_SECONDS);
                let why = WakeReason::PluginDue;
                draft.wake(Wake { at, why });
                None
            }
            Some(_) | None => Some(id_of(run, Operation::Run)),
        }
    }

    /// The call with what goes with it: the step's configuration, and what the plugin wanted to have back.
    fn call(&self, canary: &Canary<'_>, id: CallId) -> Option<StepCall> {
        let config = plugin_at(canary, id.index)?.config.clone();
        let status = self.find(id.index, &id.name, Operation::Run)?.status.clone();
        Some(StepCall { id, config, status })
    }

    /// The step waits for its plugin no more.
    fn is_complete(&self, index: usize) -> bool {
        let of_step = |of: &&StepPluginStatus| of.index == number(index);
        let run = self.statuses.iter().filter(of_step).find(|of| is_run(of));
        let ended = || self.statuses.iter().filter(of_step).any(|of| !is_run(of));
        run.is_some_and(|run| {
            run.disabled
                || match phase_of(run) {
                    Some(StepPhase::Successful) => true,
                    Some(StepPhase::Running) => ended(),
                    Some(StepPhase::Failed | StepPhase::Error) | None => false,
                }
        })
    }

    /// Adds a record, or replaces the one of the same call.
    fn put(&mut self, of: StepPluginStatus) {
        let same = |old: &&mut StepPluginStatus| old.index == of.index && old.operation == of.operation;
        match self.statuses.iter_mut().find(same) {
            Some(old) => *old = of,
            None => self.statuses.push(of),
        }
    }
}

/// The plugin that a step waits for.
fn plugin_of<'a>(step: &Step<'a>) -> Option<&'a PluginStep> {
    match step.waits_for {
        Wait::Plugin(plugin) => Some(plugin),
        Wait::Pause(_)
        | Wait::Scale(_)
        | Wait::Weight
        | Wait::Experiment(_)
        | Wait::Analysis(_)
        | Wait::HeaderRoute(_)
        | Wait::MirrorRoute(_) => None,
    }
}

fn plugin_at<'a>(canary: &Canary<'a>, index: i32) -> Option<&'a PluginStep> {
    canary.steps.get(usize::try_from(index).ok()?).and_then(plugin_of)
}

/// The step is still this plugin's, and the plugin may be called.
fn is_callable(canary: &Canary<'_>, seen: &Seen, of: &StepPluginStatus) -> bool {
    let same = plugin_at(canary, of.index).is_some_and(|plugin| plugin.name == of.name);
    same && seen.configured.get(&of.name) == Some(&Configured::Enabled)
}

fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

fn is_run(of: &StepPluginStatus) -> bool {
    of.operation == Operation::Run.as_str()
}

fn phase_of(of: &StepPluginStatus) -> Option<StepPhase> {
    StepPhase::of(&of.phase)
}

fn new_status(index: i32, name: &str) -> StepPluginStatus {
    StepPluginStatus {
        index,
        name: name.to_owned(),
        operation: Operation::Run.to_string(),
        ..StepPluginStatus::default()
    }
}

fn id_of(run: &StepPluginStatus, operation: Operation) -> CallId {
    CallId {
        index: run.index,
        name: run.name.clone(),
        operation,
        started_at: run.started_at.clone(),
        executions: run.executions,
    }
}

/// Until when a run that was called is left alone; none for one that was not. A back-off that is no duration counts as none.
fn rests_until(run: &StepPluginStatus) -> Option<Timestamp> {
    let updated = run.updated_at.as_ref().filter(|_| run.executions > 0)?;
    let backoff = run.backoff.parse().map_or(0, GoDuration::nanos);
    Some(
        updated
            .0
            .checked_add(SignedDuration::from_nanos(backoff))
            .unwrap_or(Timestamp::MAX),
    )
}
