//! Datadog: timeseries of API v1, scalars of API v2 (contract 08 §4, 11 G3;
//! <https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points>,
//! <https://docs.datadoghq.com/api/latest/metrics/#query-scalar-data-across-multiple-products>).

mod scalar;
mod series;

use super::request::{Answer, Request, form};
use super::secret::{Keys, Place, SecretName, key};
use super::{Context, Environment, Failure, Next, Provider};
use crate::api::providers::DatadogMetric;
use crate::notation::duration::GoDuration;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
const ADDRESS: &str = "https://api.datadoghq.com";
/// The Secret where neither the template nor the environment has the keys.
const SECRET: &str = "datadog";
/// How far a query looks back where the template does not say; the API server fills it in, too.
const INTERVAL: &str = "5m";
/// The version that asks for series. Any other asks for scalars.
const SERIES: &str = "v1";

/// The Secrets that are read: the one of the template, or else, if the environment has no keys, the controller's.
pub(super) fn needs(spec: &DatadogMetric, environment: &Environment) -> Vec<SecretName> {
    secret(spec, environment).into_iter().collect()
}

fn secret(spec: &DatadogMetric, environment: &Environment) -> Option<SecretName> {
    let reference = &spec.secret_ref;
    match (reference.name.as_str(), reference.namespaced) {
        ("", true) => None,
        ("", false) if usable(environment.datadog.as_ref()) => None,
        ("", false) => Some(SecretName::of_controller(SECRET)),
        (name, false) => Some(SecretName::of_controller(name)),
        (name, true) => Some(SecretName {
            place: Place::Run,
            name: name.to_owned(),
        }),
    }
}

fn usable(keys: Option<&Keys>) -> bool {
    keys.is_some_and(|keys| !key(keys, "api-key").is_empty() && !key(keys, "app-key").is_empty())
}

impl Provider for DatadogMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let keys = credentials(self, context)?;
        validate(self)?;
        let address = key(keys, "address");
        let address = if address.is_empty() { ADDRESS } else { address.expose() };
        let route = if self.api_version == "v2" {
            "/api/v2/query/scalar"
        } else {
            "/api/v1/query"
        };
        let mut url =
            Url::parse(&format!("{address}{route}")).map_err(|error| format!("parse \"{address}\": {error}"))?;
        let interval = if self.interval.is_empty() {
            INTERVAL
        } else {
            &self.interval
        };
        let interval: Result<GoDuration, _> = interval.parse();
        let seconds = interval.map_err(|error| error.to_string())?.whole_seconds();
        let (now, timeout) = (context.now.as_second(), timeout(self)?);
        let request = if self.api_version == SERIES {
            let times = [("from", now - seconds), ("to", now)].map(|(name, time)| (name, time.to_string()));
            url.set_query(Some(&form([("query", self.query.clone())].into_iter().chain(times))));
            Request::new("GET", url, timeout).header("Content-Type", "application/json")
        } else {
            Request::new("POST", url, timeout).json(&scalar::body(self, now - seconds, now))
        };
        Ok(request
            .header("DD-API-KEY", key(keys, "api-key"))
            .header("DD-APPLICATION-KEY", key(keys, "app-key")))
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        let status = answer.status;
        match status {
            200 => {}
            401 | 403 => {
                let text = answer.text();
                return Err(format!("received authentication error response code: {status} {text}").into());
            }
            _ => return Err(format!("received non 2xx response code: {status} {}", answer.text()).into()),
        }
        let body = answer
            .json()
            .map_err(|error| format!("Could not parse JSON body: {error}"))?;
        let reading = if self.api_version == SERIES {
            series::read(&body)
        } else {
            scalar::read(&body)
        };
        Ok(Next::Done(reading?))
    }
}

/// The keys, from where the first are.
fn credentials<'c>(spec: &DatadogMetric, context: &Context<'c>) -> Result<&'c Keys, String> {
    if spec.secret_ref.namespaced && spec.secret_ref.name.is_empty() {
        return Err("secret name is required for namespaced credentials".to_owned());
    }
    let keys = match secret(spec, context.environment) {
        Some(name) => context.secrets.keys(&name).ok(),
        None => context.environment.datadog.as_ref(),
    };
    let keys = keys.filter(|keys| usable(Some(keys)));
    keys.ok_or_else(|| "failed to find the credentials for datadog metrics provider".to_owned())
}

fn timeout(spec: &DatadogMetric) -> Result<Duration, String> {
    const REVIEW: &str = "Please review the Analysis Template.";
    if spec.request_timeout.is_empty() {
        return Ok(TIMEOUT);
    }
    let timeout: Result<GoDuration, _> = spec.request_timeout.parse();
    let timeout = timeout.map_err(|error| format!("Could not parse the request timeout: {error}. {REVIEW}"))?;
    let nanoseconds = u64::try_from(timeout.nanos())
        .ok()
        .filter(|nanoseconds| *nanoseconds > 0);
    let positive = || format!("Request timeout must be a positive duration (e.g. 30s). {REVIEW}");
    nanoseconds.map(Duration::from_nanos).ok_or_else(positive)
}

/// Whether the fields fit together.
fn validate(spec: &DatadogMetric) -> Result<(), String> {
    let (query, queries) = (!spec.query.is_empty(), !spec.queries.is_empty());
    let (formula, series) = (!spec.formula.is_empty(), spec.api_version == SERIES);
    let wrong = if !query && !queries {
        "Must have either a query or queries. Please review the Analysis Template."
    } else if query && queries {
        "Cannot have both a query and queries. Please review the Analysis Template."
    } else if series && !query {
        "Query is empty. API Version v1 only supports using the query parameter in your Analysis Template."
    } else if formula && !queries {
        "Formula are only valid when queries are set. Please review the Analysis Template."
    } else if !formula && spec.queries.len() > 1 {
        "When multiple queries are provided you must include a formula."
    } else if series && !spec.aggregator.is_empty() {
        "Aggregator is not supported in v1. Please review the Analysis Template."
    } else {
        return timeout(spec).map(|_| ());
    };
    Err(wrong.to_owned())
}
