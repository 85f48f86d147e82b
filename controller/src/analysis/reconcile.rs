//! One look at one run: observe → decide → put questions → record.

use super::engine::Engine;
use crate::act::Error;
use crate::cluster::refusal::Failure;
use crate::queue::reason::Wait;
use crate::queue::{Due, Ended, Item, Reason};
use crate::store::runs::StoredRun;
use crate::store::{Key, Owner, Source};
use jiff::Timestamp;
use serin_core::analysis::run::{Observed, Plan, decide};
use serin_core::observed::{Kind, Refusal};
use serin_core::plan::{StatusWrite, Urgency, WakeReason};
use serin_core::wire::analysis::Phase;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The shortest wait, also for a wake in the past.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
/// How long counters wait for the budget of calls before they ask again: meanwhile more of them come together.
const HELD: Duration = Duration::from_millis(250);

/// Looks at a run, and carries out what was decided.
pub(super) async fn run(engine: &Arc<Engine>, item: &Item) -> Ended {
    let (shell, key) = (&engine.shell, &item.key);
    let Some(stored) = shell.stores.runs.get(key) else {
        engine.forget(key, "");
        return Ended::Well(None);
    };
    if !shell.writer.may_write() {
        return Ended::Well(None);
    }
    let uid = stored.meta.uid.clone().unwrap_or_default();
    let desk = engine.desk.of(&uid);
    let answers = desk.answers.len();
    let observed = Observed {
        run: stored.run.clone(),
        undecodable: stored.undecodable.clone(),
        unresolved: desk.unresolved,
        in_flight: desk.in_flight,
        answers: desk.answers,
        jobs: engine.jobs.of(&uid),
    };
    let (now, read) = ((shell.clock)(), Instant::now());
    let mut plan = decide(&observed, now);
    if let Some(dump) = &shell.dump {
        dump.write(Kind::AnalysisRun, key, now, &observed, &plan);
    }
    log(item, &plan);
    engine.measure(key, &stored, std::mem::take(&mut plan.questions));
    engine.collect(key, &stored, &plan.collect);
    let owner = Owner::new(Kind::AnalysisRun, key, &stored.meta);
    if let Some(target) = &plan.delete {
        return match shell.writer.delete_run(key, target).await {
            Ok(()) | Err(Error::NotLeading) => Ended::Wrote(None),
            Err(Error::Refused(failure)) if failure.why == Refusal::NotFound => Ended::Wrote(None),
            Err(Error::Refused(failure)) => refused(engine, key, &stored, &failure, None).await,
        };
    }
    let wake = plan.wake.map(|wake| due(now, read, wake.at, Reason::Wake(wake.why)));
    if let Some(wake) = plan.wake {
        shell.telemetry.waits(Wait::Wake(wake.why));
    }
    let Some(write) = &plan.status else {
        if Phase::of(&stored.run.status.phase).is_completed() {
            engine.forget(key, &uid);
        }
        return Ended::Well(wake);
    };
    if let Some(held) = hold(engine, write) {
        return Ended::Well(Some(wake.filter(|wake| wake.after < held.after).unwrap_or(held)));
    }
    let urgent = item.urgent || write.urgency == Urgency::Now;
    match shell.writer.write_run_status(&owner, write, urgent).await {
        Ok(written) => {
            let phase = Phase::of(&written.run.status.phase);
            shell.learned_run(written, Source::Event);
            engine.desk.written(&uid, answers);
            for event in &plan.events {
                shell.recorder.record(&owner, &event.news);
            }
            if phase.is_completed() {
                // Its last wait is for its deletion, which the next look knows.
                return Ended::Wrote(Some(Due {
                    after: SHORTEST_WAIT,
                    why: Reason::OwnWriteSeen,
                }));
            }
            Ended::Wrote(wake)
        }
        Err(Error::NotLeading) => Ended::Well(None),
        Err(Error::Refused(failure)) => refused(engine, key, &stored, &failure, wake).await,
    }
}

/// Counters wait while the budget of calls is used up; a verdict does not.
fn hold(engine: &Engine, write: &StatusWrite) -> Option<Due> {
    let opens = engine.shell.writer.budgets().of(Kind::AnalysisRun).opens()?;
    (write.urgency == Urgency::Counters).then(|| Due {
        after: opens.duration_since(Instant::now()).max(HELD),
        why: Reason::Wake(WakeReason::CountersDue),
    })
}

/// A refusal has a name and a wait. What the store does not show yet is read.
async fn refused(
    engine: &Arc<Engine>,
    key: &Key,
    stored: &Arc<StoredRun>,
    failure: &Failure,
    wake: Option<Due>,
) -> Ended {
    let why = WakeReason::Refused(failure.why);
    tracing::warn!(namespace = %key.namespace, analysisrun = %key.name, wait = %why, "{failure}");
    engine.shell.telemetry.waits(Wait::Wake(why));
    if matches!(failure.why, Refusal::Conflict | Refusal::NotFound) {
        match engine.shell.writer.get_run(key).await {
            Ok(Some(live)) => {
                engine.shell.learned_run(live, Source::Event);
            }
            Ok(None) => engine.gone(key, stored),
            Err(failure) => {
                tracing::warn!(namespace = %key.namespace, analysisrun = %key.name, "{failure}");
            }
        }
    }
    Ended::Failed {
        why: Reason::Wake(why),
        at_least: failure.retry_after,
        wake,
    }
}

/// A wait by the clock of decisions, on the clock of waits.
fn due(now: Timestamp, read: Instant, at: Timestamp, why: Reason) -> Due {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    Due {
        after: wait.saturating_sub(read.elapsed()).max(SHORTEST_WAIT),
        why,
    }
}

fn log(item: &Item, plan: &Plan) {
    let (namespace, analysisrun, reason) = (&*item.key.namespace, &*item.key.name, item.reason);
    let wake = plan
        .wake
        .map(|wake| format!("{} at {}", wake.why, wake.at))
        .unwrap_or_default();
    if plan.is_empty() {
        tracing::debug!(namespace, analysisrun, %reason, wake, "nothing to do");
        return;
    }
    let measure: Vec<&str> = plan.questions.iter().map(|question| question.metric.as_str()).collect();
    let (measure, status, delete) = (measure.join(", "), plan.status.is_some(), plan.delete.is_some());
    tracing::info!(namespace, analysisrun, %reason, measure, status, delete, wake, "decided");
}
