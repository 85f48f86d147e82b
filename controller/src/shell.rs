//! The parts that every reconcile uses.

use crate::act::Writer;
use crate::act::failures::Failures;
use crate::act::held::Held;
use crate::aws;
use crate::clock::Clock;
use crate::events::Recorder;
use crate::plugin::{RouterCalls, StepCalls};
use crate::queue::{Queue, QueueCounts, Reason};
use crate::store::expectations::Expectations;
use crate::store::experiments::StoredExperiment;
use crate::store::runs::{Change, StoredRun};
use crate::store::{Key, Source, Stores};
use crate::telemetry::dump::Dump;
use crate::telemetry::reconciles::Reconciles;
use crate::telemetry::scrape::Entries;
use crate::telemetry::{EXPERIMENTS, QUEUE, Telemetry};
use jiff::Timestamp;
use serin_core::observed::Kind;
use serin_core::traffic::Settings;
use serin_core::{Observed, Plan};
use std::sync::Arc;

/// Decides; [`serin_core::decide()`] but for tests.
pub type Decide = fn(&Observed, Timestamp) -> Plan;

/// What is known of the reconciles of experiments.
pub(crate) struct Experiments {
    pub(crate) queue: Queue,
    pub(crate) failures: Failures,
    pub(crate) held: Held,
    pub(crate) reconciles: Reconciles,
}

impl Default for Experiments {
    fn default() -> Self {
        let help = [
            "Experiments reconciliation performance.",
            "Errors while reconciling an experiment.",
        ];
        Self {
            queue: Queue::default(),
            failures: Failures::default(),
            held: Held::default(),
            reconciles: Reconciles::new("experiment_reconcile", help),
        }
    }
}

impl Experiments {
    /// An experiment is gone: nothing of it is kept.
    pub(crate) fn forget(&self, key: &Key) {
        self.failures.forget(key);
        self.held.forget(key);
        self.queue.forget(key);
    }
}

/// What every reconcile uses.
pub(crate) struct Shell {
    pub(crate) stores: Arc<Stores>,
    pub(crate) queue: Queue,
    pub(crate) experiments: Experiments,
    /// The runs to look at, where this process serves AnalysisRuns.
    pub(crate) runs: Option<Arc<Queue>>,
    pub(crate) expectations: Expectations,
    pub(crate) failures: Failures,
    pub(crate) held: Held,
    /// Step plugins, where this process has any to call.
    pub(crate) step_calls: Option<StepCalls>,
    /// Questions to AWS, where target groups are verified.
    pub(crate) aws: Option<aws::Desk>,
    /// Router plugins, likewise.
    pub(crate) router_calls: Option<RouterCalls>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) writer: Writer,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Clock,
    pub(crate) decide: Decide,
    pub(crate) dump: Option<Dump>,
    /// Versions of the kinds of traffic routers.
    pub(crate) routers: Settings,
    /// The namespace that is watched; all where `None`.
    pub(crate) namespace: Option<String>,
    /// Whether new messages are announced by an annotation (decision 26).
    pub(crate) announce_messages: bool,
}

impl Shell {
    /// Asks for a reconcile, unless the rollout is gone and has left nothing to do: a process that waits to lead reconciles
    /// nothing, and must not keep what it will never need.
    pub(crate) fn wake(&self, key: &Key, reason: Reason) {
        if self.is_over(key) && self.queue.remove(key) {
            self.forget(key);
            // It may have been made again in between, by another watch's task.
            if self.is_over(key) {
                return;
            }
        }
        self.queue.add(key, reason);
    }

    /// Stores what a watch, an answer or a live read says of a run, and wakes its owner. Whoever learns it first does so: to
    /// all that come later it is nothing new.
    pub(crate) fn learned_run(&self, run: StoredRun, source: Source) -> (Key, Change) {
        let (key, change) = self.stores.runs.apply(run, source);
        if let Some(stored) = self.stores.runs.get(&key).filter(|_| change != Change::Same) {
            self.wake_owner(&key, &stored);
        }
        (key, change)
    }

    /// As [`Self::learned_run`], of a run that another reconcile than its own has read.
    pub(crate) fn read_run(&self, live: StoredRun) {
        let (key, change) = self.learned_run(live, Source::Event);
        if let Some((queue, reason)) = self.runs.as_ref().zip(reason(change)) {
            queue.add(&key, reason);
        }
    }

    /// A run is gone, as another reconcile than its own has read: its owner looks. What was measured of it goes when the
    /// watch tells.
    pub(crate) fn read_no_run(&self, gone: &StoredRun) {
        if let Some((key, stored)) = self.stores.runs.delete(gone) {
            self.wake_owner(&key, &stored);
        }
    }

    /// Reconciles the rollout, or the experiment, that owns a run.
    pub(crate) fn wake_owner(&self, key: &Key, run: &StoredRun) {
        if let Some(rollout) = run.rollout(key) {
            self.wake(&rollout, Reason::RunChanged);
        }
        if let Some(experiment) = run.experiment(key) {
            self.experiments.queue.add(&experiment, Reason::RunChanged);
        }
    }

    /// Stores what a watch or a live read says of an experiment; if it is news, which is returned, it and its rollout are
    /// looked at.
    pub(crate) fn learned_experiment(&self, experiment: StoredExperiment, source: Source) -> bool {
        let key = Key::of(&experiment);
        let rollout = experiment.rollout().map(|(key, _)| key);
        let news = self.stores.experiments.apply(experiment, source);
        if news {
            self.experiments.queue.add(&key, Reason::ExperimentChanged);
            if let Some(rollout) = rollout {
                self.wake(&rollout, Reason::ExperimentChanged);
            }
        }
        news
    }

    /// An experiment is gone, as a watch or a live read says, unless another of its name has taken its place. Whoever learns
    /// it first cleans up and wakes its rollout.
    pub(crate) fn learned_no_experiment(&self, key: &Key, uid: &str) {
        if let Some(stored) = self.stores.experiments.delete(key, uid) {
            self.experiment_has_gone(key, &stored);
        }
    }

    /// An experiment is no longer stored.
    pub(crate) fn experiment_has_gone(&self, key: &Key, stored: &StoredExperiment) {
        self.expectations.forget(stored.known_as().0);
        self.experiments.reconciles.deleted(key.clone());
        self.experiments.queue.add(key, Reason::Deleted);
        if let Some((rollout, _)) = stored.rollout() {
            self.wake(&rollout, Reason::ExperimentChanged);
        }
    }

    /// Asks for the reconciles of all that have to do with something that was learned.
    pub(crate) fn wake_all(&self, touched: impl IntoIterator<Item = Key>, reason: Reason) {
        for key in touched {
            self.wake(&key, reason);
        }
    }

    fn is_over(&self, key: &Key) -> bool {
        self.stores.rollouts.get(key).is_none()
            && self.stores.services.managed_by(key).is_empty()
            && self.stores.leaving.is_over(key)
    }

    /// The text of `/metrics`, with the queues and entries of others.
    pub(crate) fn scrape(
        &self,
        queues: &[(&'static str, QueueCounts)],
        entries: &[Entries],
    ) -> Result<String, prometheus::Error> {
        let own = [
            (QUEUE, self.queue.counts()),
            (EXPERIMENTS, self.experiments.queue.counts()),
        ];
        let queues = [&own, queues].concat();
        let entries = [&self.entries(), entries].concat();
        let mut text = self.telemetry.scrape(&queues, &entries)?;
        let exists = |key: &Key| self.stores.experiments.get(key).is_some();
        self.experiments.reconciles.write(&mut text, exists);
        Ok(text)
    }

    /// What is kept, by name.
    fn entries(&self) -> [Entries; 26] {
        let (rollouts, namespaces) = self.stores.rollouts.len();
        let (replica_sets, owners) = self.stores.replica_sets.len();
        let [services, service_indexes, absent_services, gone_managers] = self.stores.services.len();
        let [routes, route_indexes, absent_routes] = self.stores.routes.len();
        let [workloads, workload_indexes, absent_workloads] = self.stores.workloads.len();
        [
            ("rollouts", rollouts),
            ("namespaces", namespaces),
            ("replica_sets", replica_sets),
            ("replica_set_owners", owners),
            ("experiments", self.stores.experiments.len()),
            ("experiment_sets", self.stores.experiment_sets.len().0),
            ("experiment_series", self.experiments.reconciles.len()),
            ("services", services),
            ("service_indexes", service_indexes),
            ("absent_services", absent_services),
            ("gone_managers", gone_managers),
            ("routes", routes),
            ("route_indexes", route_indexes),
            ("absent_routes", absent_routes),
            ("workloads", workloads),
            ("workload_indexes", workload_indexes),
            ("absent_workloads", absent_workloads),
            ("leaving_rollouts", self.stores.leaving.len()),
            ("queue", self.queue.counts().known),
            ("expectations", self.expectations.len()),
            ("failures", self.failures.len()),
            ("held_status", self.held.len()),
            ("step_calls", self.step_calls.as_ref().map_or(0, StepCalls::len)),
            ("aws_questions", self.aws.as_ref().map_or(0, aws::Desk::len)),
            ("router_calls", self.router_calls.as_ref().map_or(0, RouterCalls::len)),
            ("dumps", self.dump.as_ref().map_or(0, Dump::len)),
        ]
    }

    /// A rollout is gone: nothing of it is kept.
    pub(crate) fn forget(&self, key: &Key) {
        self.failures.forget(key);
        self.held.forget(key);
        self.queue.forget(key);
        if let Some(calls) = &self.router_calls {
            calls.forget(key);
        }
        if let Some(calls) = &self.step_calls {
            calls.forget(key);
        }
        if let Some(aws) = &self.aws {
            aws.forget(key);
        }
        if let Some(dump) = &self.dump {
            dump.forget(Kind::Rollout, key);
        }
    }
}

/// Why a run is looked at for what changed, if it is.
pub(crate) fn reason(change: Change) -> Option<Reason> {
    match change {
        Change::Added => Some(Reason::FirstSeen),
        Change::SpecEdited => Some(Reason::SpecEdited),
        Change::Changed => Some(Reason::RunChanged),
        Change::Same => None,
    }
}
