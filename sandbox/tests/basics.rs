//! Objects through a client in the same process: create, read, change, delete.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::json;
use serin_sandbox::ApiServer;
use support::{code, config_map, pod};

#[tokio::test]
async fn an_object_lives_and_dies() {
    let api = ApiServer::new();
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    let made = maps
        .create(&PostParams::default(), &config_map("a", "1"))
        .await
        .unwrap();
    assert!(made.metadata.uid.is_some() && made.metadata.creation_timestamp.is_some());
    assert_eq!(
        code(maps.create(&PostParams::default(), &config_map("a", "1")).await),
        409
    );

    let patch = json!({ "data": { "x": "2" } });
    let patched = maps
        .patch("a", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_ne!(patched.metadata.resource_version, made.metadata.resource_version);
    let again = maps
        .patch("a", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(
        again.metadata.resource_version, patched.metadata.resource_version,
        "a patch without effect is no write"
    );

    let mut stale = made.clone();
    stale.data = Some([("x".to_owned(), "3".to_owned())].into());
    let error = maps.replace("a", &PostParams::default(), &stale).await.unwrap_err();
    let kube::Error::Api(status) = error else {
        panic!("not a status")
    };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    assert_eq!(
        status.message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to \
         the latest version and try again"
    );
    stale.metadata.resource_version = None;
    assert_eq!(
        maps.replace("a", &PostParams::default(), &stale).await.unwrap().data,
        stale.data
    );

    maps.delete("a", &DeleteParams::default())
        .await
        .unwrap()
        .right()
        .expect("a Status: it is gone");
    let kube::Error::Api(status) = maps.get("a").await.unwrap_err() else {
        panic!("not a status")
    };
    assert_eq!(
        (status.code, status.message.as_str()),
        (404, "configmaps \"a\" not found")
    );
}

#[tokio::test]
async fn a_merge_patch_may_carry_the_version_it_was_computed_from() {
    let api = ApiServer::new();
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    let made = maps
        .create(&PostParams::default(), &config_map("a", "1"))
        .await
        .unwrap();
    let old = made.metadata.resource_version.unwrap();
    maps.patch(
        "a",
        &PatchParams::default(),
        &Patch::Merge(json!({ "data": { "x": "2" } })),
    )
    .await
    .unwrap();
    let late = json!({ "metadata": { "resourceVersion": old }, "data": { "x": "3" } });
    assert_eq!(
        code(maps.patch("a", &PatchParams::default(), &Patch::Merge(late)).await),
        409
    );
    assert_eq!(maps.get("a").await.unwrap().data.unwrap()["x"], "2");
}

#[tokio::test]
async fn names_are_generated_and_checked() {
    let api = ApiServer::new();
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    let mut map = config_map("", "1");
    map.metadata.name = None;
    let error = maps.create(&PostParams::default(), &map).await.unwrap_err();
    let kube::Error::Api(status) = error else {
        panic!("not a status")
    };
    assert_eq!(
        status.message,
        "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"
    );
    map.metadata.generate_name = Some("gen-".to_owned());
    let first = maps
        .create(&PostParams::default(), &map)
        .await
        .unwrap()
        .metadata
        .name
        .unwrap();
    let second = maps
        .create(&PostParams::default(), &map)
        .await
        .unwrap()
        .metadata
        .name
        .unwrap();
    assert_ne!(first, second);
    assert!(first.starts_with("gen-") && first.len() == "gen-".len() + 5, "{first}");
    assert_eq!(
        code(maps.create(&PostParams::default(), &config_map("Upper", "1")).await),
        422
    );
}

#[tokio::test]
async fn lists_are_selected_and_paged() {
    let api = ApiServer::new();
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    for index in 0..5 {
        let mut map = config_map(&format!("m{index}"), "1");
        map.metadata.labels = Some([("parity".to_owned(), (index % 2).to_string())].into());
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let names = |list: &kube::api::ObjectList<ConfigMap>| -> Vec<String> {
        list.items
            .iter()
            .map(|map| map.metadata.name.clone().unwrap())
            .collect()
    };
    let even = maps
        .list(&ListParams::default().labels("parity in (0),parity!=1,parity"))
        .await
        .unwrap();
    assert_eq!(names(&even), ["m0", "m2", "m4"]);
    let one = maps
        .list(&ListParams::default().fields("metadata.name=m3"))
        .await
        .unwrap();
    assert_eq!(names(&one), ["m3"]);
    assert_eq!(code(maps.list(&ListParams::default().fields("data.x=1")).await), 400);

    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(
        (names(&first), first.metadata.remaining_item_count),
        (vec!["m0".to_owned(), "m1".to_owned()], Some(3))
    );
    let token = first.metadata.continue_.clone().unwrap();
    let rest = maps.list(&ListParams::default().continue_token(&token)).await.unwrap();
    assert_eq!(names(&rest), ["m2", "m3", "m4"]);
    assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
    maps.delete("m0", &DeleteParams::default()).await.unwrap();
    api.compact();
    assert_eq!(
        code(maps.list(&ListParams::default().continue_token(&token)).await),
        410
    );
}

#[tokio::test]
async fn a_watch_shows_each_change_once() {
    let api = ApiServer::new();
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let from = pods
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    let events = pods
        .watch(&WatchParams::default().labels("app=x"), &from)
        .await
        .unwrap()
        .boxed();
    pods.create(&PostParams::default(), &pod("b")).await.unwrap();
    let relabel = |app: &str| json!({ "metadata": { "labels": { "app": app } } });
    pods.patch("b", &PatchParams::default(), &Patch::Merge(relabel("x")))
        .await
        .unwrap();
    pods.patch(
        "b",
        &PatchParams::default(),
        &Patch::Merge(json!({ "metadata": { "annotations": { "k": "v" } } })),
    )
    .await
    .unwrap();
    pods.patch("b", &PatchParams::default(), &Patch::Merge(relabel("y")))
        .await
        .unwrap();
    pods.patch("b", &PatchParams::default(), &Patch::Merge(relabel("x")))
        .await
        .unwrap();
    pods.delete("b", &DeleteParams::default()).await.unwrap();
    let seen: Vec<&str> = events
        .take(5)
        .map_ok(|event| match event {
            WatchEvent::Added(_) => "ADDED",
            WatchEvent::Modified(_) => "MODIFIED",
            WatchEvent::Deleted(_) => "DELETED",
            WatchEvent::Bookmark(_) => "BOOKMARK",
            WatchEvent::Error(_) => "ERROR",
        })
        .try_collect()
        .await
        .unwrap();
    assert_eq!(seen, ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]);
}

#[tokio::test]
async fn a_watch_from_a_forgotten_version_is_gone() {
    let api = ApiServer::new();
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    let old = pods
        .create(&PostParams::default(), &pod("a"))
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    pods.create(&PostParams::default(), &pod("b")).await.unwrap();
    api.compact();
    let events = pods.watch(&WatchParams::default(), &old).await.unwrap();
    pin_mut!(events);
    let Some(Ok(WatchEvent::Error(status))) = events.next().await else {
        panic!("not an error event")
    };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    assert!(events.next().await.is_none(), "the watch ends");
}

#[tokio::test]
async fn namespaces_hold_their_objects() {
    let api = ApiServer::new();
    let namespaces: Api<Namespace> = Api::all(api.client());
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "team");
    let error = maps
        .create(&PostParams::default(), &config_map("a", "1"))
        .await
        .unwrap_err();
    let kube::Error::Api(status) = error else {
        panic!("not a status")
    };
    assert_eq!(
        (status.code, status.message.as_str()),
        (404, "namespaces \"team\" not found")
    );
    let namespace: Namespace = serde_json::from_value(json!({ "metadata": { "name": "team" } })).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let mut held = config_map("held", "1");
    held.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
    maps.create(&PostParams::default(), &held).await.unwrap();
    maps.create(&PostParams::default(), &config_map("a", "1"))
        .await
        .unwrap();
    namespaces
        .delete("team", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .expect("still there");
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert_eq!(
        code(maps.create(&PostParams::default(), &config_map("b", "1")).await),
        403
    );
    let release = json!({ "metadata": { "finalizers": null } });
    maps.patch("held", &PatchParams::default(), &Patch::Merge(release))
        .await
        .unwrap();
    assert!(namespaces.get_opt("team").await.unwrap().is_none());
}
