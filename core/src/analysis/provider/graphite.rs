//! Graphite's render API (contract 08 §7; <https://graphite.readthedocs.io/en/stable/render_api.html>).

use super::request::{Answer, Request, form};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::GraphiteMetric;
use crate::notation::go_value;
use serde_json::Value as Json;
use serin_expr::Value;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);

impl Provider for GraphiteMetric {
    fn request(&self, _: &Context<'_>) -> Result<Request, Failure> {
        let invalid = || format!("Graphite address {} is not a valid URL", self.address);
        let mut url = Url::parse(&self.address)
            .ok()
            .filter(Url::has_host)
            .ok_or_else(invalid)?;
        let path = format!("{}/render", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_fragment(None);
        let query: String = self.query.chars().filter(|it| !it.is_ascii_whitespace()).collect();
        let query = query.split('#').next().unwrap_or_default();
        let written: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let others = written.iter().filter(|(name, _)| name != "format");
        let others = others.map(|(name, value)| (name.as_str(), value.clone()));
        let parameters = others.chain([("format", "json".to_owned())]);
        url.set_query(Some(&form(parameters)));
        Ok(Request::new("GET", url, TIMEOUT))
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        if answer.status >= 400 {
            return Err(format!("error response: {}", answer.text()).into());
        }
        let targets = answer.json()?;
        let points = targets[0]["datapoints"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if points.is_empty() {
            return Err(Failure::no_data("no values found"));
        }
        let numbers: Result<Vec<Option<f64>>, String> = points.iter().map(number).collect();
        let numbers: Vec<f64> = numbers?.into_iter().flatten().collect();
        let text = go_value::bracketed(numbers.iter().map(|number| go_value::fixed(*number, 6)), ",");
        Ok(Next::Done(Reading {
            text_stays: true,
            ..Reading::value(Value::floats(numbers), text)
        }))
    }
}

/// The number of a data point, which is a pair of it and a time; none where there is no data.
fn number(point: &Json) -> Result<Option<f64>, String> {
    let pair = point.as_array().filter(|pair| pair.len() == 2);
    let pair = pair.ok_or_else(|| format!("error unmarshaling data point: {}", go_value::plain(point)))?;
    match &pair[0] {
        Json::Null => Ok(None),
        Json::Number(number) => Ok(number.as_f64()),
        Json::String(text) => {
            let quoted = serin_expr::go::quote::quoted(text);
            let number = text.parse().map(Some);
            number.map_err(|_| format!("strconv.ParseFloat: parsing {quoted}: invalid syntax"))
        }
        other => Err(format!("error unmarshaling value: {}", go_value::plain(other))),
    }
}
