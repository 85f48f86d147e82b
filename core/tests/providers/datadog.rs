//! <https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points> and
//! <https://docs.datadoghq.com/api/latest/metrics/#query-scalar-data-across-multiple-products>

use crate::talk::{Talk, body, header, json_body};
use serde_json::json;
use serin_core::analysis::provider::{Place, Secret, SecretName};
use serin_expr::Value;
use std::time::Duration;

const KEYS: [(&str, &str); 2] = [("api-key", "a"), ("app-key", "b")];

fn datadog(fields: &str) -> Talk {
    Talk::with(&format!("datadog: {{{fields}}}")).secret(Place::Controller, "datadog", &KEYS)
}

fn v1() -> Talk {
    datadog("apiVersion: v1, interval: 10m, query: 'sum:requests{a:b}.as_count()'")
}

fn v2() -> Talk {
    datadog("apiVersion: v2, interval: 5m, query: 'avg:errors{*} by {env}'")
}

#[test]
fn series_are_asked_in_the_address() {
    let request = v1().request();
    assert_eq!(request.method, "GET");
    assert_eq!(
        request.url,
        "https://api.datadoghq.com/api/v1/query?from=1691970600&query=sum%3Arequests%7Ba%3Ab%7D.as_count%28%29&to=1691971200"
    );
    assert_eq!(
        (header(&request, "DD-API-KEY"), header(&request, "DD-APPLICATION-KEY")),
        (Some("a"), Some("b"))
    );
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    assert_eq!(
        (request.timeout, body(&request)),
        (Duration::from_secs(10), String::new())
    );
}

#[test]
fn scalars_are_asked_in_the_body() {
    let request = v2().request();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://api.datadoghq.com/api/v2/query/scalar")
    );
    let query =
        json!({"aggregator": "last", "data_source": "metrics", "name": "query", "query": "avg:errors{*} by {env}"});
    let expected = json!({"data": {"type": "scalar_request", "attributes": {
        "from": 1_691_970_900_000_i64, "to": 1_691_971_200_000_i64, "queries": [query], "formulas": [],
    }}});
    assert_eq!(json_body(&request), expected);
    let several = datadog("apiVersion: v2, queries: {a: x, b: y}, formula: a / b, aggregator: sum").request();
    let attributes = json_body(&several)["data"]["attributes"].clone();
    assert_eq!(attributes["formulas"], json!([{"formula": "a / b"}]));
    assert_eq!(attributes["queries"][1]["aggregator"], "sum");
    assert_eq!(attributes["queries"][1]["name"], "b");
    // Any other version sends this body to the first API (contract 11 G3).
    let other = datadog("query: q").request();
    assert_eq!(other.url, "https://api.datadoghq.com/api/v1/query");
    assert_eq!(json_body(&other)["data"]["attributes"]["queries"][0]["query"], "q");
}

#[test]
fn the_last_point_of_the_first_series_counts() {
    let series = r#"{"status":"ok","res_type":"time_series","series":[{"metric":"system.cpu.idle","pointlist":
        [[1430311800000.0,98.19375610351562],[1430312400000.0,99.85856628417969]]}]}"#;
    assert_eq!(
        v1().reads(series),
        (Value::Float(99.858_566_284_179_69), "99.85856628417969".into())
    );
    assert_eq!(
        v1().reads(r#"{"series":[{"pointlist":[[1,2],[2,null]]}]}"#),
        (Value::Float(0.0), "0".into())
    );
    for (nothing, text) in [
        (r#"{"status":"ok"}"#, "null"),
        (r#"{"series":[]}"#, "[]"),
        (r#"{"series":[{"metric":"m","pointlist":[]}]}"#, r#"[{"pointlist":[]}]"#),
    ] {
        assert_eq!(v1().reads(nothing), (Value::nil_float(), text.into()));
    }
    assert_eq!(
        v1().fails(200, r#"{"series":[{"pointlist":[[1]]}]}"#),
        "Datapoint does not have 2 values"
    );
    assert_eq!(
        v1().fails(200, "<html>"),
        "Could not parse JSON body: invalid character '<' looking for beginning of value"
    );
}

#[test]
fn the_first_column_of_numbers_counts() {
    let columns = |columns: &str| format!(r#"{{"data":{{"attributes":{{"columns":{columns}}}}}}}"#);
    let read = |of: &str| v2().reads(&columns(of));
    assert_eq!(
        read(r#"[{"values":[0.0006]}]"#),
        (Value::Float(0.0006), "0.0006".into())
    );
    for nothing in ["[]", r#"[{"values":[null]}]"#, r#"[{"type":"group","values":[["a"]]}]"#] {
        assert_eq!(read(nothing), (Value::nil_float(), "[]".into()), "{nothing}");
    }
    assert_eq!(
        v2().reads(r#"{"errors":["no"]}"#).0,
        Value::nil_float(),
        "contract 11 G3"
    );
    let group = r#"{"name":"env","type":"group","values":[["production"],["staging"],["qa","test"]]}"#;
    let number = r#"{"name":"a","type":"number","values":[0.5,null,1]}"#;
    let grouped = columns(&format!("[{group},{number}]"));
    assert_eq!(v2().reads(&grouped), (Value::floats([0.5, 1.0]), "[0.5,1]".into()));
    let measured = v2().measures(200, &grouped);
    assert_eq!(
        measured.metadata["groups"],
        r#"[{"name":"production","value":0.5},{"name":"qa,test","value":1}]"#
    );
    assert!(v2().broken_condition().measures(200, &grouped).metadata.is_empty());
    let fails = |of: &str| v2().fails(200, &columns(of));
    assert_eq!(
        fails(r#"[{"type":"group","values":[[]]},{"values":[1]}]"#),
        "could not parse group label at index 0"
    );
    let text = fails(r#"[{"name":"a","values":["x"]}]"#);
    assert!(
        text.starts_with(r#"could not parse numeric value "\"x\"" in column "a": "#),
        "{text}"
    );
    assert_eq!(
        v2().fails(200, r#"{"data":{"errors":"bad"}}"#),
        "There were errors in your query: bad"
    );
}

#[test]
fn of_many_groups_the_lowest_and_the_highest_are_shown() {
    let names: Vec<_> = (0..120).map(|number| json!([format!("h{number}")])).collect();
    let values: Vec<_> = (0..120).map(|number| json!(number)).collect();
    let columns = json!([{"type": "group", "values": names}, {"type": "number", "values": values}]);
    let body = json!({"data": {"attributes": {"columns": columns}}}).to_string();
    let measured = v2().measures(200, &body);
    let groups: Vec<serde_json::Value> = serde_json::from_str(&measured.metadata["groups"]).unwrap();
    let shown: Vec<_> = groups.iter().map(|group| group["value"].as_i64().unwrap()).collect();
    assert_eq!(shown, (0..50).chain(70..120).collect::<Vec<_>>());
    assert_eq!(measured.metadata["groups_truncated"], "true");
    assert!(matches!(v2().reads(&body).0, Value::List(list) if list.items.len() == 120));
}

#[test]
fn refusals_have_their_body() {
    for status in [401, 403] {
        let expected = format!("received authentication error response code: {status} no");
        assert_eq!(v1().fails(status, "no"), expected);
    }
    assert_eq!(v2().fails(429, "slow"), "received non 2xx response code: 429 slow");
}

#[test]
fn the_fields_have_to_fit_together() {
    let review = "Please review the Analysis Template.";
    for (fields, error) in [
        (
            "apiVersion: v2",
            format!("Must have either a query or queries. {review}"),
        ),
        (
            "query: a, queries: {b: c}",
            format!("Cannot have both a query and queries. {review}"),
        ),
        (
            "apiVersion: v1, queries: {b: c}",
            "Query is empty. API Version v1 only supports using the query parameter in your Analysis Template.".into(),
        ),
        (
            "query: a, formula: a",
            format!("Formula are only valid when queries are set. {review}"),
        ),
        (
            "queries: {a: b, c: d}",
            "When multiple queries are provided you must include a formula.".into(),
        ),
        (
            "apiVersion: v1, query: a, aggregator: sum",
            format!("Aggregator is not supported in v1. {review}"),
        ),
        (
            "query: a, requestTimeout: 1d",
            format!("Could not parse the request timeout: time: unknown unit \"d\" in duration \"1d\". {review}"),
        ),
        (
            "query: a, requestTimeout: 0s",
            format!("Request timeout must be a positive duration (e.g. 30s). {review}"),
        ),
    ] {
        assert_eq!(datadog(fields).begin().unwrap_err(), error, "{fields}");
    }
    assert_eq!(
        datadog("query: a, requestTimeout: 30s").request().timeout,
        Duration::from_secs(30)
    );
}

#[test]
fn the_keys_are_looked_for_in_order() {
    let name = |place, name: &str| SecretName {
        place,
        name: name.into(),
    };
    let bare = |fields: &str| Talk::with(&format!("datadog: {{query: q, {fields}}}"));
    assert_eq!(bare("").needs(), [name(Place::Controller, "datadog")]);
    assert_eq!(bare("secretRef: {name: s}").needs(), [name(Place::Controller, "s")]);
    assert_eq!(
        bare("secretRef: {name: s, namespaced: true}").needs(),
        [name(Place::Run, "s")]
    );
    let nameless = bare("secretRef: {namespaced: true}");
    assert!(nameless.needs().is_empty());
    assert_eq!(
        nameless.begin().unwrap_err(),
        "secret name is required for namespaced credentials"
    );
    let nowhere = "failed to find the credentials for datadog metrics provider";
    assert_eq!(bare("").begin().unwrap_err(), nowhere);
    let half = bare("").secret(Place::Controller, "datadog", &KEYS[..1]);
    assert_eq!(half.begin().unwrap_err(), nowhere);
    let mut environment = bare("").secret(Place::Controller, "datadog", &KEYS);
    let keys = [("api-key", "x"), ("app-key", "y"), ("address", "https://eu")];
    environment.environment.datadog = Some(keys.map(|(key, value)| (key.into(), Secret::from(value))).into());
    assert!(environment.needs().is_empty());
    let request = environment.request();
    assert_eq!(
        (request.url.as_str(), header(&request, "dd-api-key")),
        ("https://eu/api/v1/query", Some("x"))
    );
    // Where the template names a Secret, nothing else counts.
    let mut named = bare("secretRef: {name: s}");
    named.environment = environment.environment.clone();
    assert_eq!(named.begin().unwrap_err(), nowhere);
}
