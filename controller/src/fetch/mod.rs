//! Measurements: what the providers of metrics want is fetched here (decision 53).
//!
//! [`Fetch::measure`] leads the conversation that `serin_core::analysis::provider` describes: it sends requests over `http`,
//! carries out the calls of Jobs with `jobs` (which has `act` write), reads the provider's Secrets just before they are needed, and lets none of
//! them into what it gives back. It decides nothing, never waits longer than the provider's timeout, and never fails: what
//! goes wrong is a measurement in phase Error.

mod aws;
mod environment;
mod hidden;
mod hosts;
mod http;
mod jobs;
mod oauth2;
mod secrets;

pub use environment::{Surroundings, surroundings};
pub(crate) use hidden::Hidden;
pub(crate) use http::Http;

use crate::act::{Gate, Turn};
use crate::clock::Clock;
use jiff::tz::TimeZone;
use jobs::Jobs;
use kube::Client;
use serin_core::analysis::provider::{self, Context, Expressions, Failure, Next, Reading, Run, Secret, Step};
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use std::collections::BTreeMap;

/// Requests and calls that one measurement may take.
const MOST_STEPS: usize = 8;

/// Takes measurements. It is shared by all runs.
pub struct Fetch {
    client: Client,
    /// The controller's own namespace.
    namespace: String,
    clock: Clock,
    surroundings: Surroundings,
    http: Http,
    jobs: Jobs,
}

/// A measurement that is wanted.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The run.
    pub run: &'a Run,
    /// The metric, with its arguments: the values of Secrets, too.
    pub metric: &'a Metric,
    /// The same metric with the arguments of the stable, where it is compared.
    pub stable: Option<&'a Metric>,
    /// Whether it is taken, looked at again, or ended.
    pub step: Step<'a>,
    /// The values of Secrets among the arguments: none of them is in the answer.
    pub hidden: &'a [Secret],
    /// The expressions of the run's metrics.
    pub expressions: &'a dyn Expressions,
    /// Whether this process may create and delete Jobs: asked before each (invariant 11).
    pub may_write: &'a Gate,
    /// Waits until this process may make one more call to the cluster of the run.
    pub turn: &'a Turn,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The measurement, finished or under way.
    pub measurement: Measurement,
    /// What the provider tells of the metric, for its result.
    pub metadata: BTreeMap<String, String>,
}

impl Fetch {
    /// Measures in this cluster; the controller runs in `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, clock: Clock, surroundings: Surroundings) -> Self {
        let jobs = Jobs::new(client.clone(), surroundings.job_kubeconfig.clone());
        Self {
            client,
            namespace: namespace.to_owned(),
            clock,
            surroundings,
            http: Http::default(),
            jobs,
        }
    }

    /// Takes a measurement, goes on with one, or ends one.
    pub async fn measure(&self, ask: &Ask<'_>) -> Measured {
        let hidden = Hidden::of(ask.hidden);
        let now = (self.clock)();
        let mut environment = self.surroundings.environment.clone();
        environment.offset_seconds = TimeZone::system().to_offset(now).seconds();
        let needed = provider::needs(ask.metric, &environment);
        let secrets = secrets::read(&self.client, &self.namespace, &ask.run.namespace, (needed, ask.turn)).await;
        hidden.add(secrets.values().cloned());
        hidden.add(environment.datadog.iter().flatten().map(|(_, value)| value.clone()));
        let context = Context {
            now,
            metric: ask.metric,
            run: ask.run,
            step: ask.step,
            secrets: &secrets,
            environment: &environment,
            expressions: ask.expressions,
        };
        let writes = (ask.may_write, ask.turn);
        let read = self.conversation(&context, &hidden, writes);
        let mut measurement = match ask.stable {
            None => provider::measurement(&context, read.await, (self.clock)()),
            Some(metric) => {
                let other = Context { metric, ..context };
                let (canary, stable) = tokio::join!(read, self.conversation(&other, &hidden, writes));
                provider::compared(&context, canary, stable, (self.clock)())
            }
        };
        hidden.hide_in(&mut measurement);
        let mut metadata = provider::metadata(ask.metric);
        hidden.hide_in_all(&mut metadata);
        Measured { measurement, metadata }
    }

    async fn conversation(
        &self,
        context: &Context<'_>,
        hidden: &Hidden,
        act: (&Gate, &Turn),
    ) -> Result<Reading, Failure> {
        let mut next = provider::begin(context)?;
        for _ in 0..MOST_STEPS {
            next = match next {
                Next::Done(reading) => return Ok(reading),
                Next::Fetch(request) => {
                    let answer = self.http.send(&request, hidden).await?;
                    provider::read(context, &request, &answer)?
                }
                Next::Cluster(call) => {
                    let reply = self.jobs.call(&call, act).await;
                    provider::reply(context, &call, &reply)?
                }
                Next::Plugin(name) => return Err(not_configured(&name).into()),
            };
        }
        Err(format!("the provider wants more than {MOST_STEPS} requests for one measurement").into())
    }

    /// Deletes what the run's measurements left behind, but for the newest: Jobs of metrics whose provider is a Job.
    ///
    /// # Errors
    /// If Jobs cannot be listed or deleted. What is left is deleted the next time.
    pub async fn collect(&self, run: &Run, metric: &Metric, limit: usize, act: (&Gate, &Turn)) -> Result<(), String> {
        if provider::name(metric) != "Job" {
            return Ok(());
        }
        let place = provider::collect(run, &self.surroundings.environment);
        self.jobs.collect(&place, limit, act).await
    }

    /// Where the Jobs of measurements are: their cluster, and their namespace if it is not that of the runs (contract 08 §3).
    ///
    /// # Errors
    /// If their cluster cannot be connected to.
    pub async fn jobs_at(&self) -> Result<(Client, Option<String>), String> {
        let namespace = &self.surroundings.environment.job_namespace;
        let namespace = Some(namespace.clone()).filter(|name| !name.is_empty());
        Ok((self.jobs.cluster().await?, namespace))
    }
}

/// What upstream says of a plugin that is not there.
fn not_configured(name: &str) -> String {
    format!(
        "failed to create plugin: unable to get metric plugin: unable to start plugin system: unable to find plugin \
         ({name}): plugin {name} not configured in configmap"
    )
}
