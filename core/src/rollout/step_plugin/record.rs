//! What an answer makes of the record of its call.

use super::{StepPlugins, id_of, is_run, phase_of};
use crate::api::rollout_status::StepPluginStatus;
use crate::notation::duration::GoDuration;
use crate::observed::{Answer, CallId, Called, Operation, Says, StepResult};
use crate::plan::draft::Draft;
use crate::plan::{After, News};
use crate::rollout::look::stamp;
use crate::wire::step_plugin::StepPhase;
use jiff::Timestamp;

/// Seconds until a call that failed is made again, and one whose plugin asked for less than [`LEAST_SECONDS`].
const BACKOFF_SECONDS: i64 = 30;

/// Seconds that a plugin must ask for at least: more than these.
const LEAST_SECONDS: i64 = 10;

impl StepPlugins {
    /// Position of the run whose answer this call is to bring.
    pub(super) fn awaits(&self, id: &CallId) -> Option<usize> {
        let open = |of: &StepPluginStatus| match id.operation {
            Operation::Run => !phase_of(of).is_some_and(StepPhase::is_over),
            Operation::Terminate | Operation::Abort => self.find(id.index, &id.name, id.operation).is_none(),
        };
        let same = |of: &StepPluginStatus| is_run(of) && !of.disabled && id_of(of, id.operation) == *id;
        self.statuses.iter().position(|of| same(of) && open(of))
    }

    /// Records the answer of a call, and tells what changed. One that nobody waits for any more changes nothing.
    pub(super) fn record(&mut self, called: &Called, draft: &mut Draft) {
        let answered = called.answer.as_ref().zip(self.awaits(&called.id));
        let Some((answer, position)) = answered else {
            return;
        };
        let operation = called.id.operation;
        let phase = match operation {
            Operation::Run => self.statuses.get_mut(position).and_then(|run| record_run(run, answer)),
            Operation::Terminate | Operation::Abort => {
                let ended = ended(called, answer);
                let phase = phase_of(&ended);
                self.statuses.push(ended);
                phase
            }
        };
        // That a run is successful is told by the event of the step.
        let told = phase.filter(|phase| operation != Operation::Run || *phase != StepPhase::Successful);
        if let Some(phase) = told {
            let news = News::StepPlugin {
                name: called.id.name.clone(),
                step: called.id.index.saturating_add(1),
                operation,
                phase,
            };
            draft.tell(news, After::Status);
        }
    }
}

/// Records the answer of a run; gives its phase where that is new.
fn record_run(run: &mut StepPluginStatus, answer: &Answer) -> Option<StepPhase> {
    let before = phase_of(run).filter(|_| run.executions > 0);
    let (phase, backoff) = match read(answer, phase_of(run)) {
        Ok((phase, result)) => {
            result.message.clone_into(&mut run.message);
            if phase != StepPhase::Error {
                // What goes with an error may be invalid: the next call has what the last good answer wanted.
                run.status.clone_from(&result.status);
            }
            (phase, backoff(phase, result.requeue_after_nanoseconds))
        }
        Err(why) => {
            run.message = why;
            (StepPhase::Error, backoff(StepPhase::Error, 0))
        }
    };
    run.phase = phase.to_string();
    run.backoff = backoff.map(|backoff| backoff.to_string()).unwrap_or_default();
    run.updated_at = Some(stamp(answer.at));
    run.finished_at = phase.is_over().then(|| stamp(answer.at));
    run.executions = run.executions.saturating_add(1);
    (before != Some(phase)).then_some(phase)
}

/// How long a plugin is left alone after an answer.
fn backoff(phase: StepPhase, asked_nanoseconds: i64) -> Option<GoDuration> {
    let asked = GoDuration::from_nanos(asked_nanoseconds);
    match phase {
        StepPhase::Successful | StepPhase::Failed => None,
        StepPhase::Running if asked > GoDuration::from_seconds(LEAST_SECONDS) => Some(asked),
        StepPhase::Running | StepPhase::Error => Some(GoDuration::from_seconds(BACKOFF_SECONDS)),
    }
}

/// The record of a call that ended a run, or took it back. Such a call is made once, whatever comes of it.
fn ended(called: &Called, answer: &Answer) -> StepPluginStatus {
    let (phase, message) = match read(answer, Some(StepPhase::Successful)) {
        // It has to be over with the answer.
        Ok((StepPhase::Running, result)) => (StepPhase::Failed, result.message.clone()),
        Ok((phase @ (StepPhase::Successful | StepPhase::Failed | StepPhase::Error), result)) => {
            (phase, result.message.clone())
        }
        Err(why) => (StepPhase::Error, why),
    };
    let time = |at: Timestamp| Some(stamp(at));
    StepPluginStatus {
        index: called.id.index,
        name: called.id.name.clone(),
        operation: called.id.operation.to_string(),
        phase: phase.to_string(),
        message,
        started_at: time(called.begun),
        finished_at: time(answer.at),
        ..StepPluginStatus::default()
    }
}

/// The phase of an answer, `unsaid` where it has none, and the rest of it; or why there is none.
fn read(answer: &Answer, unsaid: Option<StepPhase>) -> Result<(StepPhase, &StepResult), String> {
    match &answer.says {
        Says::Failure(why) => Err(why.clone()),
        Says::Result(result) => {
            let said = StepPhase::of(&result.phase);
            let phase = said.or(unsaid.filter(|_| result.phase.is_empty()));
            match phase {
                Some(phase) => Ok((phase, result)),
                None => Err(format!(
                    "could not validate rpc phase: phase '{}' is not valid",
                    result.phase
                )),
            }
        }
    }
}
