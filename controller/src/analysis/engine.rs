//! The engine: its parts, its workers, and what it measures.

use super::desk::Desk;
use super::measure::{OfRun, Provider, Taken, Task};
use super::reconcile;
use super::secrets::{Arguments, Unresolved, Values};
use super::series::RunSeries;
use crate::cluster::budget::Budgets;
use crate::queue::reason::Wait;
use crate::queue::{Ended, Queue, Reason, Takes};
use crate::shell::Shell;
use crate::store::Key;
use crate::store::runs::StoredRun;
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use serin_core::analysis::arguments;
use serin_core::analysis::compare::{Sides, measured};
use serin_core::analysis::run::{Answer, Collect, Question};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_core::wire::analysis::Phase;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Name of the work queue in `workqueue_*` (contract 09 §3).
const QUEUE: &str = "AnalysisRuns";
/// The longest that anything is measured. Providers have limits of their own: this one is for a provider that hangs.
const LONGEST: Duration = Duration::from_secs(600);

/// Serves AnalysisRuns.
pub(crate) struct Engine {
    pub(super) shell: Arc<Shell>,
    pub(super) queue: Queue,
    pub(super) desk: Desk,
    pub(super) series: RunSeries,
    provider: Arc<dyn Provider>,
    /// Without a limit: to decide and to measure costs no call, and so waits for no budget.
    unlimited: Budgets,
}

impl Engine {
    pub(crate) fn new(shell: Arc<Shell>, provider: Arc<dyn Provider>) -> Self {
        Self {
            shell,
            queue: Queue::default(),
            desk: Desk::default(),
            series: RunSeries::new(),
            provider,
            unlimited: Budgets::new(0.0, 1),
        }
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
            ("measured_runs", self.desk.len()),
        ];
        let mut text = self.shell.scrape(&[(QUEUE, counts)], &entries)?;
        self.series.write(&mut text, runs);
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
        let args = match Arguments::read(&self.shell.writer, &key.namespace, &run.spec.args).await {
            Ok(args) => args,
            Err(Unresolved::Missing(why)) => {
                let uid = run.metadata.uid.as_deref().unwrap_or_default();
                self.desk.unresolved(uid, &questions, why);
                self.queue.add(key, Reason::Measured);
                return;
            }
            Err(Unresolved::NotNow(why)) => {
                for question in questions {
                    self.answer(key, question, error(why.clone()));
                }
                return;
            }
        };
        let (of, hidden) = (Arc::new(of(run)), args.values());
        let all: FuturesUnordered<_> = questions
            .into_iter()
            .map(|question| self.measure_one(&of, run, &args, &hidden, question))
            .collect();
        all.for_each(async |(question, mut taken)| {
            let Taken { measurement, metadata } = &mut taken;
            hidden.hide(&question.step, measurement, metadata);
            self.answer(key, question, taken);
        })
        .await;
    }

    async fn measure_one(
        &self,
        of: &Arc<OfRun>,
        run: &AnalysisRun,
        args: &Arguments,
        hidden: &Values,
        question: Question,
    ) -> (Question, Taken) {
        let Some(metric) = run.spec.metrics.get(question.index) else {
            return (question, error("the metric is gone".to_owned()));
        };
        let (metric, stable) = match measured(metric, &args.args, Sides::of(&run.metadata)) {
            Ok(both) => both,
            // Of an unknown placeholder the text shows what is around it.
            Err(why) => return (question, error(hidden.hidden_in(&why))),
        };
        let task = Task {
            run: Arc::clone(of),
            metric,
            stable,
            compiled: self.desk.compiled(&of.uid),
            question: question.clone(),
            hidden: hidden.all(),
            may_write: self.shell.writer.gate(),
        };
        let measured = AssertUnwindSafe(self.provider.measure(task)).catch_unwind();
        let taken = match tokio::time::timeout(LONGEST, measured).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(_)) => error("the provider panicked: please report it".to_owned()),
            Err(_) => error(format!("no answer within {} s", LONGEST.as_secs())),
        };
        (question, taken)
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
        let known = arguments::without_secrets(&stored.run.spec.args);
        for Collect { index, limit, .. } in collect {
            let metric = stored.run.spec.metrics.get(*index);
            let filled: Option<Metric> = metric.and_then(|metric| arguments::metric(metric, &known).ok());
            let Some(metric) = filled else { continue };
            let (name, key) = (metric.name.clone(), key.clone());
            let collected = self
                .provider
                .collect(Arc::new(of(&stored.run)), metric, *limit, self.shell.writer.gate());
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
        }
    }
}

fn of(run: &AnalysisRun) -> OfRun {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    OfRun {
        name: text(&run.metadata.name),
        namespace: text(&run.metadata.namespace),
        uid: text(&run.metadata.uid),
        started_at: run.status.started_at.as_ref().map(|at| at.0),
    }
}

fn error(message: String) -> Taken {
    Taken {
        measurement: Measurement {
            phase: Phase::Error.as_str().to_owned(),
            message,
            ..Measurement::default()
        },
        ..Taken::default()
    }
}
