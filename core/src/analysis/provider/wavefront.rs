//! Wavefront (contract 08 §6; <https://docs.wavefront.com/wavefront_api.html>, "Chart API").

use super::request::{Answer, Request, form};
use super::secret::{SecretName, key};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::WavefrontMetric;
use crate::notation::go_value;
use serde_json::Value as Json;
use serin_expr::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
/// The Secret with the tokens: addresses are its keys.
const SECRET: &str = "wavefront-api-tokens";
/// What Go makes of the distance to a point that is not there.
const NO_DRIFT: i64 = i64::MIN;

/// The Secrets that are read.
pub(super) fn needs() -> Vec<SecretName> {
    vec![SecretName::of_controller(SECRET)]
}

impl Provider for WavefrontMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let keys = context.secrets.keys(&SecretName::of_controller(SECRET))?;
        let token = key(keys, &self.address);
        if token.is_empty() {
            return Err("API token not found".into());
        }
        let at = (context.now.as_second() * 1000).to_string();
        let given = [
            ("q", self.query.clone()),
            ("s", at.clone()),
            ("e", at),
            ("g", "s".into()),
            ("p", "1".into()),
        ];
        // Points outside of the window count, because it has no width.
        let switches = [
            ("i", true),
            ("autoEvents", false),
            ("listmode", false),
            ("strict", false),
            ("includeObsoleteMetrics", false),
        ];
        let switches = switches.map(|(name, on)| (name, on.to_string()));
        let query = form(given.into_iter().filter(|(_, value)| !value.is_empty()).chain(switches));
        let url = format!("https://{}/api/v2/chart/api?{query}", self.address);
        Ok(Request::new("GET", url, TIMEOUT)
            .header("Authorization", format!("Bearer {}", token.expose()))
            .header("Accept", "application/json"))
    }

    fn read(&self, context: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(format!("server returned {}\n{}\n", answer.status, answer.text()).into());
        }
        let body = answer.json()?;
        let warnings = body["warnings"].as_str().filter(|warnings| !warnings.is_empty());
        let warnings = warnings.map(|warnings| ("warnings".to_owned(), warnings.to_owned()));
        let metadata: BTreeMap<String, String> = warnings.into_iter().collect();
        let series = body["timeseries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let nearest: Vec<Nearest> = series
            .iter()
            .map(|series| nearest(series, context.now.as_second()))
            .collect();
        let printed = |each: &dyn Fn(&Nearest) -> String| match nearest.as_slice() {
            [one] => each(one),
            several => go_value::bracketed(several.iter().map(each), ","),
        };
        let value = match nearest.as_slice() {
            [] => {
                let failure = Failure::no_data("No TimeSeries found in response from Wavefront");
                return Err(Failure { metadata, ..failure });
            }
            [one] => Value::Float(one.value),
            several => Value::floats(several.iter().map(|point| point.value)),
        };
        let details = [
            ("timestamps", printed(&|point| point.at.to_string())),
            ("drift", printed(&|point| point.drift.to_string())),
        ];
        Ok(Next::Done(Reading {
            metadata,
            with_verdict: details.map(|(name, text)| (name.to_owned(), text)).into(),
            ..Reading::value(value, printed(&|point| go_value::fixed(point.value, 2)))
        }))
    }
}

/// The point of a series that is nearest to a time.
struct Nearest {
    value: f64,
    /// Seconds since 1970.
    at: i64,
    /// Seconds after the time.
    drift: i64,
}

fn nearest(series: &Json, now: i64) -> Nearest {
    let points = series["data"].as_array().into_iter().flatten();
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
    let points = points.filter_map(|point| Some((point[0].as_f64()? as i64, point[1].as_f64()?)));
    let mut nearest = Nearest {
        value: 0.0,
        at: 0,
        drift: NO_DRIFT,
    };
    for (at, value) in points {
        let drift = at.saturating_sub(now);
        if drift.unsigned_abs() < nearest.drift.unsigned_abs() {
            nearest = Nearest { value, at, drift };
        }
    }
    nearest
}
