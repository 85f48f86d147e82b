//! <https://prometheus.io/docs/prometheus/latest/querying/api/>

use crate::talk::{Talk, body, header, request};
use serin_core::analysis::provider::Auth;
use serin_expr::Value;
use std::time::Duration;

fn prometheus(fields: &str) -> Talk {
    Talk::with(&format!(
        "prometheus: {{address: 'http://prometheus:9090', query: 'up == 1', {fields}}}"
    ))
}

fn result(of: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{of}","result":{result}}}}}"#)
}

#[test]
fn an_instant_query_is_a_form() {
    let request = prometheus("").request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.url, "http://prometheus:9090/api/v1/query");
    assert_eq!(
        header(&request, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(body(&request), "query=up+%3D%3D+1&time=1691971200");
    assert_eq!(request.timeout, Duration::from_secs(30));
    assert!(request.reads && request.proxy && !request.insecure);
    let below = Talk::with("prometheus: {address: 'https://host/select/0/?tenant=a', query: up}").request();
    assert_eq!(below.url, "https://host/select/0/api/v1/query?tenant=a");
    assert_eq!(body(&below), "query=up&tenant=a&time=1691971200");
}

#[test]
fn a_range_query_has_bounds_and_a_step_in_seconds() {
    let range = "rangeQuery: {start: 'now() - duration(\"5m\")', end: now(), step: 1m}";
    let request = prometheus(range).request();
    assert_eq!(request.url, "http://prometheus:9090/api/v1/query_range");
    assert_eq!(
        body(&request),
        "end=1691971200&query=up+%3D%3D+1&start=1691970900&step=60"
    );
    let failing = |range: &str| prometheus(&format!("rangeQuery: {{{range}}}")).begin().unwrap_err();
    assert_eq!(
        failing("start: x, end: now(), step: 1m"),
        "failed to parse rangeQuery.start as time: expected time.Time, but got x"
    );
    assert_eq!(
        failing("start: now(), end: y, step: 1m"),
        "failed to parse rangeQuery.end as time: expected time.Time, but got y"
    );
    assert_eq!(
        failing("start: now(), end: now(), step: 1d"),
        "failed to parse rangeQuery.step as duration: time: unknown unit \"d\" in duration \"1d\""
    );
}

/// After 403, 405 and 501 the query is asked with GET, and then the answer counts.
#[test]
fn a_server_that_wants_get_is_asked_with_get() {
    let talk = prometheus("headers: [{key: X-Scope-OrgID, value: team}]");
    for status in [403, 405, 501] {
        let again = request(talk.read(&talk.request(), status, "").unwrap());
        assert_eq!(again.method, "GET");
        assert_eq!(
            again.url,
            "http://prometheus:9090/api/v1/query?query=up+%3D%3D+1&time=1691971200"
        );
        assert_eq!(again.body, None);
        assert_eq!(header(&again, "content-type"), None);
        assert_eq!(header(&again, "x-scope-orgid"), Some("team"));
        let error = talk.read(&again, status, "").unwrap_err().message;
        let expected = if status == 501 {
            "server_error: server error: 501".to_owned()
        } else {
            format!("client_error: client error: {status}")
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn samples_are_numbers_or_lists_of_them() {
    let talk = prometheus("");
    let scalar = |number: &str| talk.reads(&result("scalar", &format!(r#"[1691971200.5,"{number}"]"#)));
    assert_eq!(scalar("0.5"), (Value::Float(0.5), "0.5".into()));
    assert_eq!(scalar("+Inf"), (Value::Float(f64::INFINITY), "+Inf".into()));
    assert_eq!(scalar("1e-7"), (Value::Float(1e-7), "0.0000001".into()));
    assert_eq!(scalar("NaN").1, "NaN");
    let vector =
        r#"[{"metric":{"pod":"a"},"value":[1691971200,"0.5"]},{"metric":{"pod":"b"},"value":[1691971200,"1"]}]"#;
    assert_eq!(
        talk.reads(&result("vector", vector)),
        (Value::floats([0.5, 1.0]), "[0.5,1]".into())
    );
    assert_eq!(talk.reads(&result("vector", "[]")), (Value::floats([]), "[]".into()));
    let matrix = r#"[{"metric":{},"values":[[1,"1"],[2,"2"]]},{"metric":{},"values":[[1,"3"]]}]"#;
    assert_eq!(
        talk.reads(&result("matrix", matrix)),
        (Value::floats([1.0, 2.0, 3.0]), "[1,2,3]".into())
    );
}

/// A native histogram counts as 0 in a vector, and is passed over in a matrix (contract 11 G1).
#[test]
fn native_histograms_have_no_value() {
    let histogram = r#"[1691971200,{"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}]"#;
    let talk = prometheus("");
    let vector = format!(r#"[{{"metric":{{}},"histogram":{histogram}}}]"#);
    assert_eq!(
        talk.reads(&result("vector", &vector)),
        (Value::floats([0.0]), "[0]".into())
    );
    let matrix = format!(r#"[{{"metric":{{}},"histograms":[{histogram}]}}]"#);
    assert_eq!(talk.reads(&result("matrix", &matrix)), (Value::floats([]), "[]".into()));
}

#[test]
fn errors_are_those_of_the_api() {
    let talk = prometheus("");
    let bad = r#"{"status":"error","errorType":"bad_data","error":"1:4: parse error: unexpected end of input"}"#;
    assert_eq!(
        talk.fails(400, bad),
        "bad_data: 1:4: parse error: unexpected end of input"
    );
    assert_eq!(
        talk.fails(422, bad),
        "bad_data: 1:4: parse error: unexpected end of input"
    );
    // The body of any other answer is not read.
    assert_eq!(talk.fails(503, bad), "server_error: server error: 503");
    assert_eq!(talk.fails(500, bad), "server_error: server error: 500");
    assert_eq!(talk.fails(401, bad), "client_error: client error: 401");
    assert_eq!(talk.fails(404, bad), "client_error: client error: 404");
    assert_eq!(talk.fails(302, ""), "bad_response: bad response code 302");
    assert_eq!(
        talk.fails(200, "<html>"),
        "bad_response: invalid character '<' looking for beginning of value"
    );
    assert_eq!(talk.fails(200, ""), "bad_response: unexpected end of JSON input");
    assert_eq!(
        talk.fails(400, &result("vector", "[]")),
        "bad_response: inconsistent body for response code"
    );
    let text = talk.fails(200, &result("string", r#"[1,"text"]"#));
    assert_eq!(text, "unmarshalerDecoder: unexpected value type \"string\"");
}

#[test]
fn warnings_are_metadata() {
    let warned = r#"{"status":"success","warnings":["w1","w2"],"data":{"resultType":"scalar","result":[1,"1"]}}"#;
    let measured = prometheus("").measures(200, warned);
    assert_eq!(measured.metadata["warnings"], r#""w1", "w2""#);
    assert_eq!((measured.phase.as_str(), measured.value.as_str()), ("Successful", "1"));
    let erred = prometheus("").broken_condition().measures(200, warned);
    assert_eq!((erred.phase.as_str(), erred.value.as_str()), ("Error", ""));
    assert!(erred.metadata.is_empty());
}

#[test]
fn the_address_comes_from_the_template_or_the_environment() {
    let nowhere = Talk::with("prometheus: {query: up}");
    assert_eq!(nowhere.begin().unwrap_err(), "prometheus address is not configured");
    let mut there = nowhere.clone();
    there.environment.prometheus_address = "http://env:9090".into();
    assert_eq!(there.request().url, "http://env:9090/api/v1/query");
    for bad in ["prometheus:9090", "prometheus", "http://", "//host"] {
        let talk = Talk::with(&format!("prometheus: {{query: up, address: '{bad}'}}"));
        assert_eq!(
            talk.begin().unwrap_err(),
            "prometheus address is not is url format",
            "{bad}"
        );
        let mut there = nowhere.clone();
        there.environment.prometheus_address = bad.into();
        assert_eq!(
            there.begin().unwrap_err(),
            "prometheus address is not is url format",
            "{bad}"
        );
    }
}

#[test]
fn a_timeout_is_no_negative_number() {
    assert_eq!(prometheus("timeout: 5").request().timeout, Duration::from_secs(5));
    assert_eq!(prometheus("timeout: 0").request().timeout, Duration::ZERO);
    let negative = prometheus("timeout: -1").begin().unwrap_err();
    assert_eq!(negative, "prometheus timeout should not be negative");
}

#[test]
fn logins_are_complete_and_the_strongest_counts() {
    let login = |fields: &str| prometheus(&format!("authentication: {{{fields}}}"));
    let basic = login("basicAuth: {username: u, password: p}").request().auth;
    assert!(matches!(basic, Auth::Basic { username, password } if username == "u" && password.expose() == "p"));
    let missing = "missing mandatory parameter in metric for basic auth setup: ";
    let error = |fields: &str| login(fields).begin().unwrap_err();
    assert_eq!(error("basicAuth: {username: u}"), format!("{missing}password"));
    assert_eq!(error("basicAuth: {password: p}"), format!("{missing}username"));
    let oauth2 = "oauth2: {tokenUrl: 'https://id/token', clientId: i, clientSecret: s, scopes: [a, b]}";
    let token = login(&format!("{oauth2}, basicAuth: {{username: u, password: p}}"));
    assert!(matches!(token.request().auth, Auth::OAuth2(it) if it.client_secret.expose() == "s" && it.with_headers));
    for half in ["tokenUrl: t, clientId: i", "tokenUrl: t, clientSecret: s"] {
        let error = error(&format!("oauth2: {{{half}}}"));
        assert_eq!(error, "missing mandatory parameter in metric for OAuth2 setup");
    }
    // Signed only where the address is that of a workspace of Amazon.
    let sigv4 = "authentication: {sigv4: {region: eu-west-1, roleArn: arn}}";
    assert_eq!(prometheus(sigv4).request().auth, Auth::None);
    let amazon = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1";
    let signed = Talk::with(&format!("prometheus: {{address: '{amazon}', query: up, {sigv4}}}")).request();
    assert_eq!(signed.url, format!("{amazon}/api/v1/query"));
    assert!(
        matches!(signed.auth, Auth::SigV4(it) if it.service == "aps" && it.region == "eu-west-1" && it.role_arn == "arn")
    );
}

#[test]
fn headers_and_certificates_are_as_written() {
    let request = prometheus("insecure: true, headers: [{key: X-A, value: '1'}, {key: x-a, value: '2'}]").request();
    assert!(request.insecure);
    assert_eq!(header(&request, "X-A"), Some("2"));
}
