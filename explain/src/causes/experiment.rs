//! `experiment`: an Experiment failed.

use super::shared::{clause, observed, short};
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use crate::sources::{text, time};
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "experiment",
    docs: "An Experiment failed, had an error or was inconclusive: its pods did not become available in time, or one of its \
           analyses failed. Its own roots stand before it.",
    remedy: "Look at the Experiment: serin explain experiment/NAME.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let experiment = if case.kind == Kind::Experiment {
        Some(case.object)
    } else {
        case.experiment
    };
    let bad = experiment.filter(|it| matches!(it.text("/status/phase"), "Failed" | "Error" | "Inconclusive"));
    let Some(experiment) = bad else {
        let reason = case
            .abort_reason()
            .filter(|reason| reason.to_lowercase().contains("experiment"))?;
        let fact = case.condition_fact(case.object, condition::PROGRESSING)?;
        return Some(observed(
            &CAUSE,
            format!("An experiment failed: {}.", short(clause(reason), 200)),
            vec![fact],
        ));
    };
    let phase = experiment.text("/status/phase");
    let message = experiment.text("/status/message");
    let mut evidence = vec![case.fact(
        "experiment",
        experiment,
        "status.phase",
        None,
        &format!("{phase}: {message}"),
    )];
    let templates = experiment.list("/status/templateStatuses").iter();
    for template in templates.filter(|it| matches!(text(&it["status"]), "Failed" | "Error")) {
        let told = format!(
            "template {}: {} {}",
            text(&template["name"]),
            text(&template["status"]),
            text(&template["message"])
        );
        evidence.push(case.fact(
            "experiment",
            experiment,
            "status.templateStatuses",
            time(&template["lastTransitionTime"]),
            &told,
        ));
    }
    let told = evidence.last().map(|fact| fact.text.clone()).unwrap_or_default();
    let told = if message.is_empty() { told } else { message.to_owned() };
    let summary = format!(
        "Experiment {} ended as {phase}: {}.",
        experiment.name(),
        short(clause(&told), 180)
    );
    Some(observed(&CAUSE, summary, evidence))
}
