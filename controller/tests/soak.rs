//! Nothing grows with rollouts that come and go: namespaces with a rollout each are made and deleted, again and again.
//!
//! `SERIN_SOAK=10000` makes so many; CONTRIBUTING says how, and what came out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serin_controller::Options;
use std::collections::BTreeMap;
use std::time::Duration;
use support::{World, create, rollout, server};

/// Namespaces that exist at the same time.
const AT_ONCE: usize = 20;
/// Memory that the allocator may scatter meanwhile, in KiB.
const SCATTERED: u64 = 8 * 1024;

fn object<K: DeserializeOwned>(value: &Value) -> K {
    serde_json::from_value(value.clone()).unwrap()
}

fn manifest(service: &str) -> Value {
    let labels = json!({"app": "web"});
    rollout(
        "web",
        &json!({"replicas": 1, "selector": {"matchLabels": labels},
            "strategy": {"canary": {"stableService": service, "steps": [{"setWeight": 50}, {"pause": {}}]}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}),
    )
}

async fn come(client: &Client, name: &str) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let post = PostParams::default();
    namespaces
        .create(&post, &object(&json!({"metadata": {"name": name}})))
        .await
        .unwrap();
    // One name of its own and one that all have: both kinds of series.
    let service = if name.len().is_multiple_of(2) {
        "front".to_owned()
    } else {
        format!("front-{name}")
    };
    let services: Api<Service> = Api::namespaced(client.clone(), name);
    let front = json!({"metadata": {"name": service}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    services.create(&post, &object(&front)).await.unwrap();
    rollouts_in(client, name)
        .create(&post, &object(&manifest(&service)))
        .await
        .unwrap();
}

/// The pods of the first revision are available.
async fn live(client: &Client, name: &str) {
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), name);
    let patch = PatchParams::default();
    for set in sets.list(&ListParams::default()).await.unwrap() {
        let status = json!({"status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            "observedGeneration": set.metadata.generation}});
        sets.patch_status(&set.metadata.name.unwrap(), &patch, &Patch::Merge(status))
            .await
            .unwrap();
    }
}

/// An update begins, and is left in the middle.
async fn update(client: &Client, name: &str) {
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "j"}]);
    let image: Patch<()> = Patch::Json(serde_json::from_value(image).unwrap());
    let patch = PatchParams::default();
    rollouts_in(client, name).patch("web", &patch, &image).await.unwrap();
}

async fn go(client: &Client, name: &str) {
    let delete = DeleteParams::default();
    rollouts_in(client, name).delete("web", &delete).await.unwrap();
    Api::<Namespace>::all(client.clone())
        .delete(name, &delete)
        .await
        .unwrap();
}

fn rollouts_in(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// So many namespaces come, live and go; then all settles.
async fn churn(world: &World, from: usize, to: usize) {
    let names: Vec<String> = (from..to).map(|number| format!("n{number}")).collect();
    for some in names.chunks(AT_ONCE) {
        for name in some {
            come(&world.client, name).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        for name in some {
            live(&world.client, name).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        for name in some {
            update(&world.client, name).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        for name in some {
            go(&world.client, name).await;
        }
        world.api.clear_requests();
        world.api.compact();
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    world.scrape().await;
}

/// `serin_entries`, and how many lines of metrics are about namespaces that came and went.
async fn kept(world: &World) -> BTreeMap<String, u64> {
    let text = world.scrape().await;
    let entries = text.lines().filter_map(|line| {
        let (of, count) = line.strip_prefix("serin_entries{of=\"")?.split_once("\"} ")?;
        Some((of.to_owned(), count.parse().unwrap()))
    });
    let mut kept: BTreeMap<String, u64> = entries.collect();
    let of_those = text.lines().filter(|line| line.contains("namespace=\"n"));
    kept.insert(
        "lines about those that came".to_owned(),
        u64::try_from(of_those.count()).unwrap(),
    );
    kept
}

/// Memory of this process, the API server's included, in KiB.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn nothing_grows_with_rollouts_that_come_and_go() {
    let all = std::env::var("SERIN_SOAK").map_or(250, |number| number.parse().unwrap());
    let options = Options {
        qps: 1000.0,
        burst: 2000,
        ..Options::default()
    };
    let api = server().await;
    let client = api.client();
    let mut stays = manifest("");
    stays["spec"]["strategy"] = json!({"canary": {}});
    create(&client, &stays).await;
    let world = World::on(api, client, serin_core::decide, options).await;
    world.settle().await;
    live(&world.client, "default").await;
    // Whatever is made once is made now.
    churn(&world, 0, all / 4).await;
    let (before, memory_before) = (kept(&world).await, memory());
    churn(&world, all / 4, all).await;
    let (after, memory_after) = (kept(&world).await, memory());
    let told = format!("{all} namespaces: {before:?}, {memory_before:?} KiB; then {after:?}, {memory_after:?} KiB");
    assert_eq!(before, after, "{told}");
    assert_eq!(
        [after["rollouts"], after["namespaces"], after["queue"]],
        [1, 1, 0],
        "{told}"
    );
    assert_eq!(after["lines about those that came"], 0, "{told}");
    if let (Some(before), Some(after)) = (memory_before, memory_after) {
        assert!(after < before + SCATTERED, "{told}");
    }
    eprintln!("{told}");
    world.stop().await;
}
