//! Any HTTP service that answers JSON or text (contract 08 §2, 11 G5).

use super::request::{Answer, Auth, OAuth2, Request};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::WebMetric;
use crate::notation::go_value;
use crate::notation::jsonpath::{Found, JsonPath};
use serde_json::Value as Json;
use serin_expr::Value;
use serin_expr::value::{Integer, IntegerKind};
use std::time::Duration;

/// Seconds until a request is given up where the template does not say.
const TIMEOUT_SECONDS: u64 = 10;

impl Provider for WebMetric {
    fn request(&self, _: &Context<'_>) -> Result<Request, Failure> {
        let oauth2 = OAuth2::of(&self.authentication.oauth2, false)?;
        path(self)?;
        let method = if self.method.is_empty() { "GET" } else { &self.method };
        let body = match (&self.body, &self.json_body) {
            (text, Some(_)) if !text.is_empty() => {
                return Err("use either Body or JSONBody; both cannot exists for WebMetric payload".into());
            }
            (text, None) if text.is_empty() => None,
            (text, None) => Some(text.clone()),
            (_, Some(json)) => Some(json.to_string()),
        };
        if body.is_some() && method == "GET" {
            return Err("Body/JSONBody can only be used with POST or PUT WebMetric Method types".into());
        }
        let seconds = u64::try_from(self.timeout_seconds).ok().filter(|seconds| *seconds > 0);
        let timeout = Duration::from_secs(seconds.unwrap_or(TIMEOUT_SECONDS));
        let mut request = Request::new(method, self.url.as_str(), timeout);
        request.body = body.map(String::into_bytes);
        for header in &self.headers {
            request = request.header(&header.key, header.value.as_str());
        }
        if self.json_body.is_some() {
            request = request.header("Content-Type", "application/json");
        }
        if let Some(oauth2) = oauth2 {
            request.auth = Auth::OAuth2(oauth2);
        }
        request.insecure = self.insecure;
        request.proxy = !self.insecure;
        request.reads = method == "GET";
        Ok(request)
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(format!("received non 2xx response code: {}", answer.status).into());
        }
        let Ok(data) = answer.json() else {
            let text = answer.text();
            return Ok(Next::Done(Reading::value(Value::string(&text), text)));
        };
        let path = path(self)?;
        let groups = path
            .find(&data)
            .map_err(|error| format!("Could not find JSONPath in body: {error}"))?;
        let found = groups.into_iter().flatten().next();
        let found = found.ok_or_else(|| "result of web metric produced no value".to_owned())?;
        Ok(Next::Done(reading(found)?))
    }
}

fn path(spec: &WebMetric) -> Result<JsonPath, String> {
    let template = if spec.json_path.is_empty() {
        "{$}"
    } else {
        &spec.json_path
    };
    JsonPath::parse(template).map_err(|error| error.to_string())
}

fn reading(found: Found<'_>) -> Result<Reading, String> {
    let (value, text) = match found {
        Found::Data(data) => (Value::from_json(data), go_value::json(data)),
        Found::Text(text) => (Value::string(text), go_value::json(&Json::from(text))),
        Found::Int(number) => (Value::int(number), number.to_string()),
        Found::Float(number) => (Value::Float(number), go_value::json_number(number)),
        Found::Bool(is) => (Value::Bool(is), is.to_string()),
        Found::Byte(byte) => {
            let integer = Integer::of_unsigned(IntegerKind::Uint8, u64::from(byte));
            (Value::Integer(integer), byte.to_string())
        }
        Found::Nothing => {
            return Err("the body is null, in which the jsonPath finds nothing".to_owned());
        }
    };
    Ok(Reading::value(value, text))
}
