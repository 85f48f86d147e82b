//! What API v1 answers: series of points.

use super::super::Reading;
use crate::notation::go_value;
use serde_json::{Value as Json, json};
use serin_expr::Value;

/// The last point of the first series.
pub(super) fn read(body: &Json) -> Result<Reading, String> {
    let wrong = |what: &str| Err(format!("Could not parse JSON body: {what}"));
    let series = match &body["series"] {
        Json::Null => return Ok(nothing("null")),
        Json::Array(series) => series,
        other => return wrong(&format!("series is {other}")),
    };
    let points = |series: &Json| match &series["pointlist"] {
        Json::Array(points) => Some(points.clone()),
        _ => None,
    };
    let first = series.first().and_then(points).unwrap_or_default();
    let Some(last) = first.last() else {
        let shown = series.iter().map(|one| json!({"pointlist": points(one)}));
        return Ok(nothing(&go_value::json(&Json::Array(shown.collect()))));
    };
    let Some([_, value]) = last.as_array().map(Vec::as_slice) else {
        return Err("Datapoint does not have 2 values".to_owned());
    };
    let number = match value {
        Json::Null => 0.0,
        Json::Number(number) => number.as_f64().unwrap_or_default(),
        other => return wrong(&format!("{other} is no number")),
    };
    Ok(Reading::value(Value::Float(number), go_value::shortest(number)))
}

/// No data: a nil pointer, and what was there in place of them.
fn nothing(text: &str) -> Reading {
    Reading::value(Value::nil_float(), text)
}
