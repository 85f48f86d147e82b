//! What the server keeps is bounded, however long it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use serin_sandbox::ApiServer;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use support::config_map;

const MEBIBYTE: usize = 1 << 20;

/// Many writes of a fat object: its managers alone take more memory than its text.
async fn churn(api: &ApiServer, rounds: usize) {
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    let text = "x".repeat(20_000);
    for round in 0..rounds {
        let name = format!("churn-{round}");
        maps.create(&PostParams::default(), &config_map(&name, &text))
            .await
            .unwrap();
        for manager in ["one", "two", "three"] {
            let patch = Patch::Merge(json!({"data": {manager: round.to_string()}}));
            let params = PatchParams {
                field_manager: Some(manager.to_owned()),
                ..PatchParams::default()
            };
            maps.patch(&name, &params, &patch).await.unwrap();
        }
        maps.delete(&name, &DeleteParams::default()).await.unwrap();
    }
}

#[tokio::test]
async fn history_and_log_are_bounded() {
    let api = ApiServer::new();
    api.track_fields(true);
    let before = api.kept();
    churn(&api, 600).await;
    let (full, resident) = (api.kept(), resident());
    assert!(
        full.change_bytes > 40 * MEBIBYTE,
        "the test reaches the limit: {full:?}"
    );
    churn(&api, 600).await;
    let after = api.kept();
    assert_eq!(after.objects, before.objects, "all that was made is deleted");
    for kept in [full, after] {
        assert!(kept.change_bytes <= 48 * MEBIBYTE, "{kept:?}");
        assert!(kept.changes < 3000, "{kept:?}");
        assert!(kept.requests <= 20_000, "{kept:?}");
    }
    if let (Some(before), Some(after)) = (resident, self::resident()) {
        // The estimate is one; what the process holds is what counts.
        assert!(after < before + 24 * MEBIBYTE, "{before} bytes became {after}");
        assert!(after < 200 * MEBIBYTE, "{after} bytes");
    }
}

/// The memory of this process, where the system tells it.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

fn event(name: &str) -> Event {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "default"}, "reason": "Odd", "message": "something happened",
        "involvedObject": {"kind": "ConfigMap", "name": "a", "namespace": "default"},
    }))
    .unwrap()
}

#[tokio::test]
async fn events_go_after_an_hour_and_the_oldest_of_too_many() {
    let passed = Arc::new(AtomicI64::new(0));
    let clock = passed.clone();
    let start = Timestamp::from_second(1_700_000_000).unwrap();
    let api = ApiServer::with_clock(Arc::new(move || {
        start + SignedDuration::from_secs(clock.load(Ordering::Relaxed))
    }));
    let events: Api<Event> = Api::namespaced(api.client(), "default");
    let names = async || -> Vec<String> {
        let list = events.list(&ListParams::default()).await.unwrap();
        list.items.into_iter().filter_map(|it| it.metadata.name).collect()
    };
    for name in ["old", "kept"] {
        events.create(&PostParams::default(), &event(name)).await.unwrap();
    }
    passed.store(1800, Ordering::Relaxed);
    let again = Patch::Merge(json!({"count": 2}));
    events.patch("kept", &PatchParams::default(), &again).await.unwrap();
    passed.store(3600, Ordering::Relaxed);
    assert_eq!(names().await, ["kept"], "its hour began with the last write");
    passed.store(5400, Ordering::Relaxed);
    assert!(names().await.is_empty());
    for number in 0..4200 {
        events
            .create(&PostParams::default(), &event(&format!("e-{number:04}")))
            .await
            .unwrap();
    }
    let left = names().await;
    assert_eq!((left.len(), left[0].as_str()), (4096, "e-0104"));
}
