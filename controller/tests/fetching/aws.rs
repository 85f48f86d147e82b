//! AWS Signature Version 4 as a server checks it, by the documentation of AWS:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use crate::server::{Good, Server, at_once, leads, metric, ok, run};
use jiff::Timestamp;
use reqsign_core::hash::{hex_hmac_sha256, hex_sha256, hmac_sha256};
use serde_json::json;
use serin_controller::fetch::{Ask, Fetch, surroundings};
use serin_core::analysis::provider::Step;
use serin_sandbox::ApiServer;
use std::sync::Arc;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The signature that a request should have, from its head alone, and the one that it has.
fn signatures(request: &str) -> (String, String) {
    let head = request.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines();
    let line: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no {name} in\n{head}"), |(_, value)| value.clone())
    };
    let authorization = header("authorization");
    let part = |name: &str| {
        let rest = authorization.split_once(&format!("{name}=")).unwrap().1;
        rest.split(',').next().unwrap().to_owned()
    };
    let (credential, signed) = (part("Credential"), part("SignedHeaders"));
    let scope = credential.split_once('/').unwrap().1;
    let (path, query) = line[1].split_once('?').unwrap_or((line[1], ""));
    let canonical: String = signed
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name)))
        .collect();
    let content = if signed.contains("x-amz-content-sha256") {
        header("x-amz-content-sha256")
    } else {
        hex_sha256(b"")
    };
    let asked = format!("{}\n{path}\n{query}\n{canonical}\n{signed}\n{content}", line[0]);
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        header("x-amz-date"),
        hex_sha256(asked.as_bytes())
    );
    let key = scope
        .split('/')
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            hmac_sha256(&key, part.as_bytes())
        });
    (hex_hmac_sha256(&key, text.as_bytes()), part("Signature"))
}

/// What the tests below rely on is right: this is the example of the documentation.
#[test]
fn the_example_of_the_documentation_is_checked() {
    let request = "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\r\n\
        Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nHost: iam.amazonaws.com\r\nX-Amz-Date: 20150830T123600Z\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date, \
        Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\r\n";
    let (right, given) = signatures(request);
    assert_eq!(right, given);
}

/// The environment belongs to the process, so this test starts another one.
#[test]
fn requests_to_aws_are_signed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(url) = std::env::var("SERIN_TEST_AWS") {
        runtime.block_on(ask_aws(&url));
        return;
    }
    let vector = json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "7"]}}).to_string();
    let server = runtime.block_on(Server::always(ok(&vector)));
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "aws::requests_to_aws_are_signed", "--nocapture"])
        .env("SERIN_TEST_AWS", server.url(""))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .output()
        .unwrap();
    assert!(
        again.status.success(),
        "{}{}",
        String::from_utf8_lossy(&again.stdout),
        String::from_utf8_lossy(&again.stderr)
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    for (request, scope) in asked
        .iter()
        .zip(["/eu-west-1/aps/aws4_request", "/eu-west-1/monitoring/aws4_request"])
    {
        assert!(request.contains(scope) && !request.contains(SECRET), "{request}");
        let (right, given) = signatures(request);
        assert_eq!(right, given, "{request}");
    }
    assert!(
        asked[1].starts_with("POST /service/GraniteServiceVersion20100801/operation/GetMetricData "),
        "{}",
        asked[1]
    );
}

/// Prometheus with SigV4, which counts for addresses of Amazon only, and CloudWatch.
async fn ask_aws(url: &str) {
    let place = url.to_owned();
    let variables = move |name: &str| match name {
        "AWS_ENDPOINT_URL_CLOUDWATCH" => Some(place.clone()),
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        _ => None,
    };
    let api = ApiServer::new();
    let fetch = Fetch::new(
        api.client(),
        "argo-rollouts",
        Arc::new(Timestamp::now),
        surroundings(variables),
    );
    let workspace = format!("{url}/aps-workspaces/ws-1");
    let prometheus = json!({"prometheus": {"address": workspace, "query": "up", "authentication": {"sigv4": {"region": "eu-west-1"}}}});
    let cloudwatch = json!({"cloudWatch": {"metricDataQueries": [{"id": "rate", "expression": "errors / requests"}]}});
    for (provider, phase) in [(prometheus, "Successful"), (cloudwatch, "Error")] {
        let ask = Ask {
            run: &run(),
            metric: &metric(&provider),
            stable: None,
            step: Step::Run { number: 1 },
            hidden: &[],
            expressions: &Good,
            may_write: &leads(),
            turn: &at_once(),
        };
        let measured = fetch.measure(&ask).await;
        // The stand-in answers CloudWatch with JSON, which is no CBOR: that is told, and the secret is not.
        assert_eq!(measured.measurement.phase, phase, "{measured:?}");
        assert!(!format!("{measured:?}").contains(SECRET));
    }
}
