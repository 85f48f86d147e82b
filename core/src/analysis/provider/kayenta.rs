//! Kayenta, which judges canaries by itself (contract 08 §9; <https://github.com/spinnaker/kayenta/blob/master/docs/faq.md>).
//!
//! The configuration is looked up by its name, the judgement is started, and then looked at every 15 s.

use super::reading::{Failure, Next, Reading};
use super::request::{Answer, Request};
use super::{Context, Provider, Step};
use crate::api::providers::{KayentaMetric, KayentaScope, KayentaScopeDetail};
use crate::notation::duration::GoDuration;
use crate::notation::go_value;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use serin_expr::go::quote::quoted;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(15);
const NEXT_LOOK: SignedDuration = SignedDuration::from_secs(15);
/// Metadata of measurements: the judgement.
const EXECUTION: &str = "canaryExecutionId";

impl Provider for KayentaMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let address = &self.address;
        let url = match context.step {
            Step::Run { .. } => format!(
                "{address}/canaryConfig?application={}&configurationAccountName={}",
                self.application, self.storage_account_name
            ),
            Step::Resume(before) | Step::Terminate(before) => {
                let execution = before.metadata.get(EXECUTION).map(String::as_str).unwrap_or_default();
                format!("{address}/canary/{execution}")
            }
        };
        Ok(Request::new("GET", url, TIMEOUT))
    }

    fn read(&self, context: &Context<'_>, asked: &Request, answer: &Answer) -> Result<Next, Failure> {
        match context.step {
            Step::Run { .. } if asked.method == "GET" => {
                let id = configuration(self, answer)?;
                Ok(Next::Fetch(Box::new(start(self, context, &id)?)))
            }
            Step::Run { .. } => started(context, answer),
            Step::Resume(_) | Step::Terminate(_) => looked_at(self, context, answer),
        }
    }
}

/// The id of the configuration.
fn configuration(spec: &KayentaMetric, answer: &Answer) -> Result<String, String> {
    if answer.status != 200 {
        return Err(format!("Invalid Response: HTTP {}", answer.status));
    }
    let all = answer.json()?;
    let mut all = all.as_array().into_iter().flatten();
    let ours = all.find(|one| one["name"] == spec.canary_config_name.as_str());
    let id = ours.map(|one| one["id"].as_str().unwrap_or_default().to_owned());
    id.ok_or_else(|| "Canary config not found".to_owned())
}

/// The request that starts a judgement.
fn start(spec: &KayentaMetric, context: &Context<'_>, id: &str) -> Result<Request, String> {
    let url = format!(
        "{}/canary/{id}?application={}&metricsAccountName={}&configurationAccountName={}&storageAccountName={}",
        spec.address,
        spec.application,
        spec.metrics_account_name,
        spec.configuration_account_name,
        spec.storage_account_name
    );
    let mut scopes = serde_json::Map::new();
    for scope in &spec.scopes {
        scopes.insert(scope.name.clone(), pair(spec, scope, context)?);
    }
    let thresholds = json!({"pass": spec.threshold.pass, "marginal": spec.threshold.marginal});
    let body = json!({"scopes": scopes, "thresholds": thresholds});
    let mut request = Request::new("POST", url, TIMEOUT).json(&body);
    request.reads = false;
    Ok(request)
}

/// A pair of scopes. Their times are written in both or in none.
fn pair(spec: &KayentaMetric, scope: &KayentaScope, context: &Context<'_>) -> Result<Json, String> {
    let (control, experiment) = (&scope.control_scope, &scope.experiment_scope);
    for (name, one, other) in [
        ("start", &control.start, &experiment.start),
        ("end", &control.end, &experiment.end),
    ] {
        if one.is_empty() != other.is_empty() {
            return Err(format!(
                "controlScope.{name} and experimentScope.{name} must both be set or be empty"
            ));
        }
    }
    let start = if control.start.is_empty() {
        rfc3339(begin(spec, context)?)
    } else {
        String::new()
    };
    let end = rfc3339(context.now);
    let or = |written: &str, default: &str| {
        if written.is_empty() {
            default.to_owned()
        } else {
            written.to_owned()
        }
    };
    let side = |side: &KayentaScopeDetail| {
        json!({
            "scope": side.scope,
            "location": side.region,
            "step": side.step,
            "start": or(&side.start, &start),
            "end": or(&side.end, &end),
        })
    };
    Ok(json!({"controlScope": side(control), "experimentScope": side(experiment)}))
}

/// When the comparison begins: with the run, or an interval ago.
fn begin(spec: &KayentaMetric, context: &Context<'_>) -> Result<Timestamp, String> {
    if spec.lookback {
        return Ok(context.run.started_at.unwrap_or(context.now));
    }
    let written = &context.metric.interval;
    let interval: Result<GoDuration, _> = written.parse();
    let interval = interval.map_err(|error| format!("Invalid duration {}: {error}", quoted(written)))?;
    let begin = context.now.saturating_sub(SignedDuration::from_nanos(interval.nanos()));
    Ok(begin.unwrap_or(context.now))
}

fn started(context: &Context<'_>, answer: &Answer) -> Result<Next, Failure> {
    if answer.status != 200 {
        return Err("Invalid Response".into());
    }
    let body = answer.json()?;
    let id = match &body[EXECUTION] {
        Json::Null => String::new(),
        id => go_value::plain(id),
    };
    if id.is_empty() {
        return Err("Invalid canaryExecutionId".into());
    }
    let mut reading = Reading::running(later(context));
    reading.metadata.insert(EXECUTION.to_owned(), id);
    Ok(Next::Done(reading))
}

fn looked_at(spec: &KayentaMetric, context: &Context<'_>, answer: &Answer) -> Result<Next, Failure> {
    if answer.status != 200 {
        return Err("Invalid Response".into());
    }
    let body = answer.json()?;
    let complete = body["complete"].as_bool();
    if !complete.ok_or_else(|| "Missing Complete Status".to_owned())? {
        return Ok(Next::Done(Reading::running(later(context))));
    }
    let score = body["result"]["judgeResult"]["score"]["score"].as_f64();
    let score = score.ok_or_else(|| "Missing Score".to_owned())?;
    #[expect(clippy::cast_possible_truncation, reason = "scores are cut to whole numbers")]
    let score = score as i64;
    let phase = if score >= spec.threshold.pass {
        "Successful"
    } else if score >= spec.threshold.marginal {
        "Inconclusive"
    } else {
        "Failed"
    };
    Ok(Next::Done(Reading {
        text: score.to_string(),
        ..Reading::judged(phase, "")
    }))
}

fn later(context: &Context<'_>) -> Timestamp {
    context.now.saturating_add(NEXT_LOOK).unwrap_or(context.now)
}

fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
