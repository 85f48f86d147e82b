//! One sentence: who is served by what, now, and what has become of the update.

use crate::case::{Case, Kind, Set};
use crate::explanation::{Cause, Role, Serving, State};
use crate::sources::{number, text};
use serin_core::rollout::view;
use serin_core::wire::condition;

/// The verdict.
pub(super) fn of(case: &Case<'_>, serving: &[Serving], causes: &[Cause]) -> String {
    match case.kind {
        Kind::Rollout => format!("{}; {}.", users(serving), course(case, causes)),
        Kind::AnalysisRun | Kind::Experiment => of_other(case),
    }
}

fn of_other(case: &Case<'_>) -> String {
    let (phase, message) = case.phase();
    let kind = case.object.kind();
    let name = case.object.name();
    let ended = match phase {
        "" => "has not begun".to_owned(),
        "Pending" | "Running" => "is under way".to_owned(),
        phase => format!("ended as {phase}"),
    };
    let message = message.trim().trim_end_matches('.');
    if message.is_empty() {
        format!("{kind} {name} {ended}.")
    } else {
        format!("{kind} {name} {ended}: {message}.")
    }
}

fn users(serving: &[Serving]) -> String {
    let reached: Vec<&Serving> = serving.iter().filter(|it| it.weight != Some(0)).collect();
    let revision = |it: &Serving| match it.revision {
        Some(revision) => format!("revision {revision}"),
        None => format!("hash {}", it.hash),
    };
    let part = |it: &Serving| {
        let weight = it.weight.map(|weight| format!(", {weight} %")).unwrap_or_default();
        format!("{}{weight}, {}/{} ready", revision(it), it.ready, it.wanted)
    };
    match reached.as_slice() {
        [] if serving.is_empty() => "No revision serves yet".to_owned(),
        [] => {
            let first = serving
                .iter()
                .find(|it| matches!(it.role, Role::Stable | Role::Active))
                .unwrap_or(&serving[0]);
            format!(
                "Nobody is served: {}/{} pods of {} are ready",
                first.ready,
                first.wanted,
                revision(first)
            )
        }
        [one] if one.ready == 0 && one.wanted > 0 => {
            format!(
                "Nobody is served: traffic goes to {}, 0/{} ready",
                revision(one),
                one.wanted
            )
        }
        some => {
            let parts: Vec<String> = some.iter().map(|it| part(it)).collect();
            format!("Users are on {}", parts.join(", and "))
        }
    }
}

fn newest(case: &Case<'_>) -> String {
    case.newest().map_or_else(|| "the update".to_owned(), Set::words)
}

/// What has become of the update.
fn course(case: &Case<'_>, causes: &[Cause]) -> String {
    let (phase, message) = case.phase();
    let new = newest(case);
    if case.object.deleted().is_some() {
        return "the rollout is being deleted".to_owned();
    }
    if causes.first().is_some_and(|cause| cause.id == "controller-absent") {
        return "no controller acts on the rollout".to_owned();
    }
    match case.state() {
        State::Healthy => "all is as wanted".to_owned(),
        State::Paused => paused(case, &new),
        State::Degraded => degraded(case, &new, message),
        State::Progressing if !case.generation_is_observed() => {
            "the controller has not looked at the last change yet".to_owned()
        }
        State::Progressing if case.is_updating() => format!("the update to {new} is under way{}", step(case)),
        State::Progressing => format!("{new} is not complete ({message})"),
        State::Unknown => format!("the status says {phase:?}"),
    }
}

fn step(case: &Case<'_>) -> String {
    let steps = case.object.list("/spec/strategy/canary/steps").len();
    let index = view::current_step_index(&case.rollout).filter(|index| *index < steps);
    index
        .map(|index| format!(", at step {} of {steps}", index + 1))
        .unwrap_or_default()
}

fn paused(case: &Case<'_>, new: &str) -> String {
    let by_hand = case.object.flag("/spec/paused");
    let reason = case
        .object
        .list("/status/pauseConditions")
        .first()
        .map_or("", |it| text(&it["reason"]));
    match reason {
        "InconclusiveAnalysisRun" => format!(
            "{new} waits for a person, because an analysis was inconclusive{}",
            step(case)
        ),
        "InconclusiveExperiment" => format!(
            "{new} waits for a person, because an experiment was inconclusive{}",
            step(case)
        ),
        _ if by_hand => format!("the rollout is paused by hand{}", step(case)),
        "BlueGreenPause" => format!("{new} waits for its promotion"),
        _ => {
            let timed = view::current_step(&case.rollout)
                .and_then(|step| step.pause.as_ref())
                .is_some_and(|pause| pause.duration.is_some());
            let kind = if timed {
                "is in a timed pause"
            } else {
                "waits for its promotion"
            };
            format!("{new} {kind}{}", step(case))
        }
    }
}

fn degraded(case: &Case<'_>, new: &str, message: &str) -> String {
    if message.starts_with(condition::INVALID_SPEC) {
        return "the spec is invalid, and nothing changes until it is corrected".to_owned();
    }
    if case.is_aborted() {
        return format!("{new} was aborted");
    }
    if case.is_overdue() {
        let seconds = number(case.object.at("/spec/progressDeadlineSeconds")).unwrap_or(600);
        return format!("{new} made no progress for {seconds} s");
    }
    let short: String = message.chars().take(120).collect();
    if short.is_empty() {
        "it is Degraded, and its status does not say why".to_owned()
    } else {
        format!("it is Degraded ({})", short.trim_end_matches('.'))
    }
}
