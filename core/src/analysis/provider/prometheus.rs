//! Prometheus: instant and range queries (contract 08 §1, 11 G1; <https://prometheus.io/docs/prometheus/latest/querying/api/>).

use super::request::{Answer, Auth, OAuth2, Request, SigV4, form};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::{PrometheusMetric, PrometheusRangeQuery};
use crate::notation::duration::GoDuration;
use crate::notation::go_value;
use jiff::Timestamp;
use serde_json::Value as Json;
use serin_expr::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Seconds until a query is given up where the template does not say.
const TIMEOUT_SECONDS: u64 = 30;
/// Status codes after which the query is asked once more, with GET.
const ASK_WITH_GET: [u16; 3] = [403, 405, 501];

impl Provider for PrometheusMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let address = address(self, context)?;
        let auth = auth(self, &address)?;
        let timeout = match self.timeout {
            None => TIMEOUT_SECONDS,
            Some(seconds) => {
                u64::try_from(seconds).map_err(|_| "prometheus timeout should not be negative".to_owned())?
            }
        };
        let (endpoint, mut parameters) = parameters(self, context)?;
        let mut url = address;
        let path = format!("{}{endpoint}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let written: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let asked = |name: &str| parameters.iter().any(|(known, _)| *known == name);
        let others: Vec<&(String, String)> = written.iter().filter(|(name, _)| !asked(name)).collect();
        parameters.extend(others.into_iter().map(|(name, value)| (name.as_str(), value.clone())));
        let mut request = Request::new("POST", url, Duration::from_secs(timeout));
        request.body = Some(form(parameters).into_bytes());
        request = request.header("Content-Type", "application/x-www-form-urlencoded");
        for header in &self.headers {
            request = request.header(&header.key, header.value.as_str());
        }
        request.auth = auth;
        request.insecure = self.insecure;
        Ok(request)
    }

    fn read(&self, _: &Context<'_>, asked: &Request, answer: &Answer) -> Result<Next, Failure> {
        if asked.method == "POST" && ASK_WITH_GET.contains(&answer.status) {
            return Ok(Next::Fetch(Box::new(with_get(asked))));
        }
        let (result, warnings) = result(answer)?;
        let mut reading = reading(&result)?;
        if !warnings.is_empty() {
            let quoted: Vec<String> = warnings.iter().map(|warning| format!("\"{warning}\"")).collect();
            let warnings = ("warnings".to_owned(), quoted.join(", "));
            reading.with_verdict = BTreeMap::from([warnings]);
        }
        Ok(Next::Done(reading))
    }
}

/// Where Prometheus is: as the template says, or else as the environment does.
fn address(spec: &PrometheusMetric, context: &Context<'_>) -> Result<Url, String> {
    let of_environment = context.environment.prometheus_address.as_str();
    let written = if spec.address.is_empty() {
        of_environment
    } else {
        spec.address.as_str()
    };
    if written.is_empty() {
        return Err("prometheus address is not configured".to_owned());
    }
    let url = Url::parse(written).ok().filter(Url::has_host);
    url.ok_or_else(|| "prometheus address is not is url format".to_owned())
}

fn auth(spec: &PrometheusMetric, address: &Url) -> Result<Auth, String> {
    let (basic, oauth2, sigv4) = (
        &spec.authentication.basic_auth,
        &spec.authentication.oauth2,
        &spec.authentication.sigv4,
    );
    let missing = |name| {
        Err(format!(
            "missing mandatory parameter in metric for basic auth setup: {name}"
        ))
    };
    match (basic.username.is_empty(), basic.password.is_empty()) {
        (true, false) => return missing("username"),
        (false, true) => return missing("password"),
        (true, true) | (false, false) => {}
    }
    let signed = address.as_str().contains("aps-workspaces") && *sigv4 != Default::default();
    let oauth2 = OAuth2::of(oauth2, true)?;
    Ok(if signed {
        Auth::SigV4(SigV4 {
            service: "aps".to_owned(),
            region: sigv4.region.clone(),
            profile: sigv4.profile.clone(),
            role_arn: sigv4.role_arn.clone(),
        })
    } else if let Some(oauth2) = oauth2 {
        Auth::OAuth2(oauth2)
    } else if basic.username.is_empty() {
        Auth::None
    } else {
        Auth::Basic {
            username: basic.username.clone(),
            password: basic.password.as_str().into(),
        }
    })
}

/// Parameters of a request by name.
type Parameters<'s> = Vec<(&'s str, String)>;

/// The endpoint, and what it is asked.
fn parameters<'s>(spec: &'s PrometheusMetric, context: &Context<'_>) -> Result<(&'static str, Parameters<'s>), String> {
    let query = ("query", spec.query.clone());
    let Some(range) = &spec.range_query else {
        return Ok(("/api/v1/query", vec![query, ("time", seconds(context.now))]));
    };
    let PrometheusRangeQuery { start, end, step } = range;
    let time = |name: &str, text: &str| {
        let time = context.expressions.time(text, context.now);
        time.map(seconds)
            .map_err(|error| format!("failed to parse rangeQuery.{name} as time: {error}"))
    };
    let (start, end) = (time("start", start)?, time("end", end)?);
    let step: GoDuration = step
        .parse()
        .map_err(|error| format!("failed to parse rangeQuery.step as duration: {error}"))?;
    let nanoseconds = step.nanos();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a step of 104 days has whole nanoseconds, and none is longer"
    )]
    let step = (nanoseconds / 1_000_000_000) as f64 + (nanoseconds % 1_000_000_000) as f64 / 1e9;
    let range = [("start", start), ("end", end), ("step", go_value::shortest(step))];
    let parameters = [query].into_iter().chain(range).collect();
    Ok(("/api/v1/query_range", parameters))
}

/// A time as Prometheus takes it: seconds since 1970.
fn seconds(time: Timestamp) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the seconds of all times that exist are exact"
    )]
    let whole = time.as_second() as f64;
    go_value::shortest(whole + f64::from(time.subsec_nanosecond()) / 1e9)
}

/// The same query in the address.
fn with_get(asked: &Request) -> Request {
    let mut request = asked.clone();
    let form = request.body.take().unwrap_or_default();
    let address = request
        .url
        .split_once('?')
        .map_or(request.url.as_str(), |(address, _)| address);
    request.url = format!("{address}?{}", String::from_utf8_lossy(&form));
    request.method = "GET".to_owned();
    // The template's own content type comes after the one of the form.
    request.headers.remove(0);
    request
}

/// What an answer holds: the data of a result, and warnings.
fn result(answer: &Answer) -> Result<(Json, Vec<String>), String> {
    let status = answer.status;
    let has_body_of_api = matches!(status, 200..300 | 400 | 422);
    if !has_body_of_api {
        return Err(match status {
            400..500 => format!("client_error: client error: {status}"),
            500..600 => format!("server_error: server error: {status}"),
            _ => format!("bad_response: bad response code {status}"),
        });
    }
    let body = if status == 204 {
        Json::Null
    } else {
        answer.json().map_err(|error| format!("bad_response: {error}"))?
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    if text("status") == "error" {
        return Err(format!("{}: {}", text("errorType"), text("error")));
    }
    if status >= 400 && text("status") == "success" {
        return Err("bad_response: inconsistent body for response code".to_owned());
    }
    let warnings = body["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(Json::as_str).map(str::to_owned).collect();
    Ok((body["data"].clone(), warnings))
}

/// What the data of a result are to a condition.
fn reading(data: &Json) -> Result<Reading, String> {
    let result = &data["result"];
    match data["resultType"].as_str().unwrap_or_default() {
        "scalar" => {
            let number = sample(result)?;
            Ok(Reading::value(Value::Float(number), go_value::shortest(number)))
        }
        "vector" => {
            let samples = result.as_array().into_iter().flatten();
            // A native histogram has no value, and counts as 0.
            let numbers: Result<Vec<f64>, String> = samples
                .map(|sample_of| sample_of.get("value").map_or(Ok(0.0), sample))
                .collect();
            Ok(list(&numbers?))
        }
        "matrix" => {
            let series = result.as_array().into_iter().flatten();
            let samples = series.flat_map(|series| series["values"].as_array().into_iter().flatten());
            let numbers: Result<Vec<f64>, String> = samples.map(sample).collect();
            Ok(list(&numbers?))
        }
        "" => Err("unexpected end of JSON input".to_owned()),
        other => Err(format!("unmarshalerDecoder: unexpected value type \"{other}\"")),
    }
}

fn list(numbers: &[f64]) -> Reading {
    let text = go_value::bracketed(numbers.iter().copied().map(go_value::shortest), ",");
    Reading::value(Value::floats(numbers.iter().copied()), text)
}

/// The number of a sample: a time, and the number as text, because JSON has no NaN.
fn sample(pair: &Json) -> Result<f64, String> {
    let text = pair[1]
        .as_str()
        .ok_or_else(|| format!("a sample without a value: {pair}"))?;
    text.parse().map_err(|_| {
        format!(
            "strconv.ParseFloat: parsing {}: invalid syntax",
            serin_expr::go::quote::quoted(text)
        )
    })
}
