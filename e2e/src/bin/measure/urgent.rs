//! How long a person waits for the effect of a promotion or an abort while many other rollouts are updated, at the
//! controller's stock limits.

use crate::load::{self, Load};
use crate::say;
use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use serin_e2e::cluster::RealCluster;
use serin_e2e::lives::Life;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Rollouts that stand in a pause, for somebody to promote or abort.
const PEOPLE: u64 = 40;
/// Between two people.
const BETWEEN: Duration = Duration::from_millis(300);

/// What somebody does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Promote,
    Abort,
}

impl Deed {
    fn patch(self) -> Value {
        match self {
            Self::Promote => json!({"status": {"pauseConditions": null}}),
            Self::Abort => json!({"status": {"abort": true}}),
        }
    }
}

/// Milliseconds, sorted.
struct Waits(Vec<u128>);

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |percent: usize| self.0.get(self.0.len().saturating_sub(1) * percent / 100).copied();
        let [median, most, all] = [50, 95, 100].map(|percent| at(percent).unwrap_or_default());
        write!(f, "median {median} ms, 95 of 100 within {most} ms, longest {all} ms")
    }
}

/// Updates so many rollouts at once and measures what people wait for meanwhile.
pub(crate) async fn urgent(real: &RealCluster, program: &Path, rollouts: u64) -> Result<()> {
    let load = Load::new(real, "urgent").await?;
    let api = &load.rollouts;
    let child = load::start(program, real.controller_kubeconfig(), 0, &load::UNLIMITED)?;
    load.seed(0..rollouts, Life::Canary { steps: 1, pauses: 0 }, 1).await?;
    let people = rollouts..rollouts + PEOPLE;
    load.seed(people.clone(), Life::Canary { steps: 1, pauses: 1 }, 2)
        .await?;
    load.wait_until("Healthy", rollouts + PEOPLE).await?;
    set_image(api, people.clone(), "app:2").await?;
    load.wait_until("Paused", PEOPLE).await?;
    load::end(child).await?;

    let child = load::start(program, real.controller_kubeconfig(), 0, &[])?;
    sleep(Duration::from_secs(10)).await;
    set_image(api, 0..rollouts, "app:2").await?;
    let (mut promotions, mut aborts, mut patches) = (Vec::new(), Vec::new(), Vec::new());
    for number in people {
        let deed = if number % 2 == 0 { Deed::Promote } else { Deed::Abort };
        let (patch, effect) = act(&load, &load::name(number), deed).await?;
        patches.push(patch.as_millis());
        match deed {
            Deed::Promote => promotions.push(effect.as_millis()),
            Deed::Abort => aborts.push(effect.as_millis()),
        }
        sleep(BETWEEN).await;
    }
    let healthy = load.count("Healthy").await?;
    let unsettled = (rollouts + PEOPLE).saturating_sub(healthy);
    for (what, mut waits) in [
        ("a promotion", promotions),
        ("an abort", aborts),
        ("a bare PATCH", patches),
    ] {
        waits.sort_unstable();
        say(&format!("{what}, {rollouts} rollouts in flight: {}\n", Waits(waits)))?;
    }
    say(&format!("not yet Healthy at the end: {unsettled}\n"))?;
    load::end(child).await
}

async fn set_image(api: &Api<DynamicObject>, numbers: std::ops::Range<u64>, image: &str) -> Result<()> {
    let patch = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]);
    let patch: Patch<()> = Patch::Json(serde_json::from_value(patch)?);
    stream::iter(numbers)
        .map(|number| {
            let patch = &patch;
            async move {
                api.patch(&load::name(number), &PatchParams::default(), patch).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(16)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// How long the person's own PATCH took, and how long until a ReplicaSet was scaled for it, from its answer.
async fn act(load: &Load, name: &str, deed: Deed) -> Result<(Duration, Duration)> {
    let before = sizes(&load.replica_sets, name).await?;
    let began = Instant::now();
    let patch = Patch::Merge(deed.patch());
    load.rollouts
        .patch_status(name, &PatchParams::default(), &patch)
        .await?;
    let answered = Instant::now();
    while sizes(&load.replica_sets, name).await? == before {
        if answered.elapsed() > Duration::from_secs(60) {
            bail!("nothing came of it for {name} within a minute");
        }
        sleep(Duration::from_millis(2)).await;
    }
    Ok((answered - began, answered.elapsed()))
}

async fn sizes(api: &Api<ReplicaSet>, name: &str) -> Result<Vec<(String, i32)>> {
    let listed = api.list(&ListParams::default().labels(&format!("app={name}"))).await?;
    let size = |set: ReplicaSet| {
        let replicas = set.spec.replicas.context("a size")?;
        Ok((set.metadata.name.unwrap_or_default(), replicas))
    };
    listed.items.into_iter().map(size).collect()
}
