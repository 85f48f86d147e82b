//! Apache SkyWalking: GraphQL (contract 08 §11; <https://skywalking.apache.org/docs/main/next/en/api/query-protocol/>).
//!
//! An answer counts only if its status is one of success: an error that has data is an error (contract 11 G9).

use super::request::{Answer, Request};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::SkyWalkingMetric;
use crate::notation::duration::GoDuration;
use crate::notation::go_value;
use jiff::SignedDuration;
use jiff::tz::Offset;
use serde_json::json;
use serin_expr::Value;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

impl Provider for SkyWalkingMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let interval: Result<GoDuration, _> = self.interval.parse();
        let interval = interval.map_err(|error| error.to_string())?;
        let begin = context.now.saturating_sub(SignedDuration::from_nanos(interval.nanos()));
        let zone = Offset::from_seconds(context.environment.offset_seconds).unwrap_or(Offset::UTC);
        let minute = |time| zone.to_datetime(time).strftime("%Y-%m-%d %H%M").to_string();
        let duration = json!({
            "start": minute(begin.unwrap_or(context.now)),
            "end": minute(context.now),
            "step": "MINUTE",
        });
        let body = json!({"query": self.query, "variables": {"duration": duration}});
        Ok(Request::new("POST", format!("{}/graphql", self.address), TIMEOUT)
            .json(&body)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Accept", "application/json; charset=utf-8"))
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(format!("received non 2xx response code: {} {}", answer.status, answer.text()).into());
        }
        let body = answer.json().map_err(|error| format!("decoding response: {error}"))?;
        if let Some(error) = body["errors"].as_array().and_then(|errors| errors.first()) {
            let message = error["message"].as_str().unwrap_or_default();
            return Err(format!("graphql: {message}").into());
        }
        let data = &body["data"];
        if data.is_null() {
            return Err(Failure::no_data("no results returned from SkyWalking query"));
        }
        Ok(Next::Done(Reading::value(Value::from_json(data), go_value::json(data))))
    }
}
