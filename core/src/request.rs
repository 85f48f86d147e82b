//! What a person asks of a rollout, as merge patches: promote, abort, retry (contract 10 §2, §3, §8, §9; 05 §3).
//!
//! The controller's status is patched first, through the `status` subresource. Where the server has none it answers 404,
//! and one patch of the main object must say all of it. The rules are here, away from any client, because the command
//! line, the dashboard and the generated Argo CD actions follow the same ones.

use crate::api::Rollout;
use crate::view;
use serde_json::{Value, json};

/// How far a promotion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// Past the pause or step under way.
    Next,
    /// Past the step under way, whatever it is (deprecated `--skip-current-step`).
    SkipCurrentStep,
    /// Past all steps (deprecated `--skip-all-steps`).
    SkipAllSteps,
    /// To the end, without analysis, pauses and steps (`--full`).
    Full,
}

/// Merge patches of one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patches {
    /// For the `status` subresource; sent first.
    pub status: Option<Value>,
    /// For the main object; sent after `status`.
    pub spec: Option<Value>,
    /// For the main object in place of both, where the server has no `status` subresource.
    pub unified: Option<Value>,
}

/// Why a promotion makes no sense for this rollout; the text is upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromoteError {
    /// Steps are to be skipped, blue-green has none.
    #[error("Cannot skip steps of a bluegreen rollout. Run without a flags")]
    BlueGreenHasNoSteps,
    /// Steps are to be skipped, this canary has none.
    #[error("Cannot skip steps of a rollout without steps")]
    NoSteps,
}

/// The patches of a promotion (the tables of contract 10 §3, §8 and §9).
///
/// # Errors
/// Skipping steps of a rollout that has none.
pub fn promote(rollout: &Rollout, promotion: Promotion) -> Result<Patches, PromoteError> {
    match promotion {
        Promotion::Next => Ok(promote_next(rollout)),
        Promotion::SkipCurrentStep => {
            refuse_without_steps(rollout)?;
            Ok(skip_to(next_index(rollout)))
        }
        Promotion::SkipAllSteps => {
            refuse_without_steps(rollout)?;
            Ok(skip_to(Some(step_count(rollout))))
        }
        Promotion::Full => Ok(promote_full(rollout)),
    }
}

/// The patches of an abort: the same for every rollout.
#[must_use]
pub fn abort() -> Patches {
    status_only(json!({"status": {"abort": true}}))
}

/// The patches of a retry: the same for every rollout.
#[must_use]
pub fn retry() -> Patches {
    status_only(json!({"status": {"abort": false}}))
}

/// Past the pause, else past the step under way; never both (the first rule that fits).
fn promote_next(rollout: &Rollout) -> Patches {
    let status = &rollout.status;
    let paused_by_controller = !status.pause_conditions.is_empty();
    let patch = if paused_by_controller && status.controller_pause && analysis_is_inconclusive(rollout) {
        // Clearing the pause alone would leave the rollout at the same inconclusive analysis.
        next_index(rollout)
            .map(|index| json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": index}))
    } else if paused_by_controller {
        Some(json!({"pauseConditions": null}))
    } else {
        next_index(rollout).map(|index| json!({"pauseConditions": null, "currentStepIndex": index}))
    };
    // Upstream's single patch for old servers never carries controllerPause.
    let mut unified = json!({"spec": {"paused": false}, "status": {"pauseConditions": null}});
    if let (false, Some(index)) = (paused_by_controller, next_index(rollout)) {
        unified["status"]["currentStepIndex"] = json!(index);
    }
    Patches {
        status: patch.map(|patch| json!({"status": patch})),
        spec: unpause(rollout),
        unified: Some(unified),
    }
}

fn promote_full(rollout: &Rollout) -> Patches {
    let updating = rollout.status.current_pod_hash != rollout.status.stable_rs;
    Patches {
        status: updating.then(|| json!({"status": {"promoteFull": true}})),
        spec: unpause(rollout),
        unified: Some(json!({"spec": {"paused": false}, "status": {"promoteFull": true}})),
    }
}

fn skip_to(index: Option<usize>) -> Patches {
    index.map_or_else(Patches::default, |index| {
        status_only(json!({"status": {"currentStepIndex": index}}))
    })
}

/// A request that touches the status only says the same to servers without the subresource.
fn status_only(patch: Value) -> Patches {
    Patches {
        status: Some(patch.clone()),
        spec: None,
        unified: Some(patch),
    }
}

fn unpause(rollout: &Rollout) -> Option<Value> {
    rollout.spec.paused.then(|| json!({"spec": {"paused": false}}))
}

fn refuse_without_steps(rollout: &Rollout) -> Result<(), PromoteError> {
    if rollout.spec.strategy.blue_green.is_some() {
        Err(PromoteError::BlueGreenHasNoSteps)
    } else if step_count(rollout) == 0 {
        Err(PromoteError::NoSteps)
    } else {
        Ok(())
    }
}

fn analysis_is_inconclusive(rollout: &Rollout) -> bool {
    let run = rollout.status.canary.current_step_analysis_run_status.as_deref();
    rollout.spec.strategy.canary.is_some() && run.is_some_and(|run| run.status == "Inconclusive")
}

/// The step after the one under way, at most the number of steps; `None` without steps.
fn next_index(rollout: &Rollout) -> Option<usize> {
    let index = view::current_step_index(rollout)?;
    let count = step_count(rollout);
    // An index beyond the end stays as it is: steps may have been cut meanwhile (contract 10 §9).
    Some(if index < count { index + 1 } else { index })
}

fn step_count(rollout: &Rollout) -> usize {
    rollout
        .spec
        .strategy
        .canary
        .as_deref()
        .map_or(0, |canary| canary.steps.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    #![allow(clippy::needless_pass_by_value, reason = "JSON literals read best as arguments")]

    use super::*;

    /// A rollout in the middle of an update, changed by a merge of `change`.
    fn rollout(strategy: Value, spec: Value, status: Value) -> Rollout {
        let mut object = json!({"spec": spec, "status": status});
        object["spec"]["strategy"] = strategy;
        for (name, value) in [("currentPodHash", "new"), ("stableRS", "old")] {
            if object["status"].get(name).is_none() {
                object["status"][name] = json!(value);
            }
        }
        serde_json::from_value(object).unwrap()
    }

    fn three_steps() -> Value {
        json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]}})
    }

    fn conditions() -> Value {
        json!([{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}])
    }

    fn unpaused() -> Option<Value> {
        Some(json!({"spec": {"paused": false}}))
    }

    #[track_caller]
    fn check(rollout: &Rollout, promotion: Promotion, status: Option<Value>, spec: Option<Value>) {
        let patches = promote(rollout, promotion).unwrap();
        assert_eq!(
            patches.status,
            status.map(|status| json!({"status": status})),
            "status patch"
        );
        assert_eq!(patches.spec, spec, "spec patch");
    }

    #[test]
    fn next_without_conditions_moves_the_index_to_the_end_at_most() {
        for (index, next) in [(None, 1), (Some(0), 1), (Some(2), 3), (Some(3), 3)] {
            let seen = rollout(three_steps(), json!({}), json!({"currentStepIndex": index}));
            check(
                &seen,
                Promotion::Next,
                Some(json!({"pauseConditions": null, "currentStepIndex": next})),
                None,
            );
        }
    }

    #[test]
    fn next_at_a_pause_clears_the_conditions_only() {
        let status = json!({"currentStepIndex": 1, "controllerPause": true, "pauseConditions": conditions()});
        let seen = rollout(three_steps(), json!({}), status.clone());
        check(&seen, Promotion::Next, Some(json!({"pauseConditions": null})), None);
        let paused = rollout(three_steps(), json!({"paused": true}), status);
        check(
            &paused,
            Promotion::Next,
            Some(json!({"pauseConditions": null})),
            unpaused(),
        );
    }

    #[test]
    fn next_after_an_inconclusive_analysis_passes_the_step() {
        let status = json!({"currentStepIndex": 1, "controllerPause": true, "pauseConditions": conditions(),
            "canary": {"currentStepAnalysisRunStatus": {"name": "run", "status": "Inconclusive"}}});
        let seen = rollout(three_steps(), json!({}), status);
        let expected = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2});
        check(&seen, Promotion::Next, Some(expected), None);
    }

    #[test]
    fn next_has_nothing_to_send_without_steps_and_conditions() {
        let blue_green = json!({"blueGreen": {"activeService": "active"}});
        check(
            &rollout(blue_green.clone(), json!({}), json!({})),
            Promotion::Next,
            None,
            None,
        );
        check(
            &rollout(blue_green, json!({"paused": true}), json!({})),
            Promotion::Next,
            None,
            unpaused(),
        );
        check(
            &rollout(json!({"canary": {}}), json!({}), json!({})),
            Promotion::Next,
            None,
            None,
        );
    }

    #[test]
    fn skip_flags_set_the_index_and_leave_the_conditions() {
        let table = [(0, 1, 3), (2, 3, 3), (3, 3, 3)];
        for (index, current, all) in table {
            let status = json!({"currentStepIndex": index, "pauseConditions": conditions()});
            let seen = rollout(three_steps(), json!({"paused": true}), status);
            check(
                &seen,
                Promotion::SkipCurrentStep,
                Some(json!({"currentStepIndex": current})),
                None,
            );
            check(
                &seen,
                Promotion::SkipAllSteps,
                Some(json!({"currentStepIndex": all})),
                None,
            );
        }
    }

    #[test]
    fn skip_flags_need_steps() {
        let blue_green = rollout(json!({"blueGreen": {"activeService": "active"}}), json!({}), json!({}));
        let stepless = rollout(json!({"canary": {}}), json!({}), json!({}));
        for promotion in [Promotion::SkipCurrentStep, Promotion::SkipAllSteps] {
            assert_eq!(promote(&blue_green, promotion), Err(PromoteError::BlueGreenHasNoSteps));
            assert_eq!(promote(&stepless, promotion), Err(PromoteError::NoSteps));
        }
    }

    #[test]
    fn full_asks_only_where_an_update_is_under_way() {
        let updating = json!({});
        let settled = json!({"currentPodHash": "same", "stableRS": "same"});
        check(
            &rollout(three_steps(), json!({}), updating.clone()),
            Promotion::Full,
            Some(json!({"promoteFull": true})),
            None,
        );
        check(
            &rollout(three_steps(), json!({"paused": true}), updating),
            Promotion::Full,
            Some(json!({"promoteFull": true})),
            unpaused(),
        );
        check(&rollout(three_steps(), json!({}), settled), Promotion::Full, None, None);
    }

    #[test]
    fn one_patch_for_servers_without_the_status_subresource() {
        let seen = rollout(three_steps(), json!({"paused": true}), json!({"currentStepIndex": 0}));
        let unified = |promotion| promote(&seen, promotion).unwrap().unified.unwrap();
        let next = json!({"spec": {"paused": false}, "status": {"pauseConditions": null, "currentStepIndex": 1}});
        assert_eq!(unified(Promotion::Next), next);
        let full = json!({"spec": {"paused": false}, "status": {"promoteFull": true}});
        assert_eq!(unified(Promotion::Full), full);
        assert_eq!(
            unified(Promotion::SkipCurrentStep),
            json!({"status": {"currentStepIndex": 1}})
        );
        assert_eq!(abort().unified, abort().status);
        assert_eq!(retry().unified, Some(json!({"status": {"abort": false}})));
    }
}
