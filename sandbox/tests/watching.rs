//! Watches as controllers use them, in the same process and over HTTP; faults; the log of requests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Config, ResourceExt};
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use support::{code, config_map, pod};

/// Polls a watcher until its view equals what is expected.
async fn until<S>(events: &mut S, names: &mut BTreeSet<String>, expected: &[&str])
where
    S: Stream<Item = watcher::Result<Event<Pod>>> + Unpin,
{
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    let mut initial = BTreeSet::new();
    let wait = async {
        while *names != expected {
            match events.next().await.expect("a watcher never ends") {
                Ok(Event::Apply(pod)) => {
                    names.insert(pod.name_any());
                }
                Ok(Event::Delete(pod)) => {
                    names.remove(&pod.name_any());
                }
                Ok(Event::Init) => initial.clear(),
                Ok(Event::InitApply(pod)) => {
                    initial.insert(pod.name_any());
                }
                Ok(Event::InitDone) => *names = initial.clone(),
                // Errors are part of a watcher's life: it goes on by itself.
                Err(_) => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap_or_else(|_| panic!("still {names:?}"));
}

/// A watcher sees all changes, and those made while it was cut off and its history was forgotten.
async fn survives_compaction(api: &ApiServer, client: Client, config: watcher::Config) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let mut events = watcher(pods.clone(), config).boxed();
    let mut names = BTreeSet::new();
    until(&mut events, &mut names, &["a"]).await;
    pods.create(&PostParams::default(), &pod("b")).await.unwrap();
    until(&mut events, &mut names, &["a", "b"]).await;

    api.disconnect_watches();
    pods.delete("a", &DeleteParams::default()).await.unwrap();
    pods.create(&PostParams::default(), &pod("c")).await.unwrap();
    api.compact();
    until(&mut events, &mut names, &["b", "c"]).await;
    pods.delete("b", &DeleteParams::default()).await.unwrap();
    until(&mut events, &mut names, &["c"]).await;
}

fn lists(api: &ApiServer) -> usize {
    api.requests()
        .iter()
        .filter(|record| record.request.verb == "list")
        .count()
}

#[tokio::test]
async fn a_watcher_in_process_survives_compaction() {
    let api = ApiServer::new();
    survives_compaction(&api, api.client(), watcher::Config::default()).await;
    assert_eq!(lists(&api), 2, "410 makes it list again, once");
}

#[tokio::test]
async fn a_streaming_watcher_survives_compaction() {
    let api = ApiServer::new();
    survives_compaction(&api, api.client(), watcher::Config::default().streaming_lists()).await;
    assert_eq!(lists(&api), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_over_http_survives_compaction() {
    let api = ApiServer::new();
    let served = api.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let client = Client::try_from(Config::new(served.url().parse().unwrap())).unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().major, "1");
    let groups = client.list_api_groups().await.unwrap();
    assert!(groups.groups.iter().any(|group| group.name == "apps"));
    let resources = client.list_api_group_resources("apps/v1").await.unwrap();
    assert!(
        resources
            .resources
            .iter()
            .any(|resource| resource.name == "replicasets/scale")
    );
    assert!(served.kubeconfig().contains(&served.url()));
    survives_compaction(&api, client, watcher::Config::default()).await;
    assert_eq!(lists(&api), 2);
    served.stop().await;
}

#[tokio::test]
async fn metadata_alone_is_watched() {
    let api = ApiServer::new();
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let list = pods.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[0].name_any(), "a");
    let from = list.metadata.resource_version.unwrap();
    let mut events = pods
        .watch_metadata(&WatchParams::default(), &from)
        .await
        .unwrap()
        .boxed();
    pods.create(&PostParams::default(), &pod("b")).await.unwrap();
    let Some(Ok(WatchEvent::Added(seen))) = events.next().await else {
        panic!("not an addition")
    };
    assert_eq!(seen.name_any(), "b");
}

#[tokio::test]
async fn a_watch_ends_in_time_with_a_bookmark() {
    let api = ApiServer::new();
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    let from = api.revision().to_string();
    let made = maps
        .create(&PostParams::default(), &config_map("a", "1"))
        .await
        .unwrap();
    let mut events = pods
        .watch(&WatchParams::default().timeout(1), &from)
        .await
        .unwrap()
        .boxed();
    let Some(Ok(WatchEvent::Bookmark(bookmark))) = events.next().await else {
        panic!("not a bookmark")
    };
    assert_eq!(
        Some(bookmark.metadata.resource_version),
        made.metadata.resource_version,
        "others' changes count"
    );
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn requests_fail_as_a_test_wants() {
    let api = ApiServer::new();
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    api.intercept(Box::new(|request| {
        let error = |code, reason: &str| ApiError::new(code, reason, "a fault of the test's making");
        match (request.verb.as_str(), request.name.as_str()) {
            ("create", "refused") => Some(FaultResponse::Refuse(error(429, "TooManyRequests"))),
            ("create", "lost") => Some(FaultResponse::Lose(error(500, "InternalError"))),
            ("get", "slow") => Some(FaultResponse::Hang),
            _ => None,
        }
    }));
    let create = async |name: &str| maps.create(&PostParams::default(), &config_map(name, "1")).await;
    assert_eq!(code(create("refused").await), 429);
    assert!(maps.get_opt("refused").await.unwrap().is_none());
    assert_eq!(code(create("lost").await), 500);
    assert!(
        maps.get_opt("lost").await.unwrap().is_some(),
        "it was done all the same"
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(50), maps.get("slow"))
            .await
            .is_err()
    );
    api.clear_intercept();
    create("refused").await.unwrap();
    let writes: Vec<_> = api
        .requests()
        .into_iter()
        .filter(|record| record.is_write())
        .map(|record| {
            (
                record.request.verb,
                record.request.resource,
                record.request.name,
                record.code,
            )
        })
        .collect();
    let create = |name: &str, code| ("create".to_owned(), "configmaps".to_owned(), name.to_owned(), code);
    assert_eq!(
        writes,
        [create("refused", 429), create("lost", 500), create("refused", 201)]
    );
    api.clear_requests();
    assert!(api.requests().is_empty());
}
