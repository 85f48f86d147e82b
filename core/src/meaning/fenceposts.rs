//! How many pods may be above and below the wanted number (contract 01 §2, contract 03 §3, contract 11 §E).

use crate::api::IntOrString;
use crate::api::rollout::CanaryStrategy;

/// Pods above and below the wanted number that an update may use. Never both zero unless no pods are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fenceposts {
    /// Pods above the wanted number.
    pub surge: i32,
    /// Pods that may be missing; at most the wanted number.
    pub unavailable: i32,
}

/// What stands for an absent `maxSurge` and `maxUnavailable`, in percent.
const DEFAULT_PERCENT: i64 = 25;

/// The fence posts of a canary of `replicas` pods. Where both come out as 0, one pod may be missing: otherwise nothing
/// could move.
#[must_use]
pub fn fenceposts(canary: &CanaryStrategy, replicas: i32) -> Fenceposts {
    // Validation lets negative numbers through (contract 11 E): taken literally, pods would be taken away or never come.
    let surge = amount(canary.max_surge.as_ref(), replicas, Rounding::Up).max(0);
    let unavailable = amount(canary.max_unavailable.as_ref(), replicas, Rounding::Down).max(0);
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    Fenceposts {
        surge,
        unavailable: at_most_all(unavailable, replicas),
    }
}

/// Pods that a restart of a blue-green rollout may take at a time (contract 05 §11). May be 0.
#[must_use]
pub fn restart_unavailable(max_unavailable: Option<&IntOrString>, replicas: i32) -> i32 {
    at_most_all(amount(max_unavailable, replicas, Rounding::Down).max(0), replicas)
}

#[derive(Clone, Copy)]
enum Rounding {
    Up,
    Down,
}

fn amount(written: Option<&IntOrString>, replicas: i32, rounding: Rounding) -> i32 {
    let percent = match written {
        None => DEFAULT_PERCENT,
        Some(IntOrString::Int(pods)) => return *pods,
        Some(IntOrString::String(text)) => percent(text),
    };
    let hundredths = i128::from(percent) * i128::from(replicas);
    let pods = match rounding {
        Rounding::Up => -(-hundredths).div_euclid(100),
        Rounding::Down => hundredths.div_euclid(100),
    };
    i32::try_from(pods).unwrap_or(if pods < 0 { i32::MIN } else { i32::MAX })
}

/// Upstream reads every text as a percentage, with or without a percent sign; what is not a whole number counts as 0.
fn percent(text: &str) -> i64 {
    text.replace('%', "").parse().unwrap_or(0)
}

fn at_most_all(unavailable: i32, replicas: i32) -> i32 {
    if replicas == 0 { 0 } else { unavailable.min(replicas) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn of(max_surge: &Value, max_unavailable: &Value, replicas: i32) -> (i32, i32) {
        let canary = json!({"maxSurge": max_surge, "maxUnavailable": max_unavailable});
        let posts = fenceposts(&serde_json::from_value(canary).unwrap(), replicas);
        (posts.surge, posts.unavailable)
    }

    /// Contract 01 §2: surge rounds up, unavailable rounds down; texts are percentages.
    #[test]
    fn tables_of_fence_posts() {
        for (surge, unavailable, replicas, expected) in [
            (Value::Null, Value::Null, 4, (1, 1)),
            (Value::Null, Value::Null, 1, (1, 0)),
            (Value::Null, Value::Null, 10, (3, 2)),
            (Value::Null, Value::Null, 0, (0, 0)),
            (json!("5"), json!("0"), 10, (1, 0)),
            (json!("5%"), json!(0), 100, (5, 0)),
            (json!(5), json!(0), 100, (5, 0)),
            (json!(0), json!("1%"), 2, (0, 1)),
            (json!("100%"), json!("100%"), 3, (3, 3)),
            (json!("101%"), json!(5), 3, (4, 3)),
            (json!("abc"), json!(1), 3, (0, 1)),
            (json!("0.5%"), json!("10 %"), 3, (0, 1)),
            (json!(1), json!(0), 0, (1, 0)),
            (json!(-5), json!(1), 4, (0, 1)),
            (json!("-50%"), json!(0), 4, (0, 1)),
            (json!(1), json!(-1), 4, (1, 0)),
            (json!(-1), json!(-1), 4, (0, 1)),
        ] {
            assert_eq!(
                of(&surge, &unavailable, replicas),
                expected,
                "{surge} {unavailable} {replicas}"
            );
        }
    }

    /// Contract 05 §11: a restart of a blue-green rollout.
    #[test]
    fn restarts_round_down() {
        let quarter = IntOrString::String("25%".into());
        for (written, replicas, expected) in [
            (None, 3, 0),
            (None, 8, 2),
            (Some(&quarter), 4, 1),
            (Some(&IntOrString::Int(9)), 2, 2),
            (Some(&IntOrString::Int(-1)), 2, 0),
        ] {
            assert_eq!(restart_unavailable(written, replicas), expected);
        }
    }
}
