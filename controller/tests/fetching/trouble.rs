//! What goes wrong on the way is an error that names address and cause.

use crate::server::{Authority, ENDLESS, LONG, NEVER, Server, answer, error, measured, ok, redirect};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn an_answer_is_measured() {
    let server = Server::always(ok("{\"a\": 0.5}")).await;
    let measured = measured(json!({"web": {"url": server.url("/x?y=z"), "jsonPath": "{.a}"}}), &[]).await;
    let measurement = measured.measurement;
    assert_eq!(
        (measurement.phase.as_str(), measurement.value.as_str()),
        ("Successful", "0.5")
    );
    let asked = server.asked();
    assert!(asked[0].starts_with("GET /x?y=z HTTP/1.1\r\n"), "{asked:?}");
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let body = format!("HTTP/1.1 200 OK\r\n\r\n{ENDLESS}");
    let server = Server::always(body.into_bytes()).await;
    let message = error(json!({"web": {"url": server.url("/"), "timeoutSeconds": 60}})).await;
    assert_eq!(
        message,
        format!("Get \"{}\": the answer has more than 16 MiB", server.url("/"))
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::always(NEVER.into()).await;
    let asked = error(json!({"web": {"url": server.url("/"), "timeoutSeconds": 1}}));
    let message = tokio::time::timeout(LONG, asked).await.unwrap();
    assert_eq!(
        message,
        format!("Get \"{}\": context deadline exceeded", server.url("/"))
    );
    let none = error(json!({"prometheus": {"address": server.url(""), "query": "up", "timeout": 0}})).await;
    assert_eq!(
        none,
        format!("Post \"{}\": context deadline exceeded", server.url("/api/v1/query"))
    );
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_named() {
    let error = |url: &str| error(json!({"web": {"url": url}}));
    assert_eq!(error("path").await, "Get \"path\": unsupported protocol scheme \"\"");
    assert_eq!(
        error("ftp://host/").await,
        "Get \"ftp://host/\": unsupported protocol scheme \"ftp\""
    );
    // Nobody listens on the port of a server that is gone.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://u:hunter2@127.0.0.1:{}/", listener.local_addr().unwrap().port());
    drop(listener);
    let refused = error(&url).await;
    assert!(
        refused.starts_with(&format!("Get \"{}\": ", url.replace("hunter2", "***"))),
        "{refused}"
    );
    assert!(refused.contains("refused"), "{refused}");
}

#[tokio::test]
async fn what_only_reads_is_asked_again_where_no_answer_came() {
    let tries = AtomicUsize::new(0);
    let flaky = move |_: &str| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Vec::new(),
        1 => answer(503, "Retry-After: 0\r\n", ""),
        _ => ok("1"),
    };
    let server = Server::start(flaky).await;
    let measurement = measured(json!({"web": {"url": server.url("/")}}), &[])
        .await
        .measurement;
    assert_eq!((measurement.value.as_str(), server.asked().len()), ("1", 3));
    // A POST may change something, and a status without a wish to wait is an answer.
    let cut = Server::always(Vec::new()).await;
    error(json!({"web": {"url": cut.url("/"), "method": "POST", "body": "x"}})).await;
    assert_eq!(cut.asked().len(), 1);
    let failing = Server::always(answer(503, "", "")).await;
    let message = error(json!({"web": {"url": failing.url("/")}})).await;
    assert_eq!(
        (message.as_str(), failing.asked().len()),
        ("received non 2xx response code: 503", 1)
    );
}

#[tokio::test]
async fn redirects_take_no_credentials_to_another_host() {
    let other = Server::always(ok("2")).await;
    let to_other = other.url("/there");
    let moved = move |request: &str| match request.split(' ').nth(1) {
        Some("/here") => ok("1"),
        Some("/loop") => redirect("/loop"),
        Some("/same") => redirect("/here"),
        _ => redirect(&to_other),
    };
    let server = Server::start(moved).await;
    let with_token =
        |path: &str| json!({"web": {"url": server.url(path), "headers": [{"key": "X-Token", "value": "hunter2"}]}});
    // On the same host, and without credentials, redirects are followed.
    assert_eq!(measured(with_token("/same"), &[]).await.measurement.value, "1");
    let open = json!({"web": {"url": server.url("/away"), "headers": [{"key": "Accept", "value": "text/plain"}]}});
    assert_eq!(measured(open, &[]).await.measurement.value, "2");
    let asked_before = other.asked().len();
    let message = error(with_token("/away")).await;
    assert!(
        message.contains("redirects to 127.0.0.1, another host, to which credentials are not sent"),
        "{message}"
    );
    // A secret of the run in the address counts as well.
    let secret = measured(json!({"web": {"url": server.url("/away?key=hunter3")}}), &["hunter3"])
        .await
        .measurement;
    assert_eq!(secret.phase, "Error");
    assert!(
        !secret.message.contains("hunter3") && secret.message.contains("key=*****"),
        "{}",
        secret.message
    );
    assert_eq!(other.asked().len(), asked_before);
    let round = error(json!({"web": {"url": server.url("/loop")}})).await;
    assert!(round.contains("stopped after 10 redirects"), "{round}");
}

#[tokio::test]
async fn certificates_are_verified_unless_told_otherwise() {
    let authority = Authority::new();
    let server = Server::with_tls(ok("1"), authority.server(false)).await;
    let url = server.url("/").replace("http:", "https:");
    let message = error(json!({"web": {"url": url}})).await;
    assert!(
        message.starts_with(&format!("Get \"{url}\": ")) && message.contains("certificate"),
        "{message}"
    );
    let insecure = measured(json!({"web": {"url": url, "insecure": true}}), &[])
        .await
        .measurement;
    assert_eq!(insecure.value, "1");
    // A server that wants a certificate from the client gets none.
    let strict = Server::with_tls(ok("1"), authority.server(true)).await;
    let url = strict.url("/").replace("http:", "https:");
    let message = error(json!({"web": {"url": url, "insecure": true}})).await;
    assert!(message.starts_with(&format!("Get \"{url}\": ")), "{message}");
    assert!(strict.asked().is_empty());
}

/// `SSL_CERT_FILE` adds an authority of one's own. The environment belongs to the process, so this test starts another one.
#[test]
fn an_authority_of_ones_own_is_trusted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(url) = std::env::var("SERIN_TEST_HTTPS") {
        let value = runtime
            .block_on(measured(json!({"web": {"url": url}}), &[]))
            .measurement;
        assert_eq!(value.value, "1", "{value:?}");
        return;
    }
    let authority = Authority::new();
    let server = runtime.block_on(Server::with_tls(ok("1"), authority.server(false)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "trouble::an_authority_of_ones_own_is_trusted"])
        .env("SERIN_TEST_HTTPS", server.url("/").replace("http:", "https:"))
        .env("SSL_CERT_FILE", &file)
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    assert_eq!(server.asked().len(), 1);
}
