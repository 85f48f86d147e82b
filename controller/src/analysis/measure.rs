//! What the engine asks of metric providers.

use super::compiled::Compiled;
use crate::act::{Gate, Turn};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Client;
use serin_core::analysis::run::Question;
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Measures. One serves all runs at once.
pub trait Provider: Send + Sync {
    /// Takes, resumes or ends a measurement. What fails is a measurement in phase Error whose message says why. It is
    /// dropped, wherever it is, when the run has ended or the process is to end.
    fn measure(&self, task: Task) -> BoxFuture<'static, Taken>;

    /// Cleans up behind a metric of which so many measurements are kept.
    ///
    /// # Errors
    /// Why it could not; the next time makes up for it.
    fn collect(
        &self,
        run: Arc<OfRun>,
        metric: Metric,
        limit: usize,
        may_write: Gate,
        turn: Turn,
    ) -> BoxFuture<'static, Result<(), String>>;

    /// Where the Jobs of measurements are, to be watched; `None` if it makes none.
    ///
    /// # Errors
    /// Why their cluster cannot be reached now.
    fn jobs(&self) -> BoxFuture<'_, Result<Option<JobsAt>, String>> {
        std::future::ready(Ok(None)).boxed()
    }
}

/// Where the Jobs of measurements are.
#[derive(Clone)]
pub struct JobsAt {
    /// Their cluster.
    pub client: Client,
    /// Their namespace, if it is not that of their runs.
    pub namespace: Option<String>,
}

/// What of a run providers may know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OfRun {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// UID.
    pub uid: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// All of it, where a plugin measures one of its metrics.
    pub whole: Option<Arc<AnalysisRun>>,
}

/// A measurement to take, to resume or to end.
#[derive(Clone)]
pub struct Task {
    /// The run.
    pub run: Arc<OfRun>,
    /// The metric with its arguments, the values of Secrets among them: it is never printed.
    pub metric: Metric,
    /// The same with the arguments of the stable, where the metric compares.
    pub stable: Option<Metric>,
    /// The expressions of the run, compiled once.
    pub compiled: Arc<Compiled>,
    /// What is done.
    pub question: Question,
    /// The values of Secrets among the arguments: none of them may be in what is taken.
    pub hidden: Arc<[String]>,
    /// Whether this process may write to a cluster: asked before each write (invariant 11).
    pub may_write: Gate,
    /// Waits until the budget of calls (`--qps`) has one for the cluster of the runs: asked before each call to it.
    pub turn: Turn,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The measurement, finished or under way.
    pub measurement: Measurement,
    /// What the provider tells of the metric.
    pub metadata: BTreeMap<String, String>,
}
