//! `--takeover-report` on an API server that is asked too much: it waits, for a while, and says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use clap::Parser;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use serin_controller::{Options, leave_report, takeover_report};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Parser)]
struct Bare {
    #[command(flatten)]
    options: Options,
}

/// A client whose first requests are answered with 429, and how often it was asked.
fn busy(times: usize, retry_after: u32) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        let turned_down = counted.fetch_add(1, Ordering::SeqCst) < times;
        let kind = if request.uri().path().ends_with("/rollouts") {
            "RolloutList"
        } else {
            "ReplicaSetList"
        };
        let (code, body) = if turned_down {
            let details = json!({"retryAfterSeconds": retry_after});
            (
                429,
                json!({"kind": "Status", "status": "Failure", "message": "too many", "code": 429, "details": details}),
            )
        } else {
            (
                200,
                json!({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": []}),
            )
        };
        let answer = Response::builder()
            .status(code)
            .body(Body::from(body.to_string().into_bytes()));
        async move { Ok::<_, Infallible>(answer.unwrap()) }
    });
    (Client::new(service, "default"), asked)
}

#[tokio::test(start_paused = true)]
async fn the_report_waits_while_the_api_server_is_overloaded() {
    let options = Bare::parse_from(["x"]).options;
    for (retry_after, least) in [(0, 1 + 2 + 4), (7, 21)] {
        let (client, asked) = busy(3, retry_after);
        let began = Instant::now();
        let reports = takeover_report(&client, &options).await.unwrap();
        assert!(reports.is_empty());
        assert_eq!(asked.load(Ordering::SeqCst), 5, "three times in vain, then both lists");
        let waited = began.elapsed();
        assert!(
            waited >= Duration::from_secs(least) && waited < Duration::from_secs(least + 1),
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_report_gives_up_after_three_minutes() {
    let options = Bare::parse_from(["x"]).options;
    let (client, _) = busy(usize::MAX, 0);
    let began = Instant::now();
    let error = takeover_report(&client, &options).await.unwrap_err();
    assert!(matches!(error, kube::Error::Api(status) if status.code == 429));
    assert_eq!(began.elapsed().as_secs(), 180);
}

/// Decision 52: the objects as they are stored, page by page, each rollout with the templates of its namespace.
#[tokio::test]
async fn the_report_of_leaving_reads_rollouts_and_templates() {
    let service = tower::service_fn(|request: Request<Body>| {
        let template = |namespace: &str| {
            json!({"metadata": {"name": "rate", "namespace": namespace},
                "spec": {"metrics": [{"name": "m", "noData": "Failed"}]}})
        };
        let rollout = |namespace: &str, analysis: serde_json::Value| {
            json!({"metadata": {"name": "web", "namespace": namespace},
                "spec": {"strategy": {"canary": {"analysis": analysis}}}})
        };
        let named = json!({"templates": [{"templateName": "rate"}]});
        let path = request.uri().path().to_owned();
        let (kind, items) = match path.rsplit('/').next().unwrap() {
            "rollouts" => (
                "RolloutList",
                vec![rollout("shop", named), rollout("calm", json!(null))],
            ),
            "analysistemplates" => ("AnalysisTemplateList", vec![template("shop"), template("calm")]),
            "clusteranalysistemplates" => ("ClusterAnalysisTemplateList", vec![]),
            other => panic!("{other} is listed"),
        };
        let body = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {}, "items": items});
        let answer = Response::builder().body(Body::from(body.to_string().into_bytes()));
        async move { Ok::<_, Infallible>(answer.unwrap()) }
    });
    let client = Client::new(service, "default");
    let departures = leave_report(&client, &Bare::parse_from(["x"]).options).await.unwrap();
    let told: Vec<String> = departures.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], "rollout calm/web: nothing to change\n");
    assert!(
        told[1].starts_with("rollout shop/web\n  AnalysisTemplate/rate: spec.metrics[0].noData is pruned"),
        "{told:?}"
    );
    assert_eq!(told.len(), 2);
}
