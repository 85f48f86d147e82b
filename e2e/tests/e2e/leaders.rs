//! Two controllers as processes, one lease, on a real control plane: whoever leads dies, pauses, or is cut off.

use crate::blue_green::deployed;
use crate::canary::CANARY;
use anyhow::{Context, Result, bail, ensure};
use serin_e2e::cluster::Place;
use serin_e2e::process::{Process, Program, delete_lease, new_holder, pair, send, take_lease};
use serin_e2e::world::Wishes;
use serin_e2e::writes::Signed;
use serin_e2e::{Cluster, World};
use serin_sandbox::workload::kubelet::KubeletOptions;
use std::path::Path;
use std::time::Duration;

/// Far more than a lease lasts here.
const SOON: Duration = Duration::from_secs(20);

/// The controller of the world gives way to two processes that compete.
async fn compete(world: &mut World) -> Result<(Process, Process, String)> {
    world.kill_controller().await?;
    pair(world, &Program::this()?).await
}

/// Writes that went through, in order; each writer's are together: none comes back after another's first.
fn handed_over_once(world: &World, writers: usize) -> Result<()> {
    let mut all = world.signed_writes()?.context("no audit log")?;
    all.retain(|it| it.write.resource != "leases" && it.write.code < 300);
    let told = |all: &[Signed]| {
        all.iter()
            .map(|it| format!("\n  {} {} {}", it.at, it.by, it.write))
            .collect::<String>()
    };
    let mut turns: Vec<&str> = all.iter().map(|it| it.by.as_str()).collect();
    turns.dedup();
    let mut once = turns.clone();
    once.sort_unstable();
    once.dedup();
    ensure!(
        !turns.contains(&""),
        "the audit log does not say who wrote:{}",
        told(&all)
    );
    ensure!(turns.len() == once.len(), "a former leader wrote again:{}", told(&all));
    ensure!(
        turns.len() == writers,
        "{} of {writers} wrote:{}",
        turns.len(),
        told(&all)
    );
    Ok(())
}

pub(crate) async fn the_standby_goes_on_with_a_canary(world: &mut World) -> Result<()> {
    let (leader, _standby, _) = compete(world).await?;
    world.given().rollout(CANARY).healthy().ready_pods(1, 4).await?;
    // Its first pod is not ready yet.
    world.when().set_image("app:2").then().pods(2, 1).await?;
    leader.signal("KILL").await?;
    world
        .then()
        .phase("Paused")
        .at_step(1)
        .ready_pods(2, 1)
        .ready_pods(1, 3)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .pods(1, 0)
        .events_in_order(&["RolloutPaused", "RolloutStepCompleted", "RolloutCompleted"])
        .await?;
    handed_over_once(world, 2)
}

pub(crate) async fn the_standby_goes_on_with_a_switch(world: &mut World) -> Result<()> {
    let (leader, _standby, _) = compete(world).await?;
    deployed(world)
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 2)
        .remember_pods()
        .when()
        .promote()
        .await?;
    // Wherever it is: before the switch, between the switch and the status, or after both.
    leader.signal("KILL").await?;
    world
        .then()
        .serves("active", 2)
        .healthy()
        .ready_pods(2, 2)
        .pods(1, 0)
        .await?;
    handed_over_once(world, 2)
}

pub(crate) async fn a_graceful_stop_hands_over_at_once(world: &mut World) -> Result<()> {
    let (mut leader, _standby, name) = compete(world).await?;
    world.given().rollout(CANARY).healthy().await?;
    leader.signal("TERM").await?;
    let status = leader.ended(SOON).await?;
    ensure!(status.success(), "asked to stop it ended with {status}");
    new_holder(world, Some(&name), SOON).await?;
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .await?;
    handed_over_once(world, 2)
}

pub(crate) async fn a_paused_leader_writes_nothing_afterwards(world: &mut World) -> Result<()> {
    let (mut leader, _standby, name) = compete(world).await?;
    world.given().rollout(CANARY).healthy().await?;
    world.when().set_image("app:2").then().pods(2, 1).await?;
    leader.signal("STOP").await?;
    new_holder(world, Some(&name), SOON).await?;
    world.then().phase("Paused").at_step(1).await?;
    // What the former leader has not seen yet would make it act: it awakes in the midst of it.
    world.when().promote().await?;
    leader.signal("CONT").await?;
    let status = leader.ended(SOON).await?;
    ensure!(!status.success(), "a leader that lost its lease ended as if asked to");
    world.then().healthy().ready_pods(2, 4).pods(1, 0).await?;
    handed_over_once(world, 2)
}

pub(crate) async fn a_lease_that_is_taken_away_ends_the_leader(world: &mut World) -> Result<()> {
    let (mut leader, _standby, _) = compete(world).await?;
    deployed(world).when().set_image("app:2").then().phase("Paused").await?;
    take_lease(world).await?;
    // It may still begin the switch, up to its next renewal; whoever ends it begins later than that.
    world.when().promote().await?;
    let status = leader.ended(SOON).await?;
    ensure!(!status.success(), "a leader that lost its lease ended as if asked to");
    world
        .then()
        .healthy()
        .serves("active", 2)
        .ready_pods(2, 2)
        .pods(1, 0)
        .await?;
    handed_over_once(world, 2)
}

pub(crate) async fn a_deleted_lease_leaves_one_leader(world: &mut World) -> Result<()> {
    let (_leader, _standby, name) = compete(world).await?;
    world.given().rollout(CANARY).healthy().await?;
    for image in ["app:2", "app:3", "app:4"] {
        delete_lease(world).await?;
        // Each of the two hears of this at once.
        world.when().set_image(image).then().phase("Paused").await?;
        world.when().promote_full().then().healthy().await?;
    }
    ensure!(
        new_holder(world, None, SOON).await? == name,
        "the leader lost its lease although it was there"
    );
    handed_over_once(world, 1)
}

/// On a control plane of its own: nobody else is to wait for this API server.
pub(crate) async fn a_paused_api_server_leaves_one_leader(world: &mut World) -> Result<()> {
    world.kill_controller().await?;
    let kubelet = KubeletOptions::cluster();
    let cluster = Cluster::start(Place::Real, kubelet).await?;
    let Cluster::Real(real) = &cluster else {
        bail!("a sandbox cannot be paused");
    };
    let server = api_server(real.audit_log().context("the control plane is not ours")?)?;
    let mut own = World::start(&cluster, Wishes::default()).await?;
    let (mut leader, _standby, _) = compete(&mut own).await?;
    own.given().rollout(CANARY).healthy().await?;
    own.when().set_image("app:2").then().pods(2, 1).await?;
    send("STOP", server).await?;
    // Longer than the lease: the leader must give up although nobody has told it anything.
    let status = leader.ended(SOON).await;
    send("CONT", server).await?;
    ensure!(!status?.success(), "a leader that lost its lease ended as if asked to");
    own.then()
        .phase("Paused")
        .at_step(1)
        .when()
        .promote()
        .then()
        .healthy()
        .await?;
    handed_over_once(&own, 2)?;
    own.stop().await?;
    cluster.stop().await;
    Ok(())
}

/// The process that writes this audit log.
fn api_server(audit_log: &Path) -> Result<u32> {
    let flag = format!("--audit-log-path={}", audit_log.display());
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|it| it.parse().ok()) else {
            continue;
        };
        // It may have ended since.
        let Ok(command) = std::fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let mut words = command.split(|it| *it == 0);
        // A shell that looks after the server has the same words behind its own.
        let serves = words.next().is_some_and(|it| it.ends_with(b"kube-apiserver"));
        if serves && words.any(|it| it == flag.as_bytes()) {
            return Ok(id);
        }
    }
    bail!("no process has the flag {flag}")
}
