//! How long nobody writes when a leader goes.

use anyhow::{Context, Result};
use jiff::Timestamp;
use serin_e2e::lives::Life;
use serin_e2e::process::{Program, pair};
use serin_e2e::world::Wishes;
use serin_e2e::{Cluster, World};
use std::path::Path;

/// Seconds from the signal to the first write of the standby, in each round.
pub(crate) async fn failover(cluster: &Cluster, program: &Path, signal: &str, rounds: u64) -> Result<Vec<f64>> {
    let program = Program::other(program.to_path_buf());
    let mut all = Vec::new();
    for _ in 0..rounds {
        all.push(round(cluster, &program, signal).await?);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

async fn round(cluster: &Cluster, program: &Program, signal: &str) -> Result<f64> {
    let mut world = World::start(cluster, Wishes::default()).await?;
    world.kill_controller().await?;
    let (leader, standby, _) = pair(&world, program).await?;
    let rollout = Life::Canary { steps: 0, pauses: 0 }.manifest().to_string();
    world.given().rollout(&rollout).healthy().await?;
    let gone = Timestamp::now();
    leader.signal(signal).await?;
    // Work that waits.
    world
        .when()
        .set_image("app:2")
        .then()
        .healthy()
        .ready_pods(2, 1)
        .await?;
    let writes = world.signed_writes()?.context("the audit log is needed")?;
    let mut objects = writes.iter().filter(|it| it.write.resource != "leases");
    let former = objects.clone().rfind(|it| it.at < gone).context("nobody led")?;
    let first = objects.find(|it| it.at >= gone && it.by != former.by);
    let first = first.context("the standby wrote nothing")?;
    let seconds = first.at.duration_since(gone).as_secs_f64();
    drop(standby);
    world.stop().await?;
    Ok(seconds)
}
