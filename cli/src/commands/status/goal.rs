//! What `status --until` waits for, beyond upstream.

use serin_core::api::Rollout;
use serin_core::rollout::view;
use serin_core::wire::phase;
use std::fmt;

/// A state to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The update has ended well.
    Healthy,
    /// The rollout waits for a person or a time.
    Paused,
    /// So many steps are done, as `get rollout` counts them.
    Step(usize),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Paused => f.write_str("paused"),
            Self::Step(steps) => write!(f, "step={steps}"),
        }
    }
}

/// Reads `healthy`, `paused` or `step=N`.
///
/// # Errors
/// What it must be.
pub(super) fn parse(text: &str) -> Result<Goal, String> {
    let steps = text.strip_prefix("step=").and_then(|steps| steps.parse().ok());
    match (text, steps) {
        ("healthy", _) => Ok(Goal::Healthy),
        ("paused", _) => Ok(Goal::Paused),
        (_, Some(steps)) => Ok(Goal::Step(steps)),
        (_, None) => Err("it must be healthy, paused or step=N".to_owned()),
    }
}

/// How a rollout stands to its goals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// One is reached.
    Reached,
    /// The update goes on.
    Waiting,
    /// The update has failed, or was aborted.
    Degraded,
    /// The update has ended well and reached none of them.
    Missed,
    /// None of them can be reached, and why.
    Impossible(String),
}

/// Compares a rollout with the goals, of which one is enough. A status that does not yet speak of the last change of the
/// spec reaches none.
pub(super) fn standing(goals: &[Goal], rollout: &Rollout) -> Standing {
    let (now, _) = view::phase(rollout);
    if goals.iter().any(|goal| is_reached(*goal, rollout, now)) {
        return Standing::Reached;
    }
    let obstacles: Vec<_> = goals.iter().filter_map(|goal| obstacle(*goal, rollout)).collect();
    match now {
        phase::DEGRADED => Standing::Degraded,
        _ if obstacles.len() == goals.len() => Standing::Impossible(obstacles.join("; ")),
        phase::HEALTHY => Standing::Missed,
        _ => Standing::Waiting,
    }
}

fn is_reached(goal: Goal, rollout: &Rollout, now: &str) -> bool {
    match goal {
        Goal::Healthy => now == phase::HEALTHY,
        Goal::Paused => now == phase::PAUSED,
        Goal::Step(steps) => {
            let done = view::current_step_index(rollout).is_some_and(|index| index >= steps);
            let goes_on = now != phase::DEGRADED && !rollout.status.abort;
            done && goes_on && view::is_observed(rollout) && obstacle(goal, rollout).is_none()
        }
    }
}

/// Why a goal can never be reached.
fn obstacle(goal: Goal, rollout: &Rollout) -> Option<String> {
    let Goal::Step(wanted) = goal else { return None };
    let canary = rollout.spec.strategy.canary.as_ref();
    match canary.map_or(0, |canary| canary.steps.len()) {
        0 => Some(format!("{goal} is never reached: the rollout has no steps")),
        count if wanted > count => Some(format!("{goal} is never reached: the rollout has {count} steps")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::{Value, json};

    fn rollout(steps: usize, status: &Value) -> Rollout {
        let steps = vec![json!({"setWeight": 20}); steps];
        serde_json::from_value(json!({"metadata": {"generation": 2},
            "spec": {"strategy": {"canary": {"steps": steps}}}, "status": status}))
        .unwrap()
    }

    #[test]
    fn goals_are_words() {
        for (text, goal) in [
            ("healthy", Some(Goal::Healthy)),
            ("paused", Some(Goal::Paused)),
            ("step=3", Some(Goal::Step(3))),
            ("step=-1", None),
            ("step=", None),
            ("Healthy", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok(), goal, "{text}");
            assert!(goal.is_none_or(|goal| goal.to_string() == text), "{text}");
        }
    }

    #[test]
    fn one_goal_is_enough() {
        let status = |phase: &str, observed: &str, index: usize| json!({"phase": phase, "observedGeneration": observed, "currentStepIndex": index});
        let table: [(&[Goal], Value, Standing); 13] = [
            (&[Goal::Healthy], status("Healthy", "2", 4), Standing::Reached),
            (&[Goal::Healthy], status("Healthy", "1", 4), Standing::Waiting),
            (&[Goal::Healthy], status("Paused", "2", 1), Standing::Waiting),
            (&[Goal::Paused], status("Paused", "2", 1), Standing::Reached),
            (&[Goal::Paused], status("Paused", "1", 1), Standing::Waiting),
            (&[Goal::Paused], status("Healthy", "2", 4), Standing::Missed),
            (
                &[Goal::Paused, Goal::Healthy],
                status("Healthy", "2", 4),
                Standing::Reached,
            ),
            (&[Goal::Paused], status("Degraded", "2", 0), Standing::Degraded),
            (&[Goal::Step(2)], status("Progressing", "2", 1), Standing::Waiting),
            (&[Goal::Step(2)], status("Progressing", "2", 2), Standing::Reached),
            (&[Goal::Step(2)], status("Paused", "2", 3), Standing::Reached),
            (&[Goal::Step(2)], status("Progressing", "1", 4), Standing::Waiting),
            (
                &[Goal::Step(9), Goal::Paused],
                status("Progressing", "2", 3),
                Standing::Waiting,
            ),
        ];
        for (goals, status, expected) in table {
            assert_eq!(standing(goals, &rollout(4, &status)), expected, "{goals:?} {status}");
        }
        let aborted = json!({"phase": "Degraded", "observedGeneration": "2", "abort": true, "currentStepIndex": 3});
        assert_eq!(standing(&[Goal::Step(1)], &rollout(4, &aborted)), Standing::Degraded);
    }

    #[test]
    fn a_step_that_there_is_not_is_never_reached() {
        let progressing = json!({"phase": "Progressing", "observedGeneration": "2"});
        for (steps, why) in [
            (4, "step=9 is never reached: the rollout has 4 steps"),
            (0, "step=9 is never reached: the rollout has no steps"),
        ] {
            let standing = standing(&[Goal::Step(9)], &rollout(steps, &progressing));
            assert_eq!(standing, Standing::Impossible(why.to_owned()));
        }
    }
}
