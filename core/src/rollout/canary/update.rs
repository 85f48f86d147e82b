//! Where an update stands: which step, paused or aborted, and what people asked for (contract 03 §9, contract 05 §1–3).

use crate::api::rollout::Condition;
use crate::meaning::{Canary, PauseLength, Step, Wait};
use crate::plan::draft::Draft;
use crate::plan::news::Skip;
use crate::plan::{After, News};
use crate::rollout::canary::scale::{self, MAX_WEIGHT, Targets};
use crate::rollout::conditions;
use crate::rollout::look::{Change, Look};
use crate::rollout::revision::Stable;
use crate::rollout::status::Counts;
use crate::rollout::traffic::Traffic;
use crate::rollout::update::Course;
use crate::wire::{condition, pause};

/// What became of what a step waits for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdicts {
    /// Its analysis was successful.
    pub(super) analysis: bool,
    /// Its experiment was successful.
    pub(super) experiment: bool,
    /// Its plugin is done, or is not called.
    pub(super) plugin: bool,
}

/// What carries the weight of a canary, and so how many pods a step needs and when it is reached.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carrier<'t, 'a> {
    /// The number of pods, decided from these.
    Pods(&'t scale::Input),
    /// Routers.
    Traffic(&'t Traffic<'a>),
}

impl Carrier<'_, '_> {
    /// The pods that the step under way needs.
    fn targets(&self, look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> Targets {
        match self {
            Self::Pods(input) => scale::wanted(&scale::Input {
                weight: course.weight(look, canary),
                ..**input
            }),
            Self::Traffic(traffic) => traffic.targets(look, canary, course),
        }
    }

    /// The weight that the step under way sets is that of the canary, as far as it does not follow from its pods.
    fn has_arrived(&self) -> bool {
        match self {
            Self::Pods(_) => true,
            Self::Traffic(traffic) => traffic.has_arrived(),
        }
    }

    /// Nothing of the traffic is left to stable.
    fn is_on_canary(&self, look: &Look<'_>, canary: &Canary<'_>) -> bool {
        match self {
            Self::Pods(_) => true,
            // Without steps it is the Service of stable that moves, once the update is over.
            Self::Traffic(traffic) => canary.steps.is_empty() || traffic.is_on_canary(look),
        }
    }

    /// Steps that are complete at once follow each other in one reconcile: what a router is to do shows one reconcile later.
    fn passes_steps_at_once(&self) -> bool {
        matches!(self, Self::Pods(_))
    }
}

impl Course {
    /// What is recorded, what people asked for, and what an edit resets.
    pub(crate) fn of_canary(look: &Look<'_>, canary: &Canary<'_>, draft: &mut Draft) -> Self {
        let steps = canary.steps.len();
        let mut course = Self::recorded(look);
        course.index = (steps > 0).then(|| course.index.unwrap_or(0).min(steps));
        match look.change {
            Change::Nothing => {}
            Change::First | Change::Template | Change::Steps => course.reset_canary(look, steps, draft),
        }
        course.drop_abort_without_stable(look);
        // A person may abort a rollback within the window as any other update (decision 40).
        let skips = course.promote_full || (course.abort.is_none() && look.is_rollback_within_window());
        if skips {
            course.resume();
            course.index = course.index.map(|_| steps);
        } else {
            let clock_stopped = course.canary_stops_clock(look, canary);
            course.abort_when_overdue(look, clock_stopped, Counts::of_all(look));
        }
        course.skip_what_waits_for_nobody(look, canary, draft);
        course
    }

    /// An edit begins anew, at the first step unless it goes back (contract 03 §9).
    fn reset_canary(&mut self, look: &Look<'_>, steps: usize, draft: &mut Draft) {
        self.reset();
        self.index = (steps > 0).then_some(0);
        let skip = match look.revisions.stable {
            Stable::Newest if look.change != Change::First => Some(Skip::RollbackToStable),
            Stable::Other(_)
                if look.is_rollback_within_window() && look.revisions.new.is_some_and(|new| new.replicas > 0) =>
            {
                Some(Skip::RollbackWithinWindow)
            }
            Stable::None | Stable::Newest | Stable::Other(_) | Stable::Missing => None,
        };
        if let Some(why) = skip.filter(|_| steps > 0) {
            self.index = Some(steps);
            draft.tell(News::StepsSkipped(why), After::Status);
        }
    }

    /// Where stable never had an available pod, or where the update began with no replicas, weights and pauses protect
    /// nobody (decisions 11, 42).
    fn skip_what_waits_for_nobody(&mut self, look: &Look<'_>, canary: &Canary<'_>, draft: &mut Draft) {
        let why = if self.skips_without_pods(look) {
            Skip::NoReplicas
        } else if never_served(look) {
            Skip::NeverServed
        } else {
            return;
        };
        let Some(first) = self.index.filter(|_| self.abort.is_none()) else {
            return;
        };
        let rest = canary.steps.iter().skip(first);
        let skipped = rest.take_while(|step| step.is_passed_without_pods()).count();
        if skipped > 0 {
            self.resume();
            self.index = Some(first + skipped);
            draft.tell(News::StepsSkipped(why), After::Status);
        }
    }

    /// The step under way.
    pub(crate) fn step<'c>(&self, canary: &'c Canary<'c>) -> Option<&'c Step<'c>> {
        self.index.and_then(|index| canary.steps.get(index))
    }

    /// The weight that the canary should have (contract 03 §3, §4).
    pub(crate) fn weight(&self, look: &Look<'_>, canary: &Canary<'_>) -> i32 {
        if self.abort.is_some() {
            return 0;
        }
        let settled = matches!(look.revisions.stable, Stable::None | Stable::Newest);
        if self.promote_full || settled || self.step(canary).is_none() {
            return MAX_WEIGHT;
        }
        self.index.map_or(0, |index| canary.weight_at(index))
    }

    /// The progress deadline does not count: as [`Self::stops_clock`], or a step without an end of its own.
    pub(crate) fn canary_stops_clock(&self, look: &Look<'_>, canary: &Canary<'_>) -> bool {
        self.step(canary).is_some_and(Step::stops_clock) || self.stops_clock(look)
    }

    /// Promotes, completes steps, pauses: at most one of them in a reconcile.
    ///
    /// `carrier` is what the weight rests on, `resized` whether they have yet to be reached, `verdicts` what became of
    /// the analysis, the experiment or the plugin of the step. Of consecutive steps that
    /// need no other pods than there are, all are completed: each has its event, and one status tells of them.
    pub(super) fn advance(
        &mut self,
        look: &Look<'_>,
        canary: &Canary<'_>,
        carrier: Carrier<'_, '_>,
        verdicts: Verdicts,
        resized: bool,
        draft: &mut Draft,
    ) {
        if let Some(why) = self.canary_promotion(look, canary, carrier) {
            self.promote_canary(look, canary, why, draft);
        } else if self.abort.is_some() {
            self.index = self.index.map(|_| 0);
        } else if self.is_halted(look) {
            self.end_pause_beside(look, canary, draft);
        } else if look.change == Change::Nothing && !resized && !self.is_held(look) {
            let at_once = carrier.passes_steps_at_once();
            let of_sizes = |course: &Self| at_once && course.step(canary).is_some_and(Step::is_of_sizes);
            let mut more = true;
            while more {
                let before = of_sizes(self);
                more = self.finish_step(look, canary, carrier, verdicts, draft) && before && of_sizes(self);
            }
        }
    }

    /// Why the newest revision becomes stable now, if it does.
    fn canary_promotion(&self, look: &Look<'_>, canary: &Canary<'_>, carrier: Carrier<'_, '_>) -> Option<String> {
        // What is created paused waits for its ReplicaSet (decision 41).
        let made = look.revisions.new.is_some() || !look.rollout.spec.paused;
        // Without replicas it is complete as soon as its ReplicaSet is created, which this plan does.
        let exists = look.revisions.new.is_some() || self.skips_without_pods(look);
        let enough = canary.threshold.completes(look.replicas, look.new_available());
        let complete = exists && enough && self.abort.is_none();
        let steps = canary.steps.len();
        self.promotion(look, made, complete, look.is_fast_rollback(), || {
            let done = self.index.is_none_or(|index| index == steps) && carrier.is_on_canary(look, canary);
            done.then(|| format!("Completed all {steps} canary steps"))
        })
    }

    /// All steps are done with.
    fn promote_canary(&mut self, look: &Look<'_>, canary: &Canary<'_>, why: String, draft: &mut Draft) {
        self.index = self.index.map(|_| canary.steps.len());
        self.promote(look, why, draft);
    }

    /// The time of a pause passes while an inconclusive analysis holds the rollout: what is left to wait for is a person,
    /// who ends the step (contract 05 §1).
    fn end_pause_beside(&mut self, look: &Look<'_>, canary: &Canary<'_>, draft: &mut Draft) {
        let begun = self.pauses.iter().any(|pause| pause.reason == pause::CANARY_PAUSE_STEP);
        let Some(&Wait::Pause(length)) = self.step(canary).map(|step| &step.waits_for) else {
            return;
        };
        let passes = begun && !look.rollout.spec.paused && !self.sleeps(look) && !self.is_held(look);
        if passes && self.pause_is_over(look, pause::CANARY_PAUSE_STEP, length, draft) {
            self.pauses.retain(|pause| pause.reason != pause::CANARY_PAUSE_STEP);
        }
    }

    /// Completes the step under way if that is done; tells whether it was.
    fn finish_step(
        &mut self,
        look: &Look<'_>,
        canary: &Canary<'_>,
        carrier: Carrier<'_, '_>,
        verdicts: Verdicts,
        draft: &mut Draft,
    ) -> bool {
        let (Some(index), Some(step)) = (self.index, self.step(canary)) else {
            return false;
        };
        let targets = carrier.targets(look, canary, self);
        let asleep = self.sleeps(look);
        let complete = match step.waits_for {
            Wait::Weight => !asleep && at_desired_counts(look, canary, targets) && carrier.has_arrived(),
            Wait::Scale(_) => !asleep && at_desired_counts(look, canary, targets),
            Wait::Pause(length) => {
                // No time ends a pause while there are no pods; a person may.
                let length = if asleep { PauseLength::Indefinite } else { length };
                self.pause_is_over(look, pause::CANARY_PAUSE_STEP, length, draft)
            }
            Wait::Analysis(_) => !asleep && verdicts.analysis,
            // Its pods have no weight any more when the step is over.
            Wait::Experiment(written) => {
                let weighed = written.templates.iter().any(|template| template.weight.is_some());
                !asleep && verdicts.experiment && (!weighed || carrier.has_arrived())
            }
            Wait::Plugin(_) => !asleep && verdicts.plugin,
            Wait::HeaderRoute(_) | Wait::MirrorRoute(_) => !asleep && carrier.has_arrived(),
        };
        if !complete {
            return false;
        }
        self.index = Some(index + 1);
        self.pauses.retain(|pause| pause.reason != pause::CANARY_PAUSE_STEP);
        self.controller_pause = !self.pauses.is_empty() && self.controller_pause;
        let news = News::StepCompleted {
            step: index + 1,
            of: canary.steps.len(),
            words: step.words(),
        };
        draft.tell(news, After::Status);
        true
    }
}

/// Both sides have the pods that the weight needs (contract 03 §5, `AtDesiredReplicaCounts`).
pub(crate) fn at_desired_counts(look: &Look<'_>, canary: &Canary<'_>, targets: Targets) -> bool {
    let new = look.revisions.new.is_some_and(|set| {
        canary
            .threshold
            .is_reached(targets.canary, set.replicas, look.available(set))
    });
    let stable = look
        .revisions
        .other_stable()
        .is_none_or(|set| canary.dynamic_stable_scale || set.has_settled_at(targets.stable));
    let mut others = look.revisions.others.iter();
    new && stable && (canary.routed || others.all(|set| look.availability(set).at_most() == 0))
}

/// Stable has no available pod, and the rollout has never been healthy (decision 11).
pub(crate) fn never_served(look: &Look<'_>) -> bool {
    let status = &look.rollout.status;
    let available = conditions::get(status, condition::AVAILABLE);
    let dead = match look.revisions.stable {
        Stable::Other(set) => look.availability(set).at_most() == 0,
        Stable::None | Stable::Newest | Stable::Missing => false,
    };
    dead && conditions::get(status, condition::HEALTHY).is_none()
        && available.is_some_and(|Condition { status, .. }| status == conditions::FALSE)
}
