//! InfluxDB 2: Flux, answered as annotated CSV (contract 08 §8, 11 G9;
//! <https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/>).

use super::request::{Answer, Request, form};
use super::secret::{SecretName, key};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::InfluxdbMetric;
use crate::notation::duration::GoDuration;
use crate::notation::go_value;
use jiff::Timestamp;
use serde_json::json;
use serin_expr::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);
/// The Secret where the template does not name a profile.
const SECRET: &str = "influxdb";
/// The column of a record's value.
const VALUE: &str = "_value";

/// The Secrets that are read.
pub(super) fn needs(spec: &InfluxdbMetric) -> Vec<SecretName> {
    vec![secret(spec)]
}

fn secret(spec: &InfluxdbMetric) -> SecretName {
    SecretName::of_controller(if spec.profile.is_empty() { SECRET } else { &spec.profile })
}

impl Provider for InfluxdbMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let keys = context.secrets.keys(&secret(self))?;
        let [token, address, org] = ["authToken", "address", "org"].map(|name| key(keys, name));
        if token.is_empty() || address.is_empty() || org.is_empty() {
            return Err("authToken, org, or address not found".into());
        }
        let address = address.expose().trim_end_matches('/');
        let query = form([("org", org.expose().to_owned())]);
        let dialect = json!({"annotations": ["datatype", "group", "default"], "delimiter": ",", "header": true});
        let body = json!({"query": self.query, "type": "flux", "dialect": dialect});
        Ok(Request::new("POST", format!("{address}/api/v2/query?{query}"), TIMEOUT)
            .json(&body)
            .header("Authorization", format!("Token {}", token.expose())))
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer).into());
        }
        let (records, error) = records(&answer.body);
        if records.is_empty() {
            return Err(Failure::no_data("no results returned from flux query"));
        }
        // What came before an error is not all: it is not judged.
        if let Some(error) = error {
            return Err(error.into());
        }
        let text = go_value::bracketed(records.iter().map(|(_, text)| text.clone()), " ");
        let values = records.into_iter().map(|(value, _)| value);
        Ok(Next::Done(Reading::value(Value::values(values), text)))
    }
}

/// Why the server refused: `code: message`, as its client tells it.
fn refused(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    match (body["code"].as_str(), body["message"].as_str()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (_, Some(message)) => message.to_owned(),
        _ => format!("{}: {}", answer.status, answer.text()),
    }
}

/// What a table says of its columns.
#[derive(Default)]
struct Table {
    types: Vec<String>,
    defaults: Vec<String>,
    /// Columns by name, once the line with the names was read.
    columns: BTreeMap<String, usize>,
}

/// The values of all records, each with what Go prints for it, and the error that ended them.
fn records(body: &[u8]) -> (Vec<(Value, String)>, Option<String>) {
    let mut lines = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(body);
    let mut found = Vec::new();
    let mut table = Table::default();
    let mut annotated = false;
    for line in lines.records() {
        let line = match line {
            Ok(line) => line,
            Err(error) => return (found, Some(format!("the answer is no CSV: {error}"))),
        };
        let cells: Vec<&str> = line.iter().collect();
        let first = cells.first().copied().unwrap_or_default();
        if first.starts_with('#') {
            if !annotated {
                table = Table::default();
            }
            annotated = true;
            let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
            match first {
                "#datatype" => table.types = cells,
                "#default" => table.defaults = cells,
                _ => {}
            }
        } else if annotated || table.columns.is_empty() {
            annotated = false;
            table.columns = cells
                .iter()
                .enumerate()
                .map(|(at, name)| ((*name).to_owned(), at))
                .collect();
        } else {
            if let Some(error) = table.columns.get("error") {
                let error = cells.get(*error).copied().unwrap_or_default();
                return (found, Some(error.to_owned()));
            }
            match table.value(&cells) {
                Ok(value) => found.push(value),
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

impl Table {
    /// The value of a record. Without a column for it there is none, which is nil.
    fn value(&self, cells: &[&str]) -> Result<(Value, String), String> {
        let nil = || (Value::Nil, "<nil>".to_owned());
        let Some(at) = self.columns.get(VALUE).copied() else {
            return Ok(nil());
        };
        let written = cells.get(at).copied().unwrap_or_default();
        let default = self.defaults.get(at).map(String::as_str).unwrap_or_default();
        let text = if written.is_empty() { default } else { written };
        let of = self.types.get(at).map(String::as_str).unwrap_or_default();
        if text.is_empty() && of != "string" {
            return Ok(nil());
        }
        let wrong = || format!("{text} is no {of}");
        Ok(match of {
            "double" => {
                let number: f64 = text.parse().map_err(|_| wrong())?;
                (Value::Float(number), go_value::general(number))
            }
            "long" => (Value::int64(text.parse().map_err(|_| wrong())?), text.to_owned()),
            "unsignedLong" => (Value::uint64(text.parse().map_err(|_| wrong())?), text.to_owned()),
            "boolean" => {
                let is = !text.eq_ignore_ascii_case("false");
                (Value::Bool(is), is.to_string())
            }
            "duration" => {
                let duration: GoDuration = text.parse().map_err(|_| wrong())?;
                (Value::Duration(duration.nanos()), duration.to_string())
            }
            of if of.starts_with("dateTime") => {
                let time: Timestamp = text.parse().map_err(|_| wrong())?;
                (Value::time(time), printed(time))
            }
            _ => (Value::string(text), text.to_owned()),
        })
    }
}

/// A time as Go prints it.
fn printed(time: Timestamp) -> String {
    let fraction = format!("{:09}", time.subsec_nanosecond());
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S"))
}
