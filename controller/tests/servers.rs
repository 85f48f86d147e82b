//! `/metrics` and `/healthz` over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::json;
use support::{World, get, rollout, two};

#[tokio::test(start_paused = true)]
async fn metrics_and_health_are_served() {
    let world = World::start(
        two,
        &[rollout("a", &json!({"replicas": 2, "strategy": {"canary": {}}}))],
    )
    .await;
    world.settle().await;
    let health = get(world.healthz, "/healthz").await;
    assert!(
        health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("\r\n\r\nok"),
        "{health}"
    );
    assert!(get(world.healthz, "/metrics").await.starts_with("HTTP/1.1 404"));
    let metrics = world.scrape().await;
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"));
    for line in [
        r#"rollout_info{name="a",namespace="default",phase="Progressing",strategy="canary",traffic_router=""} 1"#,
        r#"rollout_info_replicas_desired{name="a",namespace="default"} 2"#,
        r#"rollout_reconcile_count{name="a",namespace="default"}"#,
        r#"rollout_events_total{name="a",namespace="default",reason="NewReplicaSetCreated",type="Normal"} 2"#,
        r#"controller_clientset_k8s_request_total{kind="replicasets",name="N/A",namespace="default",status_code="201",verb="Create"} 2"#,
        r#"workqueue_adds_total{name="Rollouts"}"#,
        r#"workqueue_queue_duration_seconds_bucket{name="Rollouts",le="+Inf"}"#,
        r#"serin_reconciles_total{reason="FirstSeen"} 1"#,
        "build_info{commit=",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    world.stop().await;
}
