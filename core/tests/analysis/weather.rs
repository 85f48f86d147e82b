//! Random runs against random providers: late, absent, NaN, with too few samples, erring in bursts, good and bad in turns.
//!
//! P5: what failed or is unknown is no success, unless the metric says `noData: Successful`. L1: a run whose metrics end comes
//! to rest. The sums of comparisons are those of all that was measured, whatever is lost in between. `SERIN_WEATHER` plays as
//! many runs.
#![allow(
    clippy::disallowed_methods,
    reason = "the number of runs is asked of the environment"
)]

use crate::lives::Dice;
use crate::play::{begin, merge};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use serin_core::analysis::compare::{Comparison, Sides, measured};
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::{
    Context, Environment, Failure, Outcome, Reading, Run, Secrets, Step, compared, measurement,
};
use serin_core::analysis::run::{Answer, Asked, Observed, decide};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::{Measurement, MetricResult};
use serin_core::api::analysis_template::Metric;
use serin_core::wire::analysis::Phase;
use serin_expr::Value;
use std::collections::BTreeMap;

/// Runs of a normal test.
const RUNS: u64 = 1_000;
/// Metadata of a measurement: what the provider was like.
const MOOD: &str = "mood";
/// Metadata of a measurement: trials of the canary that it counted.
const TRIALS: &str = "trials";
/// Samples below which an answer is no data, where a metric says so.
const LEAST: u32 = 100;

/// What a provider is like, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    Between,
    Bad,
    Few,
    Nan,
    Absent,
    Errs,
}

impl Mood {
    const ALL: [Self; 7] = [
        Self::Good,
        Self::Between,
        Self::Bad,
        Self::Few,
        Self::Nan,
        Self::Absent,
        Self::Errs,
    ];

    /// What it answers: a value and its samples, or of a comparison successes and trials.
    fn answer(self, is_canary: bool, compares: bool) -> Result<Reading, Failure> {
        let numbers: &[f64] = match self {
            Self::Errs => return Err("no route".to_owned().into()),
            Self::Absent => &[],
            Self::Nan => &[f64::NAN, f64::NAN],
            Self::Few if compares => &[0.0, 3.0],
            Self::Few => &[0.95, 3.0],
            Self::Bad if compares && is_canary => &[300.0, 1000.0],
            Self::Between if compares && is_canary => &[15.0, 1000.0],
            Self::Good | Self::Bad | Self::Between if compares => &[5.0, 1000.0],
            Self::Good => &[0.95, 200.0],
            Self::Between => &[0.7, 200.0],
            Self::Bad => &[0.2, 200.0],
        };
        Ok(Reading {
            outcome: Outcome::Value(Value::floats(numbers.iter().copied())),
            text: format!("{numbers:?}"),
            ..Reading::default()
        })
    }

    /// Whether there is nothing to judge.
    fn lacks(self, metric: &Metric) -> bool {
        let few = self == Self::Few && metric.min_samples.is_some();
        few || matches!(self, Self::Nan | Self::Absent)
    }

    /// The phase that a metric with conditions must make of it.
    fn phase(self, metric: &Metric) -> &str {
        let between = if metric.failure_condition.is_empty() {
            "Failed"
        } else {
            "Inconclusive"
        };
        match self {
            Self::Errs => "Error",
            _ if self.lacks(metric) && !metric.no_data.is_empty() => &metric.no_data,
            Self::Absent => "Error",
            Self::Nan | Self::Between => between,
            Self::Bad => "Failed",
            Self::Good | Self::Few => "Successful",
        }
    }
}

fn spec(dice: &mut Dice) -> Json {
    let metrics = (0..=dice.roll(2)).map(|index| {
        let count = 1 + dice.roll(6);
        let mut metric = json!({"name": format!("m{index}"), "count": count, "interval": format!("{}s", 1 + dice.roll(30)),
            "consecutiveErrorLimit": dice.roll(4), "provider": {"web": {"url": "http://x/{{args.hash}}"}}});
        let compares = dice.one_in(3);
        let no_data = ["", "Inconclusive", "Failed", "Error", "Successful"];
        let said = no_data[usize::try_from(dice.roll(if compares { 4 } else { 5 })).unwrap()];
        if !said.is_empty() {
            metric["noData"] = json!(said);
        }
        if dice.one_in(2) {
            metric["samples"] = json!("result[1]");
            if !said.is_empty() {
                metric["minSamples"] = json!(LEAST);
            }
        }
        if compares {
            metric["compare"] = json!({"arg": "hash", "worse": "higher", "margin": "0.01", "confidence": "0.95",
                "result": {"successes": "result[0]", "trials": "result[1]"}});
        } else {
            metric["successCondition"] = json!("result[0] > 0.9");
            metric["failureLimit"] = json!(dice.roll(count));
            metric["inconclusiveLimit"] = json!(dice.roll(count));
            if dice.one_in(2) {
                metric["failureCondition"] = json!("result[0] < 0.5");
            }
        }
        metric
    });
    let metrics: Vec<Json> = metrics.collect();
    json!({"metrics": metrics, "args": [{"name": "hash", "value": "new"}],
        "measurementRetention": [{"metricName": "m.*", "limit": 100}]})
}

struct Life {
    seen: Observed,
    now: jiff::Timestamp,
    dice: Dice,
    moods: BTreeMap<String, Mood>,
    trace: Vec<String>,
}

impl Life {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let run: AnalysisRun = serde_json::from_value(json!({"metadata": {"name": "r", "uid": "u",
            "labels": {"rollouts-pod-template-hash": "new"}, "annotations": {"rollout.serin.dev/stable-hash": "old"}},
            "spec": spec(&mut dice)}))
        .unwrap();
        Self {
            seen: Observed {
                run,
                ..Observed::default()
            },
            now: begin(),
            dice,
            moods: BTreeMap::new(),
            trace: Vec::new(),
        }
    }

    /// A mood lasts for some measurements: errors come in bursts, and what flaps does not flap each time.
    fn mood(&mut self, metric: &str) -> Mood {
        let change = self.dice.one_in(3);
        let new = Mood::ALL[usize::try_from(self.dice.roll(7)).unwrap()];
        let mood = self.moods.entry(metric.to_owned()).or_insert(new);
        if change {
            *mood = new;
        }
        *mood
    }

    /// The provider answers as the shell asks it: with the metric's arguments, canary and stable where it compares.
    fn answer(&mut self, asked: Asked) {
        let question = asked.question;
        let mood = self.mood(&question.metric);
        let spec = &self.seen.run.spec;
        let sides = Sides::of(&self.seen.run.metadata);
        let (metric, stable) = measured(&spec.metrics[question.index], &spec.args, sides).unwrap();
        let (run, secrets, environment) = (Run::default(), Secrets::default(), Environment::default());
        let context = Context {
            now: self.now,
            metric: &metric,
            run: &run,
            step: Step::Run { number: 1 },
            secrets: &secrets,
            environment: &environment,
            expressions: &Compiling,
        };
        let compares = stable.is_some();
        let canary = mood.answer(true, compares);
        let mut taken = if compares {
            compared(&context, canary, mood.answer(false, compares), self.now)
        } else {
            measurement(&context, canary, self.now)
        };
        if compares {
            let trials = taken.metadata.get("canaryTrials").cloned().unwrap_or_default();
            taken.metadata.insert(TRIALS.into(), trials);
        } else {
            assert_eq!(taken.phase, mood.phase(&metric), "{mood:?} {taken:?}");
        }
        taken.metadata.insert(MOOD.into(), format!("{mood:?}"));
        self.trace
            .push(format!("{} answers {mood:?}: {}", question.metric, taken.phase));
        self.seen.answers.push(Answer {
            question,
            at: self.now,
            measurement: taken,
            ..Answer::default()
        });
    }

    fn step(&mut self) {
        let plan = decide(&self.seen, self.now);
        for question in plan.questions {
            let at = self.now;
            self.seen.in_flight.push(Asked { question, at });
        }
        if let Some(write) = plan.status
            && !self.dice.one_in(8)
        {
            let mut run = serde_json::to_value(&self.seen.run).unwrap();
            merge(&mut run, &write.patch);
            self.seen.run = serde_json::from_value(run).unwrap();
            self.seen.answers.clear();
        }
        if self.dice.one_in(40) {
            self.trace.push("the controller dies".into());
            self.seen.answers.clear();
            self.seen.in_flight.clear();
        }
        while !self.seen.in_flight.is_empty() && self.dice.one_in(2) {
            let index = usize::try_from(self.dice.roll(self.seen.in_flight.len() as u64)).unwrap();
            let asked = self.seen.in_flight.remove(index);
            self.answer(asked);
        }
        let seconds = i64::try_from(self.dice.roll(20)).unwrap();
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    fn is_over(&self) -> bool {
        Phase::of(&self.seen.run.status.phase).is_completed()
    }

    fn check(&self) {
        let (spec, status) = (&self.seen.run.spec, &self.seen.run.status);
        for result in &status.metric_results {
            let metric = spec.metrics.iter().find(|metric| metric.name == result.name).unwrap();
            match Comparison::of_metric(metric) {
                Some(comparison) => has_all_sums(result, &comparison),
                None => is_founded(result, metric, status.phase == "Successful"),
            }
        }
        if status.phase == "Successful" {
            let all = status.metric_results.iter().all(|result| result.phase == "Successful");
            assert!(all && status.metric_results.len() == spec.metrics.len());
        }
    }
}

/// A success was measured, and is no lack of data (P5).
fn is_founded(result: &MetricResult, metric: &Metric, run_is_successful: bool) {
    let good = |measurement: &&Measurement| {
        let mood = measurement.metadata[MOOD].as_str();
        let lacks = matches!(mood, "Nan" | "Absent") || mood == "Few" && metric.min_samples.is_some();
        mood == "Good" || mood == "Few" && !lacks || lacks && metric.no_data == "Successful"
    };
    let count = result.measurements.iter().filter(good).count();
    assert_eq!(i32::try_from(count).unwrap(), result.successful, "{result:?}");
    if run_is_successful {
        let limit = |limit: &Option<serin_core::api::IntOrString>| match limit {
            Some(serin_core::api::IntOrString::Int(number)) => *number,
            _ => 0,
        };
        let tolerated = limit(&metric.failure_limit) + limit(&metric.inconclusive_limit);
        assert!(result.successful >= result.count - tolerated, "{result:?}");
    }
}

/// The sums are those of every measurement, and the verdict is what they say.
fn has_all_sums(result: &MetricResult, comparison: &Comparison<'_>) {
    let number = |measurement: &Measurement, key: &str| {
        let text = measurement.metadata.get(key).map_or("", String::as_str);
        text.parse::<f64>().unwrap_or(0.0)
    };
    let trials: f64 = result.measurements.iter().map(|it| number(it, TRIALS)).sum();
    let Some(last) = result.measurements.last() else {
        return;
    };
    assert_eq!(number(last, "canaryTrials"), trials, "{result:?}");
    if result.phase == "Successful" {
        let sums = serin_core::analysis::compare::Sums::read(comparison, &last.metadata).unwrap();
        let decided = comparison.judge(&sums).0;
        assert_eq!(decided, serin_core::analysis::compare::Decision::NotWorse, "{result:?}");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the figures of docs/testing.md")]
fn what_providers_do_never_makes_a_success_of_nothing() {
    let runs = std::env::var("SERIN_WEATHER").map_or(RUNS, |runs| runs.parse().unwrap());
    let mut ends = BTreeMap::new();
    for seed in 0..runs {
        let mut life = Life::of(seed);
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..2000 {
                life.step();
                life.check();
                if life.is_over() {
                    break;
                }
            }
            assert!(life.is_over(), "no rest");
            life.seen.answers.clear();
            let plan = decide(&life.seen, life.now);
            assert!(plan.is_empty() && plan.wake.is_none(), "{plan:?}");
        }));
        if lived.is_err() {
            let run = serde_json::to_string_pretty(&life.seen).unwrap();
            panic!("run {seed}: {}\n{run}", life.trace.join("\n"));
        }
        *ends.entry(life.seen.run.status.phase.clone()).or_insert(0) += 1;
    }
    println!("{runs} runs: {ends:?}");
    for phase in ["Successful", "Failed", "Error", "Inconclusive"] {
        assert!(ends.get(phase).is_some_and(|count| *count > runs / 200), "{ends:?}");
    }
}
