//! Health of a Rollout (contract 13 §2.1) and the actions on it (contract 13 §2.3, §2.4; contract 10 §2, §3).

use super::expr::{Keys, Number, Place, Test, Text};
use super::promotion;
use super::{Action, Change, Door, HealthRule, HealthStatus, Options, Pause, Rules, To, Unified};
use crate::wire::{condition, phase};

pub(super) const STATUS: Keys = &["status"];
pub(super) const ABORT: Keys = &["status", "abort"];
pub(super) const CURRENT_HASH: Keys = &["status", "currentPodHash"];
pub(super) const STABLE_HASH: Keys = &["status", "stableRS"];
pub(super) const PAUSES: Keys = &["status", "pauseConditions"];
pub(super) const STEP: Keys = &["status", "currentStepIndex"];
pub(super) const STEPS: Keys = &["spec", "strategy", "canary", "steps"];
pub(super) const SPEC_PAUSED: Keys = &["spec", "paused"];
const CANARY: Keys = &["spec", "strategy", "canary"];
const BLUE_GREEN: Keys = &["spec", "strategy", "blueGreen"];
const PHASE: Keys = &["status", "phase"];
const CONDITIONS: Keys = &["status", "conditions"];
const OBSERVED: Keys = &["status", "observedGeneration"];
const GENERATION: Keys = &["metadata", "generation"];

/// The rules of the kind.
pub(super) fn rules(options: &Options) -> Rules {
    let mut health = gates();
    health.extend(options.healthy_pauses.iter().map(|pause| healthy_pause(*pause)));
    health.extend(phases());
    health.extend(before_phases());
    Rules {
        kind: "Rollout",
        health,
        actions: actions(),
    }
}

fn rule(note: &'static str, when: Test, status: HealthStatus, message: Text) -> HealthRule {
    HealthRule {
        note,
        when,
        status,
        message,
    }
}

/// A status that does not yet speak of the last change is not repeated.
fn gates() -> Vec<HealthRule> {
    let waiting = || Text::words("Waiting for rollout spec update to be observed");
    let workload = Test::All(vec![
        Test::present(&["spec", "workloadRef"]),
        Test::present(&["metadata", "annotations"]),
        !Test::Equal(
            Number::whole(&["metadata", "annotations", "rollout.argoproj.io/workload-generation"]),
            Number::whole(&["status", "workloadObservedGeneration"]),
        ),
    ]);
    vec![
        rule(
            "The controller has not seen it yet (row 1).",
            !Test::present(STATUS),
            HealthStatus::Progressing,
            waiting(),
        ),
        rule(
            "The status is older than the spec; what is no number, or larger, is of a controller before v0.10 (row 1).",
            Test::Less(Number::whole(OBSERVED), Number::whole(GENERATION)),
            HealthStatus::Progressing,
            waiting(),
        ),
        rule(
            "The status is older than the pod template of the workload (row 2).",
            workload,
            HealthStatus::Progressing,
            waiting(),
        ),
    ]
}

/// What the controller itself says, with what a router refuses. Where it says nothing, what else the object tells.
fn phases() -> Vec<HealthRule> {
    let said = || Text::at(&["status", "message"]);
    let says = |others: Vec<Text>| Text::FirstOf([vec![said_of_routing()], others].concat());
    vec![
        rule(
            "The controller's own phase (row 3); without a message: why it is paused, since when and for how long.",
            Test::is(PHASE, phase::PAUSED),
            HealthStatus::Suspended,
            says(why_paused()),
        ),
        rule(
            "Without a message: what the API server refuses.",
            Test::is(PHASE, phase::HEALTHY),
            HealthStatus::Healthy,
            says(vec![refused()]),
        ),
        rule(
            "Without a message: the cause, what the API server refuses, or which ReplicaSet is being rolled out.",
            Test::is(PHASE, phase::DEGRADED),
            HealthStatus::Degraded,
            says(vec![cause(), refused()]),
        ),
        rule(
            "",
            Test::is(PHASE, phase::PROGRESSING),
            HealthStatus::Progressing,
            says(vec![refused(), rolling_out()]),
        ),
        rule(
            "Upstream copies any phase; these three are words of Argo CD.",
            Test::is(PHASE, "Suspended"),
            HealthStatus::Suspended,
            said(),
        ),
        rule("", Test::is(PHASE, "Missing"), HealthStatus::Missing, said()),
        rule("", Test::is(PHASE, "Unknown"), HealthStatus::Unknown, said()),
        rule(
            "A phase that nobody knows: upstream answers \"Lua returned an invalid health status\".",
            Test::Some(Text::at(PHASE)),
            HealthStatus::Unknown,
            Text::Join(vec![
                Text::words("The phase of the rollout is not known: "),
                Text::at(PHASE),
            ]),
        ),
    ]
}

/// Why a rollout is paused whose controller gave no message.
fn why_paused() -> Vec<Text> {
    let first = |keys: Keys| Text::OfFirst {
        list: PAUSES,
        holds: Box::new(Test::Always),
        text: keys,
    };
    let paused_for = || Text::Join(vec![Text::words("Rollout is paused: "), first(&["reason"])]).named("paused_for");
    let since = || Text::Join(vec![paused_for(), Text::words(" since "), first(&["startTime"])]).named("paused_since");
    let inconclusive = |run: Keys, state: Keys| {
        let text = Text::Join(vec![since(), Text::words(", AnalysisRun "), Text::at(run)]);
        Text::When(Box::new(Test::is(state, "Inconclusive")), Box::new(text))
    };
    let duration = Text::Written(Place::Element {
        list: STEPS,
        number: Number::or(STEP, 0),
        keys: &["pause", "duration"],
    });
    vec![
        inconclusive(
            &["status", "canary", "currentStepAnalysisRunStatus", "name"],
            &["status", "canary", "currentStepAnalysisRunStatus", "status"],
        ),
        inconclusive(
            &["status", "canary", "currentBackgroundAnalysisRunStatus", "name"],
            &["status", "canary", "currentBackgroundAnalysisRunStatus", "status"],
        ),
        inconclusive(
            &["status", "blueGreen", "prePromotionAnalysisRunStatus", "name"],
            &["status", "blueGreen", "prePromotionAnalysisRunStatus", "status"],
        ),
        Text::Join(vec![since(), Text::words(" for "), duration]),
        since(),
        paused_for(),
        Text::When(
            Box::new(Test::is_true(SPEC_PAUSED)),
            Box::new(Text::words("Rollout is paused by spec.paused")),
        ),
        Text::words("Rollout is paused"),
    ]
}

/// Conditions that tell why a rollout is degraded (row 4).
fn tells_the_cause() -> Test {
    let progressing = |reason| {
        Test::All(vec![
            Test::Is(Place::Item(&["type"]), condition::PROGRESSING),
            Test::Is(Place::Item(&["reason"]), reason),
        ])
    };
    Test::Either(vec![
        Test::Is(Place::Item(&["type"]), condition::INVALID_SPEC),
        progressing(condition::ROLLOUT_ABORTED),
        progressing(condition::PROGRESS_DEADLINE_EXCEEDED),
    ])
    .named("tells_the_cause")
}

fn cause() -> Text {
    Text::OfFirst {
        list: CONDITIONS,
        holds: Box::new(tells_the_cause()),
        text: &["message"],
    }
    .named("cause")
}

/// A write that stays refused (decision 47).
fn refused() -> Text {
    Text::OfFirst {
        list: CONDITIONS,
        holds: Box::new(Test::Is(Place::Item(&["type"]), condition::REFUSED)),
        text: &["message"],
    }
    .named("refused")
}

/// Why the traffic is not where it is to be: a router that cannot be written, or does not confirm the weight.
fn routing() -> Text {
    let is = |kind| Test::Is(Place::Item(&["type"]), kind);
    let told = Test::Either(vec![
        is(condition::TRAFFIC_NOT_ROUTED),
        is(condition::TRAFFIC_NOT_VERIFIED),
    ]);
    Text::OfFirst {
        list: CONDITIONS,
        holds: Box::new(told),
        text: &["message"],
    }
    .named("routing")
}

/// The controller's message, and behind it what Serin says of a router by a condition.
fn said_of_routing() -> Text {
    let said = || Text::at(&["status", "message"]);
    let both = Text::Join(vec![said(), Text::words("; "), routing()]);
    Text::FirstOf(vec![both, said(), routing()]).named("said")
}

fn rolling_out() -> Text {
    let hash = Text::at(CURRENT_HASH);
    Text::Join(vec![Text::words("Waiting for the ReplicaSet with the hash "), hash])
}

/// `status.stableRS`, and where it stood up to v0.7.
fn stable() -> Text {
    Text::FirstOf(vec![Text::at(STABLE_HASH), Text::at(&["status", "canary", "stableRS"])]).named("stable")
}

/// A rollout to find the word for whose controller writes no phase: before v1.0, or not yet (rows 4 to 13).
fn before_phases() -> Vec<HealthRule> {
    let progressing = |note, when, message| rule(note, when, HealthStatus::Progressing, Text::words(message));
    let updated = || Number::or(&["status", "updatedReplicas"], 0);
    let available = Number::or(&["status", "availableReplicas"], 0);
    let is_stable = || Test::SameText(stable(), Text::at(CURRENT_HASH));
    let active = Place::Object(&["status", "blueGreen", "activeSelector"]);
    let blue_green = || Test::present(BLUE_GREEN);
    let canary = || Test::All(vec![!Test::present(BLUE_GREEN), Test::present(CANARY)]);
    vec![
        rule(
            "From here on: no phase, as before v1.0. A condition that tells the cause (row 4).",
            Test::Any(CONDITIONS, Box::new(tells_the_cause())),
            HealthStatus::Degraded,
            cause(),
        ),
        rule(
            "Paused by the controller or by a person (row 5).",
            Test::Either(vec![Test::not_empty(PAUSES), Test::is_true(SPEC_PAUSED)]),
            HealthStatus::Suspended,
            Text::words("Rollout is paused"),
        ),
        progressing(
            "Rows 6 to 8.",
            !Test::present(CURRENT_HASH),
            "Waiting for rollout to finish: status has not been reconciled.",
        ),
        progressing(
            "",
            Test::Less(updated(), Number::or(&["spec", "replicas"], 1)),
            "Waiting for roll out to finish: More replicas need to be updated",
        ),
        progressing(
            "",
            Test::Less(available, updated()),
            "Waiting for roll out to finish: updated replicas are still becoming available",
        ),
        progressing(
            "Blue-green (rows 9 and 10).",
            Test::All(vec![blue_green(), !Test::Same(active, Place::at(CURRENT_HASH))]),
            "active service cutover pending",
        ),
        progressing(
            "",
            Test::All(vec![blue_green(), Test::Some(stable()), !is_stable()]),
            "waiting for analysis to complete",
        ),
        progressing(
            "Canary (rows 11 and 12).",
            Test::All(vec![
                canary(),
                Test::Less(updated(), Number::or(&["status", "replicas"], 0)),
            ]),
            "Waiting for roll out to finish: old replicas are pending termination",
        ),
        progressing(
            "",
            Test::All(vec![canary(), Test::Either(vec![!Test::Some(stable()), !is_stable()])]),
            "Waiting for rollout to finish steps",
        ),
        rule("Row 13.", Test::Always, HealthStatus::Healthy, Text::words("")),
    ]
}

/// A pause that is not to hold up a sync (argo-cd#25054).
fn healthy_pause(pause: Pause) -> HealthRule {
    let (when, why) = match pause {
        Pause::User => (Test::is_true(SPEC_PAUSED), "spec.paused"),
        Pause::CanaryPauseStep
        | Pause::BlueGreenPause
        | Pause::InconclusiveAnalysisRun
        | Pause::InconclusiveExperiment => {
            let reason = Test::Is(Place::Item(&["reason"]), pause.as_str());
            (Test::Any(PAUSES, Box::new(reason)), pause.as_str())
        }
    };
    let message = Text::words(&format!(
        "Rollout is paused ({why}), and this pause is set to count as healthy"
    ));
    rule(
        "An option: this pause counts as healthy, so that it does not hold up a sync (argo-cd#25054).",
        Test::All(vec![Test::is(PHASE, phase::PAUSED), when]),
        HealthStatus::Healthy,
        message,
    )
}

/// The newest revision is the stable one: no update is under way. Neither is known before the first look.
pub(super) fn is_promoted() -> Test {
    Test::Same(Place::at(CURRENT_HASH), Place::at(STABLE_HASH)).named("promoted")
}

/// A controller before v0.10, which knew no `status.promoteFull`.
fn is_legacy() -> Test {
    let observed = || Number::whole(OBSERVED);
    Test::Either(vec![
        !Test::Known(observed()),
        Test::Less(Number::whole(GENERATION), observed()),
    ])
    .named("before_v0_10")
}

fn actions() -> Vec<Action> {
    let mut actions = vec![
        restart(),
        resume(),
        abort(),
        retry(),
        pause(),
        promote_full(),
        skip_current_step(),
    ];
    actions.extend(promotion::actions());
    actions
}

fn restart() -> Action {
    Action {
        name: "restart",
        display_name: "Restart Pods",
        icon_class: "fa fa-fw fa-redo",
        extra: false,
        note: "Replaces all pods, a few at a time (contract 05 section 4).",
        disabled: !Test::Always,
        guard: Test::Always,
        changes: vec![Change::new(&["spec", "restartAt"], To::Now, Test::Always)],
    }
}

fn resume() -> Action {
    // A list that is there and empty outweighs spec.paused, as upstream has it.
    let paused = Test::Either(vec![
        Test::not_empty(PAUSES),
        Test::All(vec![!Test::present(PAUSES), Test::is_true(SPEC_PAUSED)]),
    ]);
    Action {
        name: "resume",
        display_name: "Resume",
        icon_class: "fa fa-fw fa-play",
        extra: false,
        note: "Ends the pause, the controller's and a person's.",
        disabled: !paused,
        guard: Test::Either(vec![Test::not_empty(PAUSES), Test::is_true(SPEC_PAUSED)]),
        changes: vec![
            Change::new(PAUSES, To::Absent, Test::not_empty(PAUSES)),
            Change::new(SPEC_PAUSED, To::Boolean(false), Test::is_true(SPEC_PAUSED)),
        ],
    }
}

fn abort() -> Action {
    Action {
        name: "abort",
        display_name: "Abort",
        icon_class: "fa fa-fw fa-times-circle",
        extra: false,
        note: "Goes back to the stable revision (contract 05 section 3).",
        disabled: Test::Either(vec![is_promoted(), Test::is_true(ABORT)]),
        guard: !Test::is_true(ABORT),
        changes: vec![Change::new(ABORT, To::Boolean(true), Test::Always)],
    }
}

fn retry() -> Action {
    Action {
        name: "retry",
        display_name: "Retry",
        icon_class: "fa fa-fw fa-history",
        extra: false,
        note: "Begins the aborted update anew (contract 05 section 3).",
        disabled: Test::Either(vec![is_promoted(), !Test::is_true(ABORT)]),
        guard: Test::is_true(ABORT),
        changes: vec![Change::new(ABORT, To::NoLonger, Test::Always)],
    }
}

fn pause() -> Action {
    Action {
        name: "pause",
        display_name: "Pause",
        icon_class: "fa fa-fw fa-pause",
        extra: false,
        note: "Holds the update where it is.",
        disabled: Test::Either(vec![is_promoted(), Test::is_true(ABORT), Test::is_true(SPEC_PAUSED)]),
        guard: !Test::is_true(SPEC_PAUSED),
        changes: vec![Change::new(SPEC_PAUSED, To::Boolean(true), Test::Always)],
    }
}

fn promote_full() -> Action {
    let updating = || Test::All(vec![Test::present(STATUS), !is_promoted()]);
    let full: Keys = &["status", "promoteFull"];
    let disabled = || {
        let unable = Test::All(vec![is_legacy(), Test::present(BLUE_GREEN)]);
        Test::Either(vec![!updating(), unable])
    };
    let legacy_steps = Test::All(vec![is_legacy(), Test::present(STEPS)]);
    Action {
        name: "promote-full",
        display_name: "Promote Full",
        icon_class: "fa fa-fw fa-forward",
        extra: false,
        note: "Past all steps, pauses and analyses (contract 10 section 3). A controller before v0.10 is led \
               to the end of its steps.",
        disabled: disabled(),
        guard: !disabled(),
        changes: vec![
            Change::new(full, To::Boolean(true), !is_legacy()).by(Door::ArgoCd),
            Change::new(ABORT, To::Absent, Test::All(vec![is_legacy(), Test::present(ABORT)])).by(Door::ArgoCd),
            Change::new(STEP, To::Number(Number::Count(STEPS)), legacy_steps).by(Door::ArgoCd),
            Change::new(full, To::Boolean(true), !is_promoted())
                .by(Door::CommandLine)
                .unified(Unified::Always),
            promotion::unpause().by(Door::CommandLine).unified(Unified::Always),
        ],
    }
}

fn skip_current_step() -> Action {
    let next = || Number::Next(Box::new(Number::or(STEP, 0)), Box::new(Number::Count(STEPS)));
    let has_steps = || Test::present(STEPS);
    let at_the_end = Test::All(vec![
        Test::Known(Number::Whole(Box::new(Place::at(STEP)))),
        Test::Equal(Number::or(STEP, 0), Number::Count(STEPS)),
    ]);
    Action {
        name: "skip-current-step",
        display_name: "Skip Current Step",
        icon_class: "fa fa-fw fa-step-forward",
        extra: false,
        note: "Past the step under way, whatever it waits for (contract 10 section 9).",
        disabled: Test::Either(vec![!Test::present(STATUS), !has_steps(), at_the_end]),
        guard: Test::All(vec![
            Test::present(STATUS),
            Test::Less(Number::or(STEP, 0), Number::Count(STEPS)),
        ]),
        changes: vec![
            Change::new(PAUSES, To::Absent, Test::not_empty(PAUSES)).by(Door::ArgoCd),
            Change::new(STEP, To::Number(next()), has_steps()),
        ],
    }
}
