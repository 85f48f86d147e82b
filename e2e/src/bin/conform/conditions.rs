//! `expression` and `time` (contract 12 §2, §3).

use crate::case::Case;
use anyhow::{Result, anyhow};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::analysis::condition::{self, Conditions, typed};
use serin_core::wire::analysis::Phase;

/// A time within two days of now is told by its distance.
const NEAR_SECONDS: f64 = 48.0 * 3600.0;

pub(crate) fn expression(case: &Case) -> Result<Value> {
    let written = case.raw("result");
    let of = written["type"].as_str().unwrap_or_default();
    let result = typed(of, &written["value"]).map_err(|why| anyhow!(why))?;
    let mut conditions = Conditions::new(&case.text("successCondition")?, &case.text("failureCondition")?);
    Ok(match conditions.judge(&result, Timestamp::now()) {
        Ok(verdict) => json!({"phase": verdict.phase()}),
        Err(message) => json!({"phase": Phase::Error.as_str(), "message": message}),
    })
}

pub(crate) fn time(case: &Case) -> Result<Value> {
    let now = Timestamp::now();
    Ok(match condition::time(&case.text("expression")?, now) {
        Ok(at) => {
            let since = now.duration_since(at).as_secs_f64().round();
            if since.abs() < NEAR_SECONDS {
                json!({"sinceNowSeconds": since})
            } else {
                json!({"time": at.to_string()})
            }
        }
        Err(error) => json!({"error": error}),
    })
}
