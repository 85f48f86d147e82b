//! What API v2 is asked and answers: a number, or one for each group.

use super::super::Reading;
use crate::api::providers::DatadogMetric;
use crate::notation::go_value;
use serde_json::{Value as Json, json};
use serin_expr::Value;
use serin_expr::go::quote::quoted;

/// How many groups are shown in the metadata. Conditions see all of them.
const MOST_GROUPS: usize = 100;

/// The body of a request; times in seconds since 1970.
pub(super) fn body(spec: &DatadogMetric, from: i64, to: i64) -> Json {
    let aggregator = if spec.aggregator.is_empty() {
        "last"
    } else {
        &spec.aggregator
    };
    let query = |name: &str, query: &str| json!({"aggregator": aggregator, "data_source": "metrics", "name": name, "query": query});
    let queries: Vec<Json> = if spec.query.is_empty() {
        spec.queries.iter().map(|(name, text)| query(name, text)).collect()
    } else {
        vec![query("query", &spec.query)]
    };
    let formulas = (!spec.formula.is_empty()).then(|| json!({"formula": spec.formula}));
    let formulas: Vec<Json> = formulas.into_iter().collect();
    let attributes = json!({"from": from * 1000, "to": to * 1000, "queries": queries, "formulas": formulas});
    json!({"data": {"attributes": attributes, "type": "scalar_request"}})
}

/// The first column of numbers, with the groups beside it.
pub(super) fn read(body: &Json) -> Result<Reading, String> {
    let data = &body["data"];
    match &data["errors"] {
        Json::Null => {}
        Json::String(errors) if errors.is_empty() => {}
        Json::String(errors) => return Err(format!("There were errors in your query: {errors}")),
        other => return Err(format!("Could not parse JSON body: errors is {other}")),
    }
    let columns = data["attributes"]["columns"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let of = |column: &&Json, types: &[&str]| types.contains(&column["type"].as_str().unwrap_or_default());
    let groups: Vec<&Json> = columns.iter().filter(|column| of(column, &["group"])).collect();
    let numbers = columns.iter().find(|column| of(column, &["number", ""]));
    let mut values = Vec::new();
    let mut named = Vec::new();
    for (row, value) in numbers
        .iter()
        .flat_map(|column| column["values"].as_array())
        .flatten()
        .enumerate()
    {
        if value.is_null() {
            continue;
        }
        let number = value.as_f64().ok_or_else(|| no_number(value, numbers))?;
        values.push(number);
        if !groups.is_empty() {
            let name = label(&groups, row).ok_or_else(|| format!("could not parse group label at index {row}"))?;
            named.push((name, number));
        }
    }
    Ok(match values.as_slice() {
        [] => Reading::value(Value::nil_float(), "[]"),
        [first, ..] if groups.is_empty() => Reading::value(Value::Float(*first), go_value::shortest(*first)),
        values => {
            let text = go_value::bracketed(values.iter().copied().map(go_value::shortest), ",");
            let mut reading = Reading::value(Value::floats(values.iter().copied()), text);
            let (groups, cut) = shown(named);
            reading.with_verdict.insert("groups".to_owned(), groups);
            if cut {
                reading
                    .with_verdict
                    .insert("groups_truncated".to_owned(), "true".to_owned());
            }
            reading
        }
    })
}

fn no_number(value: &Json, column: Option<&Json>) -> String {
    let name = column.and_then(|column| column["name"].as_str()).unwrap_or_default();
    let of = match value {
        Json::Bool(_) => "bool",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
        Json::Null | Json::Number(_) => "number",
    };
    let (value, name) = (quoted(&value.to_string()), quoted(name));
    format!(
        "could not parse numeric value {value} in column {name}: json: cannot unmarshal {of} into Go value of type float64"
    )
}

/// The name of a group: the values of its tags.
fn label(groups: &[&Json], row: usize) -> Option<String> {
    let mut parts = Vec::new();
    for column in groups {
        let tags = column["values"].get(row)?.as_array().filter(|tags| !tags.is_empty())?;
        for tag in tags {
            let text = tag.as_str().or_else(|| tag.is_null().then_some(""));
            parts.push(text?.to_owned());
        }
    }
    Some(parts.join(","))
}

/// The groups as JSON, and whether some are left out: of many, the lowest and the highest are shown.
fn shown(groups: Vec<(String, f64)>) -> (String, bool) {
    let mut groups = groups;
    let cut = groups.len() > MOST_GROUPS;
    if cut {
        groups.sort_by(|one, other| one.1.total_cmp(&other.1));
        groups.drain(MOST_GROUPS / 2..groups.len() - MOST_GROUPS / 2);
    }
    let each = groups
        .into_iter()
        .map(|(name, value)| json!({"name": name, "value": value}));
    (go_value::json(&Json::Array(each.collect())), cut)
}
