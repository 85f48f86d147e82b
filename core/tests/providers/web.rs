//! <https://argo-rollouts.readthedocs.io/en/stable/analysis/web/>

use crate::talk::{Talk, body, header, json_body};
use serde_json::json;
use serin_core::analysis::provider::Auth;
use serin_expr::Value;
use std::time::Duration;

fn web(fields: &str) -> Talk {
    Talk::with(&format!("web: {{url: 'http://host/path?q=1', {fields}}}"))
}

#[test]
fn the_default_is_get_without_headers_and_body() {
    let request = web("").request();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("GET", "http://host/path?q=1")
    );
    assert!(request.headers.is_empty() && request.body.is_none());
    assert_eq!(request.timeout, Duration::from_secs(10));
    assert!(request.reads && request.proxy);
}

#[test]
fn bodies_are_sent_as_written() {
    for method in ["POST", "PUT"] {
        let text = web(&format!("method: {method}, body: 'a=<1>'")).request();
        assert_eq!((text.method.as_str(), body(&text).as_str()), (method, "a=<1>"));
        assert_eq!(header(&text, "content-type"), None);
        assert!(!text.reads, "it may change something");
        let typed = "headers: [{key: content-type, value: text/plain}], jsonBody: {a: {b: [1, x]}}";
        let json = web(&format!("method: {method}, {typed}")).request();
        assert_eq!(json_body(&json), json!({"a": {"b": [1, "x"]}}));
        assert_eq!(body(&json), r#"{"a":{"b":[1,"x"]}}"#);
        assert_eq!(header(&json, "Content-Type"), Some("application/json"));
    }
    let both = web("method: POST, body: a, jsonBody: {}").begin().unwrap_err();
    assert_eq!(
        both,
        "use either Body or JSONBody; both cannot exists for WebMetric payload"
    );
    for of_get in ["body: a", "jsonBody: {}", "method: GET, body: a"] {
        let error = web(of_get).begin().unwrap_err();
        assert_eq!(
            error,
            "Body/JSONBody can only be used with POST or PUT WebMetric Method types"
        );
    }
}

#[test]
fn a_timeout_without_sense_is_ten_seconds() {
    for (written, seconds) in [("3", 3), ("0", 10), ("-1", 10)] {
        let request = web(&format!("timeoutSeconds: {written}")).request();
        assert_eq!(request.timeout, Duration::from_secs(seconds));
    }
}

#[test]
fn of_logins_only_oauth2_counts() {
    let others = "authentication: {basicAuth: {username: u, password: p}, sigv4: {region: r}}";
    assert_eq!(web(others).request().auth, Auth::None);
    let oauth2 = "authentication: {oauth2: {tokenUrl: 't', clientId: i, clientSecret: s}}";
    assert!(matches!(web(oauth2).request().auth, Auth::OAuth2(it) if !it.with_headers));
    let half = web("authentication: {oauth2: {tokenUrl: 't', clientId: i}}")
        .begin()
        .unwrap_err();
    assert_eq!(half, "missing mandatory parameter in metric for OAuth2 setup");
}

/// An unverified connection does not go through the proxy, as upstream's does not.
#[test]
fn insecure_is_without_proxy() {
    let request = web("insecure: true").request();
    assert!(request.insecure && !request.proxy);
}

#[test]
fn a_value_is_found_by_its_path() {
    let fixture = r#"{"key":[{"key2":{"value":1}}]}"#;
    let found = |path: &str, body: &str| web(&format!("jsonPath: '{path}'")).reads(body);
    assert_eq!(found("{$.key[0].key2.value}", fixture), (Value::Float(1.0), "1".into()));
    assert_eq!(found("{$.ok}", r#"{"ok":true}"#), (Value::Bool(true), "true".into()));
    let (map, text) = found("{.b}", r#"{"b":{"z":1e21,"a":"<"}}"#);
    assert_eq!(
        (&map, text.as_str()),
        (
            &Value::from_json(&json!({"z": 1e21, "a": "<"})),
            r#"{"a":"\u003c","z":1e+21}"#
        )
    );
    assert_eq!(found("{.n}", r#"{"n":null}"#), (Value::Nil, "null".into()));
    assert_eq!(
        found("{.a[*]}", r#"{"a":[2,3]}"#),
        (Value::Float(2.0), "2".into()),
        "the first one"
    );
    assert_eq!(
        found("$.a", r#"{"a":1}"#),
        (Value::string("$.a"), "\"$.a\"".into()),
        "text without braces"
    );
    assert_eq!(found("{5}", "{}"), (Value::int(5), "5".into()));
    assert_eq!(
        web("").reads(fixture),
        (
            Value::from_json(&serde_json::from_str(fixture).unwrap()),
            fixture.into()
        )
    );
    assert_eq!(web("").reads("3"), (Value::Float(3.0), "3".into()));
}

#[test]
fn a_path_that_finds_nothing_is_an_error() {
    let error = |path: &str, body: &str| web(&format!("jsonPath: '{path}'")).fails(200, body);
    assert_eq!(
        error("{$.missing}", r#"{"a":1}"#),
        "Could not find JSONPath in body: missing is not found"
    );
    assert_eq!(
        error("{.a[?(@.v > 10)]}", r#"{"a":[{"v":11}]}"#),
        "Could not find JSONPath in body: incompatible types for comparison"
    );
    assert_eq!(
        error("{.a[*]}", r#"{"a":[]}"#),
        "result of web metric produced no value"
    );
    // Argo Rollouts panics here (contract 11 G5).
    assert_eq!(
        web("").fails(200, "null"),
        "the body is null, in which the jsonPath finds nothing"
    );
    let unread = web("jsonPath: '{.a'").begin().unwrap_err();
    assert_eq!(unread, "unclosed action");
}

#[test]
fn a_body_that_is_no_json_is_a_text() {
    assert_eq!(web("jsonPath: '{.a}'").reads("OK"), (Value::string("OK"), "OK".into()));
    assert_eq!(web("").reads(r#""OK""#), (Value::string("OK"), "\"OK\"".into()));
    assert_eq!(web("").reads(""), (Value::string(""), String::new()));
    assert_eq!(
        web("").reads(r#"{"a":1} trailing"#).0,
        Value::string(r#"{"a":1} trailing"#)
    );
}

#[test]
fn only_2xx_is_an_answer() {
    for status in [301, 404, 500] {
        assert_eq!(
            web("").fails(status, "secret"),
            format!("received non 2xx response code: {status}")
        );
    }
    assert_eq!(web("").measures(204, "").phase, "Successful");
}
