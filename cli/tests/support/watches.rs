//! Watches that break: what people are told, and that they go on (`trouble.rs`).

use crate::raw::{Raw, answer};
use crate::support::run;
use serde_json::{Value, json};

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
         Trying again.\nThe API server answers again. The watch continues.\n"
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
