//! A web page in somebody's browser must not reach a sandbox on the same machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serin_sandbox::{ApiServer, Served};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn serve() -> (ApiServer, Served) {
    let api = ApiServer::new();
    let served = api.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    (api, served)
}

/// Sends a create of a ConfigMap with these further header lines; the status line's code and the body.
async fn send(served: &Served, target: &str, headers: &[String]) -> (u16, String) {
    let address = served.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = r#"{"metadata": {"name": "a"}}"#;
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for line in headers {
        request.push_str(line);
        request.push_str("\r\n");
    }
    stream
        .write_all(format!("{request}\r\n{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn only_localhost_and_addresses_are_answered() {
    // A page of evil.example whose name leads to this machine (DNS rebinding) is same-origin for the browser: the name betrays it.
    for (host, code) in [
        ("127.0.0.1", 201),
        ("127.0.0.1:8001", 201),
        ("[::1]:8001", 201),
        ("[::1]", 201),
        ("localhost:8001", 201),
        ("LOCALHOST", 201),
        ("evil.example:8001", 403),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:8001", 403),
        ("user@127.0.0.1", 403),
        ("", 403),
    ] {
        let (api, served) = serve().await;
        let (answered, body) = send(&served, CONFIG_MAPS, &[format!("Host: {host}")]).await;
        assert_eq!(answered, code, "{host:?}: {body}");
        let made = api.requests().iter().any(|it| it.code == 201);
        assert_eq!(made, code == 201, "{host:?}");
        served.stop().await;
    }
}

#[tokio::test]
async fn a_refusal_says_why() {
    let (_api, served) = serve().await;
    let (code, body) = send(&served, CONFIG_MAPS, &["Host: evil.example".to_owned()]).await;
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (code, status["kind"].as_str(), status["reason"].as_str()),
        (403, Some("Status"), Some("Forbidden"))
    );
    let message = status["message"].as_str().unwrap();
    assert!(
        message.contains("\"evil.example\"") && message.contains("localhost"),
        "{message}"
    );
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_is_refused() {
    let (_api, served) = serve().await;
    assert_eq!(send(&served, CONFIG_MAPS, &[]).await.0, 403);
    let two = ["Host: localhost".to_owned(), "Host: evil.example".to_owned()];
    assert_eq!(send(&served, CONFIG_MAPS, &two).await.0, 403);
    // The name in an absolute target counts as well, whatever the header says.
    let absolute = format!("http://evil.example{CONFIG_MAPS}");
    assert_eq!(send(&served, &absolute, &["Host: localhost".to_owned()]).await.0, 403);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let (_api, served) = serve().await;
    let host = served.url().trim_start_matches("http://").to_owned();
    // A page may send a form or an untyped body to any address; the browser then says where the page is from.
    for origin in ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1"] {
        let headers = [format!("Host: {host}"), format!("Origin: {origin}")];
        let (code, body) = send(&served, CONFIG_MAPS, &headers).await;
        assert_eq!(code, 403, "{origin}: {body}");
        assert!(body.contains(origin), "{body}");
    }
    let own = [format!("Host: {host}"), format!("Origin: {}", served.url())];
    assert_eq!(send(&served, CONFIG_MAPS, &own).await.0, 201);
}
