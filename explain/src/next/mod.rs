//! What happens if nobody acts, and nothing else happens: [`decide`](serin_core::decide()) is run on what was read, then
//! again with the clock moved to its wake. Pods stay as they are; what follows from that is told as such.

mod analyses;
mod apply;
mod observed;
pub(crate) mod routes;

use crate::case::age::duration;
use crate::case::{Case, Kind};
use crate::explanation::{Cause, State};
use jiff::{Timestamp, Unit};
use serde_json::Value;
use serin_core::plan::{Action, AnalysisRunAction, ExperimentAction, Plan, PodAction, ReplicaSetAction, WakeReason};
use serin_core::{Observed, decide};

/// Moments that are told.
const TOLD: usize = 2;
/// Decisions that are made to find them.
const DECISIONS: usize = 12;
/// What Serin says of a field that it does not serve.
const NOT_SERVED: &str = ": Forbidden: this version of Serin does not serve it yet";

/// What happens next, in words.
#[must_use]
pub fn tell(case: &Case<'_>, causes: &[Cause]) -> String {
    match case.kind {
        Kind::Rollout => of_rollout(case, causes),
        Kind::AnalysisRun | Kind::Experiment => of_other(case),
    }
}

/// Runs and experiments that have ended stay as they are; of others the decision is not Serin's yet.
fn of_other(case: &Case<'_>) -> String {
    let kind = case.object.kind();
    match case.state() {
        State::Healthy | State::Degraded | State::Unknown => {
            format!("Nothing: the {kind} has ended and stays as it is.")
        }
        State::Progressing | State::Paused => format!(
            "This cannot be computed: the controller that runs here measures, and this version of Serin does not serve {kind}s yet."
        ),
    }
}

fn of_rollout(case: &Case<'_>, causes: &[Cause]) -> String {
    if case.object.deleted().is_some() {
        return "It is being deleted; no controller does anything to it.".to_owned();
    }
    let mut seen = match observed::observed(case) {
        Ok(seen) => seen,
        Err(kind) => {
            let plural = if kind.ends_with('s') { "es" } else { "s" };
            return format!("This cannot be computed: {kind}{plural} were not read.");
        }
    };
    let first = decide(&seen, case.now);
    // What a plugin of the controller was told, nobody can read.
    if let Some(field) = routes::of_plugin(case).or_else(|| not_served(&first)) {
        return format!("This cannot be computed: explain does not follow {field} yet; the controller does.");
    }
    let absent = causes.first().is_some_and(|cause| cause.id == "controller-absent");
    let moments = moments(&mut seen, first, case.now);
    let told: Vec<String> = moments.iter().map(|moment| moment.words(case.now, absent)).collect();
    let rest = told.join(" ");
    match (told.is_empty(), absent) {
        (true, true) => "Nothing, until a controller runs.".to_owned(),
        (true, false) => at_rest(case),
        (false, true) => format!("Nothing, until a controller runs. One that starts now would do this: {rest}"),
        (false, false) => rest,
    }
}

/// Why nothing happens.
fn at_rest(case: &Case<'_>) -> String {
    match case.state() {
        State::Healthy => "Nothing: all is as wanted.".to_owned(),
        State::Paused => "Nothing: it waits for a person, for as long as it takes.".to_owned(),
        State::Degraded if case.is_aborted() => {
            "Nothing: the abort stands until somebody retries, or the pod template changes.".to_owned()
        }
        State::Degraded => {
            "Nothing by itself: it stays Degraded until the spec, or what its pods wait for, changes.".to_owned()
        }
        State::Progressing | State::Unknown => "Nothing by itself: it waits for its pods.".to_owned(),
    }
}

/// The field that a plan refuses because Serin does not serve it yet.
fn not_served(plan: &Plan) -> Option<String> {
    let patch = &plan.status.as_ref()?.patch;
    let message = patch["status"]["message"].as_str()?;
    let (before, _) = message.split_once(NOT_SERVED)?;
    Some(before.rsplit("is invalid: ").next().unwrap_or(before).to_owned())
}

/// Something that happens at a moment.
struct Moment {
    at: Timestamp,
    why: Option<WakeReason>,
    what: Vec<String>,
}

impl Moment {
    fn words(&self, now: Timestamp, absent: bool) -> String {
        let what = self.what.join("; ");
        let seconds = self.at.as_second() - now.as_second();
        let Some(why) = self.why.filter(|_| seconds > 0) else {
            return if absent {
                format!("{what}.")
            } else {
                format!("At once: {what}.")
            };
        };
        let clock = self.at.round(Unit::Second).unwrap_or(self.at);
        format!(
            "In {} ({clock}), when {why}, if nothing else has changed: {what}.",
            duration(seconds)
        )
    }
}

/// The next moments at which a decision changes something.
fn moments(seen: &mut Observed, first: Plan, now: Timestamp) -> Vec<Moment> {
    let (mut plan, mut at, mut why) = (first, now, None);
    let mut moments: Vec<Moment> = Vec::new();
    for _ in 0..DECISIONS {
        let what = words(seen, &plan);
        if !what.is_empty() {
            match moments.last_mut().filter(|last| last.at == at) {
                Some(last) => last.what.extend(
                    what.into_iter()
                        .filter(|it| !last.what.contains(it))
                        .collect::<Vec<_>>(),
                ),
                None => moments.push(Moment { at, why, what }),
            }
        }
        let changed = apply::plan(seen, &plan);
        if changed {
            // One reconcile follows the other.
            plan = decide(seen, at);
            continue;
        }
        let Some(wake) = plan.wake.filter(|wake| wake.at > at) else {
            break;
        };
        if moments.len() >= TOLD || repeats(wake.why) {
            break;
        }
        (at, why) = (wake.at, Some(wake.why));
        plan = decide(seen, at);
    }
    moments.truncate(TOLD);
    moments
}

/// A wait that only tries the same again.
fn repeats(why: WakeReason) -> bool {
    matches!(
        why,
        WakeReason::InvalidSpecRetry
            | WakeReason::Recount
            | WakeReason::Routers
            | WakeReason::TargetGroups
            | WakeReason::RouterPlugin
            | WakeReason::CountersDue
            | WakeReason::ManagerStaysAway
            | WakeReason::Refused(_)
    )
}

/// What a plan changes that a person would notice: its events, and what has none.
fn words(seen: &Observed, plan: &Plan) -> Vec<String> {
    let mut told: Vec<String> = plan.events.iter().map(|event| lower(&event.news.to_string())).collect();
    for action in &plan.actions {
        match action {
            Action::ReplicaSet(ReplicaSetAction::Delete(target)) => {
                told.push(format!("old ReplicaSet {} is deleted", target.name))
            }
            Action::AnalysisRun(AnalysisRunAction::Create(new)) => {
                told.push(format!("AnalysisRun {} begins", new.name))
            }
            Action::AnalysisRun(AnalysisRunAction::Terminate(target)) => {
                told.push(format!("AnalysisRun {} is to end", target.name))
            }
            Action::Experiment(ExperimentAction::Terminate(target)) => {
                told.push(format!("Experiment {} is to end", target.name))
            }
            Action::Pod(PodAction::Evict(target)) => told.push(format!("pod {} is evicted", target.name)),
            Action::ReplicaSet(ReplicaSetAction::Create(_) | ReplicaSetAction::Patch(_))
            | Action::Service(_)
            | Action::Route(_)
            | Action::Workload(_)
            | Action::AnalysisRun(AnalysisRunAction::Delete(_))
            | Action::Experiment(ExperimentAction::Create(_) | ExperimentAction::Delete(_))
            | Action::OwnService(_)
            | Action::Pod(PodAction::Patch(_))
            | Action::Rollout(_) => {}
        }
    }
    if let Some(status) = &plan.status {
        let patch = &status.patch["status"];
        let (phase, message) = (patch["phase"].as_str(), patch["message"].as_str());
        if let Some(phase) = phase.filter(|phase| *phase != seen.rollout.status.phase) {
            let message = message.filter(|message| !message.is_empty());
            let message = message.map(|message| format!(" ({message})")).unwrap_or_default();
            told.push(format!("the phase becomes {phase}{message}"));
        }
        let before = seen.rollout.status.current_step_index;
        let index = patch["currentStepIndex"]
            .as_i64()
            .filter(|index| Some(*index) != before.map(i64::from));
        let steps = seen
            .rollout
            .spec
            .strategy
            .canary
            .as_ref()
            .map_or(0, |canary| canary.steps.len());
        if let Some(index) = index {
            let index = usize::try_from(index).unwrap_or(0);
            told.push(if index < steps {
                format!("step {} of {steps} begins", index + 1)
            } else {
                "all steps are done".to_owned()
            });
        }
        if patch["abort"] == Value::Null && seen.rollout.status.abort && patch.get("abort").is_some() {
            told.push("the abort ends".to_owned());
        }
    }
    told
}

fn lower(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters
        .next()
        .map(|first| first.to_lowercase().to_string() + letters.as_str())
        .unwrap_or_default()
}
