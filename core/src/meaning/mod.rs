//! The spec as meant: defaults applied, one strategy, one meaning per step.

mod fenceposts;
mod step;

pub use fenceposts::{Fenceposts, fenceposts, restart_unavailable};
pub use step::{PauseLength, Step, describe, pause_duration};

use crate::api::rollout::{BlueGreenStrategy, CanaryStep, CanaryStrategy, RolloutSpec};

/// What counts as all of the traffic where the spec does not say (contract 01 §2).
pub const DEFAULT_MAX_WEIGHT: i32 = 100;

/// The one strategy of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// Steps of weight.
    Canary(Canary),
    /// Two full sets of pods and a switch of Services.
    BlueGreen(BlueGreen),
}

/// Why a spec has no meaning; validation (contract 01 §8) reports the same in its own words before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeaningError {
    /// Neither canary nor blue-green.
    #[error("no strategy is given")]
    NoStrategy,
    /// Canary and blue-green.
    #[error("two strategies are given")]
    TwoStrategies,
    /// A canary step without content, by its index.
    #[error("step {0} is empty")]
    EmptyStep(usize),
}

impl Strategy {
    /// The strategy of a spec.
    ///
    /// # Errors
    /// Not exactly one strategy, or a canary step without content.
    pub fn of(spec: &RolloutSpec) -> Result<Self, MeaningError> {
        match (&spec.strategy.canary, &spec.strategy.blue_green) {
            (None, None) => Err(MeaningError::NoStrategy),
            (Some(_), Some(_)) => Err(MeaningError::TwoStrategies),
            (Some(canary), None) => Canary::of(canary).map(Self::Canary),
            (None, Some(blue_green)) => Ok(Self::BlueGreen(BlueGreen::of(blue_green))),
        }
    }
}

/// How long the new pods stay after an abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortDelay {
    /// For ever: `abortScaleDownDelaySeconds: 0` (decision 10).
    Keep,
    /// Seconds.
    Seconds(i32),
}

/// A canary with its defaults applied. Fields that have no default are read from the strategy as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// What counts as all of the traffic.
    pub max_weight: i32,
    /// Whether routers carry the weight; otherwise the number of pods does.
    pub routed: bool,
    /// Seconds the old pods stay after the traffic has moved.
    pub scale_down_delay_seconds: i32,
    /// How long the canary pods stay after an abort.
    pub abort_delay: AbortDelay,
}

impl Canary {
    /// A canary as meant.
    ///
    /// # Errors
    /// A step without content.
    pub fn of(written: &CanaryStrategy) -> Result<Self, MeaningError> {
        let step = |(index, step)| Step::of(step).ok_or(MeaningError::EmptyStep(index));
        let routed = written.traffic_routing.is_some();
        // Without routers the pods are the weight: nothing of the old revision may linger (contract 01 §2, §7).
        let delay = |seconds: Option<i32>| if routed { seconds.unwrap_or(30) } else { 0 };
        Ok(Self {
            steps: written.steps.iter().enumerate().map(step).collect::<Result<_, _>>()?,
            max_weight: max_weight(written),
            routed,
            scale_down_delay_seconds: delay(written.scale_down_delay_seconds),
            abort_delay: match written.abort_scale_down_delay_seconds {
                Some(0) if routed => AbortDelay::Keep,
                seconds => AbortDelay::Seconds(delay(seconds)),
            },
        })
    }
}

/// Blue-green with its defaults applied. Fields that have no default are read from the strategy as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueGreen {
    /// Whether the switch comes without a person.
    pub auto_promotion: bool,
    /// Seconds the old pods stay after the switch.
    pub scale_down_delay_seconds: i32,
    /// How long the new pods stay after an abort.
    pub abort_delay: AbortDelay,
}

impl BlueGreen {
    /// Blue-green as meant.
    #[must_use]
    pub fn of(written: &BlueGreenStrategy) -> Self {
        Self {
            auto_promotion: written.auto_promotion_enabled.unwrap_or(true),
            scale_down_delay_seconds: written.scale_down_delay_seconds.unwrap_or(30),
            abort_delay: match written.abort_scale_down_delay_seconds {
                Some(0) => AbortDelay::Keep,
                seconds => AbortDelay::Seconds(seconds.unwrap_or(30)),
            },
        }
    }
}

/// What counts as all of the traffic. 0 and negative values are used as they are (contract 11 §E, "Steps").
#[must_use]
pub fn max_weight(canary: &CanaryStrategy) -> i32 {
    canary
        .traffic_routing
        .as_ref()
        .and_then(|routing| routing.max_traffic_weight)
        .unwrap_or(DEFAULT_MAX_WEIGHT)
}

/// The weight that the steps up to and including `index` have set: the last `setWeight` among them, else 0
/// (contract 03 §4). A `setWeight` beside another type in one step counts too.
#[must_use]
pub fn weight_at(steps: &[CanaryStep], index: usize) -> i32 {
    steps
        .iter()
        .take(index.saturating_add(1))
        .rev()
        .find_map(|step| step.set_weight)
        .unwrap_or(0)
}

/// Defaults that the controller applies and the API server does not (contract 01 §2, §7).
impl RolloutSpec {
    /// Pods wanted.
    #[must_use]
    pub fn replicas_or_default(&self) -> i32 {
        self.replicas.unwrap_or(1)
    }

    /// Old ReplicaSets kept.
    #[must_use]
    pub fn revision_history_limit_or_default(&self) -> i32 {
        self.revision_history_limit.unwrap_or(10)
    }

    /// Seconds without progress until Degraded.
    #[must_use]
    pub fn progress_deadline_seconds_or_default(&self) -> i32 {
        self.progress_deadline_seconds.unwrap_or(600)
    }

    /// Successful AnalysisRuns and Experiments kept.
    #[must_use]
    pub fn successful_run_history_limit_or_default(&self) -> i32 {
        self.analysis
            .as_ref()
            .and_then(|kept| kept.successful_run_history_limit)
            .unwrap_or(5)
    }

    /// Failed, errored and inconclusive AnalysisRuns and Experiments kept.
    #[must_use]
    pub fn unsuccessful_run_history_limit_or_default(&self) -> i32 {
        self.analysis
            .as_ref()
            .and_then(|kept| kept.unsuccessful_run_history_limit)
            .unwrap_or(5)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn strategy(strategy: &Value) -> Result<Strategy, MeaningError> {
        Strategy::of(&serde_json::from_value(json!({"strategy": strategy})).unwrap())
    }

    #[test]
    fn exactly_one_strategy() {
        assert_eq!(strategy(&json!({})), Err(MeaningError::NoStrategy));
        assert_eq!(
            strategy(&json!({"canary": {}, "blueGreen": {}})),
            Err(MeaningError::TwoStrategies)
        );
        assert_eq!(
            strategy(&json!({"canary": {"steps": [{"setWeight": 5}, {}]}})),
            Err(MeaningError::EmptyStep(1))
        );
    }

    /// Contract 01 §2, §7.
    #[test]
    fn delays_of_a_canary_depend_on_routing() {
        for (canary, scale_down, abort) in [
            (json!({}), 0, AbortDelay::Seconds(0)),
            (json!({"abortScaleDownDelaySeconds": 0}), 0, AbortDelay::Seconds(0)),
            (json!({"trafficRouting": {}}), 30, AbortDelay::Seconds(30)),
            (
                json!({"trafficRouting": {}, "abortScaleDownDelaySeconds": 0}),
                30,
                AbortDelay::Keep,
            ),
            (
                json!({"trafficRouting": {}, "scaleDownDelaySeconds": 0}),
                0,
                AbortDelay::Seconds(30),
            ),
        ] {
            let Ok(Strategy::Canary(meant)) = strategy(&json!({"canary": canary})) else {
                panic!("{canary}")
            };
            assert_eq!(
                (meant.scale_down_delay_seconds, meant.abort_delay),
                (scale_down, abort),
                "{canary}"
            );
        }
    }

    #[test]
    fn blue_green_defaults() {
        assert_eq!(
            strategy(&json!({"blueGreen": {"activeService": "a"}})),
            Ok(Strategy::BlueGreen(BlueGreen {
                auto_promotion: true,
                scale_down_delay_seconds: 30,
                abort_delay: AbortDelay::Seconds(30),
            }))
        );
    }

    /// Contract 03 §4.
    #[test]
    fn the_last_weight_counts() {
        let steps: Vec<CanaryStep> = serde_json::from_value(json!([
            {"pause": {}}, {"setWeight": 20}, {"pause": {}}, {"setWeight": 60, "setCanaryScale": {"replicas": 1}}
        ]))
        .unwrap();
        let weights: Vec<i32> = (0..5).map(|index| weight_at(&steps, index)).collect();
        assert_eq!(weights, [0, 20, 20, 60, 60]);
    }
}
