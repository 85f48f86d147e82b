//! What a person asks of a resource, as merge patches: promote, abort, retry and so on (contract 10 §2, §3, §8, §9; 05 §3).
//!
//! What each of them changes is data in [`crate::hooks`], from which the Argo CD actions are generated, too; here are the
//! ways in for the command line and the dashboard, and what these refuse.

use crate::api::Rollout;
pub use crate::hooks::Patches;
use crate::hooks::{self, Action, Door, Options};
use jiff::Timestamp;
use serde_json::Value;

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
    let name = match promotion {
        Promotion::Next => "promote",
        Promotion::SkipCurrentStep => "skip-current-step",
        Promotion::SkipAllSteps => "skip-all-steps",
        Promotion::Full => "promote-full",
    };
    if matches!(promotion, Promotion::SkipCurrentStep | Promotion::SkipAllSteps) {
        refuse_without_steps(rollout)?;
    }
    // No promotion says a time.
    Ok(ask("Rollout", name, &as_json(rollout), Timestamp::UNIX_EPOCH))
}

/// The patches of an abort: the same for every rollout.
#[must_use]
pub fn abort() -> Patches {
    unseen("Rollout", "abort")
}

/// The patches of a retry: the same for every rollout.
#[must_use]
pub fn retry() -> Patches {
    unseen("Rollout", "retry")
}

/// The patches of a person's pause: the same for every rollout.
#[must_use]
pub fn pause() -> Patches {
    unseen("Rollout", "pause")
}

/// The patches of a restart of all pods from `at` on: the same for every rollout.
#[must_use]
pub fn restart(at: Timestamp) -> Patches {
    ask("Rollout", "restart", &Value::Null, at)
}

/// The patches that end an `AnalysisRun` or `Experiment`: the same for each of them.
#[must_use]
pub fn terminate(kind: &str) -> Patches {
    unseen(kind, "terminate")
}

/// What is asked for without a look at the object.
fn unseen(kind: &str, name: &str) -> Patches {
    ask(kind, name, &Value::Null, Timestamp::UNIX_EPOCH)
}

/// Nothing where the kind has no such action.
fn ask(kind: &str, name: &str, object: &Value, now: Timestamp) -> Patches {
    let every = Options {
        extras: true,
        ..Options::default()
    };
    let kinds = hooks::all(&every);
    let rules = kinds.iter().find(|rules| rules.kind == kind);
    rules
        .and_then(|rules| rules.action(name))
        .map(|action| by_command_line(action, object, now))
        .unwrap_or_default()
}

/// What the command line sends for an action.
#[must_use]
pub fn by_command_line(action: &Action, object: &Value, now: Timestamp) -> Patches {
    action.patches(object, Door::CommandLine, now)
}

/// A type of ours always has a JSON form; null, below which nothing is found, stands in for one that had not.
fn as_json(rollout: &Rollout) -> Value {
    serde_json::to_value(rollout).unwrap_or_default()
}

fn refuse_without_steps(rollout: &Rollout) -> Result<(), PromoteError> {
    let strategy = &rollout.spec.strategy;
    let steps = strategy.canary.as_deref().map_or(0, |canary| canary.steps.len());
    if strategy.blue_green.is_some() {
        Err(PromoteError::BlueGreenHasNoSteps)
    } else if steps == 0 {
        Err(PromoteError::NoSteps)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    #![allow(clippy::needless_pass_by_value, reason = "JSON literals read best as arguments")]

    use super::*;
    use serde_json::json;

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
