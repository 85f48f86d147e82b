//! How many pods an update needs at its peak (contract 03 §3, §5; contract 04 §2).

use serin_core::api::IntOrString;
use serin_core::api::rollout::{CanaryStep, CanaryStrategy, RolloutSpec};
use serin_core::meaning::max_weight;

/// The most pods that run at once while a rollout of `replicas` pods is updated.
#[must_use]
pub(crate) fn peak(spec: &RolloutSpec, replicas: i64) -> i64 {
    if let Some(canary) = &spec.strategy.canary {
        let experiments = canary.steps.iter().map(experiment).max().unwrap_or(0);
        return experiments.max(0) + of_canary(canary, replicas);
    }
    // Both sets have all pods between the switch and the scale-down.
    2 * replicas
}

fn of_canary(canary: &CanaryStrategy, replicas: i64) -> i64 {
    if canary.traffic_routing.is_none() {
        return replicas + surge(canary.max_surge.as_ref(), replicas);
    }
    let most = i64::from(max_weight(canary)).max(1);
    let share = |weight: i64| (replicas * weight + most - 1).div_euclid(most).max(0);
    let mut peak = 0;
    let mut scaled: Option<i64> = None;
    // After the last step the canary has all of the traffic.
    let mut weight = 0;
    for step in canary.steps.iter().map(Some).chain([None]) {
        match step {
            Some(step) => {
                weight = step.set_weight.map_or(weight, i64::from);
                if let Some(scale) = &step.set_canary_scale {
                    scaled = scale
                        .replicas
                        .map(i64::from)
                        .or_else(|| scale.weight.map(|weight| share(i64::from(weight))))
                        .filter(|_| !scale.match_traffic_weight);
                }
            }
            None => (weight, scaled) = (most, None),
        }
        let canary_pods = scaled.unwrap_or_else(|| share(weight));
        let stable = if canary.dynamic_stable_scale {
            share(most - weight)
        } else {
            replicas
        };
        peak = peak.max(canary_pods + stable);
    }
    peak
}

/// Pods of one experiment step.
fn experiment(step: &CanaryStep) -> i64 {
    let templates = step.experiment.iter().flat_map(|experiment| &experiment.templates);
    templates
        .map(|template| i64::from(template.replicas.unwrap_or(1)))
        .sum()
}

/// A number, or a percentage that rounds up; a text without a sign is a percentage too (contract 01 §2).
fn surge(written: Option<&IntOrString>, replicas: i64) -> i64 {
    match written {
        Some(IntOrString::Int(pods)) => i64::from(*pods),
        Some(IntOrString::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (replicas * percent + 99).div_euclid(100)
        }
        None => (replicas * 25 + 99).div_euclid(100),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn peaks_of_all_strategies() {
        for (strategy, replicas, expected) in [
            (json!({"canary": {}}), 10, 13),
            (json!({"canary": {"maxSurge": 0}}), 10, 10),
            (json!({"canary": {"maxSurge": "50%"}}), 5, 8),
            (
                json!({"canary": {"trafficRouting": {"nginx": {}}, "steps": [{"setWeight": 10}]}}),
                10,
                20,
            ),
            (
                json!({"canary": {"dynamicStableScale": true, "trafficRouting": {"nginx": {}}, "steps": [{"setWeight": 5}]}}),
                10,
                11,
            ),
            (
                json!({"canary": {"trafficRouting": {"nginx": {}}, "steps": [{"setCanaryScale": {"replicas": 30}}, {"setWeight": 10}]}}),
                10,
                40,
            ),
            (json!({"blueGreen": {"activeService": "a"}}), 10, 20),
            (
                json!({"canary": {"maxSurge": 1, "steps": [{"experiment": {"templates": [{"replicas": 2}, {}]}}]}}),
                4,
                8,
            ),
        ] {
            let spec: RolloutSpec = serde_json::from_value(json!({"strategy": strategy})).unwrap();
            assert_eq!(peak(&spec, replicas), expected, "{strategy}");
        }
    }
}
