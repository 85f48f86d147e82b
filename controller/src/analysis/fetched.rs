//! The provider of the controller: fetches what metrics ask for, and judges it by their conditions.

use super::measure::{JobsAt, OfRun, Provider, Taken, Task};
use super::plugged;
use crate::act::{Gate, Turn};
use crate::fetch::{Ask, Fetch, Measured, surroundings};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Client;
use serin_core::analysis::provider::{self, Secret};
use serin_core::analysis::run::Step;
use serin_core::api::analysis_template::Metric;
use serin_plugin::Plugins;
use std::sync::Arc;

/// Measures over HTTP, with Jobs and with compiled plugins.
pub struct Fetched {
    fetch: Arc<Fetch>,
    plugins: Option<Arc<Plugins>>,
}

impl Fetched {
    /// A provider that fetches.
    #[must_use]
    pub fn new(fetch: Fetch) -> Self {
        let fetch = Arc::new(fetch);
        Self { fetch, plugins: None }
    }

    /// With the metric plugins among these. Without this a metric of the provider `plugin` is not measured, and its message says
    /// that the plugin is not configured.
    #[must_use]
    pub fn plugins(self, plugins: Arc<Plugins>) -> Self {
        Self {
            plugins: Some(plugins),
            ..self
        }
    }

    /// Whom to ask about a metric that a plugin measures.
    fn plugin(&self, metric: &Metric) -> Option<(Arc<Plugins>, String)> {
        let name = provider::plugin(metric)?.to_owned();
        Some((Arc::clone(self.plugins.as_ref()?), name))
    }

    /// A provider with the clock and the environment of this process. Credentials of providers are Secrets of `namespace`, which
    /// is the controller's.
    #[must_use]
    pub fn of_this_process(client: Client, namespace: &str) -> Self {
        let surroundings = surroundings(|name| std::env::var(name).ok());
        Self::new(Fetch::new(client, namespace, Arc::new(Timestamp::now), surroundings))
    }
}

impl Provider for Fetched {
    fn measure(&self, task: Task) -> BoxFuture<'static, Taken> {
        if let Some((plugins, name)) = self.plugin(&task.metric) {
            return async move { plugged::measure(&plugins, &name, &task).await }.boxed();
        }
        let fetch = Arc::clone(&self.fetch);
        async move {
            let hidden: Vec<Secret> = task.hidden.iter().map(|value| Secret::new(value.clone())).collect();
            let expressions = task.compiled.without(&task.hidden);
            let step = match &task.question.step {
                Step::Run => provider::Step::Run {
                    number: task.question.number,
                },
                Step::Resume(of) => provider::Step::Resume(of),
                Step::Terminate(of) => provider::Step::Terminate(of),
            };
            let ask = Ask {
                run: &run(&task.run),
                metric: &task.metric,
                stable: task.stable.as_ref(),
                step,
                hidden: &hidden,
                expressions: &expressions,
                may_write: &task.may_write,
                turn: &task.turn,
            };
            let Measured { measurement, metadata } = fetch.measure(&ask).await;
            Taken { measurement, metadata }
        }
        .boxed()
    }

    fn collect(
        &self,
        of: Arc<OfRun>,
        metric: Metric,
        limit: usize,
        may_write: Gate,
        turn: Turn,
    ) -> BoxFuture<'static, Result<(), String>> {
        if let Some((plugins, name)) = self.plugin(&metric) {
            return async move { plugged::collect(&plugins, &name, &of, &metric, limit).await }.boxed();
        }
        let fetch = Arc::clone(&self.fetch);
        async move { fetch.collect(&run(&of), &metric, limit, (&may_write, &turn)).await }.boxed()
    }

    fn jobs(&self) -> BoxFuture<'_, Result<Option<JobsAt>, String>> {
        async {
            let (client, namespace) = self.fetch.jobs_at().await?;
            Ok(Some(JobsAt { client, namespace }))
        }
        .boxed()
    }
}

fn run(of: &OfRun) -> provider::Run {
    provider::Run {
        name: of.name.clone(),
        namespace: of.namespace.clone(),
        uid: of.uid.clone(),
        started_at: of.started_at,
    }
}
