//! The replica arithmetic of a basic canary, row by row (contract 03 §3, §15).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serin_core::meaning::{Fenceposts, fenceposts};
use serin_core::rollout::canary::scale::{Input, Pods, Targets, approximate, next};

/// R, W, maxSurge, maxUnavailable, stable, canary, old → canary, stable. Contract 03 §15, in its order.
const ROWS: &str = "
10 100 3 0 7/8 6/3 - 6 7
10 20 2 0 10/10 0/0 - 2 10
10 20 20% 0 10/10 2/2 - 2 8
10 30 2 0 10/10 0/0 - 2 10
10 20 0 2 10/10 0/0 - 0 8
10 50 2 1 10/10 0/0 - 2 9
10 0 1 1 10/10 1/1 - 0 10
10 100 1 1 1/1 10/10 - 10 0
1 49 0 1 1/1 0/0 - 0 1
1 51 0 1 1/1 0/0 - 0 0
1 51 0 1 0/0 0/0 - 1 0
10 30 1 0 1/1 0/0 3/3 1 7
10 30 0 3 8/5 4/4 - 3 7
10 30 0 1 8/6 4/2 3/3 4 8
10 100 1 0 10/2 10/8 - 9 2
10 5 0 1 10/10 0/0 - 0 9
10 5 0 1 9/9 0/0 - 1 9
10 10 0% 0% 10/10 0/0 - 0 9
4 100 1 0 4/1 0/0 - 1 4
4 100 1 0 4/1 1/1 - 1 3
4 0 1 0 0/0 4/4 - 4 1
4 0 1 0 1/1 4/4 - 3 1
4 100 4 4 4/4 0/0 - 4 0
3 99 0 2 3/3 0/0 - 0 1
";

fn pods(text: &str) -> Pods {
    let Some((spec, available)) = text.split_once('/') else {
        return Pods::default();
    };
    Pods {
        spec: spec.parse().unwrap(),
        available: available.parse().unwrap(),
    }
}

fn posts(surge: &str, unavailable: &str, replicas: i32) -> Fenceposts {
    let yaml = serde_json::json!({ "maxSurge": value(surge), "maxUnavailable": value(unavailable) });
    fenceposts(&serde_json::from_value(yaml).unwrap(), replicas)
}

fn value(text: &str) -> serde_json::Value {
    text.parse::<i32>().map_or_else(|_| text.into(), Into::into)
}

#[test]
fn next_sizes() {
    let mut rows = 0;
    for row in ROWS.lines().filter(|row| !row.is_empty()) {
        let cell: Vec<&str> = row.split_whitespace().collect();
        let replicas = cell[0].parse().unwrap();
        let input = Input {
            replicas,
            weight: cell[1].parse().unwrap(),
            fenceposts: posts(cell[2], cell[3], replicas),
            stable: Some(pods(cell[4])),
            canary: pods(cell[5]),
            canary_exists: true,
            others: pods(cell[6]),
        };
        let expected = Targets {
            canary: cell[7].parse().unwrap(),
            stable: cell[8].parse().unwrap(),
        };
        assert_eq!(next(&input), expected, "{row}");
        rows += 1;
    }
    assert_eq!(rows, 24);
}

/// R, W, S → canary, stable. Contract 03 §15, "Approximation only"; and §3, upstream's own examples where S and U do not matter.
const APPROXIMATIONS: &[(i32, i32, i32, i32, i32)] = &[
    (1, 49, 0, 0, 1),
    (1, 50, 0, 1, 0),
    (1, 1, 1, 1, 1),
    (2, 1, 1, 1, 2),
    (2, 99, 1, 2, 1),
    (3, 50, 0, 2, 1),
    (3, 33, 1, 1, 2),
    (3, 49, 1, 2, 2),
    (10, 14, 0, 1, 9),
    (10, 15, 0, 2, 8),
    (10, 18, 1, 2, 9),
    (10, 20, 1, 2, 8),
    (10, 24, 1, 3, 8),
    (10, 99, 1, 10, 1),
    (1, 5, 1, 1, 1),
    (1, 95, 1, 1, 1),
    (0, 50, 1, 0, 0),
];

#[test]
fn approximations() {
    for &(replicas, weight, surge, canary, stable) in APPROXIMATIONS {
        let split = approximate(replicas, weight, surge);
        assert_eq!(split, Targets { canary, stable }, "R={replicas} W={weight} S={surge}");
    }
}

/// Upstream's examples of contract 03 §3, from the first look at a stable of full size to rest. Left out is
/// R=10 W=5 U=1 S=1 → 1/9: the approximation of the same section prefers 1 of 11 (9.1 %) to 1 of 10 (10 %).
#[test]
fn examples_come_to_rest() {
    for (replicas, weight, unavailable, surge, canary, stable) in [
        (10, 10, 1, 1, 1, 9),
        (10, 30, 0, 3, 3, 7),
        (1, 5, 0, 1, 1, 1),
        (1, 95, 0, 1, 1, 1),
    ] {
        let mut input = Input {
            replicas,
            weight,
            fenceposts: Fenceposts { surge, unavailable },
            canary: Pods::default(),
            canary_exists: true,
            stable: Some(Pods {
                spec: replicas,
                available: replicas,
            }),
            others: Pods::default(),
        };
        for _ in 0..40 {
            let to = next(&input);
            assert!(to.canary + to.stable <= replicas + surge, "more than maxSurge: {to:?}");
            input.canary = Pods {
                spec: to.canary,
                available: to.canary,
            };
            input.stable = Some(Pods {
                spec: to.stable,
                available: to.stable,
            });
        }
        assert_eq!(
            (input.canary.spec, input.stable.unwrap().spec),
            (canary, stable),
            "R={replicas} W={weight}"
        );
    }
}
