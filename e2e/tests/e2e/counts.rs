//! How often the controller writes (decision 28). On a real control plane of our own the API server's audit log counts.

use anyhow::{Result, ensure};
use serin_controller::Options;
use serin_e2e::World;
use serin_e2e::world::Wishes;
use serin_e2e::writes::{Shape, Write, counted_life};
use serin_sandbox::workload::kubelet::KubeletOptions;
use std::time::Duration;

/// Pods are ready at once, and everything is looked at every two seconds.
pub(crate) fn wishes() -> Wishes {
    Wishes {
        controller: Options {
            rollout_resync: 2,
            ..Options::default()
        },
        kubelet: KubeletOptions {
            ready_after: Duration::ZERO,
            ..KubeletOptions::sandbox()
        },
    }
}

async fn floors(world: &mut World, steps: usize, pauses: usize) -> Result<()> {
    let counted = counted_life(world, Shape { steps, pauses }).await?;
    let told = |writes: &[Write]| writes.iter().map(|it| format!("\n  {it}")).collect::<String>();
    let (first, update) = (&counted.first_deploy, &counted.update);
    ensure!(
        first.len() <= 4,
        "{} writes for a first deploy:{}",
        first.len(),
        told(first)
    );
    let floor = 3 * steps + 6 + 2 * pauses;
    ensure!(
        update.len() <= floor,
        "{} writes in place of {floor} for the update:{}",
        update.len(),
        told(update)
    );
    // At rest nothing is written, though everything is looked at again and again.
    let before = world.writes()?.map_or(0, |it| it.len());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let at_rest = world.writes()?.map_or(0, |it| it.len()) - before;
    ensure!(at_rest == 0, "{at_rest} writes at rest");
    Ok(())
}

pub(crate) async fn without_steps(world: &mut World) -> Result<()> {
    floors(world, 0, 0).await
}

pub(crate) async fn one_step(world: &mut World) -> Result<()> {
    floors(world, 1, 0).await
}

pub(crate) async fn two_steps(world: &mut World) -> Result<()> {
    floors(world, 2, 0).await
}

pub(crate) async fn four_steps(world: &mut World) -> Result<()> {
    floors(world, 4, 0).await
}

pub(crate) async fn two_steps_and_a_pause(world: &mut World) -> Result<()> {
    floors(world, 2, 1).await
}
