//! Health of an AnalysisRun (contract 13 §2.2) and the action on it.

use super::expr::{Keys, Test, Text};
use super::{Action, Change, HealthRule, HealthStatus, Rules, To};

const PHASE: Keys = &["status", "phase"];
const TERMINATE: Keys = &["spec", "terminate"];
/// Phases at which a run or an experiment has ended (contract 06 §1).
const ENDED: [&str; 4] = ["Successful", "Failed", "Error", "Inconclusive"];

/// The rules of the kind.
pub(super) fn rules() -> Rules {
    let waiting = "Waiting for analysis run to finish: status has not been reconciled.";
    let running = || Text::words("Analysis run is running");
    let said_or = |words| Text::FirstOf(vec![Text::at(&["status", "message"]), Text::words(words)]);
    let of = |phase, status, message| HealthRule {
        note: "",
        when: Test::is(PHASE, phase),
        status,
        message,
    };
    Rules {
        kind: "AnalysisRun",
        health: vec![
            not_yet_seen("The controller has not written a phase yet.", waiting),
            of("Pending", HealthStatus::Progressing, running()),
            of("Running", HealthStatus::Progressing, running()),
            of(
                "Successful",
                HealthStatus::Healthy,
                said_or("Analysis run completed successfully"),
            ),
            of("Failed", HealthStatus::Degraded, said_or("Analysis run failed")),
            of("Error", HealthStatus::Degraded, said_or("Analysis run had an error")),
            of(
                "Inconclusive",
                HealthStatus::Unknown,
                said_or("Analysis run was inconclusive"),
            ),
            unknown_phase("The phase of the analysis run is not known: "),
        ],
        actions: vec![terminate(
            "Ends the run; what was measured so far decides (contract 06 section 1).",
        )],
    }
}

/// No status, or one without a phase: upstream says nothing of the latter, which counts as healthy.
pub(super) fn not_yet_seen(note: &'static str, waiting: &str) -> HealthRule {
    HealthRule {
        note,
        when: !Test::Some(Text::at(PHASE)),
        status: HealthStatus::Progressing,
        message: Text::words(waiting),
    }
}

/// The last rule: upstream says nothing, which counts as healthy.
pub(super) fn unknown_phase(words: &str) -> HealthRule {
    HealthRule {
        note: "A phase that nobody knows: upstream gives no health, which counts as healthy.",
        when: Test::Always,
        status: HealthStatus::Unknown,
        message: Text::Join(vec![Text::words(words), Text::at(PHASE)]),
    }
}

/// The action of runs and experiments.
pub(super) fn terminate(note: &'static str) -> Action {
    let over = || {
        let ended = ENDED.iter().map(|phase| Test::is(PHASE, phase));
        Test::Either([Test::is_true(TERMINATE)].into_iter().chain(ended).collect())
    };
    Action {
        name: "terminate",
        display_name: "Terminate",
        icon_class: "fa fa-fw fa-stop",
        extra: false,
        note,
        disabled: over(),
        guard: !over(),
        changes: vec![Change::new(TERMINATE, To::Boolean(true), Test::Always)],
    }
}
