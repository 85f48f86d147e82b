//! A run whose provider answers from a script.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_core::analysis::run::{Answer, Asked, Observed, Plan, Question, Step, decide};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::{Measurement, MetricResult};
use std::collections::BTreeMap;

/// When every play begins.
pub(crate) const BEGIN: &str = "2026-01-01T00:00:00Z";

pub(crate) fn begin() -> Timestamp {
    BEGIN.parse().unwrap()
}

/// A run, what was seen of it, and what its provider will answer.
pub(crate) struct Play {
    pub(crate) seen: Observed,
    pub(crate) now: Timestamp,
    /// Letters by metric, one for each question: `S`uccessful, `F`ailed, `I`nconclusive, `E`rror, `R`unning (looked at again
    /// in 5 s), `J` the same with a Job, `-` for no answer yet. Without a letter left: Successful.
    script: BTreeMap<String, Vec<char>>,
    pub(crate) asked: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) collected: Vec<String>,
    pub(crate) writes: usize,
    pub(crate) deleted: bool,
    pub(crate) last: Plan,
}

impl Play {
    /// A run with this spec.
    #[expect(clippy::needless_pass_by_value, reason = "specs are written where they are used")]
    pub(crate) fn of(spec: Value, script: &[(&str, &str)]) -> Self {
        let run: AnalysisRun = serde_json::from_value(json!({
            "metadata": {"name": "run", "namespace": "ns", "uid": "uid-1", "resourceVersion": "1"},
            "spec": spec,
        }))
        .unwrap();
        let script = script
            .iter()
            .map(|(metric, letters)| ((*metric).to_owned(), letters.chars().collect()));
        Self {
            seen: Observed {
                run,
                ..Observed::default()
            },
            now: begin(),
            script: script.collect(),
            asked: Vec::new(),
            events: Vec::new(),
            collected: Vec::new(),
            writes: 0,
            deleted: false,
            last: Plan::default(),
        }
    }

    /// A run of one metric `m`, measured by these letters for as long as there are some.
    #[expect(clippy::needless_pass_by_value, reason = "fields are written where they are used")]
    pub(crate) fn metric(fields: Value, letters: &str) -> Self {
        let mut metric = json!({"name": "m", "provider": {"web": {"url": "http://x"}}});
        for (name, value) in fields.as_object().unwrap() {
            metric[name] = value.clone();
        }
        let mut play = Self::of(json!({"metrics": [metric]}), &[("m", letters)]);
        play.through();
        play
    }

    /// Looks again at each wake while the script has letters.
    pub(crate) fn through(&mut self) {
        self.look();
        while let Some(wake) = self
            .last
            .wake
            .filter(|_| self.script.values().any(|letters| !letters.is_empty()))
        {
            self.now = self.now.max(wake.at);
            self.look();
        }
    }

    pub(crate) fn after(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.look();
    }

    /// Decides and carries out until nothing is left to do at this moment.
    pub(crate) fn look(&mut self) {
        for _ in 0..50 {
            let plan = decide(&self.seen, self.now);
            assert_eq!(plan, decide(&self.seen, self.now));
            self.last = plan.clone();
            if plan.is_empty() {
                return;
            }
            self.carry_out(plan);
        }
        panic!("no rest: {:?}", self.last);
    }

    pub(crate) fn carry_out(&mut self, plan: Plan) {
        for question in plan.questions {
            assert!(
                self.seen
                    .in_flight
                    .iter()
                    .all(|asked| asked.question.metric != question.metric),
                "twice at once: {question:?}"
            );
            self.ask(question);
        }
        let collected = plan
            .collect
            .iter()
            .map(|collect| format!("{} {}", collect.metric, collect.limit));
        self.collected.extend(collected);
        self.deleted |= plan.delete.is_some();
        if let Some(write) = plan.status {
            self.writes += 1;
            let mut run = serde_json::to_value(&self.seen.run).unwrap();
            merge(&mut run, &write.patch);
            self.seen.run = serde_json::from_value(run).unwrap();
        }
        let told = |event: &serin_core::plan::Event| {
            format!("{} {} {}", event.news.kind().as_str(), event.news.reason(), event.news)
        };
        self.events.extend(plan.events.iter().map(told));
    }

    fn ask(&mut self, question: Question) {
        let word = match &question.step {
            Step::Run => "run",
            Step::Resume(_) => "resume",
            Step::Terminate(_) => "terminate",
        };
        self.asked
            .push(format!("{word} {} {}", question.metric, question.number));
        let letters = self.script.entry(question.metric.clone()).or_default();
        let letter = if letters.is_empty() { 'S' } else { letters.remove(0) };
        if letter == '-' {
            let at = self.now;
            self.seen.in_flight.push(Asked { question, at });
        } else {
            self.answer(question, letter);
        }
    }

    /// The answer to what is in flight of a metric.
    pub(crate) fn arrives(&mut self, metric: &str, letter: char) {
        let at = self
            .seen
            .in_flight
            .iter()
            .position(|asked| asked.question.metric == metric)
            .unwrap();
        let asked = self.seen.in_flight.remove(at);
        self.answer(asked.question, letter);
    }

    fn answer(&mut self, question: Question, letter: char) {
        let mut measurement = match &question.step {
            Step::Run => Measurement::default(),
            Step::Resume(of) | Step::Terminate(of) => (**of).clone(),
        };
        measurement.phase = match letter {
            'S' => "Successful",
            'F' => "Failed",
            'I' => "Inconclusive",
            'E' => "Error",
            _ => "Running",
        }
        .into();
        if letter == 'E' {
            measurement.message = "no route".into();
        }
        if letter == 'J' {
            let job = format!("{}.{}.{}", question.run, question.metric, question.number);
            measurement.metadata.insert("job-name".into(), job);
        }
        if matches!(letter, 'R' | 'J') {
            let at = self.now.checked_add(SignedDuration::from_secs(5)).unwrap();
            measurement.resume_at = Some(serin_core::api::Time(at));
        }
        self.seen.answers.push(Answer {
            question,
            at: self.now,
            measurement,
            metadata: BTreeMap::from([("query".to_owned(), "up".to_owned())]),
        });
    }

    pub(crate) fn phase(&self) -> &str {
        &self.seen.run.status.phase
    }

    pub(crate) fn message(&self) -> &str {
        &self.seen.run.status.message
    }

    pub(crate) fn result(&self, metric: &str) -> &MetricResult {
        let results = &self.seen.run.status.metric_results;
        results.iter().find(|result| result.name == metric).unwrap()
    }

    /// Seconds until the next look.
    pub(crate) fn waits(&self) -> Option<i64> {
        self.last.wake.map(|wake| wake.at.duration_since(self.now).as_secs())
    }
}

/// RFC 7386.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        match value {
            Value::Null => {
                target.as_object_mut().unwrap().remove(name);
            }
            value => merge(&mut target[name], value),
        }
    }
}
