//! One reconcile of one rollout: observe → decide → act → record.

mod gone;
mod managers;
pub(crate) mod observe;
pub(crate) mod record;
mod returned;
mod routes;

use crate::act::{Act, Error, Skipped, attempt_of};
use crate::clock::Clock;
use crate::cluster::refusal::Failure;
use crate::queue::reason::Wait;
use crate::queue::{Due, Ended, Item, Reason};
use crate::reconcile::observe::Snapshot;
use crate::reconcile::record::{Status, announce_message, due_events, write_status};
use crate::shell::Shell;
use crate::store::expectations::{PATIENCE, Subject, Unmet};
use crate::store::{Key, Owner, Source};
use jiff::Timestamp;
use serin_core::observed::{Attempt, Attempted, Kind, Verb, WorkloadKind};
use serin_core::plan::{News, WakeReason};
use serin_core::{Observed, Plan};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The shortest wait, also for a wake in the past: a reconcile never follows itself without a pause.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);

/// Observes a rollout, decides, and carries out the plan.
pub(crate) async fn run(shell: &Arc<Shell>, item: &Item) -> Ended {
    let key = &item.key;
    let Some(mut snapshot) = Snapshot::take(&shell.stores, key) else {
        shell.forget(key);
        return match returned::give_back(shell, key).await {
            Some(ended) => ended,
            None => gone::release_services(shell, key).await,
        };
    };
    if !shell.writer.may_write() {
        return Ended::Well(None);
    }
    if snapshot.is_going() {
        shell.stores.leaving.leaves(key, &snapshot.stored);
        return returned::give_back(shell, key).await.unwrap_or(Ended::Well(None));
    }
    let owner = &snapshot.owner(key);
    if let Err(failure) = snapshot.find_workload(shell, key).await {
        let now = (shell.clock)();
        return refused(shell, owner, &snapshot, Attempted::Read, &failure, None, now);
    }
    if let Some(unmet) = shell.expectations.unmet(&owner.uid, &snapshot.seen()) {
        return catch_up(shell, owner, &snapshot, &unmet).await;
    }
    if let Err(failure) = snapshot.find_services(shell, key).await {
        return refused(
            shell,
            owner,
            &snapshot,
            Attempted::Read,
            &failure,
            None,
            (shell.clock)(),
        );
    }
    let plugins = shell.step_calls.as_ref().map(|calls| calls.observed(key, &owner.uid));
    let mut observed = snapshot.observed(&shell.failures, owner, plugins);
    snapshot.follow_workload(&mut observed, &shell.stores, key);
    let asked = (shell.clock)();
    let services = &mut observed.services;
    if let Err(failure) = managers::complete(services, &shell.stores, &shell.writer, key, asked).await {
        return refused(shell, owner, &snapshot, Attempted::Read, &failure, None, asked);
    }
    if let Err(failure) = routes::find(&mut observed, shell, key, &owner.uid).await {
        return refused(shell, owner, &snapshot, Attempted::Read, &failure, None, asked);
    }
    let reading = Reading::of(&shell.clock);
    let now = reading.now;
    let mut skipped = match observe::find_pods(&mut observed, &shell.writer, key, now).await {
        Ok(skipped) => skipped,
        Err(failure) => return refused(shell, owner, &snapshot, Attempted::Read, &failure, None, now),
    };
    if let Err(failure) = observe::find_set_templates(&mut observed, &shell.writer, key, now).await {
        return refused(shell, owner, &snapshot, Attempted::Read, &failure, None, now);
    }
    let plan = (shell.decide)(&observed, now);
    if let Some(dump) = &shell.dump {
        dump.write(Kind::Rollout, key, now, &observed, &plan);
    }
    log(item, &plan);

    let mut act = Act::new(&shell.writer, &shell.expectations, owner, item.urgent);
    let mut done = act.carry_out(&plan.actions).await;
    routes::outdate(shell, owner, &plan);
    skipped.append(&mut done.skipped);
    for skipped in &skipped {
        skip(shell, owner, skipped, now);
    }
    let mut status = write_status(&mut act, &shell.held, &plan, &done).await;
    for event in due_events(&plan, &done, &status) {
        shell.recorder.record(owner, &event.news);
        told_missing(shell, owner, &event.news);
    }
    if matches!(status, Status::Settled) {
        call_plugins(shell, owner, &plan, &observed);
        routes::ask(shell, owner, &plan);
    }
    // After the events: they report the status, which is written even if its message cannot be announced.
    if shell.announce_messages {
        status = announce_message(&mut act, &plan, status, now).await;
    }
    forget_if_gone(shell, owner);
    conclude(shell, owner, &snapshot, (&plan, &skipped), status, reading)
}

/// Remembers that an event told of a plugin that is not configured: it is told once.
fn told_missing(shell: &Shell, owner: &Owner, news: &News) {
    if let (News::StepPluginMissing { name, .. }, Some(calls)) = (news, &shell.step_calls) {
        calls.told_missing(&owner.key, &owner.uid, name);
    }
}

/// Makes the calls of a plan, whose status is written. Nobody waits for their answers: each of them starts a reconcile.
fn call_plugins(shell: &Arc<Shell>, owner: &Owner, plan: &Plan, observed: &Observed) {
    if !shell.writer.may_write() {
        return;
    }
    let (waiting, key) = (Arc::downgrade(shell), owner.key.clone());
    let wake = move || {
        if let Some(shell) = waiting.upgrade() {
            shell.wake(&key, Reason::PluginAnswered);
        }
    };
    let of = (&owner.key, &*owner.uid);
    if let Some(calls) = &shell.step_calls {
        calls.make(of, &plan.calls, &observed.rollout, &shell.clock, wake.clone());
    }
    if let Some(calls) = &shell.router_calls {
        calls.make(of, &plan.router_calls, &observed.rollout, &shell.clock, wake);
    }
}

/// Expectations added after the watch had brought the deletion would stay forever.
fn forget_if_gone(shell: &Shell, owner: &Owner) {
    let stored = shell.stores.rollouts.get(&owner.key);
    if stored.is_none_or(|stored| stored.rollout.metadata.uid.as_deref() != Some(&*owner.uid)) {
        shell.expectations.forget(&owner.uid);
        shell.stores.routes.reads_only(&owner.key, &BTreeSet::new());
    }
}

/// What the next reconcile waits for.
fn conclude(
    shell: &Shell,
    owner: &Owner,
    snapshot: &Snapshot,
    (plan, skipped): (&Plan, &[Skipped]),
    status: Status,
    reading: Reading,
) -> Ended {
    let now = reading.now;
    let wake = plan.wake.map(|wake| Due {
        after: reading.until(wake.at),
        why: Reason::Wake(wake.why),
    });
    if let Some(wake) = plan.wake {
        shell.telemetry.waits(Wait::Wake(wake.why));
    }
    match status {
        Status::Settled if plan.only_tells() => Ended::NotDecided(soon(WakeReason::RefusalTold)),
        Status::Settled => {
            let mut attempts: Vec<Attempt> = plan.actions.iter().map(attempt_of).collect();
            if plan.status.is_some() {
                attempts.push(Attempt::new(Verb::Patch, Kind::RolloutStatus, &owner.key.name));
            }
            let over = shell.failures.went_through(owner, &attempts, skipped, now);
            let wake = match skipped.first() {
                _ if over => Some(soon(WakeReason::RefusalToTell)),
                // Only a decision that knows of the refusal says when it is tried again.
                Some(skipped) => Some(soon(WakeReason::Refused(skipped.failure.why))),
                None => wake,
            };
            if attempts.is_empty() {
                Ended::Well(wake)
            } else {
                Ended::Wrote(wake)
            }
        }
        Status::Held(due) => Ended::Well(Some(wake.filter(|wake| wake.after < due.after).unwrap_or(due))),
        Status::Failed(Error::NotLeading, _) => Ended::Well(None),
        Status::Failed(Error::Refused(failure), what) => refused(shell, owner, snapshot, what, &failure, wake, now),
    }
}

pub(crate) fn soon(why: WakeReason) -> Due {
    Due {
        after: SHORTEST_WAIT,
        why: Reason::Wake(why),
    }
}

/// Reports a refused secondary change. The decision says when to try it again (decision 46).
fn skip(shell: &Shell, owner: &Owner, skipped: &Skipped, now: Timestamp) {
    let (key, failure) = (&owner.key, &skipped.failure);
    let why = WakeReason::Refused(failure.why);
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, wait = %why, "{failure}; trying it again later");
    if shell.failures.skipped(owner, skipped, now) {
        tell(shell, owner, failure);
    }
    shell.telemetry.waits(Wait::Wake(why));
}

fn tell(shell: &Shell, owner: &Owner, failure: &Failure) {
    let message = failure.advice();
    shell.recorder.record(owner, &News::ReconciliationError { message });
}

/// A refusal has a name, a wait, and an event that says what to do.
fn refused(
    shell: &Shell,
    owner: &Owner,
    snapshot: &Snapshot,
    what: Attempted,
    failure: &Failure,
    wake: Option<Due>,
    now: Timestamp,
) -> Ended {
    let why = WakeReason::Refused(failure.why);
    let (key, collisions) = (&owner.key, snapshot.stored.rollout.status.collision_count);
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, wait = %why, "{failure}");
    if shell.failures.failed(owner, collisions, what, failure, now) {
        tell(shell, owner, failure);
    }
    shell.telemetry.waits(Wait::Wake(why));
    Ended::Failed {
        why: Reason::Wake(why),
        at_least: failure.retry_after,
        wake,
    }
}

/// The stores do not show our own last write yet: waits for the watch, then reads live (decision 34).
async fn catch_up(shell: &Shell, owner: &Owner, snapshot: &Snapshot, unmet: &Unmet) -> Ended {
    let key = &owner.key;
    let now = (shell.clock)();
    if let Some(rest) = PATIENCE.checked_sub(unmet.waited).filter(|rest| !rest.is_zero()) {
        return Ended::NotDecided(Due {
            after: rest,
            why: Reason::StoreLags,
        });
    }
    shell.telemetry.waits(Wait::StoreLags);
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, object = ?unmet.subject, "the watch lags behind our own writes; reading from the API server");
    match read_live(shell, key, snapshot, &unmet.subject).await {
        Ok(()) => {
            shell.expectations.resolved(&owner.uid, &unmet.subject);
            Ended::NotDecided(Due {
                after: Duration::ZERO,
                why: Reason::StoreLags,
            })
        }
        Err(failure) => refused(shell, owner, snapshot, Attempted::Read, &failure, None, now),
    }
}

async fn read_live(shell: &Shell, key: &Key, snapshot: &Snapshot, subject: &Subject) -> Result<(), Failure> {
    match subject {
        Subject::Itself => match shell.writer.get_rollout(key).await? {
            Some(live) => {
                shell.stores.apply_rollout(live, Source::Event);
            }
            None => {
                shell.stores.delete_rollout(&snapshot.stored);
            }
        },
        Subject::ReplicaSet(name) => match shell.writer.get_replica_set(&key.namespace, name).await? {
            Some(live) => shell.wake_all(
                shell.stores.replica_sets.apply(live, Source::Event),
                Reason::ReplicaSetChanged,
            ),
            None => {
                if let Some(set) = snapshot.replica_sets.iter().find(|set| set.name == *name) {
                    shell.wake_all(shell.stores.replica_sets.delete(&set.uid), Reason::ReplicaSetChanged);
                }
            }
        },
        Subject::AnalysisRun(name) => {
            let run = key.sibling(name);
            match shell.writer.get_run(&run).await? {
                Some(live) => shell.read_run(live),
                None => {
                    for gone in snapshot.runs.iter().filter(|run| run.known_as().0 == name) {
                        shell.read_no_run(gone);
                    }
                }
            }
        }
        Subject::Experiment(name) => {
            let experiment = key.sibling(name);
            match shell.writer.get_experiment(&experiment).await? {
                Some(live) => _ = shell.learned_experiment(live, Source::Event),
                None => {
                    let mut known = snapshot.experiments.iter();
                    if let Some(of) = known.find(|of| of.meta.name.as_ref() == Some(name)) {
                        shell.learned_no_experiment(&experiment, of.known_as().0);
                    }
                }
            }
        }
        Subject::Deployment(name) => {
            let (kind, key) = (WorkloadKind::Deployment, key.sibling(name));
            let touched = match shell.writer.get_workload(kind, &key).await? {
                Some(live) => shell.stores.workloads.apply(kind, live, Source::Event),
                None => shell.stores.workloads.delete(kind, &key),
            };
            shell.wake_all(touched, Reason::WorkloadChanged);
        }
        Subject::Route(place) => _ = routes::read(shell, place).await?,
        Subject::Service(name) => {
            let service = key.sibling(name);
            let touched = match shell.writer.get_service(&service).await? {
                Some(live) => shell.stores.services.apply(live, Source::Event),
                None => shell.stores.services.delete(&service),
            };
            shell.wake_all(touched, Reason::ServiceChanged);
        }
    }
    Ok(())
}

/// The clock reading of a decision, and when it was on the clock by which waits are measured.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) now: Timestamp,
    read: Instant,
}

impl Reading {
    pub(crate) fn of(clock: &Clock) -> Self {
        Self {
            now: clock(),
            read: Instant::now(),
        }
    }

    /// How long to wait from this moment on: what was written since the reading took time, too.
    pub(crate) fn until(self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now))
            .unwrap_or_default()
            .saturating_sub(self.read.elapsed())
            .max(SHORTEST_WAIT)
    }
}

fn log(item: &Item, plan: &Plan) {
    let wake = plan
        .wake
        .map(|wake| format!("{} at {}", wake.why, wake.at))
        .unwrap_or_default();
    let (namespace, rollout, reason) = (&*item.key.namespace, &*item.key.name, item.reason);
    let actions: Vec<String> = plan
        .actions
        .iter()
        .map(|action| attempt_of(action).to_string())
        .collect();
    let (actions, status) = (actions.join(", "), plan.status.is_some());
    if plan.is_empty() {
        tracing::debug!(namespace, rollout, %reason, wake, "nothing to do");
    } else {
        tracing::info!(namespace, rollout, %reason, actions, status, wake, "decided");
    }
}
