//! The spec as meant: defaults applied, one strategy, one meaning per step. Past validation nothing reads a strategy as
//! written.

mod fenceposts;
mod step;
mod threshold;

pub use fenceposts::{Fenceposts, fenceposts, restart_unavailable};
pub use step::{PauseLength, Step, Wait, pause_duration};
pub use threshold::Threshold;

use crate::api::rollout::{
    AntiAffinity, BlueGreenStrategy, CanaryStrategy, PingPong, PodTemplateMetadata, RolloutAnalysis, RolloutSpec,
    RolloutStrategy, TrafficRouting,
};

/// What counts as all of the traffic where the spec does not say (contract 01 §2).
pub const DEFAULT_MAX_WEIGHT: i32 = 100;

/// The one strategy of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy<'a> {
    /// Steps of weight.
    Canary(Canary<'a>),
    /// Two full sets of pods and a switch of Services.
    BlueGreen(BlueGreen<'a>),
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

impl<'a> Strategy<'a> {
    /// The strategy of a spec.
    ///
    /// # Errors
    /// Not exactly one strategy, or a canary step without content.
    pub fn of(spec: &'a RolloutSpec) -> Result<Self, MeaningError> {
        let replicas = spec.replicas_or_default();
        match (&spec.strategy.canary, &spec.strategy.blue_green) {
            (None, None) => Err(MeaningError::NoStrategy),
            (Some(_), Some(_)) => Err(MeaningError::TwoStrategies),
            (Some(canary), None) => Canary::of(canary, replicas).map(Self::Canary),
            (None, Some(blue_green)) => Ok(Self::BlueGreen(BlueGreen::of(blue_green, replicas))),
        }
    }

    /// Labels and annotations that the strategy gives to pods.
    #[must_use]
    pub fn metadata(&self) -> Metadata<'a> {
        match self {
            Self::Canary(canary) => canary.metadata,
            Self::BlueGreen(blue_green) => blue_green.metadata,
        }
    }

    /// Keeps the pods of a new revision off the nodes of the stable one (contract 03 §10).
    #[must_use]
    pub fn anti_affinity(&self) -> Option<&'a AntiAffinity> {
        match self {
            Self::Canary(canary) => canary.anti_affinity,
            Self::BlueGreen(blue_green) => blue_green.anti_affinity,
        }
    }

    /// How many pods a restart may take at a time; 0 where none may be unavailable (contract 05 §4).
    #[must_use]
    pub fn max_unavailable(&self) -> i32 {
        match self {
            Self::Canary(canary) => canary.fenceposts.unavailable,
            Self::BlueGreen(blue_green) => blue_green.max_unavailable,
        }
    }

    /// Whether it is blue-green.
    #[must_use]
    pub fn is_blue_green(&self) -> bool {
        matches!(self, Self::BlueGreen(_))
    }
}

/// Services that a strategy names: field path and name, in the order in which they are checked (contract 01 §9).
#[must_use]
pub fn services(strategy: &RolloutStrategy) -> Vec<(&'static str, &str)> {
    let mut named: Vec<(&'static str, &str)> = Vec::new();
    if let Some(blue_green) = &strategy.blue_green {
        named.push(("spec.strategy.blueGreen.activeService", &blue_green.active_service));
        named.push(("spec.strategy.blueGreen.previewService", &blue_green.preview_service));
    }
    if let Some(canary) = &strategy.canary {
        named.push(("spec.strategy.canary.stableService", &canary.stable_service));
        if let Some(ping_pong) = &canary.ping_pong {
            named.push(("spec.strategy.canary.pingPong.pingService", &ping_pong.ping_service));
            named.push(("spec.strategy.canary.pingPong.pongService", &ping_pong.pong_service));
        }
        named.push(("spec.strategy.canary.canaryService", &canary.canary_service));
    }
    named.retain(|(_, name)| !name.is_empty());
    named
}

/// Labels and annotations that a strategy gives to pods, each with the path of its field (contract 03 §11).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metadata<'a> {
    /// Of the revision that serves.
    pub serving: Option<(&'static str, &'a PodTemplateMetadata)>,
    /// Of the revision under test.
    pub tested: Option<(&'static str, &'a PodTemplateMetadata)>,
}

impl<'a> Metadata<'a> {
    fn of(
        (serving_path, serving): (&'static str, &'a Option<PodTemplateMetadata>),
        (tested_path, tested): (&'static str, &'a Option<PodTemplateMetadata>),
    ) -> Self {
        Self {
            serving: serving.as_ref().map(|of| (serving_path, of)),
            tested: tested.as_ref().map(|of| (tested_path, of)),
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

/// An analysis that runs beside the steps of a canary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Background<'a> {
    /// What runs.
    pub analysis: &'a RolloutAnalysis,
    /// Index of the first step beside which it runs; the first where none is given.
    pub starting_step: Option<usize>,
}

/// A canary with its defaults applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary<'a> {
    /// Steps, in order.
    pub steps: Vec<Step<'a>>,
    /// maxSurge and maxUnavailable in pods.
    pub fenceposts: Fenceposts,
    /// Service of the canary pods; may be empty.
    pub canary_service: &'a str,
    /// Service of the stable pods; may be empty.
    pub stable_service: &'a str,
    /// What counts as all of the traffic.
    pub max_weight: i32,
    /// Whether routers carry the weight; otherwise the number of pods does.
    pub routed: bool,
    /// The routers, where they carry the weight.
    pub routing: Option<&'a TrafficRouting>,
    /// Two Services that take turns in place of those two.
    pub ping_pong: Option<&'a PingPong>,
    /// Stable gives up pods as its weight falls.
    pub dynamic_stable_scale: bool,
    /// Pods that each revision has at least, where it has any (`minPodsPerReplicaSet`).
    pub min_pods: i32,
    /// Old revisions that may wait for their scale-down.
    pub scale_down_delay_revision_limit: Option<usize>,
    /// The spec says how long the canary pods stay after an abort.
    pub abort_delay_is_given: bool,
    /// Seconds the old pods stay after the traffic has moved.
    pub scale_down_delay_seconds: i32,
    /// How long the canary pods stay after an abort.
    pub abort_delay: AbortDelay,
    /// How many pods complete a step, or the update.
    pub threshold: Threshold,
    /// What runs beside the steps.
    pub background: Option<Background<'a>>,
    metadata: Metadata<'a>,
    anti_affinity: Option<&'a AntiAffinity>,
}

impl<'a> Canary<'a> {
    /// A canary of `replicas` pods as meant.
    ///
    /// # Errors
    /// A step without content.
    pub fn of(written: &'a CanaryStrategy, replicas: i32) -> Result<Self, MeaningError> {
        let step = |(index, step)| Step::of(step).ok_or(MeaningError::EmptyStep(index));
        let routed = written.traffic_routing.is_some();
        // Without routers the pods are the weight: nothing of the old revision may linger (contract 01 §2, §7).
        let delay = |seconds: Option<i32>| if routed { seconds.unwrap_or(30) } else { 0 };
        Ok(Self {
            steps: written.steps.iter().enumerate().map(step).collect::<Result<_, _>>()?,
            fenceposts: fenceposts(written, replicas),
            canary_service: &written.canary_service,
            stable_service: &written.stable_service,
            max_weight: max_weight(written),
            routed,
            routing: written.traffic_routing.as_deref(),
            ping_pong: written.ping_pong.as_ref(),
            dynamic_stable_scale: routed && written.dynamic_stable_scale,
            min_pods: written.min_pods_per_replica_set.filter(|_| routed).unwrap_or(0),
            scale_down_delay_revision_limit: written
                .scale_down_delay_revision_limit
                .and_then(|limit| usize::try_from(limit).ok()),
            abort_delay_is_given: written.abort_scale_down_delay_seconds.is_some(),
            scale_down_delay_seconds: delay(written.scale_down_delay_seconds),
            abort_delay: match written.abort_scale_down_delay_seconds {
                Some(0) if routed => AbortDelay::Keep,
                seconds => AbortDelay::Seconds(delay(seconds)),
            },
            threshold: Threshold::of(written.replica_progress_threshold.as_ref()),
            background: written.analysis.as_ref().map(|written| Background {
                analysis: &written.analysis,
                // A negative step is no later than the first.
                starting_step: written.starting_step.and_then(|step| usize::try_from(step).ok()),
            }),
            metadata: Metadata::of(
                ("spec.strategy.canary.stableMetadata", &written.stable_metadata),
                ("spec.strategy.canary.canaryMetadata", &written.canary_metadata),
            ),
            anti_affinity: written.anti_affinity.as_ref(),
        })
    }

    /// The weight that the steps up to and including `index` have set: the last `setWeight` among them, else 0; all
    /// where all steps are done, or there are none (contract 03 §4).
    #[must_use]
    pub fn weight_at(&self, index: usize) -> i32 {
        if index >= self.steps.len() {
            return self.max_weight;
        }
        weight_at(self.steps.iter().map(|step| step.sets_weight), index)
    }
}

/// The last of the weights that the steps up to and including `index` set, else 0 (contract 03 §4).
pub(crate) fn weight_at(weights: impl Iterator<Item = Option<i32>>, index: usize) -> i32 {
    weights.take(index.saturating_add(1)).flatten().last().unwrap_or(0)
}

/// When a blue-green update is promoted, once its pods are available (contract 04 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// At once.
    Now,
    /// After so many seconds.
    After(i64),
    /// When a person says so.
    ByHand,
}

impl Promotion {
    /// The pause before it, if there is one.
    #[must_use]
    pub fn pause(self) -> Option<PauseLength> {
        match self {
            Self::Now => None,
            Self::After(seconds) => Some(PauseLength::Seconds(seconds)),
            Self::ByHand => Some(PauseLength::Indefinite),
        }
    }
}

/// Blue-green with its defaults applied.
#[derive(Clone, Debug, PartialEq)]
pub struct BlueGreen<'a> {
    /// Service that carries production traffic.
    pub active_service: &'a str,
    /// Service that shows the new revision before the switch; may be empty.
    pub preview_service: &'a str,
    /// When the switch comes.
    pub promotion: Promotion,
    /// Pods of the new revision until it is promoted; none where it has all of them.
    pub preview_replicas: Option<i32>,
    /// Pods that may be unavailable.
    pub max_unavailable: i32,
    /// Seconds the old pods stay after the switch.
    pub scale_down_delay_seconds: i32,
    /// Old revisions that may wait for their scale-down.
    pub scale_down_delay_revision_limit: Option<usize>,
    /// How long the new pods stay after an abort.
    pub abort_delay: AbortDelay,
    /// Analysis before the switch.
    pub pre_promotion: Option<&'a RolloutAnalysis>,
    /// Analysis after the switch.
    pub post_promotion: Option<&'a RolloutAnalysis>,
    /// Old pods stay until the analysis after the switch was successful, because no delay says otherwise (contract 04 §7).
    pub keeps_old_until_verified: bool,
    metadata: Metadata<'a>,
    anti_affinity: Option<&'a AntiAffinity>,
}

impl<'a> BlueGreen<'a> {
    /// Blue-green of `replicas` pods as meant.
    #[must_use]
    pub fn of(written: &'a BlueGreenStrategy, replicas: i32) -> Self {
        let seconds = i64::from(written.auto_promotion_seconds);
        Self {
            active_service: &written.active_service,
            preview_service: &written.preview_service,
            promotion: match written.auto_promotion_enabled {
                Some(false) => Promotion::ByHand,
                Some(true) | None if seconds > 0 => Promotion::After(seconds),
                Some(true) | None => Promotion::Now,
            },
            preview_replicas: written.preview_replica_count.filter(|_| replicas > 0),
            max_unavailable: restart_unavailable(written.max_unavailable.as_ref(), replicas),
            scale_down_delay_seconds: written.scale_down_delay_seconds.unwrap_or(30),
            // A negative limit counts as none.
            scale_down_delay_revision_limit: written
                .scale_down_delay_revision_limit
                .and_then(|limit| usize::try_from(limit).ok()),
            abort_delay: match written.abort_scale_down_delay_seconds {
                Some(0) => AbortDelay::Keep,
                seconds => AbortDelay::Seconds(seconds.unwrap_or(30)),
            },
            pre_promotion: written.pre_promotion_analysis.as_deref(),
            post_promotion: written.post_promotion_analysis.as_deref(),
            keeps_old_until_verified: written.post_promotion_analysis.is_some()
                && written.scale_down_delay_seconds.is_none(),
            metadata: Metadata::of(
                ("spec.strategy.blueGreen.activeMetadata", &written.active_metadata),
                ("spec.strategy.blueGreen.previewMetadata", &written.preview_metadata),
            ),
            anti_affinity: written.anti_affinity.as_ref(),
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

    fn spec(strategy: &Value) -> RolloutSpec {
        serde_json::from_value(json!({"strategy": strategy})).unwrap()
    }

    #[test]
    fn exactly_one_strategy() {
        for (strategy, error) in [
            (json!({}), MeaningError::NoStrategy),
            (json!({"canary": {}, "blueGreen": {}}), MeaningError::TwoStrategies),
            (
                json!({"canary": {"steps": [{"setWeight": 5}, {}]}}),
                MeaningError::EmptyStep(1),
            ),
        ] {
            assert_eq!(Strategy::of(&spec(&strategy)), Err(error));
        }
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
            let spec = spec(&json!({"canary": canary}));
            let Ok(Strategy::Canary(meant)) = Strategy::of(&spec) else {
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
        let spec = spec(&json!({"blueGreen": {"activeService": "a"}}));
        let Ok(Strategy::BlueGreen(meant)) = Strategy::of(&spec) else {
            panic!("{spec:?}")
        };
        assert_eq!((meant.active_service, meant.preview_service), ("a", ""));
        assert_eq!(meant.promotion, Promotion::Now);
        assert_eq!(
            (meant.scale_down_delay_seconds, meant.abort_delay),
            (30, AbortDelay::Seconds(30))
        );
    }

    /// Contract 04 §4: a person decides where both are asked for.
    #[test]
    fn promotions() {
        for (written, expected) in [
            (json!({}), Promotion::Now),
            (json!({"autoPromotionSeconds": 30}), Promotion::After(30)),
            (json!({"autoPromotionSeconds": -1}), Promotion::Now),
            (json!({"autoPromotionEnabled": false}), Promotion::ByHand),
            (
                json!({"autoPromotionEnabled": false, "autoPromotionSeconds": 30}),
                Promotion::ByHand,
            ),
        ] {
            let written: BlueGreenStrategy = serde_json::from_value(written).unwrap();
            assert_eq!(BlueGreen::of(&written, 1).promotion, expected);
        }
    }

    /// Contract 03 §4.
    #[test]
    fn the_last_weight_counts() {
        let written: CanaryStrategy = serde_json::from_value(json!({"steps": [
            {"pause": {}}, {"setWeight": 20}, {"pause": {}}, {"setWeight": 60, "setCanaryScale": {"replicas": 1}}
        ]}))
        .unwrap();
        let canary = Canary::of(&written, 1).unwrap();
        let weights: Vec<i32> = (0..5).map(|index| canary.weight_at(index)).collect();
        assert_eq!(weights, [0, 20, 20, 60, 100]);
    }
}
