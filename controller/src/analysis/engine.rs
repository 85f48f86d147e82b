//! The engine: its parts, its workers, and what it measures.

use super::desk::Desk;
use super::jobs::Jobs;
use super::measure::{Provider, Taken};
use super::measuring::{Unasked, collected, measure, of};
use super::reconcile;
use super::series;
use crate::cluster::budget::Budgets;
use crate::queue::reason::Wait;
use crate::queue::{Ended, Queue, Reason, Takes};
use crate::shell::Shell;
use crate::store::Key;
use crate::store::runs::StoredRun;
use crate::telemetry::reconciles::Reconciles;
use futures::FutureExt;
use serin_core::analysis::run::{Answer, Collect, Question};
use serin_core::api::AnalysisRun;
use serin_core::observed::Kind;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Name of the work queue in `workqueue_*` (contract 09 §3).
const QUEUE: &str = "AnalysisRuns";

/// Serves AnalysisRuns.
pub(crate) struct Engine {
    pub(super) shell: Arc<Shell>,
    pub(super) queue: Arc<Queue>,
    pub(super) desk: Desk,
    pub(super) jobs: Jobs,
    pub(super) series: Reconciles,
    provider: Arc<dyn Provider>,
    /// Without a limit: to decide and to measure costs no call, and so waits for no budget.
    unlimited: Budgets,
}

impl Engine {
    pub(crate) fn new(shell: Arc<Shell>, queue: Arc<Queue>, provider: Arc<dyn Provider>) -> Self {
        Self {
            shell,
            queue,
            desk: Desk::default(),
            jobs: Jobs::default(),
            series: series::reconciles(),
            provider,
            unlimited: Budgets::new(0.0, 1),
        }
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Takes runs until shutdown, once the store is filled and this process leads. A reconcile that has begun is finished.
    pub(crate) async fn work(self: Arc<Self>, takes: Takes, ready: &[CancellationToken], stop: &CancellationToken) {
        for one in ready {
            if stop.run_until_cancelled(one.cancelled()).await.is_none() {
                return;
            }
        }
        let next = || self.queue.next(takes, &self.unlimited);
        while let Some(item) = stop.run_until_cancelled(next()).await {
            let (key, began) = (&item.key, Instant::now());
            let reconcile = AssertUnwindSafe(reconcile::run(&self, &item)).catch_unwind();
            let ended = reconcile.await.unwrap_or_else(|_| {
                tracing::error!(namespace = %key.namespace, analysisrun = %key.name, "a reconcile panicked: please report it");
                self.shell.telemetry.waits(Wait::Panicked);
                let why = Reason::Panicked;
                Ended::Failed { why, at_least: Duration::from_secs(1), wake: None }
            });
            let failed = matches!(ended, Ended::Failed { .. });
            self.series.reconciled(key, began.elapsed(), failed);
            self.queue.ended(key, ended);
        }
    }

    /// Looks at every run from time to time, so that a lost event only delays it.
    pub(crate) async fn resync(self: Arc<Self>, every: Duration) {
        if every.is_zero() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(every).await;
            for (key, _) in self.shell.stores.runs.all() {
                self.queue.add(&key, Reason::Resync);
            }
        }
    }

    /// What is being measured is not waited for: it counts as not measured.
    pub(crate) fn close(&self) {
        self.desk.close();
    }

    /// The text of `/metrics`.
    pub(crate) fn scrape(&self) -> Result<String, prometheus::Error> {
        let (counts, runs) = (self.queue.counts(), &self.shell.stores.runs);
        let entries = [
            ("analysis_runs", runs.len()),
            ("analysis_queue", counts.known),
            ("run_series", self.series.len()),
            ("measured_runs", self.desk.len()),
            ("measurement_jobs", self.jobs.len()),
        ];
        let mut text = self.shell.scrape(&[(QUEUE, counts)], &entries)?;
        self.series.write(&mut text, |key| runs.get(key).is_some());
        series::write(&mut text, runs);
        Ok(text)
    }

    /// Puts the questions of a decision, without waiting for answers.
    pub(super) fn measure(self: &Arc<Self>, key: &Key, stored: &Arc<StoredRun>, questions: Vec<Question>) {
        let uid = stored.meta.uid.clone().unwrap_or_default();
        let questions = self.desk.put(&uid, questions, (self.shell.clock)());
        if questions.is_empty() {
            return;
        }
        let (engine, key, stored) = (Arc::clone(self), key.clone(), Arc::clone(stored));
        let task = tokio::spawn(async move { engine.measure_all(&key, &stored.run, questions).await });
        self.desk.works_on(&uid, task.abort_handle());
    }

    async fn measure_all(&self, key: &Key, run: &AnalysisRun, questions: Vec<Question>) {
        let answer = |question, taken| self.answer(key, question, taken);
        let uid = run.metadata.uid.as_deref().unwrap_or_default();
        let compiled = self.desk.compiled(uid);
        let measured = measure(
            &self.shell.writer,
            &self.provider,
            (key, run, &compiled),
            questions,
            answer,
        )
        .await;
        if let Err(Unasked { questions, why }) = measured {
            self.desk.unresolved(uid, &questions, why);
            self.queue.add(key, Reason::Measured);
        }
    }

    fn answer(&self, key: &Key, question: Question, taken: Taken) {
        let Taken { measurement, metadata } = taken;
        let answer = Answer {
            question,
            at: (self.shell.clock)(),
            measurement,
            metadata,
        };
        if self.desk.answered(answer) {
            self.queue.add(key, Reason::Measured);
        }
    }

    /// Cleans up behind metrics, without waiting for it.
    pub(super) fn collect(self: &Arc<Self>, key: &Key, stored: &Arc<StoredRun>, collect: &[Collect]) {
        for (metric, limit) in collected(&stored.run, collect) {
            let (name, key) = (metric.name.clone(), key.clone());
            let writer = &self.shell.writer;
            let collected =
                self.provider
                    .collect(Arc::new(of(&stored.run)), metric, limit, writer.gate(), writer.turn());
            tokio::spawn(async move {
                if let Err(why) = collected.await {
                    tracing::warn!(namespace = %key.namespace, analysisrun = %key.name, metric = name, why, "cannot clean up behind a metric; the next time makes up for it");
                }
            });
        }
    }

    /// A run is over or gone: nothing of it is kept.
    pub(super) fn forget(&self, key: &Key, uid: &str) {
        self.desk.forget(uid);
        if self.shell.stores.runs.get(key).is_none() {
            self.queue.forget(key);
            if let Some(dump) = &self.shell.dump {
                dump.forget(Kind::AnalysisRun, key);
            }
        }
    }
}
