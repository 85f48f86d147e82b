//! The one way in: a run, its answers and a clock reading give a plan.

use super::assess;
use super::fold::fold;
use super::observed::{Asked, Observed, Question, Step};
use super::plan::Plan;
use super::retention::{finished, trim};
use super::rules;
use super::schedule::{Course, Next, number};
use super::status;
use super::time::{after_seconds, stamp};
use super::validate::validate;
use crate::analysis::arguments;
use crate::analysis::compare::{Sides, measured};
use crate::api::AnalysisRun;
use crate::api::analysis_run::AnalysisRunStatus;
use crate::api::analysis_template::Metric;
use crate::plan::{After, Event, News, Urgency, Wake, WakeReason};
use crate::wire::analysis::Phase;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that what was measured waits for the other measurements of the run, so that one write has them all. A verdict
/// never waits.
const TOGETHER_SECONDS: i64 = 1;

/// Decides what happens next to a run. Total: no panic, no error, the same answer for the same input.
#[must_use]
pub fn decide(seen: &Observed, now: Timestamp) -> Plan {
    let run = &seen.run;
    if run.metadata.deletion_timestamp.is_some() {
        return Plan::default();
    }
    if Phase::of(&run.status.phase).is_completed() {
        return finished(run, now);
    }
    match Prepared::of(seen) {
        Ok(prepared) => prepared.plan(seen, now),
        Err(message) => refused(run, message),
    }
}

/// A run that cannot be measured ends in Error, without a time of its end (contract 06 §1).
fn refused(run: &AnalysisRun, message: String) -> Plan {
    let phase = Phase::Error;
    let next = AnalysisRunStatus {
        phase: phase.as_str().to_owned(),
        message,
        ..run.status.clone()
    };
    Plan {
        status: status::write(&run.status, &next),
        events: told([News::RunCompleted { phase }]),
        ..Plan::default()
    }
}

fn told(news: impl IntoIterator<Item = News>) -> Vec<Event> {
    let after = After::Status;
    news.into_iter().map(|news| Event { news, after }).collect()
}

/// The metrics with their arguments, and what the rules say of them.
struct Prepared {
    metrics: Vec<Metric>,
    dry_run: BTreeSet<String>,
    retention: BTreeMap<String, i32>,
}

impl Prepared {
    /// Resolves and checks the spec.
    ///
    /// # Errors
    /// The message of the run.
    fn of(seen: &Observed) -> Result<Self, String> {
        fn invalid(why: impl std::fmt::Display) -> String {
            format!("Analysis spec invalid: {why}")
        }
        let unresolved = |why: String| format!("Unable to resolve metric arguments: {why}");
        if let Some(why) = &seen.undecodable {
            return Err(invalid(why));
        }
        let spec = &seen.run.spec;
        let args = arguments::without_secrets(&spec.args);
        let filled = spec.metrics.iter().map(|metric| arguments::metric(metric, &args));
        let metrics: Vec<Metric> = filled
            .collect::<Result<_, _>>()
            .map_err(|error| unresolved(error.to_string()))?;
        validate(&metrics).map_err(invalid)?;
        let sides = Sides::of(&seen.run.metadata);
        for metric in spec.metrics.iter().filter(|metric| metric.compare.is_some()) {
            measured(metric, &args, sides).map_err(invalid)?;
        }
        let dry_run = rules::dry_run(&spec.dry_run, &metrics).map_err(invalid)?;
        let retention = rules::retention(&spec.measurement_retention, &metrics).map_err(invalid)?;
        if let Some(why) = &seen.unresolved {
            return Err(unresolved(why.clone()));
        }
        Ok(Self {
            metrics,
            dry_run,
            retention,
        })
    }

    fn plan(&self, seen: &Observed, now: Timestamp) -> Plan {
        let (run, old) = (&seen.run, &seen.run.status);
        let asked = run.spec.terminate;
        let uid = run.metadata.uid.clone().unwrap_or_default();
        let mut next = old.clone();
        let answered_at = fold(&mut next, &seen.answers, &uid, &self.metrics, &self.dry_run);
        let mut news = assess::metrics(&mut next, &self.metrics, assess::is_terminating(asked, old));
        let terminating = assess::is_terminating(asked, &next);
        if terminating {
            news.extend(assess::metrics(&mut next, &self.metrics, true));
        }
        let started_at = next.started_at.get_or_insert(stamp(now)).0;
        let in_flight: Vec<&Asked> = seen
            .in_flight
            .iter()
            .filter(|asked| asked.question.run == uid)
            .collect();
        let mut doing = Doing::default();
        for (index, metric) in self.metrics.iter().enumerate() {
            let result = next.metric_results.iter().find(|result| result.name == metric.name);
            if result.is_some_and(|result| Phase::of(&result.phase).is_completed()) {
                continue;
            }
            if in_flight.iter().any(|asked| asked.question.metric == metric.name) {
                // The answer of a person's wish to end is waited for; after a bad metric only what leaves something behind.
                doing.waits |= asked || leaves_something(metric);
                continue;
            }
            let course = Course {
                metric,
                result,
                started_at,
                terminating,
                uid: &uid,
                jobs: &seen.jobs,
            };
            let question = |step| Question {
                run: uid.clone(),
                index,
                metric: metric.name.clone(),
                number: number(result),
                step,
            };
            doing.next(course.next(now), question);
        }
        let ending = terminating && !doing.waits;
        let verdict = assess::run(&mut next, &self.metrics, &self.dry_run, asked, ending);
        let verdict = verdict.filter(|_| ending || !terminating);
        news.extend(conclude(&mut next, verdict, now));
        let collect = trim(&mut next, &self.metrics, &self.retention);
        let mut plan = Plan {
            status: status::write(old, &next),
            events: told(news),
            questions: doing.questions,
            wake: doing.wake,
            collect,
            delete: None,
        };
        hold(&mut plan, &in_flight, answered_at, now);
        plan
    }
}

/// Sets phase and message where the phase changes (contract 06 §1); tells of the end.
fn conclude(next: &mut AnalysisRunStatus, verdict: Option<(Phase, String)>, now: Timestamp) -> Option<News> {
    let (phase, message) = verdict.unwrap_or((Phase::Running, String::new()));
    if next.phase == phase.as_str() {
        return None;
    }
    phase.as_str().clone_into(&mut next.phase);
    next.message = message;
    if !phase.is_completed() {
        return None;
    }
    next.completed_at.get_or_insert(stamp(now));
    Some(News::RunCompleted { phase })
}

/// What is without a verdict waits for what is being measured: a moment, and no longer after an answer.
fn hold(plan: &mut Plan, in_flight: &[&Asked], answered_at: Option<Timestamp>, now: Timestamp) {
    let counters = plan
        .status
        .as_ref()
        .is_some_and(|write| write.urgency == Urgency::Counters);
    if !counters || !plan.collect.is_empty() {
        return;
    }
    let asked_now = plan.questions.iter().map(|_| now);
    let asked_at = in_flight.iter().map(|asked| asked.at).chain(asked_now).min();
    let Some(asked_at) = asked_at else {
        return;
    };
    let since = answered_at.map_or(asked_at, |answered_at| answered_at.min(asked_at));
    let at = after_seconds(since, TOGETHER_SECONDS);
    // A time ahead of now is of another clock.
    if now < at && since <= now {
        plan.status = None;
        let why = WakeReason::MeasurementLate;
        plan.wake = earliest(plan.wake, Wake { at, why });
    }
}

/// Whether a measurement of it leaves something behind that must be ended: a Job, or what a plugin began.
fn leaves_something(metric: &Metric) -> bool {
    metric.provider.job.is_some() || !metric.provider.plugin.is_empty()
}

fn earliest(wake: Option<Wake>, other: Wake) -> Option<Wake> {
    Some(wake.filter(|wake| wake.at <= other.at).unwrap_or(other))
}

/// What the metrics ask for.
#[derive(Default)]
struct Doing {
    questions: Vec<Question>,
    wake: Option<Wake>,
    /// The run cannot end before an answer.
    waits: bool,
}

impl Doing {
    fn next(&mut self, next: Next, question: impl FnOnce(Step) -> Question) {
        match next {
            Next::Now(step) => {
                self.waits = true;
                self.questions.push(question(step));
            }
            Next::At(wake) => self.wake = earliest(self.wake, wake),
            Next::Nothing => {}
        }
    }
}
