//! What clients show of a rollout, as opposed to what the controller wrote: contract 02 §9 (client-side wrapper),
//! contract 03 §4 and contract 10 §4. Used by the command line, the dashboard and the generated Argo CD checks.

use crate::api::Rollout;
use crate::api::canary_step::CanaryStep;
use crate::api::rollout::CanaryStrategy;
use crate::meaning::{self, DEFAULT_MAX_WEIGHT, Strategy, weight_at};
use crate::rollout::phase;
use crate::wire;

/// Phase and message as a client must show them (contract 02 §9).
///
/// A status that does not yet speak of the last change is not repeated: the rollout is Progressing then. The third rule
/// of the contract (templates resolved from a workload) never holds for a client: that fact is not stored.
#[must_use]
pub fn phase(rollout: &Rollout) -> (&str, &str) {
    let status = &rollout.status;
    if !is_observed(rollout) {
        (
            wire::phase::PROGRESSING,
            "waiting for rollout spec update to be observed",
        )
    } else if status.controller_pause && status.pause_conditions.is_empty() {
        (wire::phase::PROGRESSING, "waiting for rollout to unpause")
    } else if status.phase.is_empty() {
        before_the_first_look(rollout)
    } else {
        (&status.phase, &status.message)
    }
}

/// What the controller would say of a rollout whose status it has never written.
fn before_the_first_look(rollout: &Rollout) -> (&'static str, &'static str) {
    let (spec, status) = (&rollout.spec, &rollout.status);
    if spec.paused {
        return (wire::phase::PAUSED, phase::MANUALLY_PAUSED);
    }
    // That a spec without a meaning is invalid is for the controller to say.
    let strategy = Strategy::of(spec).ok();
    let message = phase::why_progressing(spec, status, strategy.as_ref());
    (
        wire::phase::PROGRESSING,
        message.unwrap_or("waiting for all steps to complete"),
    )
}

/// Whether the status speaks of the last change of the spec (contract 02 §9). A value that is no number, or larger than the
/// generation, counts as observed: very old controllers wrote a hash.
#[must_use]
pub fn is_observed(rollout: &Rollout) -> bool {
    let generation = rollout.metadata.generation.unwrap_or_default();
    rollout
        .status
        .observed_generation
        .parse::<i64>()
        .map_or(true, |observed| observed >= generation)
}

/// The weight that counts as all of the traffic: 100 unless `trafficRouting.maxTrafficWeight` is set.
#[must_use]
pub fn max_weight(rollout: &Rollout) -> i32 {
    canary(rollout).map_or(DEFAULT_MAX_WEIGHT, meaning::max_weight)
}

/// The step under way: `None` where there are no steps or all are done.
#[must_use]
pub fn current_step(rollout: &Rollout) -> Option<&CanaryStep> {
    let index = current_step_index(rollout)?;
    canary(rollout)?.steps.get(index)
}

/// Index of the step under way, possibly beyond the last one: `None` where there are no steps; unset counts as 0.
#[must_use]
pub fn current_step_index(rollout: &Rollout) -> Option<usize> {
    let steps = &canary(rollout)?.steps;
    let index = rollout.status.current_step_index.unwrap_or_default();
    (!steps.is_empty()).then(|| usize::try_from(index).unwrap_or_default())
}

/// The weight that the steps ask for, not the one that is reached (contract 03 §4, `GetCurrentSetWeight`).
#[must_use]
pub fn set_weight(rollout: &Rollout) -> i32 {
    if rollout.status.abort {
        return 0;
    }
    let (Some(canary), Some(index)) = (canary(rollout), current_step_index(rollout)) else {
        return max_weight(rollout);
    };
    if index >= canary.steps.len() {
        return max_weight(rollout);
    }
    weight_at(canary.steps.iter().map(|step| step.set_weight), index)
}

fn canary(rollout: &Rollout) -> Option<&CanaryStrategy> {
    rollout.spec.strategy.canary.as_deref()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::{Value, json};

    fn rollout(value: Value) -> Rollout {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn phase_is_that_of_the_last_change() {
        let table = [
            (json!("3"), json!({}), ("Healthy", "fine")),
            (
                json!("2"),
                json!({}),
                ("Progressing", "waiting for rollout spec update to be observed"),
            ),
            (json!("4"), json!({}), ("Healthy", "fine")),
            (json!("6f7c9d"), json!({}), ("Healthy", "fine")),
            (json!(""), json!({}), ("Healthy", "fine")),
            (
                json!("3"),
                json!({"controllerPause": true}),
                ("Progressing", "waiting for rollout to unpause"),
            ),
            (
                json!("3"),
                json!({"controllerPause": true,
                    "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]}),
                ("Healthy", "fine"),
            ),
        ];
        for (observed, status, expected) in table {
            let mut object = json!({"metadata": {"generation": 3}, "status": status});
            object["status"]["observedGeneration"] = observed.clone();
            object["status"]["phase"] = json!("Healthy");
            object["status"]["message"] = json!("fine");
            assert_eq!(phase(&rollout(object)), expected, "observedGeneration {observed}");
        }
    }

    #[test]
    fn a_rollout_that_nobody_looked_at_is_progressing() {
        let table = [
            (json!({}), ("Progressing", "more replicas need to be updated")),
            (json!({"paused": true}), ("Paused", "manually paused")),
            (
                json!({"replicas": 0, "strategy": {"canary": {}}}),
                ("Progressing", "waiting for all steps to complete"),
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(phase(&rollout(json!({"spec": spec}))), expected, "{spec}");
        }
    }

    #[test]
    fn set_weight_is_the_last_one_at_or_before_the_step() {
        let steps = json!([{"pause": {}}, {"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]);
        let table = [
            (None, 0),
            (Some(0), 0),
            (Some(1), 20),
            (Some(2), 20),
            (Some(3), 60),
            (Some(4), 100),
            (Some(9), 100),
        ];
        for (index, expected) in table {
            let object = rollout(json!({
                "spec": {"strategy": {"canary": {"steps": steps}}}, "status": {"currentStepIndex": index}}));
            assert_eq!(set_weight(&object), expected, "index {index:?}");
        }
    }

    #[test]
    fn set_weight_of_aborted_stepless_and_scaled_traffic() {
        let aborted =
            json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}]}}}, "status": {"abort": true}});
        assert_eq!(set_weight(&rollout(aborted)), 0);
        assert_eq!(set_weight(&rollout(json!({"spec": {"strategy": {"canary": {}}}}))), 100);
        let routed = json!({"spec": {"strategy": {"canary": {"trafficRouting": {"maxTrafficWeight": 1000}}}}});
        assert_eq!(set_weight(&rollout(routed)), 1000);
    }
}
