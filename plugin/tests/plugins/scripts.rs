//! What is no plugin.

use crate::{LIMITS, plugins};
use futures::future::join_all;
use serde_json::json;
use serin_plugin::{Limits, Plugins};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

async fn failure(plugins: &Plugins, name: &str) -> String {
    let (run, metric) = (json!({}), json!({"name": "m"}));
    plugins.metric_run(name, &run, &metric).await.unwrap_err().to_string()
}

fn script(folder: &Path, text: &str, mode: u32) -> String {
    let file = folder.join("script");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    file.to_str().unwrap().to_owned()
}

pub(crate) async fn what_is_no_plugin_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (text, why) in [
        ("#!/bin/sh\necho hello\n", "the first line that it printed is \"hello\""),
        (
            "#!/bin/sh\necho ARGH >&2; exit 3\n",
            "ended (exit status: 3) before it said where it serves",
        ),
        (
            "#!/bin/sh\necho '1|1|tcp|127.0.0.1:1|netrpc'\n",
            "cannot connect to tcp:127.0.0.1:1: ",
        ),
        (
            "#!/bin/sh\necho '1|1|unix|/nowhere/at/all|grpc'\n",
            "it serves grpc; netrpc is needed",
        ),
    ] {
        let plugins = plugins("acme/script", &script(folder.path(), text, 0o755), LIMITS);
        let failure = failure(&plugins, "acme/script").await;
        let begins = "unable to start plugin system: unable to get plugin client (acme/script): ";
        assert!(
            failure.starts_with(begins) && failure.contains(why),
            "{text}: {failure}"
        );
    }
    let closed = plugins("acme/script", &script(folder.path(), "#!/bin/sh\n", 0o644), LIMITS);
    let why = failure(&closed, "acme/script").await;
    assert!(why.contains("make it executable"), "{why}");
    let why = failure(&plugins("acme/script", "/nowhere/at/all", LIMITS), "acme/script").await;
    assert!(why.contains("mount it into the controller's pod"), "{why}");
}

pub(crate) async fn a_process_that_says_nothing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        start: Duration::from_millis(300),
        ..LIMITS
    };
    let plugins = plugins(
        "acme/script",
        &script(folder.path(), "#!/bin/sh\nexec sleep 60\n", 0o755),
        limits,
    );
    assert_eq!(
        failure(&plugins, "acme/script").await,
        "unable to start plugin system: unable to get plugin client (acme/script): plugin acme/script gave no answer \
         within 300ms"
    );
}

pub(crate) async fn who_waits_for_a_start_has_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        start: Duration::from_millis(500),
        ..LIMITS
    };
    let plugins = plugins(
        "acme/script",
        &script(folder.path(), "#!/bin/sh\nexec sleep 60\n", 0o755),
        limits,
    );
    let begun = Instant::now();
    let failures = join_all((0..20).map(|_| failure(&plugins, "acme/script"))).await;
    assert!(
        failures
            .iter()
            .all(|failure| failure.ends_with("gave no answer within 500ms")),
        "{failures:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    failure(&plugins, "acme/script").await;
    assert!(begun.elapsed() > Duration::from_secs(1), "the next call tries again");
}

/// Something else answers at the address: silence, an end, and bytes that are no yamux.
pub(crate) async fn a_server_that_speaks_otherwise_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, ends, why) in [
        (&b""[..], false, "gave no answer within 500ms"),
        (b"", true, "connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", false, "connection"),
        (&[0; 4096], false, "gave no answer within 500ms"), // empty frames of no stream
        (&[0xff; 4096], true, "connection"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = format!("1|1|tcp|{}|netrpc", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(bytes).await.unwrap();
            if !ends {
                std::future::pending::<()>().await;
            }
        });
        let text = format!("#!/bin/sh\necho '{line}'\nexec sleep 60\n");
        let limits = Limits {
            start: Duration::from_millis(500),
            ..LIMITS
        };
        let plugins = plugins("acme/script", &script(folder.path(), &text, 0o755), limits);
        let failure = failure(&plugins, "acme/script").await;
        let begins = "unable to start plugin system: unable to get plugin client (acme/script): ";
        let is_named = failure.starts_with(begins) && failure.contains(why);
        assert!(is_named, "{why:?} is not in {failure}");
        server.abort();
    }
}

pub(crate) async fn what_is_not_configured_is_an_error() {
    let why = failure(&plugins("acme/script", "/a", LIMITS), "acme/other").await;
    assert_eq!(
        why,
        "unable to start plugin system: unable to find plugin (acme/other): plugin acme/other not configured in configmap"
    );
}

pub(crate) async fn what_is_to_be_downloaded_is_an_error() {
    let why = failure(&plugins("acme/far", "https://example.com/far", LIMITS), "acme/far").await;
    assert!(
        why.contains("plugins are not downloaded, and the location of acme/far is https://example.com/far"),
        "{why}"
    );
}
