//! Metric providers (contract 08): what they are asked, and what their answers mean.
//!
//! A measurement is a conversation: [`begin`] says what is done first, and the answer to each request or call leads to the
//! [`Next`] one, until a [`Reading`] is there, of which [`measurement`] makes what the status holds. The shell carries the
//! messages and knows no provider. Each provider has a file, and those that speak HTTP are a `Provider` each.

mod amount;
mod cloudwatch;
mod compared;
mod datadog;
mod graphite;
mod influxdb;
mod job;
mod kayenta;
mod new_relic;
mod prometheus;
mod reading;
mod request;
mod secret;
mod skywalking;
mod wavefront;
mod web;

pub use compared::compared;
pub use job::{Call, RUN_NAME, RUN_NAMESPACE, RUN_UID, Refusal, Reply, Surplus, collect, ended, surplus};
pub(crate) use job::{job_name, job_of};
pub use reading::{Failure, Next, Outcome, Reading, measurement};
pub use request::{Answer, Auth, OAuth2, Request, SigV4};
pub use secret::{HIDDEN, Keys, Place, Secret, SecretName, Secrets};

use crate::analysis::condition::Formula;
use crate::api::analysis_run::Measurement;
use crate::api::analysis_template::Metric;
use crate::api::providers::{JobMetric, MetricProvider, OAuth2Config};
use jiff::Timestamp;
use serin_expr::Value;
use std::collections::BTreeMap;

/// What a provider may know.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// When the step began.
    pub now: Timestamp,
    /// The metric, with its arguments.
    pub metric: &'a Metric,
    /// The run that it belongs to.
    pub run: &'a Run,
    /// What is done.
    pub step: Step<'a>,
    /// The provider's Secrets, as [`needs`] names them.
    pub secrets: &'a Secrets,
    /// What the controller's environment says.
    pub environment: &'a Environment,
    /// The expressions of metrics.
    pub expressions: &'a dyn Expressions,
}

/// What of a run providers use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// UID.
    pub uid: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
}

/// What is done about a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// It is taken.
    Run {
        /// Its number within the metric, from 1; errors count.
        number: i32,
    },
    /// It is under way, and is looked at again.
    Resume(&'a Measurement),
    /// It is under way, and is ended.
    Terminate(&'a Measurement),
}

/// What the controller's environment says to providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `ARGO_ROLLOUTS_PROMETHEUS_ADDRESS`.
    pub prometheus_address: String,
    /// `ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE`.
    pub job_namespace: String,
    /// Whether Jobs run in the cluster of `ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG`, not in that of the run.
    pub jobs_elsewhere: bool,
    /// `DD_API_KEY`, `DD_APP_KEY` and `DD_ADDRESS`, if all three are there: keys as in the Secret `datadog`.
    pub datadog: Option<Keys>,
    /// `AWS_REGION`, or `AWS_DEFAULT_REGION`.
    pub aws_region: String,
    /// `AWS_ENDPOINT_URL_CLOUDWATCH`, or `AWS_ENDPOINT_URL`.
    pub aws_endpoint: String,
    /// How far the controller's time zone is east of UTC, as it is now.
    pub offset_seconds: i32,
    /// The controller's version, for providers that ask who is asking.
    pub version: String,
}

/// The expressions of metrics. The shell compiles each of them once for a run.
pub trait Expressions: Send + Sync {
    /// The phase of a measurement, from the conditions of its metric; `now` is the time that they see.
    ///
    /// # Errors
    /// If a condition cannot be compiled or evaluated, or is no `bool`: the measurement's message.
    fn judge(&self, metric: &Metric, result: &Value, now: Timestamp) -> Result<String, String>;

    /// The number that an expression over the value gives; `field` names it in messages (decision 50).
    ///
    /// # Errors
    /// If the expression cannot be compiled or evaluated, or gives no number: the measurement's message.
    fn number(&self, field: &str, text: &str, result: &Value, now: Timestamp) -> Result<f64, String> {
        Formula::new(text).number(field, text, result, now)
    }

    /// A time of a range query (contract 06 §10).
    ///
    /// # Errors
    /// If the text is no expression of a time.
    fn time(&self, text: &str, now: Timestamp) -> Result<Timestamp, String>;
}

impl<'a> Context<'a> {
    /// The measurement as it stood before this step.
    #[must_use]
    pub fn before(&self) -> Option<&'a Measurement> {
        match self.step {
            Step::Run { .. } => None,
            Step::Resume(before) | Step::Terminate(before) => Some(before),
        }
    }
}

/// A provider that is asked over HTTP. Both functions are pure.
trait Provider {
    /// The first request of a measurement.
    ///
    /// # Errors
    /// If the template, a Secret or the environment does not fit: upstream's message.
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure>;

    /// What the answer to a request means.
    ///
    /// # Errors
    /// If it is an error, is not understood, or has no data where the provider wants some.
    fn read(&self, context: &Context<'_>, asked: &Request, answer: &Answer) -> Result<Next, Failure>;
}

/// The provider of a metric: the first that is there, in upstream's order.
enum Kind<'m> {
    Http(&'m dyn Provider, &'static str),
    Job(&'m JobMetric),
    Plugin(&'m str),
}

fn kind(provider: &MetricProvider) -> Option<Kind<'_>> {
    kinds(provider).next()
}

/// How many providers a metric has; each plugin counts.
#[must_use]
pub fn count(provider: &MetricProvider) -> usize {
    kinds(provider).count()
}

/// All that are there, in upstream's order.
fn kinds(provider: &MetricProvider) -> impl Iterator<Item = Kind<'_>> {
    fn http<'m, P: Provider>(provider: Option<&'m P>, name: &'static str) -> Option<Kind<'m>> {
        provider.map(|provider| Kind::Http(provider, name))
    }
    let MetricProvider {
        prometheus,
        kayenta,
        web,
        datadog,
        wavefront,
        new_relic,
        job,
        cloud_watch,
        graphite,
        influxdb,
        skywalking,
        plugin,
    } = provider;
    let in_order = [
        http(prometheus.as_deref(), "Prometheus"),
        job.as_deref().map(Kind::Job),
        http(kayenta.as_deref(), "Kayenta"),
        http(web.as_deref(), "Web"),
        http(datadog.as_deref(), "Datadog"),
        http(wavefront.as_ref(), "Wavefront"),
        http(new_relic.as_ref(), "NewRelic"),
        http(cloud_watch.as_deref(), "CloudWatch"),
        http(graphite.as_ref(), "Graphite"),
        http(influxdb.as_ref(), "Influxdb"),
        http(skywalking.as_ref(), "skywalking"),
    ];
    let plugins = plugin.keys().map(|name| Kind::Plugin(name));
    in_order.into_iter().flatten().chain(plugins)
}

fn known<'m>(metric: &'m Metric) -> Result<Kind<'m>, Failure> {
    kind(&metric.provider).ok_or_else(|| format!("no valid provider in metric '{}'", metric.name).into())
}

/// The name of a metric's provider.
#[must_use]
pub fn name(metric: &Metric) -> &'static str {
    match kind(&metric.provider) {
        Some(Kind::Http(_, name)) => name,
        Some(Kind::Job(_)) => "Job",
        Some(Kind::Plugin(_)) => "RPCPlugin",
        None => "Unknown Provider",
    }
}

/// The plugin that measures a metric, by its name; none where another provider does.
#[must_use]
pub fn plugin(metric: &Metric) -> Option<&str> {
    match kind(&metric.provider) {
        Some(Kind::Plugin(name)) => Some(name),
        Some(Kind::Http(..) | Kind::Job(_)) | None => None,
    }
}

/// What a provider tells of a metric: the query that it asks. It stands in the metric's result.
#[must_use]
pub fn metadata(metric: &Metric) -> BTreeMap<String, String> {
    let provider = &metric.provider;
    let query = match (&provider.prometheus, &provider.new_relic, name(metric)) {
        (Some(prometheus), _, "Prometheus") => Some(("ResolvedPrometheusQuery", &prometheus.query)),
        (_, Some(new_relic), "NewRelic") => Some(("ResolvedNewRelicQuery", &new_relic.query)),
        _ => None,
    };
    let told = query.filter(|(_, query)| !query.is_empty());
    told.map(|(name, query)| (name.to_owned(), query.clone()))
        .into_iter()
        .collect()
}

/// The Secrets that a metric's provider reads.
#[must_use]
pub fn needs(metric: &Metric, environment: &Environment) -> Vec<SecretName> {
    let provider = &metric.provider;
    let needs = match name(metric) {
        "Datadog" => provider
            .datadog
            .as_deref()
            .map(|spec| datadog::needs(spec, environment)),
        "Wavefront" => provider.wavefront.as_ref().map(|_| wavefront::needs()),
        "NewRelic" => provider.new_relic.as_ref().map(new_relic::needs),
        "Influxdb" => provider.influxdb.as_ref().map(influxdb::needs),
        _ => None,
    };
    needs.unwrap_or_default()
}

/// What is done first.
///
/// # Errors
/// If nothing can be asked: there is no provider, or its configuration does not fit.
pub fn begin(context: &Context<'_>) -> Result<Next, Failure> {
    match known(context.metric)? {
        Kind::Http(provider, _) => match context.step {
            Step::Run { .. } | Step::Resume(_) => Ok(Next::Fetch(Box::new(provider.request(context)?))),
            // Nothing can be taken back: the measurement stays as it is.
            Step::Terminate(before) => Ok(Next::Done(Reading::unchanged(before))),
        },
        Kind::Job(job) => job::begin(job, context).map(Next::Cluster),
        Kind::Plugin(name) => Ok(Next::Plugin(name.to_owned())),
    }
}

/// What follows from the answer to a request.
///
/// # Errors
/// If nothing was measured: the message says why.
pub fn read(context: &Context<'_>, asked: &Request, answer: &Answer) -> Result<Next, Failure> {
    match known(context.metric)? {
        Kind::Http(provider, _) => provider.read(context, asked, answer),
        Kind::Job(_) | Kind::Plugin(_) => Err("this provider does not ask over HTTP".into()),
    }
}

/// What follows from the reply of the API server to a call.
///
/// # Errors
/// If nothing was measured: the message says why.
pub fn reply(context: &Context<'_>, call: &Call, reply: &Reply) -> Result<Next, Failure> {
    job::read(context, call, reply)
}

impl OAuth2 {
    /// As a template has it, where it has it.
    fn of(config: &OAuth2Config, with_headers: bool) -> Result<Option<Self>, String> {
        if config.token_url.is_empty() {
            return Ok(None);
        }
        if config.client_id.is_empty() || config.client_secret.is_empty() {
            return Err("missing mandatory parameter in metric for OAuth2 setup".to_owned());
        }
        Ok(Some(Self {
            token_url: config.token_url.clone(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.as_str().into(),
            scopes: config.scopes.clone(),
            with_headers,
        }))
    }
}
