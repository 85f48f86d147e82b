//! The AnalysisRuns of a rollout: which there are to be, and what their verdicts make of the update (contract 03 §13,
//! contract 04 §6).
//!
//! A run counts while the status names it. What a run that counts says is taken for a verdict, and a run that is asked to
//! end may say that all was well. So one that the status names is asked to end only where the status says why: the update
//! is aborted, fully promoted, or over. In all other cases the status first ceases to name it.

pub mod arguments;
mod make;
pub(crate) mod references;
mod runs;

use crate::api::rollout::{PauseCondition, RolloutAnalysis};
use crate::api::rollout_status::AnalysisRunReference;
use crate::meaning::{BlueGreen, Canary, Wait};
use crate::observed::AnalysisRun;
use crate::plan::draft::Draft;
use crate::plan::{After, NewAnalysisRun, News};
use crate::rollout::history::past;
use crate::rollout::look::{Change, Look};
use crate::rollout::revision::Stable;
use crate::rollout::update::Course;
use crate::rollout::want::Runs;
use crate::wire::analysis::Phase;
use crate::wire::pause;
use make::Made;
pub use make::WantedRun;
pub(crate) use runs::{Kind, is_measuring};

/// The run of one kind that counts from now on.
#[derive(Debug, Default)]
pub(crate) enum Slot<'a> {
    /// None.
    #[default]
    Empty,
    /// One that is there.
    Run(&'a AnalysisRun),
    /// One that this plan creates.
    New(Box<NewAnalysisRun>),
}

impl Slot<'_> {
    /// Its verdict is that all is well.
    pub(crate) fn is_successful(&self) -> bool {
        match self {
            Self::Run(run) => run.is_successful(),
            Self::Empty | Self::New(_) => false,
        }
    }

    /// What the status records of it.
    pub(crate) fn reference(&self) -> Option<Box<AnalysisRunReference>> {
        let reference = match self {
            Self::Empty => return None,
            Self::Run(run) => AnalysisRunReference {
                name: run.name.clone(),
                status: run.phase.to_string(),
                message: run.message.clone(),
            },
            Self::New(new) => AnalysisRunReference {
                name: new.name.clone(),
                ..AnalysisRunReference::default()
            },
        };
        Some(Box::new(reference))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Empty => None,
            Self::Run(run) => Some(&run.name),
            Self::New(new) => Some(&new.name),
        }
    }
}

impl<'a> From<Option<&'a AnalysisRun>> for Slot<'a> {
    fn from(run: Option<&'a AnalysisRun>) -> Self {
        run.map_or(Self::Empty, Self::Run)
    }
}

/// The runs that count from now on, by kind, and those that end.
#[derive(Debug, Default)]
pub(crate) struct Analysis<'a> {
    slots: Vec<(Kind, Slot<'a>)>,
    terminate: Vec<&'a AnalysisRun>,
}

/// What is to become of the runs that the status names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// An edit has begun another update: they belong to the one before.
    Superseded,
    /// The update goes on.
    Runs,
    /// Nobody waits for them any more, and the status has yet to say why.
    Ends,
    /// The status says why.
    Ended,
    /// Stable is gone: everything stays as it is (decision 8).
    Held,
}

impl State {
    fn of(look: &Look<'_>, course: &Course, fast: bool) -> Self {
        let settled = matches!(look.revisions.stable, Stable::None | Stable::Newest);
        if look.change != Change::Nothing {
            Self::Superseded
        } else if course.abort.is_some() {
            let said = look.rollout.status.aborted_at.is_some();
            if said { Self::Ended } else { Self::Ends }
        } else if settled || course.promote_full || fast {
            Self::Ended
        } else if course.is_held(look) {
            Self::Held
        } else {
            Self::Runs
        }
    }
}

impl<'a> Analysis<'a> {
    /// The runs of a canary. Their verdicts pause or abort the course.
    ///
    /// # Errors
    /// Why a run that is due cannot be made.
    pub(crate) fn of_canary(look: &Look<'a>, canary: &Canary<'_>, course: &mut Course) -> Result<Self, String> {
        let mut all = Self::default();
        let index = course.index.unwrap_or(0);
        let kinds = [Kind::Step(index), Kind::Background];
        match State::of(look, course, look.is_fast_rollback()) {
            State::Superseded => {}
            State::Ends | State::Held => kinds.into_iter().for_each(|kind| all.keep(look, kind)),
            State::Ended => all
                .terminate
                .extend(kinds.into_iter().filter_map(|kind| kind.named(look))),
            State::Runs => {
                let was = course.clone();
                all.step(look, canary, &was, course)?;
                all.background(look, canary, &was, course)?;
                // A person went on, and the step under way is no pause that could be over.
                let pauses = course
                    .step(canary)
                    .is_some_and(|step| matches!(step.waits_for, Wait::Pause(_)));
                if course.pauses.is_empty() && !pauses {
                    course.controller_pause = false;
                }
            }
        }
        Ok(all)
    }

    /// The run of the step under way. While there is any pause its verdict waits.
    fn step(&mut self, look: &Look<'a>, canary: &Canary<'_>, was: &Course, course: &mut Course) -> Result<(), String> {
        let kind = Kind::Step(was.index.unwrap_or(0));
        if !was.pauses.is_empty() {
            self.keep(look, kind);
            return Ok(());
        }
        let (Some(index), Some(step)) = (was.index, was.step(canary)) else {
            return Ok(());
        };
        let Wait::Analysis(analysis) = step.waits_for else {
            return Ok(());
        };
        let current = kind.named(look).filter(|run| runs::is_of_step(run, index));
        self.run(look, kind, analysis, current, true, (was, course))
    }

    /// The run beside the steps. It survives them.
    fn background(
        &mut self,
        look: &Look<'a>,
        canary: &Canary<'_>,
        was: &Course,
        course: &mut Course,
    ) -> Result<(), String> {
        let kind = Kind::Background;
        let Some(background) = canary.background else {
            return Ok(());
        };
        let early = was
            .index
            .zip(background.starting_step)
            .is_some_and(|(index, first)| index < first);
        if early {
            return Ok(());
        }
        if is_inconclusive(was) {
            self.keep(look, kind);
            return Ok(());
        }
        let current = kind.named(look);
        self.run(look, kind, background.analysis, current, true, (was, course))
    }

    /// The runs of a blue-green update. Their verdicts pause or abort the course.
    ///
    /// `active` is the hash that the active Service selects, `served` the one whose pods it leads to; `ready` tells whether
    /// the newest revision has the pods that are wanted of it before, and after the switch.
    ///
    /// # Errors
    /// Why a run that is due cannot be made.
    pub(crate) fn of_blue_green(
        look: &Look<'a>,
        meant: &BlueGreen<'_>,
        course: &mut Course,
        fast: bool,
        (active, served): (&str, &str),
        ready: (bool, bool),
    ) -> Result<Self, String> {
        let mut all = Self::default();
        let (pre, post) = (Kind::PrePromotion, Kind::PostPromotion);
        let state = State::of(look, course, fast);
        match state {
            State::Superseded => {}
            State::Ends | State::Ended | State::Held => {
                for kind in [pre, post] {
                    all.keep(look, kind);
                    all.terminate.extend(kind.named(look).filter(|_| state == State::Ended));
                }
            }
            State::Runs => {
                let new = look.revisions.new_hash;
                let was = course.clone();
                let switched = active == new;
                let protects = !served.is_empty() && served != new;
                if let Some(analysis) = meant.pre_promotion {
                    all.around(look, pre, analysis, (protects, ready.0), (&was, course))?;
                    if look.rollout.status.blue_green.active_selector == new {
                        all.terminate.extend(pre.named(look));
                    }
                }
                if let Some(analysis) = meant.post_promotion {
                    all.around(look, post, analysis, (switched, ready.1), (&was, course))?;
                }
            }
        }
        Ok(all)
    }

    /// A run around the switch: where it is not `due` it stays as it is, and it begins once the pods are `ready`.
    fn around(
        &mut self,
        look: &Look<'a>,
        kind: Kind,
        analysis: &RolloutAnalysis,
        (due, ready): (bool, bool),
        (was, course): (&Course, &mut Course),
    ) -> Result<(), String> {
        if !due && is_retried(look) {
            // What it said was of the update that was aborted.
            return Ok(());
        }
        if !due || is_inconclusive(was) {
            self.keep(look, kind);
            return Ok(());
        }
        let resumes = was.controller_pause && was.pauses.is_empty();
        self.run(look, kind, analysis, kind.named(look), ready, (was, course))?;
        if resumes && matches!(self.of(kind), Slot::New(_)) {
            // What the person ended was the pause of the run before, not that of the switch.
            course.controller_pause = false;
        }
        Ok(())
    }

    /// The run of a kind that is due: `current` with its verdict, or another one once it `may_begin`.
    fn run(
        &mut self,
        look: &Look<'a>,
        kind: Kind,
        analysis: &RolloutAnalysis,
        current: Option<&'a AnalysisRun>,
        may_begin: bool,
        (was, course): (&Course, &mut Course),
    ) -> Result<(), String> {
        let current = current.filter(|_| !is_retried(look));
        if let Some(run) = current.filter(|run| !is_resumed(look, kind, run, was)) {
            judge(look, kind, run, course);
            self.slots.push((kind, Slot::Run(run)));
            return Ok(());
        }
        if analysis.templates.is_empty() || look.revisions.new.is_none() || was.sleeps(look) {
            self.slots.push((kind, current.into()));
            return Ok(());
        }
        if !may_begin && current.is_none() {
            return Ok(());
        }
        let slot = match make::run(look, kind, analysis)? {
            Made::Found(run) => Slot::Run(run),
            Made::New(new) => Slot::New(new),
        };
        self.slots.push((kind, slot));
        Ok(())
    }

    fn keep(&mut self, look: &Look<'a>, kind: Kind) {
        self.slots.push((kind, kind.named(look).into()));
    }

    /// The run of a kind that counts; the index of the step is of no account.
    fn of(&self, kind: Kind) -> &Slot<'a> {
        let found = self.slots.iter().find(|(of, _)| of.word() == kind.word());
        found.map_or(&Slot::Empty, |(_, slot)| slot)
    }

    /// The run of the step under way.
    pub(crate) fn of_step(&self) -> &Slot<'a> {
        self.of(Kind::Step(0))
    }

    /// The run beside the steps.
    pub(crate) fn of_background(&self) -> &Slot<'a> {
        self.of(Kind::Background)
    }

    /// The run before the switch.
    pub(crate) fn before_promotion(&self) -> &Slot<'a> {
        self.of(Kind::PrePromotion)
    }

    /// The run after the switch.
    pub(crate) fn after_promotion(&self) -> &Slot<'a> {
        self.of(Kind::PostPromotion)
    }

    /// What is to be done to runs. Those that do not count end, and go when they have had their time.
    pub(crate) fn want(&self, look: &Look<'a>) -> Runs {
        let counts = |run: &AnalysisRun| {
            let mut slots = self.slots.iter().filter_map(|(_, slot)| slot.name());
            runs::is_named(look, run) || slots.any(|name| name == run.name)
        };
        let others: Vec<&AnalysisRun> = look
            .seen
            .analysis_runs
            .iter()
            .filter(|run| !run.foreign && !run.deleting && !counts(run))
            .collect();
        let past = past(look, &others);
        let gone = |run: &AnalysisRun| past.iter().any(|past| past.name == run.name);
        let end = self.terminate.iter().chain(&others);
        let end = end.filter(|run| runs::may_be_terminated(run) && !gone(run));
        let create = self.slots.iter().filter_map(|(_, slot)| match slot {
            Slot::New(new) => Some(NewAnalysisRun::clone(new)),
            Slot::Empty | Slot::Run(_) => None,
        });
        Runs {
            create: create.collect(),
            terminate: end.map(|run| runs::target_of(run)).collect(),
            delete: past.iter().map(|run| runs::target_of(run)).collect(),
        }
    }

    /// Tells of each run that counts and has another phase than the status records.
    pub(crate) fn tell(&self, look: &Look<'_>, draft: &mut Draft) {
        for (kind, slot) in &self.slots {
            let Slot::Run(run) = slot else { continue };
            let recorded = kind.recorded(look);
            let phase = run.phase;
            let other = |old: &AnalysisRunReference| old.name == run.name && old.status != phase.as_str();
            let changed = phase != Phase::Unset && recorded.is_none_or(other);
            if changed {
                let news = News::AnalysisRun {
                    of: kind.word().to_owned(),
                    name: run.name.clone(),
                    phase,
                    before: recorded.map(|old| old.status.clone()),
                };
                draft.tell(news, After::Status);
            }
        }
    }
}

/// What its verdict makes of the update.
fn judge(look: &Look<'_>, kind: Kind, run: &AnalysisRun, course: &mut Course) {
    match run.phase {
        Phase::Inconclusive if course.abort.is_none() => {
            if !is_inconclusive(course) {
                course.pauses.push(PauseCondition {
                    reason: pause::INCONCLUSIVE_ANALYSIS.to_owned(),
                    start_time: look.stamp_rounded_up(),
                });
            }
            course.controller_pause = true;
        }
        Phase::Failed | Phase::Error if course.abort.is_none() => {
            let message = if run.message.is_empty() {
                kind.failed().to_owned()
            } else {
                format!("{}: {}", kind.failed(), run.message)
            };
            course.abort_for(look, message);
        }
        Phase::Unset
        | Phase::Pending
        | Phase::Running
        | Phase::Successful
        | Phase::Inconclusive
        | Phase::Failed
        | Phase::Error => {}
    }
}

/// What was aborted is tried again, in this reconcile: the verdicts of before count no more. Of an update that goes on
/// only the status of before can still say when it was aborted.
fn is_retried(look: &Look<'_>) -> bool {
    look.rollout.status.aborted_at.is_some()
}

/// A pause for an inconclusive analysis stands.
fn is_inconclusive(course: &Course) -> bool {
    let mut pauses = course.pauses.iter();
    pauses.any(|pause| pause.reason == pause::INCONCLUSIVE_ANALYSIS)
}

/// The status said that this run was inconclusive, and a person ended the pause for it: another one is to tell.
fn is_resumed(look: &Look<'_>, kind: Kind, run: &AnalysisRun, was: &Course) -> bool {
    let said = kind
        .recorded(look)
        .is_some_and(|recorded| recorded.status == Phase::Inconclusive.as_str());
    let own = [pause::CANARY_PAUSE_STEP, pause::BLUE_GREEN_PAUSE];
    let waits = was.pauses.iter().any(|pause| own.contains(&pause.reason.as_str()));
    run.phase == Phase::Inconclusive && said && was.controller_pause && !waits
}
