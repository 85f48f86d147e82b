//! Canary: steps, weight, sizes (contract 03). Where routers carry the weight, [`traffic`](crate::rollout::traffic) says what
//! is wanted of pods and Services; the steps are the same.

pub mod paused;
pub mod scale;
mod services;
mod sizes;
mod update;

use crate::api::rollout::RolloutStatus;
use crate::meaning::Canary;
use crate::plan::Plan;
use crate::plan::draft::Draft;
use crate::rollout::analysis::Analysis;
use crate::rollout::conditions::{self, Facts};
use crate::rollout::experiment::Experiments;
use crate::rollout::invalid;
use crate::rollout::look::{Change, Look};
use crate::rollout::order;
use crate::rollout::report;
use crate::rollout::status;
use crate::rollout::status::Counts;
use crate::rollout::step_plugin::StepPlugins;
use crate::rollout::traffic::Traffic;
use crate::rollout::update::Course;
use update::{Carrier, Verdicts};
pub(crate) use update::{at_desired_counts, never_served};

/// What happens next to a canary.
pub(crate) fn decide(look: &Look<'_>, canary: &Canary<'_>) -> Plan {
    let mut draft = Draft::default();
    let mut course = Course::of_canary(look, canary, &mut draft);
    let experiments = match Experiments::of(look, canary, &mut course) {
        Ok(experiments) => experiments,
        Err(problem) => return invalid::plan(look.seen, look.now, &problem),
    };
    let analysis = match Analysis::of_canary(look, canary, &mut course) {
        Ok(analysis) => analysis,
        Err(problem) => return invalid::plan(look.seen, look.now, &problem),
    };
    analysis.tell(look, &mut draft);
    let plugins = StepPlugins::of(look, canary, &mut course, &mut draft);
    let traffic = Traffic::of(look, canary, &course, &experiments);
    if let Some(traffic) = traffic.as_ref().filter(|traffic| traffic.is_unread()) {
        // What the course tells is told when it is recorded.
        let mut draft = Draft::default();
        traffic.wait(look, &mut draft);
        return draft.finish(Vec::new(), None);
    }
    let input = sizes::input(look, canary, &course);
    let (mut want, carrier) = match &traffic {
        Some(traffic) => (traffic.want(look, canary, &course), Carrier::Traffic(traffic)),
        None => (sizes::want(look, canary, &input, &course), Carrier::Pods(&input)),
    };
    want.runs = analysis.want(look);
    want.experiments = experiments.want(look);
    let actions = order::carry_out(look, &want, &mut draft);
    let index = course.index;
    let verdicts = Verdicts {
        analysis: analysis.of_step().is_successful(),
        experiment: experiments.is_successful(),
        plugin: plugins.is_done(),
    };
    course.advance(look, canary, carrier, verdicts, actions.resize(), &mut draft);
    let counts = Counts::of_all(look);
    let mut next = status::base(look, &course, counts);
    // What belongs to a step that is done counts no more.
    let step = analysis.of_step().reference().filter(|_| course.index == index);
    if course.index == index {
        experiments.name().clone_into(&mut next.canary.current_experiment);
    }
    next.canary.current_step_analysis_run_status = step;
    next.canary.current_background_analysis_run_status = analysis.of_background().reference();
    if let Some(traffic) = &traffic {
        traffic.record(look, canary, &course, &mut next, &mut draft);
        traffic.wait(look, &mut draft);
    }
    let takes_back = plugins.takes_back();
    next.canary.step_plugin_statuses = plugins.into_statuses();
    let mut facts = Facts {
        takes_back,
        ..facts(look, canary, &course, counts, &next)
    };
    // Nobody is to go on because of a phase that the traffic has not reached (contract 11 B10).
    facts.healthy &= traffic.is_none_or(|traffic| traffic.is_at_rest(look));
    report::finish(look, next, &facts, actions, draft)
}

/// What the conditions of a canary depend on.
fn facts<'c>(
    look: &Look<'_>,
    canary: &Canary<'_>,
    course: &'c Course,
    counts: Counts,
    next: &RolloutStatus,
) -> Facts<'c> {
    let old = &look.rollout.status;
    let stepped = next.current_step_index.is_some()
        && old.current_step_index.is_some()
        && next.current_step_index != old.current_step_index;
    let restepped = next.current_step_hash != old.current_step_hash;
    let moved = next.stable_rs != old.stable_rs || stepped || restepped || counts.progressed(old);
    Facts {
        healthy: is_healthy(look, canary, next),
        progressed: moved || look.change != Change::Nothing,
        available: next.available_replicas >= look.replicas,
        clock_stopped: course.canary_stops_clock(look, canary),
        ..report::facts(look, course)
    }
}

/// Contract 02 §8, `RolloutHealthy`; the generation counts as observed because this reconcile observes it.
fn is_healthy(look: &Look<'_>, canary: &Canary<'_>, next: &RolloutStatus) -> bool {
    let steps_done = next
        .current_step_index
        .is_none_or(|index| usize::try_from(index) == Ok(canary.steps.len()));
    let all = look.replicas;
    let alone = canary.routed || next.replicas == all;
    next.updated_replicas == all
        && (next.available_replicas == all || (canary.routed && next.available_replicas > all))
        && alone
        && steps_done
        && conditions::is_completed(next)
        && look.revisions.new.is_some_and(|set| set.replicas == all)
}
