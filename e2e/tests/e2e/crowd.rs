//! Broken objects among five hundred good ones: each is named, with what to do about it, and the others go on.

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use serin_controller::Options;
use serin_core::api::Rollout;
use serin_core::rollout::view;
use serin_e2e::World;
use serin_e2e::world::Wishes;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// They have no pods: it is the controller that is to be busy, not the cluster.
const GOOD: usize = 500;
/// What is wrong, and what of it the message must say.
const BROKEN: [(&str, &str); 6] = [
    ("no-step-possible", "spec.strategy.maxSurge: Invalid value"),
    ("no-such-operator", "spec.selector"),
    ("no-duration", "duration"),
    ("no-service", "service \"nowhere\" not found"),
    ("no-image", "image"),
    ("no-strategy", "spec.strategy"),
];
/// Of these one is updated while the others rest.
const EVERY: usize = 5;
/// Requests at a time of whoever creates and edits them.
const AT_A_TIME: usize = 20;
const PATIENCE: Duration = Duration::from_secs(100);
/// Broken objects are looked at again every 20 s: whoever waits for longer must not see more writes than that explains.
const REST: Duration = Duration::from_secs(10);

/// Five hundred updates at once are not to wait for the rate that protects an API server from us.
pub(crate) fn wishes() -> Wishes {
    Wishes {
        controller: Options {
            qps: 300.0,
            burst: 600,
            ..Options::default()
        },
        ..Wishes::default()
    }
}

fn good(number: usize) -> Value {
    rollout(&format!("good-{number:03}"))
}

fn rollout(name: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}},
            "strategy": {"canary": {}}}})
}

fn broken(name: &str) -> Value {
    let mut object = rollout(name);
    object["spec"]["replicas"] = json!(2);
    let spec = &mut object["spec"];
    match name {
        "no-step-possible" => spec["strategy"]["canary"] = json!({"maxSurge": 0, "maxUnavailable": 0}),
        "no-such-operator" => {
            spec["selector"]["matchExpressions"] = json!([{"key": "app", "operator": "Resembles", "values": ["x"]}]);
        }
        "no-duration" => spec["strategy"]["canary"] = json!({"steps": [{"pause": {"duration": "soon"}}]}),
        "no-service" => spec["strategy"] = json!({"blueGreen": {"activeService": "nowhere"}}),
        // Rollouts may be written so; it is the ReplicaSet that the API server refuses.
        "no-image" => spec["template"]["spec"]["containers"] = json!([{"name": "main"}]),
        "no-strategy" => spec["strategy"] = json!({}),
        _ => {}
    }
    object
}

pub(crate) async fn a_broken_object_stops_no_other(world: &mut World) -> Result<()> {
    // Broken ones first, in the middle, and last.
    let mut objects: Vec<Value> = (0..GOOD).map(good).collect();
    for (number, (name, _)) in BROKEN.iter().enumerate() {
        objects.insert(number * objects.len() / (BROKEN.len() - 1), broken(name));
    }
    let begun: &World = world;
    stream::iter(objects)
        .map(|it| async move { begun.create(it).await })
        .buffered(AT_A_TIME)
        .try_collect::<Vec<DynamicObject>>()
        .await?;
    all_run(world, "app:1").await?;
    all_are_named(world).await?;
    // The same for a controller that finds them all when it starts.
    world.kill_controller().await?;
    let edited: &World = world;
    stream::iter((0..GOOD).step_by(EVERY))
        .map(|number| async move {
            let patch = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "app:2"}]);
            let patch = Patch::Json::<()>(serde_json::from_value(patch)?);
            let name = format!("good-{number:03}");
            edited
                .raw_rollouts()
                .patch(&name, &PatchParams::default(), &patch)
                .await?;
            Ok::<_, anyhow::Error>(())
        })
        .buffer_unordered(AT_A_TIME)
        .try_collect::<Vec<()>>()
        .await?;
    world.start_controller().await?;
    all_run(world, "app:2").await?;
    all_are_named(world).await?;
    at_rest(world).await?;
    cured(world).await
}

/// The mended one is looked at at once.
async fn cured(world: &World) -> Result<()> {
    let (name, patch) = (
        BROKEN[0].0,
        json!({"spec": {"strategy": {"canary": {"maxUnavailable": 1}}}}),
    );
    let patch = Patch::Merge(patch);
    world
        .raw_rollouts()
        .patch(name, &PatchParams::default(), &patch)
        .await?;
    let until = Instant::now() + PATIENCE;
    loop {
        let rollout = world.rollouts().get(name).await?;
        if view::phase(&rollout).0 == "Healthy" && rollout.status.available_replicas == 2 {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{name} is {:?}", view::phase(&rollout));
        sleep(Duration::from_millis(100)).await;
    }
}

/// Every good one rests; those that are updated have this image.
async fn all_run(world: &World, image: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let all = world.rollouts().list(&ListParams::default()).await?.items;
        let late: Vec<String> = all
            .iter()
            .filter(|it| !runs(it, image))
            .map(ResourceExt::name_any)
            .collect();
        if late.is_empty() {
            return Ok(());
        }
        let some = &late[..late.len().min(3)];
        ensure!(
            Instant::now() < until,
            "{} do not run {image} after {PATIENCE:?}, such as {some:?}",
            late.len()
        );
        // It is a long list.
        sleep(Duration::from_secs(3)).await;
    }
}

fn runs(rollout: &Rollout, image: &str) -> bool {
    let name = rollout.name_any();
    let Some(number) = name.strip_prefix("good-").and_then(|it| it.parse::<usize>().ok()) else {
        return true;
    };
    let image = if number % EVERY == 0 { image } else { "app:1" };
    let (status, template) = (
        &rollout.status,
        serde_json::to_value(&rollout.spec.template).unwrap_or_default(),
    );
    let observed = rollout.metadata.generation.map(|it| it.to_string());
    view::phase(rollout).0 == "Healthy"
        && Some(&status.observed_generation) == observed.as_ref()
        && status.stable_rs == status.current_pod_hash
        && !status.stable_rs.is_empty()
        && template["spec"]["containers"][0]["image"] == image
}

/// The condition of each broken one says what is wrong with it.
async fn all_are_named(world: &World) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    for (name, wanted) in BROKEN {
        loop {
            let rollout = world.rollouts().get(name).await.context(name)?;
            let mut conditions = rollout.status.conditions.iter();
            let said = conditions.find(|it| it.r#type == "InvalidSpec" && it.status == "True");
            if said.is_some_and(|it| it.message.contains(wanted)) && view::phase(&rollout).0 == "Degraded" {
                break;
            }
            ensure!(
                Instant::now() < until,
                "{name}: the phase is {:?}, the condition {said:?}",
                view::phase(&rollout)
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

/// Nobody writes for a good one, and for a broken one at most the ReplicaSet that is tried again.
async fn at_rest(world: &World) -> Result<()> {
    sleep(Duration::from_secs(1)).await;
    let before = world.writes()?.context("nobody counts")?;
    sleep(REST).await;
    let writes = world.writes()?.context("nobody counts")?.split_off(before.len());
    let told: String = writes.iter().take(20).map(|it| format!("\n  {it}")).collect();
    ensure!(
        writes.len() <= 1,
        "{} writes within {REST:?} of rest:{told}",
        writes.len()
    );
    Ok(())
}
