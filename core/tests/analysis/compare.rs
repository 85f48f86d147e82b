//! Canary against stable (decision 50): the test by itself, and a run that uses it.

use crate::play::{Play, begin};
use serde_json::{Value as Json, json};
use serin_core::analysis::compare::{Comparison, Counts, Decision, Differences, Sides, Sums, measured};
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::{Context, Environment, Failure, Outcome, Reading, Run, Secrets, Step, compared};
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::{Compare, CompareResult, Metric};
use serin_expr::Value;

fn rates(worse: &str, margin: &str) -> Compare {
    Compare {
        arg: "hash".into(),
        worse: worse.into(),
        margin: margin.into(),
        confidence: "0.95".into(),
        result: CompareResult {
            successes: "result[0]".into(),
            trials: "result[1]".into(),
            value: String::new(),
        },
    }
}

fn values(worse: &str, margin: &str) -> Compare {
    let result = CompareResult {
        value: "result".into(),
        ..CompareResult::default()
    };
    Compare {
        result,
        ..rates(worse, margin)
    }
}

fn counts(successes: f64, trials: f64) -> Counts {
    Counts { successes, trials }
}

/// The figures are of a Python program that shares nothing with the test but the definition: `math.lgamma` for the mixtures,
/// and a golden section search on the likelihood itself.
#[test]
fn rates_have_the_evidence_of_the_definition() {
    for (canary, stable, margin, log, decision) in [
        ((30.0, 1000.0), (10.0, 1000.0), "0", -2.030_618_712, Decision::Open),
        ((61.0, 3000.0), (30.0, 2980.0), "0.005", -7.036_272_145, Decision::Open),
        (
            (10.0, 5000.0),
            (10.0, 5000.0),
            "0.01",
            21.073_826_451,
            Decision::NotWorse,
        ),
        ((0.0, 400.0), (0.0, 400.0), "0.01", -3.116_685_091, Decision::Open),
        ((5.0, 5.0), (0.0, 5.0), "0.1", 3.174_284_571, Decision::Worse),
        ((500.0, 1000.0), (300.0, 900.0), "0.05", 6.087_979_236, Decision::Worse),
        (
            (120.0, 100_000.0),
            (100.0, 100_000.0),
            "0.001",
            1.537_753_492,
            Decision::Open,
        ),
    ] {
        let compare = rates("higher", margin);
        let comparison = Comparison::of(&compare).unwrap();
        let (canary, stable) = (counts(canary.0, canary.1), counts(stable.0, stable.1));
        let (decided, evidence) = comparison.judge(&Sums::Rates { canary, stable });
        assert!(
            (evidence.log - log).abs() < 1e-6,
            "{canary:?} {stable:?}: {} {log}",
            evidence.log
        );
        assert_eq!(decided, decision, "{canary:?} {stable:?}");
        // A rate of successes is the same test of what is left.
        let compare = rates("lower", margin);
        let good = |of: Counts| counts(of.trials - of.successes, of.trials);
        let sums = Sums::Rates {
            canary: good(canary),
            stable: good(stable),
        };
        let (decided, mirrored) = Comparison::of(&compare).unwrap().judge(&sums);
        assert!((mirrored.log - log).abs() < 1e-6, "{canary:?} {stable:?}");
        assert_eq!(decided, decision, "{canary:?} {stable:?}");
    }
}

/// The figures are of a Python program that integrates over the standardised difference and the logarithm of the deviation
/// numerically, and so knows no closed form.
#[test]
fn values_have_the_evidence_of_the_definition() {
    for (differences, margin, log, decision) in [
        (&[1.0][..], "0", 0.0, Decision::Open),
        (&[1.0, 2.0, 1.5], "0", 1.104_216, Decision::Open),
        (&[0.1, -0.2, 0.3, 0.05, -0.1, 0.0], "0.5", 3.466_017, Decision::NotWorse),
        (&[12.0, 14.0, 11.0, 13.0, 15.0, 12.5], "10", 2.785_334, Decision::Open),
    ] {
        let compare = values("higher", margin);
        let all = differences
            .iter()
            .fold(Differences::default(), |all, one| all.plus(*one));
        let (decided, evidence) = Comparison::of(&compare).unwrap().judge(&Sums::Values(all));
        assert!(
            (evidence.log - log).abs() < 1e-3,
            "{differences:?}: {} {log}",
            evidence.log
        );
        assert_eq!(decided, decision, "{differences:?}");
    }
}

#[test]
fn no_count_and_no_value_makes_a_number_that_is_none() {
    let sizes = [0.0, 0.25, 1.0, 7.0, 999.0, 1000.0, 1e6, 1e12, 1e15, 1e300, f64::MAX];
    for margin in ["0", "0.000001", "0.5", "0.999999"] {
        let compare = rates("higher", margin);
        let comparison = Comparison::of(&compare).unwrap();
        for (trials, others) in sizes.iter().flat_map(|trials| sizes.map(|others| (*trials, others))) {
            for (part, share) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.3, 0.4), (1.0, 1.0)] {
                let sums = Sums::Rates {
                    canary: counts(trials * part, trials),
                    stable: counts(others * share, others),
                };
                let (decision, evidence) = comparison.judge(&sums);
                assert!(
                    !evidence.log.is_nan() && evidence.worse_by.is_finite(),
                    "{sums:?} {margin}"
                );
                let sizes = trials == 0.0 || others == 0.0;
                assert!(!sizes || decision == Decision::Open, "{sums:?} {margin}");
            }
        }
    }
    let compare = values("higher", "0");
    let comparison = Comparison::of(&compare).unwrap();
    for (pairs, mean, squares) in sizes.iter().flat_map(|it| sizes.map(|other| (*it, other, *it))) {
        let sums = Sums::Values(Differences { pairs, mean, squares });
        let (_, evidence) = comparison.judge(&sums);
        assert!(!evidence.log.is_nan(), "{sums:?}");
    }
    // Values that never scatter: five pairs decide.
    let even = |pairs| (0..pairs).fold(Differences::default(), |all, _| all.plus(-1.0));
    assert_eq!(comparison.judge(&Sums::Values(even(4))).0, Decision::Open);
    assert_eq!(comparison.judge(&Sums::Values(even(5))).0, Decision::NotWorse);
}

#[expect(clippy::needless_pass_by_value, reason = "fields are written where they are used")]
fn metric(compare: &Compare, fields: Json) -> Json {
    let mut metric = json!({"name": "m", "interval": "1m", "count": 4, "compare": compare,
        "provider": {"web": {"url": "http://x/{{args.hash}}"}}});
    for (name, value) in fields.as_object().unwrap() {
        metric[name] = value.clone();
    }
    metric
}

/// A run of a Rollout that compares.
fn run(compare: &Compare, fields: Json) -> Play {
    let args = json!([{"name": "hash", "value": "new"}]);
    let mut play = Play::of(
        json!({"metrics": [metric(compare, fields)], "args": args}),
        &[("m", "----------")],
    );
    let metadata = &mut play.seen.run.metadata;
    metadata.labels = Some([("rollouts-pod-template-hash".to_owned(), "new".to_owned())].into());
    metadata.annotations = Some([("rollout.serin.dev/stable-hash".to_owned(), "old".to_owned())].into());
    play
}

fn reading(value: Value) -> Result<Reading, Failure> {
    Ok(Reading {
        outcome: Outcome::Value(value),
        text: "text".into(),
        ..Reading::default()
    })
}

/// The measurement of two answers.
fn of_both(compare: &Compare, fields: Json, canary: Value, stable: Value) -> Measurement {
    let metric: Metric = serde_json::from_value(metric(compare, fields)).unwrap();
    let (run, secrets, environment) = (Run::default(), Secrets::default(), Environment::default());
    let context = Context {
        now: begin(),
        metric: &metric,
        run: &run,
        step: Step::Run { number: 1 },
        secrets: &secrets,
        environment: &environment,
        expressions: &Compiling,
    };
    compared(&context, reading(canary), reading(stable), begin())
}

fn floats<const N: usize>(numbers: [f64; N]) -> Value {
    Value::floats(numbers)
}

/// Lets the play answer what it asks in the next minute with this measurement.
fn answers(play: &mut Play, measurement: Measurement) {
    play.after(61);
    let asked = play.seen.in_flight.remove(0);
    play.seen.answers.push(serin_core::analysis::run::Answer {
        question: asked.question,
        at: play.now,
        measurement,
        ..Default::default()
    });
    // What was measured waits a second for other metrics.
    play.after(1);
}

#[test]
fn a_run_goes_on_until_the_test_decides() {
    let compare = rates("higher", "0.01");
    let one = |successes: f64| of_both(&compare, json!({}), floats([successes, 1000.0]), floats([1.0, 1000.0]));
    // Much worse.
    let mut play = run(&compare, json!({}));
    answers(&mut play, one(20.0));
    assert_eq!(play.message(), "");
    assert_eq!(
        (play.phase(), &*play.result("m").measurements[0].phase),
        ("Running", "Inconclusive")
    );
    answers(&mut play, one(200.0));
    assert_eq!(play.phase(), "Failed");
    assert!(
        play.message().starts_with(
            "Metric \"m\" assessed Failed due to failed (1) > failureLimit (0): \"Error Message: the canary is worse by \
             more than 0.01: canary 220 of 2000 (0.11), stable 2 of 2000 (0.001), worse by 0.109; evidence"
        ),
        "{}",
        play.message()
    );
    // As good.
    let mut play = run(&compare, json!({}));
    answers(&mut play, one(1.0));
    assert_eq!(play.phase(), "Running");
    answers(&mut play, one(0.0));
    assert_eq!(
        play.phase(),
        "Successful",
        "{}",
        play.result("m").measurements.last().unwrap().message
    );
    // Neither: the count is used up.
    let mut play = run(&compare, json!({}));
    for _ in 0..4 {
        assert_eq!(play.phase().replace("Running", ""), "");
        answers(&mut play, one(11.0));
    }
    assert_eq!(play.phase(), "Inconclusive");
    assert!(
        play.message().starts_with(
            "Metric \"m\" assessed Inconclusive due to no decision after 4 measurements: \"Error Message: not decided"
        ),
        "{}",
        play.message()
    );
    assert_eq!(play.seen.run.status.run_summary.inconclusive, 1);
}

#[test]
fn sums_outlive_errors_retention_and_the_controller() {
    let compare = rates("lower", "0.01");
    let mut play = run(&compare, json!({"count": 9, "noData": "Inconclusive"}));
    play.seen.run.spec.measurement_retention =
        serde_json::from_value(json!([{"metricName": "m", "limit": 1}])).unwrap();
    let fields = || json!({"noData": "Inconclusive"});
    answers(
        &mut play,
        of_both(&compare, fields(), floats([980.0, 1000.0]), floats([990.0, 1000.0])),
    );
    let error = Measurement {
        phase: "Error".into(),
        ..Measurement::default()
    };
    answers(&mut play, error);
    let none = of_both(&compare, fields(), floats([980.0, 1000.0]), floats([0.0, 0.0]));
    assert_eq!(
        (&*none.phase, &*none.message),
        ("Inconclusive", "no data: stable: 0 trials")
    );
    answers(&mut play, none);
    // Another controller: all that it knows is the status.
    let stored = serde_json::to_value(&play.seen.run).unwrap();
    play.seen.run = serde_json::from_value(stored).unwrap();
    play.seen.answers.clear();
    answers(
        &mut play,
        of_both(&compare, fields(), floats([0.5, 1.0]), floats([1.0, 1.0])),
    );
    let kept = &play.result("m").measurements;
    assert_eq!(kept.len(), 1);
    let sums: Vec<&str> = ["canarySuccesses", "canaryTrials", "stableSuccesses", "stableTrials"]
        .map(|key| kept[0].metadata[key].as_str())
        .into();
    assert_eq!(sums, ["980.5", "1001", "991", "1001"]);
}

#[test]
fn a_run_that_is_ended_before_a_decision_has_none() {
    let compare = values("higher", "1");
    let mut play = run(&compare, json!({}));
    answers(
        &mut play,
        of_both(&compare, json!({}), Value::Float(2.0), Value::Float(1.5)),
    );
    play.seen.run.spec.terminate = true;
    play.look();
    assert_eq!(
        (play.phase(), &*play.result("m").phase),
        ("Inconclusive", "Inconclusive")
    );
    let metadata = &play.result("m").measurements[0].metadata;
    assert_eq!((&*metadata["canaryValue"], &*metadata["meanDifference"]), ("2", "0.5"));
}

#[test]
fn what_cannot_be_compared_is_an_error_that_says_why() {
    let (compare, of_values) = (rates("higher", "0.01"), values("higher", "0"));
    for (compare, canary, stable, message) in [
        (
            &compare,
            floats([2.0, 1.0]),
            floats([0.0, 1.0]),
            "canary: compare.result: successes (2) must be between 0 and trials (1)",
        ),
        (
            &compare,
            floats([0.0, 1.0]),
            floats([1.0]),
            "stable: could not evaluate compare.result.trials \"result[1]\": index out of range: 1 (array length is 1)",
        ),
        (
            &compare,
            floats([]),
            floats([1.0]),
            "canary: the provider answered nothing",
        ),
        (
            &of_values,
            Value::Float(f64::NAN),
            Value::Float(1.0),
            "canary: the provider answered NaN",
        ),
        (
            &of_values,
            Value::Float(1.0),
            Value::Float(f64::INFINITY),
            "stable: compare.result.value must be a finite number, but is +Inf",
        ),
    ] {
        let measured = of_both(compare, json!({}), canary, stable);
        assert_eq!((&*measured.phase, &*measured.message), ("Error", message));
        assert!(measured.metadata.is_empty());
    }
}

#[test]
fn both_are_asked_with_their_own_hash_or_the_run_says_what_is_missing() {
    let compare = rates("higher", "0.01");
    let written: Metric = serde_json::from_value(metric(&compare, json!({}))).unwrap();
    let args = serde_json::from_value::<Vec<_>>(json!([{"name": "hash", "value": "x"}])).unwrap();
    let sides = Sides {
        canary: Some("new"),
        stable: Some("old"),
    };
    let (canary, stable) = measured(&written, &args, sides).unwrap();
    let url = |metric: Metric| metric.provider.web.unwrap().url;
    assert_eq!(
        (url(canary), url(stable.unwrap())),
        ("http://x/new".into(), "http://x/old".into())
    );
    let mut play = run(&compare, json!({}));
    play.seen.run.metadata.annotations = None;
    play.look();
    assert_eq!(
        (play.phase(), play.message()),
        (
            "Error",
            "Analysis spec invalid: metric 'm': compare: the pod template hash of the stable is not known: the AnalysisRun \
             has no annotation rollout.serin.dev/stable-hash, which runs of a Rollout have"
        )
    );
    let mut play = run(&compare, json!({"provider": {"web": {"url": "http://x"}}}));
    play.look();
    assert_eq!(
        play.message(),
        "Analysis spec invalid: metric 'm': compare.arg: the provider does not use {{args.hash}}, so that canary and stable \
         could not be told apart"
    );
}

/// A generator that gives the same on each machine (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }

    fn successes(&mut self, trials: u32, rate: f64) -> f64 {
        f64::from((0..trials).map(|_| u32::from(self.next() < rate)).sum::<u32>())
    }

    /// Normal, by twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// One life: how it ended, and after how many looks.
fn life(comparison: &Comparison<'_>, looks: u32, mut look: impl FnMut(Option<Sums>) -> Sums) -> (Decision, u32) {
    let mut sums = None;
    for number in 1..=looks {
        let now = look(sums);
        let (decision, _) = comparison.judge(&now);
        if decision != Decision::Open {
            return (decision, number);
        }
        sums = Some(now);
    }
    (Decision::Open, looks)
}

/// Shares of lives that end as worse and as not worse, in percent, and the looks that it took.
fn shares(lives: u32, one: impl FnMut(u32) -> (Decision, u32)) -> (f64, f64, f64) {
    let ends: Vec<(Decision, u32)> = (0..lives).map(one).collect();
    let share = |wanted| {
        let count = ends.iter().filter(|(decision, _)| *decision == wanted).count();
        100.0 * count as f64 / f64::from(lives)
    };
    let looks: u32 = ends.iter().map(|(_, looks)| looks).sum();
    (
        share(Decision::Worse),
        share(Decision::NotWorse),
        f64::from(looks) / f64::from(lives),
    )
}

fn of_rates(dice: &mut Dice, before: Option<Sums>, trials: (u32, u32), rates: (f64, f64)) -> Sums {
    let canary = counts(dice.successes(trials.0, rates.0), f64::from(trials.0));
    let stable = counts(dice.successes(trials.1, rates.1), f64::from(trials.1));
    match before {
        Some(Sums::Rates {
            canary: before,
            stable: other,
        }) => Sums::Rates {
            canary: before.plus(canary),
            stable: other.plus(stable),
        },
        _ => Sums::Rates { canary, stable },
    }
}

/// How often the test errs where the canary is worse by exactly the margin, which is the hardest case of both, and how soon it
/// decides elsewhere. `SERIN_LIVES=2000 cargo test -p serin-core --test analysis -- errs --nocapture` prints the table of
/// docs/compare.md.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the number of lives is asked of the environment"
)]
#[allow(clippy::cast_precision_loss, reason = "counts of lives")]
#[allow(clippy::print_stdout, reason = "the table of docs/compare.md")]
fn the_test_errs_less_often_than_it_says_however_often_it_is_looked_at() {
    let lives: u32 = std::env::var("SERIN_LIVES").map_or(200, |lives| lives.parse().unwrap());
    for (trials, looks) in [((1, 1), 500), ((10, 90), 100), ((100, 900), 50), ((1000, 1000), 20)] {
        for (canary, stable) in [
            (0.02, 0.01),
            (0.06, 0.05),
            (0.01, 0.01),
            (0.05, 0.05),
            (0.05, 0.01),
            (0.15, 0.05),
        ] {
            let compare = rates("higher", "0.01");
            let comparison = Comparison::of(&compare).unwrap();
            let mut dice = Dice(7);
            let (worse, not_worse, taken) = shares(lives, |_| {
                life(&comparison, looks, |before| {
                    of_rates(&mut dice, before, trials, (canary, stable))
                })
            });
            println!(
                "rates {canary} {stable}, {}+{} a look, {looks} looks: {worse:.1}% worse, {not_worse:.1}% not, {taken:.1} looks",
                trials.0, trials.1
            );
            let wrong = if canary - stable > 0.0101 { not_worse } else { worse };
            let both = canary - stable > 0.0099 && canary - stable < 0.0101;
            assert!(wrong <= 5.0 && (!both || not_worse <= 5.0), "{worse} {not_worse}");
        }
    }
    for looks in [10, 30, 100, 1000] {
        for (mean, name) in [(1.0, "on the margin"), (0.0, "as good"), (3.0, "much worse")] {
            let compare = values("higher", "1");
            let comparison = Comparison::of(&compare).unwrap();
            let mut dice = Dice(7);
            let (worse, not_worse, taken) = shares(lives, |_| {
                life(&comparison, looks, |before| {
                    let before = match before {
                        Some(Sums::Values(before)) => before,
                        _ => Differences::default(),
                    };
                    Sums::Values(before.plus(mean + dice.normal()))
                })
            });
            println!("values {name}, {looks} looks: {worse:.1}% worse, {not_worse:.1}% not, {taken:.1} looks");
            let wrong = if mean > 1.0 { not_worse } else { worse };
            assert!(
                wrong <= 5.0 && (name != "on the margin" || not_worse <= 5.0),
                "{worse} {not_worse}"
            );
        }
    }
}
