//! Rollouts as Argo Rollouts leaves them, taken over: nothing is recreated, no step begins anew, near to nothing is written.
//!
//! The objects are those of `core/tests/fixtures/takeover`; times and generations are made to fit the cluster.

use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Service;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use serin_core::api::Rollout;
use serin_core::wire;
use serin_e2e::process::CONTROLLER;
use serin_e2e::view::is_ready;
use serin_e2e::{View, World};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// The moment at which the fixtures speak.
const THEN: &str = "2026-03-02T10:00:40Z";
/// What the controller may write for a rollout that rests: a status that says the same in the words of this version.
const WRITES_AT_REST: usize = 1;

pub(crate) async fn canaries(world: &mut World) -> Result<()> {
    each(world, "canary-").await
}

pub(crate) async fn blue_greens(world: &mut World) -> Result<()> {
    each(world, "bluegreen-").await
}

async fn each(world: &mut World, prefix: &str) -> Result<()> {
    world.kill_controller().await?;
    let mut failures = Vec::new();
    for (name, text) in fixtures(prefix)? {
        put(world, &text).await.with_context(|| name.clone())?;
        if let Err(error) = taken_over(world, &name).await {
            let now = world.view().await?;
            failures.push(format!("{name}: {error:#}\n{now}"));
        }
        clear(world).await?;
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Only reads, and says of each ReplicaSet what it is.
pub(crate) async fn the_report_writes_nothing(world: &mut World) -> Result<()> {
    world.kill_controller().await?;
    let (_, text) = fixtures("canary-paused-1.8")?.pop().context("no such fixture")?;
    put(world, &text).await?;
    let view = running(world).await?;
    let before = world.signed_writes()?.context("no audit log")?;
    let output = Command::new(std::env::current_exe()?)
        .arg(CONTROLLER)
        .arg("--kubeconfig")
        .arg(world.kubeconfig().context("no kubeconfig")?)
        .arg(format!("--namespace={}", world.namespace()))
        .args(["--namespaced", "--takeover-report"])
        .output()
        .await?;
    let told = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let set = |revision| {
        view.replica_set(revision)
            .map(ResourceExt::name_any)
            .unwrap_or_default()
    };
    let lines = [
        format!("rollout {}/shop", world.namespace()),
        format!("  new     {} (revision 2, 1/1 pods available): ", set(2)),
        format!(
            "  stable  {} (revision 1, 3/3 pods available): status.stableRS names it",
            set(1)
        ),
        "1 rollouts: 1 adopted as they are, 0 would get a new ReplicaSet".to_owned(),
    ];
    for line in lines {
        ensure!(told.contains(&line), "{line:?} is missing in:\n{told}");
    }
    ensure!(
        world.signed_writes()?.context("no audit log")? == before,
        "a report wrote"
    );
    Ok(())
}

fn fixtures(prefix: &str) -> Result<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("core")
        .join("tests/fixtures/takeover");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with(prefix) {
            all.push((name, std::fs::read_to_string(&path)?));
        }
    }
    ensure!(!all.is_empty(), "no fixture begins with {prefix}");
    all.sort();
    Ok(all)
}

/// Starts the controller upon what another one left, and looks at what it does.
async fn taken_over(world: &mut World, name: &str) -> Result<()> {
    let before = running(world).await?;
    let written = world.writes()?.context("nobody counts")?.len();
    world.start_controller().await?;
    sleep(Duration::from_secs(4)).await;
    let writes = world.writes()?.context("nobody counts")?.split_off(written);
    let after = world.view().await?;
    world.kill_controller().await?;
    let told: String = writes.iter().map(|it| format!("\n  {it}")).collect();
    ensure!(
        names(&before) == names(&after),
        "the ReplicaSets were {:?}:{told}",
        names(&before)
    );
    let (step, was) = (
        after.rollout.status.current_step_index,
        before.rollout.status.current_step_index,
    );
    ensure!(step >= was, "the step was {was:?}:{told}");
    let new = revision_of(&before.rollout)?;
    let (kept, were) = (pods_of(&after, new), pods_of(&before, new));
    ensure!(
        kept.is_superset(&were),
        "pods of the new revision were recreated:{told}"
    );
    // Pods become ready here whatever the fixture says: these two go on with their updates.
    if name.ends_with("-progressing") || name.ends_with("-degraded") {
        return Ok(());
    }
    ensure!(pods(&before) == pods(&after), "other pods than before:{told}");
    ensure!(step == was, "the step was {was:?}:{told}");
    ensure!(
        before.phase().0 == after.phase().0,
        "the phase was {}:{told}",
        before.phase().0
    );
    ensure!(writes.len() <= WRITES_AT_REST, "{} writes:{told}", writes.len());
    ensure!(writes.iter().all(|it| it.resource == "rollouts/status"), "{told}");
    Ok(())
}

fn names(view: &View) -> BTreeSet<String> {
    view.replica_sets.iter().map(ResourceExt::name_any).collect()
}

fn pods(view: &View) -> BTreeSet<String> {
    view.pods.iter().filter_map(ResourceExt::uid).collect()
}

fn pods_of(view: &View, revision: i64) -> BTreeSet<String> {
    view.pods_of(revision).filter_map(ResourceExt::uid).collect()
}

fn revision_of(rollout: &Rollout) -> Result<i64> {
    let revision = rollout.annotations().get(wire::REVISION);
    Ok(revision.context("a rollout without revision")?.parse()?)
}

/// Waits until all pods run, and are counted.
async fn running(world: &World) -> Result<View> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let view = world.view().await?;
        let complete = view.replica_sets.iter().all(|set| {
            let wanted = set.spec.replicas.unwrap_or_default();
            set.status
                .as_ref()
                .is_some_and(|it| it.replicas == wanted && it.available_replicas.unwrap_or_default() == wanted)
        });
        if complete && !view.replica_sets.is_empty() && view.pods.iter().all(is_ready) {
            return Ok(view);
        }
        ensure!(Instant::now() < until, "the pods do not run:\n{view}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn put(world: &mut World, text: &str) -> Result<()> {
    let late = world.now().duration_since(THEN.parse()?);
    let mut sets = Vec::new();
    let mut owner = None;
    for document in serin_core::notation::yaml::parse_docs(text)? {
        let mut object = document.value;
        shift(&mut object, SignedDuration::from_secs(late.as_secs()));
        let generation = object["metadata"]["generation"].as_i64().unwrap_or(1);
        if let Some(metadata) = object["metadata"].as_object_mut() {
            for given_by_the_server in ["uid", "resourceVersion", "generation", "creationTimestamp", "namespace"] {
                metadata.remove(given_by_the_server);
            }
        }
        match object["kind"].as_str() {
            Some("Rollout") => owner = Some(put_rollout(world, object, generation).await?),
            Some("ReplicaSet") => sets.push(object),
            Some("Service") => put_service(world, object).await?,
            other => bail!("a fixture with a {other:?}"),
        }
    }
    let owner = owner.context("a fixture without a rollout")?;
    let api: Api<ReplicaSet> = Api::namespaced(world.client(), world.namespace());
    for mut set in sets {
        set["metadata"]["ownerReferences"][0]["uid"] = json!(owner);
        api.create(&PostParams::default(), &serde_json::from_value(set)?)
            .await?;
    }
    Ok(())
}

/// Every time in it, moved.
fn shift(value: &mut Value, by: SignedDuration) {
    match value {
        Value::String(text) => {
            if let Ok(at) = text.parse::<Timestamp>() {
                *text = (at + by).to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| shift(it, by)),
        Value::Object(members) => members.values_mut().for_each(|it| shift(it, by)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Creates it, edits it until it has its generation, and gives it its status; its UID is returned.
async fn put_rollout(world: &mut World, mut rollout: Value, generation: i64) -> Result<String> {
    let limit = rollout["spec"]["revisionHistoryLimit"].take();
    let status = rollout["status"].take();
    let edit = |edits_to_come: i64| match edits_to_come {
        0 => json!({"spec": {"revisionHistoryLimit": limit}}),
        more => json!({"spec": {"revisionHistoryLimit": 10 + more}}),
    };
    rollout["spec"]["revisionHistoryLimit"] = edit(generation - 1)["spec"]["revisionHistoryLimit"].clone();
    let name = world.create(rollout).await?.name_any();
    let (api, params) = (world.raw_rollouts(), PatchParams::default());
    for edits_to_come in (0..generation - 1).rev() {
        api.patch(&name, &params, &Patch::Merge(edit(edits_to_come))).await?;
    }
    let put = api
        .patch_status(&name, &params, &Patch::Merge(json!({"status": status})))
        .await?;
    ensure!(
        put.metadata.generation == Some(generation),
        "generation {:?}",
        put.metadata.generation
    );
    world.rollout_is(&name);
    put.uid().context("a rollout without UID")
}

async fn put_service(world: &World, mut service: Value) -> Result<()> {
    if service["spec"]["ports"].is_null() {
        service["spec"]["ports"] = json!([{"port": 80}]);
    }
    let api: Api<Service> = Api::namespaced(world.client(), world.namespace());
    api.create(&PostParams::default(), &serde_json::from_value(service)?)
        .await?;
    Ok(())
}

async fn clear(world: &World) -> Result<()> {
    let services: Api<Service> = Api::namespaced(world.client(), world.namespace());
    for service in services.list(&ListParams::default()).await?.items {
        services.delete(&service.name_any(), &DeleteParams::default()).await?;
    }
    let name = world.view().await?.rollout.metadata.name.unwrap_or_default();
    world.rollouts().delete(&name, &DeleteParams::foreground()).await?;
    while world.rollouts().get_opt(&name).await?.is_some() {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
