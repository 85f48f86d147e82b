//! A spec that cannot be carried out: the condition, the phase, and when it is tried again (contract 01 §9, last item).

use crate::api::rollout::{CanaryStep, CanaryStrategy, RolloutStatus};
use crate::meaning::Strategy;
use crate::observed::{Observed, Refusal};
use crate::plan::draft::Draft;
use crate::plan::{Plan, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::ephemeral;
use crate::rollout::look::{Look, after_seconds, stamp};
use crate::rollout::order;
use crate::rollout::references;
use crate::rollout::report;
use crate::rollout::status;
use crate::wire::{condition, phase};
use jiff::Timestamp;

/// Seconds until an invalid spec is tried again, as upstream has it.
const RETRY_SECONDS: i64 = 20;

/// What the spec asks for, or why it cannot be carried out: the first error counts.
///
/// # Errors
/// The error, in the words of the condition.
pub(crate) fn strategy(seen: &Observed, now: Timestamp) -> Result<Strategy<'_>, String> {
    let unresolved = seen.workload_problem.as_ref();
    if let Some(error) = seen
        .undecodable
        .as_ref()
        .or(unresolved)
        .or(seen.identity.invalid.as_ref())
    {
        return Err(error.clone());
    }
    if let Some(error) = references::references(seen, now) {
        return Err(error.to_string());
    }
    if let Some(error) = not_served(seen) {
        return Err(error);
    }
    // What our validation leaves to the API server, the API server says when it refuses the ReplicaSet (decision 23).
    // After a while it is tried again: admission rules change.
    let refused = seen
        .refused_creation()
        .filter(|refused| refused.why == Refusal::Invalid && now < after_seconds(refused.at, RETRY_SECONDS));
    if let Some(refused) = refused {
        return Err(refused.message.clone());
    }
    Strategy::of(&seen.rollout.spec).map_err(|error| error.to_string())
}

/// Why the spec alone, whatever else there is, cannot be carried out; one that does not decode is another matter.
pub(crate) fn of_spec(seen: &Observed) -> Option<String> {
    let wrong = seen.workload_problem.clone().or_else(|| seen.identity.invalid.clone());
    if let Some(error) = wrong.or_else(|| not_served(seen)) {
        return Some(error);
    }
    match Strategy::of(&seen.rollout.spec) {
        Ok(strategy) => {
            let look = Look::of(seen, strategy, Timestamp::UNIX_EPOCH);
            ephemeral::problem(&look).map(|error| error.to_string())
        }
        Err(error) => Some(error.to_string()),
    }
}

/// What is said of the first field that asks for something that is not there yet.
fn not_served(seen: &Observed) -> Option<String> {
    let field = field_not_served(seen)?;
    Some(format!(
        "{field}: Forbidden: this version of Serin does not serve it yet"
    ))
}

fn field_not_served(seen: &Observed) -> Option<String> {
    let spec = &seen.rollout.spec;
    let canary = spec.strategy.canary.as_ref()?;
    not_served_of_canary(canary, Served::of(seen)).map(|field| format!("spec.strategy.canary.{field}"))
}

fn not_served_of_canary(canary: &CanaryStrategy, served: Served) -> Option<String> {
    let routed = canary.traffic_routing.is_some();
    let of_strategy = first_asked([
        (routed && !served.routers, "trafficRouting"),
        (canary.ping_pong.is_some() && !(routed && served.routers), "pingPong"),
    ]);
    let mut steps = canary.steps.iter().enumerate();
    of_strategy.map(str::to_owned).or_else(|| {
        steps.find_map(|(index, step)| not_served_of_step(step, served).map(|field| format!("steps[{index}].{field}")))
    })
}

/// What this controller serves beside what all do.
#[derive(Clone, Copy)]
struct Served {
    experiments: bool,
    plugins: bool,
    routers: bool,
}

impl Served {
    fn of(seen: &Observed) -> Self {
        Self {
            experiments: seen.experiments.is_some(),
            plugins: seen.step_plugins.is_some(),
            routers: seen.routers.is_some(),
        }
    }
}

fn not_served_of_step(step: &CanaryStep, served: Served) -> Option<&'static str> {
    first_asked([
        (step.experiment.is_some() && !served.experiments, "experiment"),
        (step.plugin.is_some() && !served.plugins, "plugin"),
    ])
}

fn first_asked<const N: usize>(fields: [(bool, &'static str); N]) -> Option<&'static str> {
    fields.into_iter().find_map(|(asked, field)| asked.then_some(field))
}

/// Says so, keeps everything as it is, and reconciles again in a while.
pub(crate) fn plan(seen: &Observed, now: Timestamp, problem: &str) -> Plan {
    let (metadata, old) = (&seen.rollout.metadata, &seen.rollout.status);
    let name = metadata.name.as_deref().unwrap_or_default();
    let mut next: RolloutStatus = old.clone();
    let message = format!("The Rollout \"{}\" is invalid: {problem}", name);
    let same = conditions::get(old, condition::INVALID_SPEC).is_some_and(|found| found.message == message);
    if !same {
        conditions::remove(&mut next, condition::INVALID_SPEC);
        let found = conditions::new(
            condition::INVALID_SPEC,
            TRUE,
            condition::INVALID_SPEC,
            message.clone(),
            &stamp(now),
        );
        conditions::set(&mut next, found);
    }
    next.observed_generation = metadata.generation.unwrap_or(0).to_string();
    if seen.workload.is_some() {
        next.workload_observed_generation = status::workload_generation(seen);
    }
    phase::DEGRADED.clone_into(&mut next.phase);
    next.message = format!("{}: {message}", condition::INVALID_SPEC);
    let mut draft = Draft::default();
    report::tell_first_seen(seen, &mut draft);
    draft.wake(Wake {
        at: after_seconds(now, RETRY_SECONDS),
        why: WakeReason::InvalidSpecRetry,
    });
    if let Some(at) = references::next_free(seen, now) {
        let why = WakeReason::ManagerStaysAway;
        draft.wake(Wake { at, why });
    }
    // Argo CD calls a rollout Progressing whose annotation speaks of another generation than its status.
    let actions = order::announce_workload(seen);
    draft.finish(actions.into_vec(), status::write(old, &next))
}
