//! What people ask of an update by writing into the status or the spec, and what holds where two requests are there at
//! once (decision 40). [`PAIRS`] is the table of `docs/requests.md`; a test plays every row.

use crate::api::RolloutStatus;

/// One thing that a person may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// Promote to the end, past steps and pauses.
    PromoteFull,
    /// Go back to stable.
    Abort,
    /// End an abort.
    Retry,
    /// End the pause of the controller.
    Resume,
    /// Pass the step under way.
    Skip,
    /// Hold everything.
    Pause,
    /// Replace all pods.
    Restart,
    /// Another pod template.
    Template,
}

impl Request {
    /// Every request, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::PromoteFull,
        Self::Abort,
        Self::Retry,
        Self::Resume,
        Self::Skip,
        Self::Pause,
        Self::Restart,
        Self::Template,
    ];

    /// The field of the Rollout that carries it, with the value that asks (contract 05 §1–4).
    #[must_use]
    pub const fn written(self) -> &'static str {
        match self {
            Self::PromoteFull => "status.promoteFull: true",
            Self::Abort => "status.abort: true",
            Self::Retry => "status.abort: false",
            Self::Resume => "status.pauseConditions: null",
            Self::Skip => "status.currentStepIndex",
            Self::Pause => "spec.paused: true",
            Self::Restart => "spec.restartAt",
            Self::Template => "spec.template",
        }
    }
}

/// What holds where two requests are there at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both are carried out; neither changes the other.
    Both,
    /// The later one is carried out. The status write that begins it clears the earlier one.
    Later,
    /// This one is carried out, whichever came first. The other is cleared, or has nothing left to do.
    Wins(Request),
    /// This one stays recorded, and is carried out when the pause ends.
    Waits(Request),
    /// The new template clears what came before it. What comes after it holds for the new template.
    Resets,
}

/// Two requests, what holds, and the same in words.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// One.
    pub one: Request,
    /// The other.
    pub other: Request,
    /// What holds.
    pub outcome: Outcome,
    /// In words, for the book.
    pub words: &'static str,
}

const fn pair(one: Request, other: Request, outcome: Outcome, words: &'static str) -> Pair {
    Pair {
        one,
        other,
        outcome,
        words,
    }
}

/// Each pair of requests, once.
pub const PAIRS: [Pair; 28] = {
    use Outcome::{Both, Later, Resets, Waits, Wins};
    use Request::{Abort, Pause, PromoteFull, Restart, Resume, Retry, Skip, Template};
    [
        pair(
            PromoteFull,
            Abort,
            Later,
            "The later one is carried out, and the other is cleared. Where the controller has seen neither of them, the \
             abort counts as the later one.",
        ),
        pair(
            PromoteFull,
            Retry,
            Both,
            "The retry ends the abort, and the promotion carries the update to its end.",
        ),
        pair(
            PromoteFull,
            Resume,
            Wins(PromoteFull),
            "A full promotion ends every pause of the controller.",
        ),
        pair(
            PromoteFull,
            Skip,
            Wins(PromoteFull),
            "A full promotion passes all steps.",
        ),
        pair(
            PromoteFull,
            Pause,
            Waits(PromoteFull),
            "The promotion stays recorded. It goes on when the pause ends.",
        ),
        pair(
            PromoteFull,
            Restart,
            Both,
            "The update is promoted, and every pod that is too old is replaced.",
        ),
        pair(
            PromoteFull,
            Template,
            Resets,
            "The new template ends the promotion. A promotion after it promotes the new template.",
        ),
        pair(Abort, Retry, Later, "Both write the same field: the later write holds."),
        pair(
            Abort,
            Resume,
            Wins(Abort),
            "An abort ends every pause of the controller, and nothing is promoted.",
        ),
        pair(Abort, Skip, Wins(Abort), "An abort goes back to the first step."),
        pair(
            Abort,
            Pause,
            Waits(Abort),
            "The abort is recorded at once, and the phase is Degraded. Pods move when the pause ends, and so does \
             the active Service of blue-green.",
        ),
        pair(
            Abort,
            Restart,
            Both,
            "The update is aborted, and every pod that is too old is replaced.",
        ),
        pair(
            Abort,
            Template,
            Resets,
            "The new template ends the abort. An abort after it aborts the new template.",
        ),
        pair(
            Retry,
            Resume,
            Both,
            "The update begins anew; an aborted one has no pause that could end.",
        ),
        pair(Retry, Skip, Both, "The update goes on at the step that was asked for."),
        pair(
            Retry,
            Pause,
            Waits(Retry),
            "The abort ends at once. Pods move when the pause ends.",
        ),
        pair(
            Retry,
            Restart,
            Both,
            "The update begins anew, and every pod that is too old is replaced.",
        ),
        pair(
            Retry,
            Template,
            Resets,
            "The new template ends the abort; nothing is left to retry.",
        ),
        pair(
            Resume,
            Skip,
            Both,
            "The pause ends, and the update goes on at the step that was asked for.",
        ),
        pair(
            Resume,
            Pause,
            Waits(Resume),
            "The pause of the controller ends when the pause by hand does.",
        ),
        pair(
            Resume,
            Restart,
            Both,
            "The update goes on, and every pod that is too old is replaced.",
        ),
        pair(
            Resume,
            Template,
            Resets,
            "The new template begins with its own first step, and with its own pauses.",
        ),
        pair(
            Skip,
            Pause,
            Waits(Skip),
            "The step is recorded at once. Pods move when the pause ends.",
        ),
        pair(
            Skip,
            Restart,
            Both,
            "The update goes on, and every pod that is too old is replaced.",
        ),
        pair(
            Skip,
            Template,
            Resets,
            "The new template begins with its own first step.",
        ),
        pair(
            Pause,
            Restart,
            Both,
            "Each pod that is too old is replaced by one of its own revision; none moves between revisions.",
        ),
        pair(
            Pause,
            Template,
            Waits(Template),
            "The new template is recorded. A canary makes no pod of it before the pause ends; blue-green makes its pods, \
             and switches no Service.",
        ),
        pair(
            Restart,
            Template,
            Resets,
            "A new template counts as a restart: all of its pods are new.",
        ),
    ]
};

/// What the status asks for, contradictions settled: an abort, and a full promotion; never both (decision 40).
///
/// The controller writes `abortedAt` when it first sees an abort. A promotion beside an abort that has one came later; an
/// abort without it came later than the promotion.
pub(crate) fn abort_or_promotion(status: &RolloutStatus) -> (bool, bool) {
    let abort_is_later = status.aborted_at.is_none();
    let abort = status.abort && (abort_is_later || !status.promote_full);
    (abort, status.promote_full && !abort)
}
