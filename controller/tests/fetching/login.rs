//! Logins, and that none of them is shown.

use crate::server::{Server, answer, error, measured, ok};
use serde_json::{Value, json};

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}}"#;

/// The value of a header of a request.
fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    request.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn prometheus(server: &Server, authentication: &Value, headers: &Value) -> Value {
    json!({"prometheus": {"address": server.url(""), "query": "up", "authentication": authentication, "headers": headers}})
}

#[tokio::test]
async fn basic_auth_gives_way_to_a_header_of_the_template() {
    let server = Server::always(ok(VECTOR)).await;
    let basic = json!({"basicAuth": {"username": "u", "password": "p"}});
    let measurement = measured(prometheus(&server, &basic, &json!([])), &[]).await.measurement;
    assert_eq!(measurement.value, "[3]");
    let own = json!([{"key": "Authorization", "value": "Custom x"}, {"key": "Host", "value": "elsewhere"}]);
    measured(prometheus(&server, &basic, &own), &[]).await;
    let asked = server.asked();
    assert_eq!(header(&asked[0], "authorization"), Some("Basic dTpw"));
    assert!(asked[0].starts_with("POST /api/v1/query HTTP/1.1\r\n"));
    assert!(asked[0].contains("query=up&time="));
    assert_eq!(header(&asked[1], "authorization"), Some("Custom x"));
    assert_eq!(
        header(&asked[1], "host"),
        Some(format!("127.0.0.1:{}", server.port).as_str())
    );
}

/// Contract 11 G2: first HTTP Basic, then the form; the header of the template wins in Prometheus, the token in Web.
#[tokio::test]
async fn tokens_are_fetched_in_two_ways() {
    let respond = |request: &str| {
        if !request.starts_with("POST /token ") {
            return ok(VECTOR);
        }
        match request.contains("client_secret=s%2F1") {
            true => answer(
                200,
                "Content-Type: application/json\r\n",
                r#"{"access_token":"tok-1","token_type":"bearer"}"#,
            ),
            false => answer(401, "", r#"{"error":"invalid_client"}"#),
        }
    };
    let server = Server::start(respond).await;
    let oauth2 = json!({"oauth2": {
        "tokenUrl": server.url("/token"), "clientId": "i d", "clientSecret": "s/1", "scopes": ["a", "b"],
    }});
    measured(
        prometheus(&server, &oauth2, &json!([{"key": "X-A", "value": "1"}])),
        &[],
    )
    .await;
    let asked = server.asked();
    // The pair is encoded as in a URL before it is encoded as in Basic (RFC 6749 §2.3.1): `i+d:s%2F1`.
    assert_eq!(header(&asked[0], "authorization"), Some("Basic aStkOnMlMkYx"));
    assert!(
        asked[0].ends_with("\r\n\r\ngrant_type=client_credentials&scope=a+b"),
        "{}",
        asked[0]
    );
    assert!(asked[1].ends_with("grant_type=client_credentials&scope=a+b&client_id=i+d&client_secret=s%2F1"));
    assert_eq!(
        (header(&asked[1], "authorization"), header(&asked[1], "x-a")),
        (None, Some("1"))
    );
    assert_eq!(header(&asked[2], "authorization"), Some("Bearer tok-1"));
    let own = json!([{"key": "Authorization", "value": "Custom x"}]);
    measured(prometheus(&server, &oauth2, &own), &[]).await;
    let last = server.asked().pop().unwrap();
    assert_eq!(header(&last, "authorization"), Some("Custom x"));
    let web = json!({"web": {"url": server.url("/"), "authentication": oauth2, "headers": own}});
    measured(web, &[]).await;
    let last = server.asked().pop().unwrap();
    assert_eq!(header(&last, "authorization"), Some("Bearer tok-1"));
}

#[tokio::test]
async fn a_token_that_is_not_given_is_an_error() {
    let server = Server::always(answer(400, "", r#"{"error":"invalid_scope","error_description":"no"}"#)).await;
    let oauth2 = json!({"oauth2": {"tokenUrl": server.url("/token"), "clientId": "i", "clientSecret": "hunter2"}});
    let message = error(json!({"web": {"url": server.url("/"), "authentication": oauth2}})).await;
    assert_eq!(
        message,
        format!("Get \"{}\": oauth2: \"invalid_scope\" \"no\"", server.url("/"))
    );
}

/// A server that says back what it was sent, with every status and in every place.
#[tokio::test]
async fn no_secret_comes_back() {
    let echo = |request: &str| match request.starts_with("POST /token ") {
        true => ok(r#"{"access_token":"canary-token"}"#),
        false => answer(
            if request.contains("fail") { 400 } else { 200 },
            "",
            &json!({"said": request}).to_string(),
        ),
    };
    let server = Server::start(echo).await;
    let oauth2 =
        json!({"oauth2": {"tokenUrl": server.url("/token"), "clientId": "i", "clientSecret": "canary-secret"}});
    let headers = json!([{"key": "X-Key", "value": "canary-header"}]);
    let url = server.url("/?key=canary%2Fargument");
    let web = json!({"web": {"url": url, "authentication": oauth2, "headers": headers}});
    let shown = format!("{:?}", measured(web, &["canary/argument"]).await);
    assert!(shown.contains("*****") && !shown.contains("canary"), "{shown}");
    // The query that stands in the metric's result, and errors with the body of an answer.
    let query = json!({"prometheus": {"address": server.url("/fail"), "query": "x{k=\"canary/argument\"}"}});
    let shown = format!("{:?}", measured(query, &["canary/argument"]).await);
    assert!(
        shown.contains("ResolvedPrometheusQuery") && !shown.contains("canary"),
        "{shown}"
    );
    let graphite = json!({"graphite": {"address": server.url(""), "query": "target=fail(canary-argument)"}});
    let shown = format!("{:?}", measured(graphite, &["canary-argument"]).await);
    assert!(shown.contains("error response") && !shown.contains("canary"), "{shown}");
}
