//! Health of an Experiment (contract 13 §2.2; decision 25) and the action on it.

use super::analysis_run::{not_yet_seen, terminate, unknown_phase};
use super::expr::{Keys, Place, Test, Text};
use super::{HealthRule, HealthStatus, Options, Rules};

const PHASE: Keys = &["status", "phase"];
const RUNS: Keys = &["status", "analysisRuns"];

/// The rules of the kind.
pub(super) fn rules(options: &Options) -> Rules {
    let waiting = "Waiting for experiment to finish: status has not been reconciled.";
    let said = || Text::at(&["status", "message"]);
    let text = |words| {
        if options.experiment_messages {
            Text::FirstOf(vec![said(), Text::words(words)])
        } else {
            Text::words(words)
        }
    };
    let of = |note, phase, status, message| HealthRule {
        note,
        when: Test::is(PHASE, phase),
        status,
        message,
    };
    Rules {
        kind: "Experiment",
        health: vec![
            not_yet_seen("The controller has not written a phase yet.", waiting),
            of("", "Pending", HealthStatus::Progressing, text("Experiment is pending")),
            of("", "Running", HealthStatus::Progressing, text("Experiment is running")),
            of(
                "",
                "Successful",
                HealthStatus::Healthy,
                text("Experiment is successful"),
            ),
            of("", "Failed", HealthStatus::Degraded, text("Experiment has failed")),
            of("", "Error", HealthStatus::Degraded, text("Experiment had an error")),
            of(
                "Upstream gives no health, which counts as healthy; here as with an AnalysisRun, and which run it was.",
                "Inconclusive",
                HealthStatus::Unknown,
                Text::FirstOf(vec![
                    said(),
                    inconclusive_run(),
                    Text::words("Experiment was inconclusive"),
                ]),
            ),
            unknown_phase("The phase of the experiment is not known: "),
        ],
        actions: vec![terminate(
            "Ends the experiment and its analyses. Upstream's Argo CD has no such action, its command line has (contract 10 section 2).",
        )],
    }
}

fn inconclusive_run() -> Text {
    let run = Text::OfFirst {
        list: RUNS,
        holds: Box::new(Test::Is(Place::Item(&["phase"]), "Inconclusive")),
        text: &["analysisRun"],
    };
    Text::Join(vec![Text::words("Experiment was inconclusive: AnalysisRun "), run])
}
