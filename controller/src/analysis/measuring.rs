//! The measurements that a decision asks for: the arguments of the run with their Secrets, the provider with its time limit,
//! and what must not be seen.

use super::compiled::Compiled;
use super::measure::{OfRun, Provider, Taken, Task};
use super::secrets::{Arguments, Unresolved};
use crate::act::Writer;
use crate::store::Key;
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use serin_core::analysis::compare::{Sides, measured};
use serin_core::analysis::run::{Collect, Question};
use serin_core::analysis::{arguments, provider};
use serin_core::api::AnalysisRun;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_core::wire::analysis::Phase;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// The longest that anything is measured. Providers have limits of their own: this one is for a provider that hangs.
const LONGEST: Duration = Duration::from_secs(600);

/// Questions that nobody can be asked, because an argument has no value, and why it has none.
pub(super) struct Unasked {
    pub(super) questions: Vec<Question>,
    pub(super) why: String,
}

/// Measures what is asked of one run, all at once; hands each over as it comes.
///
/// # Errors
/// If an argument has no value: then nothing is measured.
pub(super) async fn measure(
    writer: &Writer,
    provider: &Arc<dyn Provider>,
    (key, run, compiled): (&Key, &AnalysisRun, &Arc<Compiled>),
    questions: Vec<Question>,
    each: impl Fn(Question, Taken),
) -> Result<(), Unasked> {
    let args = match Arguments::read(writer, &key.namespace, &run.spec.args).await {
        Ok(args) => args,
        Err(Unresolved::Missing(why)) => return Err(Unasked { questions, why }),
        Err(Unresolved::NotNow(why)) => {
            questions
                .into_iter()
                .for_each(|question| each(question, error(why.clone())));
            return Ok(());
        }
    };
    let (of, hidden) = (Arc::new(of(run)), args.values());
    let task = |question: &Question| -> Result<Task, String> {
        let metric = run.spec.metrics.get(question.index);
        let metric = metric.ok_or_else(|| "the metric is gone".to_owned())?;
        let both = measured(metric, &args.args, Sides::of(&run.metadata));
        // Of an unknown placeholder the text shows what is around it.
        let (metric, stable) = both.map_err(|why| hidden.hidden_in(&why))?;
        Ok(Task {
            run: Arc::clone(&of),
            metric,
            stable,
            compiled: Arc::clone(compiled),
            question: question.clone(),
            hidden: hidden.all(),
            may_write: writer.gate(),
            turn: writer.turn(),
        })
    };
    let all: FuturesUnordered<_> = questions
        .into_iter()
        .map(|question| {
            let task = task(&question);
            async move {
                let taken = match task {
                    Ok(task) => one(provider, task).await,
                    Err(why) => error(why),
                };
                (question, taken)
            }
        })
        .collect();
    all.for_each(async |(question, mut taken)| {
        let Taken { measurement, metadata } = &mut taken;
        hidden.hide(&question.step, measurement, metadata);
        each(question, taken);
    })
    .await;
    Ok(())
}

async fn one(provider: &Arc<dyn Provider>, task: Task) -> Taken {
    let measured = AssertUnwindSafe(provider.measure(task)).catch_unwind();
    match tokio::time::timeout(LONGEST, measured).await {
        Ok(Ok(taken)) => taken,
        Ok(Err(_)) => error("the provider panicked: please report it".to_owned()),
        Err(_) => error(format!("no answer within {} s", LONGEST.as_secs())),
    }
}

/// The metrics to clean up behind, with what is known of their arguments, and how much of each is kept.
pub(super) fn collected<'a>(
    run: &'a AnalysisRun,
    collect: &'a [Collect],
) -> impl Iterator<Item = (Metric, usize)> + 'a {
    let known = arguments::without_secrets(&run.spec.args);
    collect.iter().filter_map(move |of| {
        let metric = run.spec.metrics.get(of.index)?;
        Some((arguments::metric(metric, &known).ok()?, of.limit))
    })
}

/// What of a run providers may know.
pub(super) fn of(run: &AnalysisRun) -> OfRun {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let asks_plugins = run.spec.metrics.iter().any(|metric| provider::plugin(metric).is_some());
    OfRun {
        name: text(&run.metadata.name),
        namespace: text(&run.metadata.namespace),
        uid: text(&run.metadata.uid),
        started_at: run.status.started_at.as_ref().map(|at| at.0),
        whole: asks_plugins.then(|| Arc::new(run.clone())),
    }
}

pub(super) fn error(message: String) -> Taken {
    Taken {
        measurement: Measurement {
            phase: Phase::Error.as_str().to_owned(),
            message,
            ..Measurement::default()
        },
        ..Taken::default()
    }
}
