//! AnalysisRuns and templates, and an engine that measures nothing: runs begin at once, and end as a test says.

use super::act::Wrote;
use super::{World, note};
use jiff::Timestamp;
use serde_json::Value;
use serin_core::Observed;
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::observed::{AnalysisRun, Template};
use serin_core::plan::{Action, AnalysisRunAction, NewAnalysisRun, News, Plan, Target};
use serin_core::wire::analysis::{Phase, RUN_TERMINATED};
use serin_core::wire::{HASH_LABEL, ROLLOUT_TYPE, STEP_INDEX};
use std::collections::BTreeSet;

/// An AnalysisRun as the API server has it.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the API server has.
    pub object: AnalysisRun,
    /// What the controller created.
    pub made: NewAnalysisRun,
    /// It ended because it was asked to: what it says is no verdict.
    pub cut_short: bool,
    /// When it ends, and how.
    ends: Option<(Timestamp, Phase)>,
}

/// How long runs take and how they end where nobody says so; for ever, by default.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// Seconds that a run takes, at most.
    pub within: i64,
    /// How runs end: one of these, by chance.
    pub phases: Vec<Option<Phase>>,
}

impl World {
    /// Somebody creates a template, or changes it.
    ///
    /// # Errors
    /// The spec is none of a template.
    pub fn create_template(&mut self, name: &str, cluster: bool, spec: &Value) -> Result<(), serde_json::Error> {
        let spec: AnalysisTemplateSpec = serde_json::from_value(spec.clone())?;
        let of = if cluster {
            &mut self.templates.cluster
        } else {
            &mut self.templates.namespaced
        };
        of.insert(name.to_owned(), Template::from(spec));
        note!(self, "template {name}");
        Ok(())
    }

    /// Somebody deletes a template.
    pub fn delete_template(&mut self, name: &str) {
        self.templates.namespaced.remove(name);
        self.templates.cluster.remove(name);
        note!(self, "no template {name} any more");
    }

    /// Position of a run.
    pub fn find_run(&self, name: &str) -> Option<usize> {
        self.runs.iter().position(|run| run.object.name == name)
    }

    /// A run ends, or goes on, with this to say.
    pub fn end_run(&mut self, index: usize, phase: Phase, message: &str) {
        let old = self.runs[index].object.clone();
        let version = self.version();
        let run = &mut self.runs[index].object;
        run.phase = phase;
        message.clone_into(&mut run.message);
        run.resource_version = version;
        note!(self, "run {} is {}: {message}", old.name, phase.as_str());
        self.lag_run(old);
    }

    /// A person asks a run to end, or deletes it.
    pub fn terminate_by_hand(&mut self, index: usize) {
        let version = self.version();
        let run = &mut self.runs[index].object;
        run.spec.terminate = true;
        run.resource_version = version;
    }

    /// Lets runs begin and end.
    pub(super) fn run_engine(&mut self) {
        for index in 0..self.runs.len() {
            let run = &self.runs[index];
            let due = run.ends.filter(|(at, _)| *at <= self.now);
            if run.object.is_completed() {
                continue;
            }
            if run.object.spec.terminate {
                self.runs[index].cut_short = true;
                self.end_run(index, Phase::Successful, RUN_TERMINATED);
            } else if let Some((_, phase)) = due {
                self.end_run(index, phase, "");
            } else if run.object.phase == Phase::Unset {
                self.end_run(index, Phase::Running, "");
            }
        }
    }

    /// When a run next ends by itself.
    pub(super) fn run_ends(&self) -> impl Iterator<Item = Timestamp> {
        let unfinished = self.runs.iter().filter(|run| !run.object.is_completed());
        unfinished.filter_map(|run| run.ends.map(|(at, _)| at))
    }

    pub(super) fn write_run(&mut self, action: &AnalysisRunAction) -> Wrote {
        match action {
            AnalysisRunAction::Create(new) => self.create_run(new),
            AnalysisRunAction::Terminate(target) => match self.run_in_version(target) {
                Ok(None) => Wrote::Done,
                Ok(Some(index)) => {
                    note!(self, "terminate run {}", target.name);
                    self.terminate_by_hand(index);
                    self.seen_own(&target.uid);
                    Wrote::Done
                }
                Err(conflict) => conflict,
            },
            AnalysisRunAction::Delete(target) => match self.run_in_version(target) {
                Ok(None) => Wrote::Done,
                Ok(Some(index)) => {
                    note!(self, "delete run {}", target.name);
                    self.runs.remove(index);
                    Wrote::Done
                }
                Err(conflict) => conflict,
            },
        }
    }

    fn create_run(&mut self, new: &NewAnalysisRun) -> Wrote {
        if self.find_run(&new.name).is_some() {
            return Wrote::Conflict;
        }
        note!(self, "create run {}", new.name);
        let object = AnalysisRun {
            name: new.name.clone(),
            uid: format!("uid-{}", self.version()),
            resource_version: self.version(),
            created: self.now,
            labels: new.labels.clone(),
            spec: new.spec.clone(),
            ..AnalysisRun::default()
        };
        let Verdicts { within, phases } = self.verdicts.clone();
        let ends = if phases.is_empty() {
            None
        } else {
            let seconds = self.rng.up_to(within);
            let phase = *self.rng.pick(&phases);
            phase.map(|phase| (self.after(seconds), phase))
        };
        self.runs.push(Run {
            object,
            made: new.clone(),
            cut_short: false,
            ends,
        });
        Wrote::Done
    }

    /// Invariant 6: a step of analysis is passed, and a blue-green update promoted, only where a run said that all is well,
    /// and not because it was asked to end.
    pub(super) fn check_verdicts(&mut self, seen: &Observed, plan: &Plan) {
        let hash = seen
            .replica_sets
            .iter()
            .map(|set| (set.revision(), set.hash()))
            .max()
            .map_or("", |(_, hash)| hash);
        let said = |of: &str, step: Option<usize>| {
            let step = step.map(|step| step.to_string());
            self.runs.iter().any(|run| {
                let labels = &run.object.labels;
                run.object.is_successful()
                    && !run.cut_short
                    && labels.get(ROLLOUT_TYPE).is_some_and(|label| label == of)
                    && labels.get(HASH_LABEL).is_some_and(|label| label == hash)
                    && step.as_ref().is_none_or(|step| labels.get(STEP_INDEX) == Some(step))
            })
        };
        let blue_green = seen.rollout.spec.strategy.blue_green.as_ref();
        let active = blue_green.and_then(|of| seen.services.get(&of.active_service)?.as_ref());
        match active.map(|active| active.selector.get(HASH_LABEL)) {
            Some(None) => {
                let switches = |action: &Action| match action {
                    Action::Service(patch) if blue_green.is_some_and(|of| of.active_service == patch.target.name) => {
                        patch.hash.clone()
                    }
                    _ => None,
                };
                // The revision may be made by this very plan.
                let to = plan.actions.iter().find_map(switches);
                self.unmeasured = Some(to.unwrap_or_else(|| hash.to_owned()));
            }
            Some(Some(selected)) if selected != hash => self.unmeasured = None,
            Some(Some(_)) | None => {}
        }
        let is_measured = self.unmeasured.as_deref() != Some(hash);
        let before = blue_green.is_some_and(|of| of.pre_promotion_analysis.is_some());
        let after = blue_green.is_some_and(|of| of.post_promotion_analysis.is_some());
        let mut wrong = Vec::new();
        for event in &plan.events {
            match &event.news {
                News::StepCompleted { step, words, .. } if words == "analysis" && !said("Step", Some(step - 1)) => {
                    wrong.push(format!("6: step {step} is passed without a verdict"));
                }
                News::Completed { why, .. } if why == "Completed blue-green update" => {
                    if before && is_measured && !said("PrePromotion", None) {
                        wrong.push("6: promoted without the verdict before the switch".to_owned());
                    }
                    if after && !said("PostPromotion", None) {
                        wrong.push("6: promoted without the verdict after the switch".to_owned());
                    }
                }
                _ => {}
            }
        }
        wrong.into_iter().for_each(|rule| self.break_rule(rule));
    }

    /// At rest no run measures that nobody waits for, and no two of a kind.
    pub fn check_runs_at_rest(&mut self) {
        let rollout = self.decoded();
        let over = rollout.status.abort || rollout.status.stable_rs == rollout.status.current_pod_hash;
        let mut kinds = BTreeSet::new();
        let mut wrong = Vec::new();
        for run in self.runs.iter().filter(|run| !run.object.is_completed()) {
            let kind = run.object.labels.get(ROLLOUT_TYPE);
            if over && !run.object.spec.terminate {
                wrong.push(format!(
                    "run {} still measures, and nobody waits for it",
                    run.object.name
                ));
            }
            if !run.object.spec.terminate && !kinds.insert(kind) {
                wrong.push(format!("two runs of {kind:?} measure"));
            }
        }
        wrong.into_iter().for_each(|rule| self.break_rule(rule));
    }

    /// The run in the version decided upon; none where it is gone.
    fn run_in_version(&self, target: &Target) -> Result<Option<usize>, Wrote> {
        let found = self.runs.iter().position(|run| run.object.uid == target.uid);
        match found {
            Some(index) if self.runs[index].object.resource_version != target.resource_version => Err(Wrote::Conflict),
            found => Ok(found),
        }
    }
}
