//! How many pods each ReplicaSet of a canary without traffic routing should have (contract 03 §3).
//!
//! Pure arithmetic: every table of contract 03 §15 is a row of `core/tests/canary_scale.rs`.

use crate::meaning::Fenceposts;

/// Pods of one ReplicaSet: wanted and available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// `spec.replicas` of the ReplicaSet.
    pub spec: i32,
    /// Pods that count as available.
    pub available: i32,
}

/// What the arithmetic needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// `spec.replicas` of the rollout.
    pub replicas: i32,
    /// Wanted share of the canary, 0 to 100.
    pub weight: i32,
    /// maxSurge and maxUnavailable in pods.
    pub fenceposts: Fenceposts,
    /// The newest revision, zero before it exists.
    pub canary: Pods,
    /// Whether the ReplicaSet of the newest revision exists.
    pub canary_exists: bool,
    /// A stable revision other than the newest.
    pub stable: Option<Pods>,
    /// All other revisions together.
    pub others: Pods,
}

/// Pods wanted of the canary and of stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Of the newest revision.
    pub canary: i32,
    /// Of stable.
    pub stable: i32,
}

/// The weight that counts as all of the traffic where no router says otherwise.
pub const MAX_WEIGHT: i32 = 100;

/// The split that comes closest to `weight`, before surge and availability are looked at.
///
/// Never more than `replicas + 1` pods, and the extra one only where `max_surge` allows it.
#[must_use]
pub fn approximate(replicas: i32, weight: i32, max_surge: i32) -> Targets {
    if replicas == 0 {
        return Targets { canary: 0, stable: 0 };
    }
    let share = f64::from(replicas) * f64::from(weight) / f64::from(MAX_WEIGHT);
    let (ceiling, floor) = (to_pods(share.ceil()), to_pods(share.floor()));
    // One side may be left without pods only at the ends, or where a single pod leaves no choice.
    let zero_allowed = weight == MAX_WEIGHT || weight == 0 || (replicas == 1 && max_surge == 0);
    let tied = |total: i32| {
        let share = f64::from(total) * (f64::from(weight) / f64::from(MAX_WEIGHT));
        (share.fract() - 0.5).abs() < f64::EPSILON
    };
    let floor_fits = |total: i32| !tied(total) && (floor != 0 || zero_allowed);

    let one_more = replicas.saturating_add(1);
    let options = [
        (ceiling < replicas || zero_allowed).then_some((ceiling, replicas)),
        floor_fits(replicas).then_some((floor, replicas)),
        (max_surge > 0).then_some((ceiling, one_more)),
        (max_surge > 0 && floor_fits(one_more)).then_some((floor, one_more)),
    ];
    let mut best: Option<(f64, i32, i32)> = None;
    for (canary, total) in options.into_iter().flatten() {
        let miss = (f64::from(canary) * f64::from(MAX_WEIGHT) / f64::from(total) - f64::from(weight)).abs();
        if best.is_none_or(|(least, _, _)| miss < least) {
            best = Some((miss, canary, total));
        }
    }
    let (canary, total) = best.map_or((0, replicas), |(_, canary, total)| (canary, total));
    Targets {
        canary,
        stable: total - canary,
    }
}

/// The pods to ask for now: towards [`wanted`], within maxSurge and maxUnavailable.
#[must_use]
pub fn next(input: &Input) -> Targets {
    let wanted = wanted(input);
    let mut targets = scale_up(input, wanted);
    // Others are drained first; stable and canary wait for them.
    if input.others.spec > 0 {
        return targets;
    }
    let Some(stable) = input.stable else {
        return scale_down_alone(input, wanted, targets);
    };
    let least_available = input.replicas.saturating_sub(input.fenceposts.unavailable);
    let increasing = !input.canary_exists || wanted.canary >= input.canary.spec;
    let in_play = countable(input.canary, !increasing).saturating_add(countable(stable, increasing));
    if in_play <= least_available {
        return targets;
    }
    let room = in_play.saturating_sub(least_available);
    if increasing {
        if stable.spec > wanted.stable {
            targets.stable = wanted.stable.max(stable.spec.saturating_sub(room));
        }
        (targets.stable, targets.canary) = adjust(input, (targets.stable, stable), (targets.canary, input.canary));
    } else {
        if input.canary.spec > wanted.canary {
            targets.canary = wanted.canary.max(input.canary.spec.saturating_sub(room));
        }
        (targets.canary, targets.stable) = adjust(input, (targets.canary, input.canary), (targets.stable, stable));
    }
    targets
}

/// Where the arithmetic leads to in the end.
#[must_use]
pub fn wanted(input: &Input) -> Targets {
    if input.stable.is_some() {
        approximate(input.replicas, input.weight, input.fenceposts.surge)
    } else {
        Targets {
            canary: input.replicas,
            stable: 0,
        }
    }
}

/// Scales up as far as maxSurge allows, stable first.
fn scale_up(input: &Input, wanted: Targets) -> Targets {
    let stable = input.stable.unwrap_or_default();
    let taken = [input.canary.spec, stable.spec, input.others.spec];
    let mut room = taken.into_iter().fold(most_pods(input), i32::saturating_sub);
    let mut targets = Targets {
        canary: input.canary.spec,
        stable: stable.spec,
    };
    if room > 0 && wanted.stable > stable.spec {
        targets.stable = wanted.stable.min(stable.spec.saturating_add(room));
        room -= targets.stable - stable.spec;
    }
    if room > 0 && wanted.canary > input.canary.spec {
        targets.canary = wanted.canary.min(input.canary.spec.saturating_add(room));
    }
    targets
}

/// A single revision that has too many pods, such as after `spec.replicas` was lowered.
fn scale_down_alone(input: &Input, wanted: Targets, targets: Targets) -> Targets {
    if input.canary.spec > wanted.canary {
        return Targets {
            canary: wanted.canary,
            stable: 0,
        };
    }
    targets
}

/// Pods of one side that a scale-down may count on.
fn countable(pods: Pods, ignore_availability: bool) -> i32 {
    if ignore_availability || pods.spec < pods.available {
        return pods.spec;
    }
    pods.available
}

/// As many pods as may be wanted at a time.
fn most_pods(input: &Input) -> i32 {
    input.replicas.saturating_add(input.fenceposts.surge)
}

/// Keeps the total within maxSurge and the available pods at their least: gives the drained and the other side.
fn adjust(input: &Input, drain: (i32, Pods), other: (i32, Pods)) -> (i32, i32) {
    let (mut drained, drain_pods) = drain;
    let (mut kept, kept_pods) = other;
    let most = most_pods(input);
    let over = kept.saturating_add(drained).saturating_sub(most).max(0);
    let mut available = drain_pods.available.min(drained);
    kept = kept.saturating_sub(over);
    available = available.saturating_add(kept_pods.available.min(kept));
    let extra = kept_pods.available.saturating_sub(kept).max(0);
    let least = input.replicas.saturating_sub(input.fenceposts.unavailable);
    let needed = least.saturating_sub(available).max(0);
    kept = kept.saturating_add(extra.min(needed));
    drained = drained.saturating_sub(kept.saturating_add(drained).saturating_sub(most).max(0));
    (drained, kept)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of an i32 number of pods fits an i32"
)]
fn to_pods(share: f64) -> i32 {
    share as i32
}
