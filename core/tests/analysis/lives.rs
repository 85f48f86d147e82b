//! Random lives of runs: answers late, lost and doubled, writes that fail, controllers that die, a clock that jumps.
//!
//! P5: what is not known to be good is no success. L1: a run whose metrics end comes to rest. `SERIN_LIVES` plays as many.
#![allow(
    clippy::disallowed_methods,
    reason = "the number of lives is asked of the environment"
)]

use crate::play::{begin, merge};
use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_core::analysis::run::{Answer, Asked, Observed, Step, decide};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::Measurement;
use serin_core::wire::analysis::Phase;

/// Lives of a normal run.
const LIVES: u64 = 2_000;

/// xorshift64*: the same lives on each machine.
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of a seed. Seeds that are close give other lives.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            dice.roll(2);
        }
        dice
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

fn spec(dice: &mut Dice) -> Value {
    let metrics = (0..=dice.roll(3)).map(|index| {
        let count = 1 + dice.roll(4);
        let mut metric = json!({"name": format!("m{index}"), "count": count, "interval": format!("{}s", 1 + dice.roll(30)),
            "consecutiveErrorLimit": dice.roll(4), "failureLimit": dice.roll(count), "inconclusiveLimit": dice.roll(count)});
        metric["provider"] = match dice.roll(3) {
            0 => json!({"job": {"spec": {}}}),
            1 => json!({"plugin": {"a/b": {}}}),
            _ => json!({"web": {"url": "http://x"}}),
        };
        if dice.one_in(4) {
            metric["initialDelay"] = json!(format!("{}s", dice.roll(40)));
        }
        if dice.one_in(4) {
            metric["failureLimit"] = json!(-1);
            metric["consecutiveSuccessLimit"] = json!(1 + dice.roll(count));
        }
        metric
    });
    let metrics: Vec<Value> = metrics.collect();
    let dry = if dice.one_in(4) {
        json!([{"metricName": "m0"}])
    } else {
        json!([])
    };
    json!({"metrics": metrics, "dryRun": dry})
}

/// What the provider knows of each measurement that it finished, by metric and number.
type Truth = std::collections::BTreeMap<(String, i32), Phase>;

struct Life {
    seen: Observed,
    now: jiff::Timestamp,
    truth: Truth,
    dice: Dice,
    trace: Vec<String>,
}

impl Life {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let run: AnalysisRun =
            serde_json::from_value(json!({"metadata": {"name": "r", "uid": "u"}, "spec": spec(&mut dice)})).unwrap();
        Self {
            seen: Observed {
                run,
                ..Observed::default()
            },
            now: begin(),
            truth: Truth::new(),
            dice,
            trace: Vec::new(),
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    fn answer(&mut self, asked: Asked) {
        let question = asked.question;
        let mut measurement = match &question.step {
            Step::Run => Measurement::default(),
            Step::Resume(of) | Step::Terminate(of) => (**of).clone(),
        };
        let slow = self.seen.run.spec.metrics[question.index].provider.web.is_none();
        let phase = match self.dice.roll(10) {
            0 => Phase::Failed,
            1 => Phase::Inconclusive,
            2 | 3 => Phase::Error,
            4 | 5 if slow => Phase::Running,
            _ => Phase::Successful,
        };
        phase.as_str().clone_into(&mut measurement.phase);
        if phase.is_completed() {
            // A Job of one name is one Job: taken again it answers the same.
            let known = self
                .truth
                .entry((question.metric.clone(), question.number))
                .or_insert(phase);
            if slow && question.step != Step::Run {
                known.as_str().clone_into(&mut measurement.phase);
            } else {
                *known = phase;
            }
        }
        self.trace.push(format!(
            "{} answers {} {}",
            question.metric, question.number, measurement.phase
        ));
        self.seen.answers.push(Answer {
            question,
            at: self.now,
            measurement,
            ..Answer::default()
        });
    }

    fn step(&mut self) {
        let plan = decide(&self.seen, self.now);
        assert_eq!(plan, decide(&self.seen, self.now));
        for question in plan.questions {
            let metric = &question.metric;
            assert!(
                self.seen.in_flight.iter().all(|asked| asked.question.metric != *metric),
                "twice at once"
            );
            let at = self.now;
            self.seen.in_flight.push(Asked { question, at });
        }
        if let Some(write) = plan.status {
            if self.dice.one_in(6) {
                self.trace.push("a write fails".into());
            } else {
                let mut run = serde_json::to_value(&self.seen.run).unwrap();
                merge(&mut run, &write.patch);
                self.seen.run = serde_json::from_value(run).unwrap();
                if self.dice.one_in(2) {
                    self.seen.answers.clear();
                }
            }
        }
        if self.dice.one_in(25) {
            self.trace.push("the controller dies".into());
            self.seen.answers.clear();
            self.seen.in_flight.clear();
        }
        if self.dice.one_in(60) {
            self.seen.run.spec.terminate = true;
        }
        while !self.seen.in_flight.is_empty() && self.dice.one_in(2) {
            let index = usize::try_from(self.dice.roll(self.seen.in_flight.len() as u64)).unwrap();
            let asked = self.seen.in_flight.remove(index);
            self.answer(asked);
        }
        let seconds = match self.dice.roll(40) {
            0 => -30,
            1 => 3600,
            _ => i64::try_from(self.dice.roll(12)).unwrap(),
        };
        self.pass(seconds);
    }

    fn is_over(&self) -> bool {
        Phase::of(&self.seen.run.status.phase).is_completed()
    }

    /// What the status says is what was answered, and a success has evidence.
    fn check(&self) {
        let status = &self.seen.run.status;
        for (metric, result) in self.seen.run.spec.metrics.iter().filter_map(|metric| {
            let result = status.metric_results.iter().find(|result| result.name == metric.name);
            result.map(|result| (metric, result))
        }) {
            assert_eq!(result.count, result.successful + result.failed + result.inconclusive);
            let finished = result
                .measurements
                .iter()
                .filter(|measurement| measurement.finished_at.is_some());
            assert_eq!(finished.count(), usize::try_from(result.count + result.error).unwrap());
            assert!(
                result
                    .measurements
                    .iter()
                    .rev()
                    .skip(1)
                    .all(|measurement| measurement.finished_at.is_some())
            );
            if result.phase == "Successful" {
                assert!(result.count > 0, "a success of {} that nobody measured", metric.name);
                assert!(
                    result.successful > 0
                        || self.seen.run.spec.terminate
                        || status.metric_results.len() > 1
                        || result.failed + result.inconclusive <= tolerated(metric),
                    "no success was seen"
                );
            }
        }
        if status.phase == "Successful" {
            let bad =
                |result: &&serin_core::api::analysis_run::MetricResult| !result.dry_run && result.phase != "Successful";
            assert_eq!(status.metric_results.iter().find(bad), None);
            let all = status.metric_results.len() == self.seen.run.spec.metrics.len();
            assert!(all || self.seen.run.spec.terminate, "a metric was never measured");
        }
        if self.is_over() && !status.message.starts_with("Analysis spec") {
            assert!(status.completed_at.is_some());
            let open = |measurement: &Measurement| measurement.finished_at.is_none();
            assert!(
                !status
                    .metric_results
                    .iter()
                    .any(|result| result.measurements.iter().any(open)),
                "left open"
            );
        }
    }
}

fn tolerated(metric: &serin_core::api::analysis_template::Metric) -> i32 {
    let number = |limit: &Option<serin_core::api::IntOrString>| match limit {
        Some(serin_core::api::IntOrString::Int(number)) => *number,
        _ => 0,
    };
    number(&metric.failure_limit).max(0) + number(&metric.inconclusive_limit)
}

#[test]
fn a_run_comes_to_rest_and_unknown_is_never_success() {
    let lives = std::env::var("SERIN_LIVES").map_or(LIVES, |lives| lives.parse().unwrap());
    let mut ends = std::collections::BTreeMap::new();
    for seed in 0..lives {
        let mut life = Life::of(seed);
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..4000 {
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
            panic!("life {seed}: {}\n{run}", life.trace.join("\n"));
        }
        *ends.entry(life.seen.run.status.phase.clone()).or_insert(0) += 1;
    }
    for phase in ["Successful", "Failed", "Error", "Inconclusive"] {
        assert!(ends.get(phase).is_some_and(|count| *count > lives / 100), "{ends:?}");
    }
}
