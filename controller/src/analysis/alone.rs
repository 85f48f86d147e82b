//! A run by itself: decided on and measured as the controller does it, but watched by nobody and written nowhere.

use super::compiled::Compiled;
use super::measure::{Provider, Taken};
use super::measuring::{Unasked, collected, measure, of};
use crate::act::{Gate, Writer};
use crate::clock::Clock;
use crate::cluster::budget::Budgets;
use crate::error::Error;
use crate::store::{Key, Stores};
use crate::telemetry::Telemetry;
use jiff::Timestamp;
use kube::Client;
use serin_core::analysis::run::{Answer, Asked, Collect, Observed, Plan, Question, decide};
use serin_core::api::AnalysisRun;
use serin_core::wire::analysis::Phase;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A run that this process decides on and measures, and that no API server knows. Secrets of its arguments are read with
/// the client that it is given; its status changes here alone.
///
/// ```text
/// look → what is due is being measured → answered → look → …
/// ```
pub struct Alone {
    seen: Observed,
    key: Key,
    writer: Arc<Writer>,
    provider: Arc<dyn Provider>,
    compiled: Arc<Compiled>,
    tasks: JoinSet<()>,
    sender: UnboundedSender<Came>,
    answers: UnboundedReceiver<Came>,
}

enum Came {
    Answer(Question, Box<Taken>),
    Unasked(Unasked),
}

impl Alone {
    /// A run as it stands: one with a status is gone on with.
    ///
    /// `may_write` is asked before a Job is created or deleted. A run without a UID gets its name as one.
    ///
    /// # Errors
    /// If the metrics of this process cannot be set up, which only a mistake in the program brings about.
    pub fn new(
        mut run: AnalysisRun,
        client: Client,
        provider: Arc<dyn Provider>,
        may_write: Gate,
    ) -> Result<Self, Error> {
        let (name, namespace) = (run.metadata.name.clone(), run.metadata.namespace.clone());
        let (name, namespace) = (name.unwrap_or_default(), namespace.unwrap_or_default());
        run.metadata.uid.get_or_insert_with(|| name.clone());
        let telemetry = Arc::new(Telemetry::new(Arc::new(Stores::default()))?);
        let (sender, answers) = unbounded_channel();
        Ok(Self {
            key: Key::new(&namespace, &name),
            seen: Observed {
                run,
                ..Observed::default()
            },
            writer: Arc::new(Writer::new(client, may_write, Budgets::new(0.0, 1), telemetry)),
            provider,
            compiled: Arc::default(),
            tasks: JoinSet::new(),
            sender,
            answers,
        })
    }

    /// The run with its status.
    #[must_use]
    pub fn run(&self) -> &AnalysisRun {
        &self.seen.run
    }

    /// Asks it to end, as `terminate: true` does.
    pub fn terminate(&mut self) {
        self.seen.run.spec.terminate = true;
    }

    /// Whether something is being measured.
    #[must_use]
    pub fn is_measuring(&self) -> bool {
        !self.seen.in_flight.is_empty()
    }

    /// Decides at `now`: what is due is being measured from then on, and the run has the status that was decided.
    pub fn look(&mut self, now: Timestamp) -> Plan {
        let plan = decide(&self.seen, now);
        if let Some(write) = &plan.status {
            self.seen.answers.clear();
            self.record(&write.patch);
        }
        let questions = plan.questions.clone();
        let asked = questions.iter().cloned();
        let asked = asked.map(|question| Asked { question, at: now });
        self.seen.in_flight.extend(asked);
        if !questions.is_empty() {
            self.ask(questions);
        }
        plan
    }

    fn ask(&mut self, questions: Vec<Question>) {
        let (writer, provider) = (Arc::clone(&self.writer), Arc::clone(&self.provider));
        let (key, run, sender) = (self.key.clone(), self.seen.run.clone(), self.sender.clone());
        let compiled = Arc::clone(&self.compiled);
        self.tasks.spawn(async move {
            let each = |question, taken| {
                // Whoever does not wait any more has dropped the run.
                _ = sender.send(Came::Answer(question, Box::new(taken)));
            };
            if let Err(unasked) = measure(&writer, &provider, (&key, &run, &compiled), questions, each).await {
                _ = sender.send(Came::Unasked(unasked));
            }
        });
    }

    /// The merge patch of a status (RFC 7386). It is made of the status that it is applied to, so that it fits.
    fn record(&mut self, patch: &serde_json::Value) {
        let merged = serde_json::to_value(&self.seen.run).and_then(|mut run| {
            json_patch::merge(&mut run, patch);
            serde_json::from_value(run)
        });
        match merged {
            Ok(run) => self.seen.run = run,
            Err(error) => tracing::error!(%error, "a status does not fit its run: please report it"),
        }
    }

    /// Waits for one answer of what is being measured; for ever where nothing is.
    pub async fn answered(&mut self, clock: &Clock) {
        match self.answers.recv().await {
            Some(Came::Answer(question, taken)) => {
                self.seen.in_flight.retain(|asked| asked.question != question);
                self.seen.answers.push(Answer {
                    question,
                    at: clock(),
                    measurement: taken.measurement,
                    metadata: taken.metadata,
                });
            }
            Some(Came::Unasked(Unasked { questions, why })) => {
                self.seen.in_flight.retain(|asked| !questions.contains(&asked.question));
                self.seen.unresolved = Some(why);
            }
            // It has a sender of its own.
            None => std::future::pending().await,
        }
    }

    /// Goes on until the run has ended; `stop` asks it to. Tells of each decision, and of the run as it is after it.
    pub async fn to_its_end(
        &mut self,
        clock: &Clock,
        stop: &CancellationToken,
        mut tell: impl FnMut(&AnalysisRun, &Plan) + Send,
    ) {
        loop {
            let now = clock();
            let plan = self.look(now);
            tell(&self.seen.run, &plan);
            self.collect(&plan.collect).await;
            if Phase::of(&self.seen.run.status.phase).is_completed() {
                return;
            }
            let wake = plan
                .wake
                .map(|wake| Duration::try_from(wake.at.duration_since(now)).unwrap_or_default());
            let asked = self.seen.run.spec.terminate;
            tokio::select! {
                () = self.answered(clock) => {}
                () = sleep(wake) => {}
                () = stop.cancelled(), if !asked => self.terminate(),
            }
        }
    }

    /// Deletes all that the measurements left behind: the Jobs of a run that no API server knows have no owner.
    pub async fn clean_up(&self) {
        let metrics = 0..self.seen.run.spec.metrics.len();
        let all = metrics.map(|index| Collect {
            index,
            limit: 0,
            ..Collect::default()
        });
        self.collect(&all.collect::<Vec<_>>()).await;
    }

    async fn collect(&self, collect: &[Collect]) {
        for (metric, limit) in collected(&self.seen.run, collect) {
            let (run, name) = (Arc::new(of(&self.seen.run)), metric.name.clone());
            let (gate, turn) = (self.writer.gate(), self.writer.turn());
            if let Err(why) = self.provider.collect(run, metric, limit, gate, turn).await {
                tracing::warn!(metric = name, why, "cannot clean up behind a metric");
            }
        }
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
