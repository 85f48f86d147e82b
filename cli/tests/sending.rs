//! Requests on their way: what changes something is sent once, reads are repeated, watches say when they break.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/raw.rs"]
mod raw;
mod support;

use raw::{Raw, answer, status};
use serde_json::{Value, json};
use support::run;

/// A promotion that is repeated in silence can land after an abort.
#[tokio::test]
async fn a_write_is_sent_once() {
    const BUSY: &str = "Nothing was changed. The request was sent once and is not repeated.\n";
    const UNKNOWN: &str = "whether it was carried out is unknown. Look with `serin get rollout` first.\n";
    for (code, expected) in [(429, BUSY), (503, UNKNOWN), (504, UNKNOWN)] {
        for command in [
            "abort web",
            "retry rollout web",
            "pause web",
            "restart web",
            "promote web",
            "promote web --full",
            "terminate analysisrun web",
            "terminate experiment web",
        ] {
            let seen = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
                "spec": {"strategy": {"canary": {"steps": [{"pause": {}}]}}},
                "status": {"currentPodHash": "a", "stableRS": "b", "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]}});
            let refusal = status(code, "x", "come back later");
            let server = Raw::start(move |request| {
                if request.starts_with("GET ") {
                    answer(200, "", &seen.to_string())
                } else {
                    refusal.clone()
                }
            })
            .await;
            let outcome = run(&format!("serin {command} --server {}", server.url())).await;
            assert!(
                !outcome.success && outcome.err.contains(expected),
                "{code} {command}: {outcome:?}"
            );
            let writes: Vec<_> = server
                .asked()
                .into_iter()
                .filter(|it| !it.starts_with("GET "))
                .collect();
            assert_eq!(writes.len(), 1, "{code} {command}: {writes:?}");
        }
    }
}

#[tokio::test]
async fn a_read_is_repeated_and_said_with_v() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let server = Raw::start(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 | 1 => status(429, "TooManyRequests", "later"),
        _ => {
            let seen = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": {"name": "web", "generation": 1},
                "spec": {}, "status": {"phase": "Healthy", "observedGeneration": "1"}});
            answer(200, "", &seen.to_string())
        }
    })
    .await;
    let program = env!("CARGO_BIN_EXE_serin");
    let go = async |more: &[&str]| {
        let mut command = tokio::process::Command::new(program);
        command
            .args(["status", "web", "--watch=false", "--server", &server.url()])
            .args(more);
        command.output().await.unwrap()
    };
    let told = go(&["-v", "1"]).await;
    assert_eq!(String::from_utf8_lossy(&told.stdout), "Healthy\n", "{told:?}");
    assert_eq!(server.asked().len(), 3);
    let log = String::from_utf8_lossy(&told.stderr);
    let repeats = log
        .lines()
        .filter(|line| line.contains("the read is repeated") && line.contains("status=429"))
        .count();
    assert_eq!(repeats, 2, "{log}");
    // Nobody asked for a log.
    let quiet = go(&[]).await;
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "{quiet:?}");
    let requests = go(&["-v", "6"]).await;
    let log = String::from_utf8_lossy(&requests.stderr);
    assert!(
        log.contains("method=GET") && log.contains("status=200") && log.contains("/rollouts/web"),
        "{log}"
    );
}

fn healthy_later(phase: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "generation": 1, "resourceVersion": "5"},
        "spec": {"strategy": {"canary": {}}},
        "status": {"phase": phase, "message": "", "observedGeneration": "1"}})
}

fn list(kind: &str, items: &[Value]) -> String {
    let list = json!({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "5"}, "items": items});
    answer(200, "content-type: application/json\r\n", &list.to_string())
}

/// A server whose watches and lists break from the second list of rollouts on, until it has been asked often enough.
async fn breaking(times: usize) -> Raw {
    let broken = std::sync::atomic::AtomicUsize::new(0);
    Raw::start(move |request| {
        let is_watch = request.contains("watch=true");
        let path = request.split(['?', ' ']).nth(1).unwrap_or_default();
        if path.ends_with("/rollouts/web") {
            return answer(200, "", &healthy_later("Progressing").to_string());
        }
        if path.ends_with("/rollouts") && broken.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < times {
            // The connection breaks.
            return String::new();
        }
        match path.rsplit('/').next().unwrap() {
            // Answered late, and without news.
            _ if is_watch => "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            "rollouts" => list("RolloutList", &[healthy_later("Healthy")]),
            "replicasets" => list("ReplicaSetList", &[]),
            "pods" => list("PodList", &[]),
            _ => answer(404, "", ""),
        }
    })
    .await
}

/// It was a line of a log that nobody could see.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_breaks_says_so_once_and_goes_on() {
    let server = breaking(3).await;
    let outcome = run(&format!("serin status web --timeout 60s --server {}", server.url())).await;
    let url = server.url();
    let expected = format!(
        "Watch interrupted: cannot reach the API server {url} (--server): it ended the connection without an answer. \
         Trying again.\nThe API server answers again: the watch goes on.\n"
    );
    assert!(
        outcome.success && outcome.out == "Progressing\nHealthy\n",
        "{outcome:?}"
    );
    assert_eq!(outcome.err, expected);

    let server = breaking(2).await;
    let outcome = run(&format!(
        "serin get rollout web -w --timeout-seconds 8 --server {}",
        server.url()
    ))
    .await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(outcome.err, expected.replace(&url, &server.url()));
    // Two pictures: before and after.
    let pictures: Vec<_> = outcome.out.lines().filter(|line| line.starts_with("Status:")).collect();
    assert_eq!(
        pictures,
        ["Status:          ◌ Progressing", "Status:          ✔ Healthy"],
        "{}",
        outcome.out
    );
}
