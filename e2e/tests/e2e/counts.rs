//! How often the controller writes (decision 28). On a real control plane of our own the API server's audit log counts.

use anyhow::{Result, bail, ensure};
use serin_controller::Options;
use serin_e2e::World;
use serin_e2e::lives::Life;
use serin_e2e::world::Wishes;
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
        ..Wishes::default()
    }
}

/// Lives that may be lived until one stays within the bound of the status writes.
const LIVES: usize = 3;

/// A machine so busy that two states of one pod are seen more than 250 ms apart adds status writes of counters, and
/// nothing else (decision 28): so the least of a few lives counts for them, and every life for all other writes.
async fn floors(world: &mut World, life: Life) -> Result<()> {
    let bounds = life.bounds();
    let mut exceeded = String::new();
    for _ in 0..LIVES {
        let counted = life.live(world).await?;
        let parts = [
            ("a first deploy", &counted.first_deploy),
            ("the update", &counted.update),
        ];
        exceeded.clear();
        for ((part, writes), bound) in parts.into_iter().zip(&bounds) {
            let status = writes.iter().filter(|it| it.resource == "rollouts/status").count();
            let told = writes.iter().map(|it| format!("\n  {it}")).collect::<String>();
            let others = writes.len() - status;
            ensure!(
                others <= bound.others,
                "{others} writes apart from status in place of {} for {part}:{told}",
                bound.others
            );
            if status > bound.status {
                exceeded.push_str(&format!(
                    "{status} status writes in place of {} for {part}:{told}\n",
                    bound.status
                ));
            }
        }
        if exceeded.is_empty() {
            return nothing_at_rest(world).await;
        }
        life.end(world).await?;
    }
    bail!("in each of {LIVES} lives: {exceeded}")
}

/// At rest nothing is written, though everything is looked at again and again.
async fn nothing_at_rest(world: &World) -> Result<()> {
    let before = world.writes()?.map_or(0, |it| it.len());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let at_rest = world.writes()?.map_or(0, |it| it.len()) - before;
    ensure!(at_rest == 0, "{at_rest} writes at rest");
    Ok(())
}

pub(crate) async fn without_steps(world: &mut World) -> Result<()> {
    floors(world, Life::Canary { steps: 0, pauses: 0 }).await
}

pub(crate) async fn one_step(world: &mut World) -> Result<()> {
    floors(world, Life::Canary { steps: 1, pauses: 0 }).await
}

pub(crate) async fn two_steps(world: &mut World) -> Result<()> {
    floors(world, Life::Canary { steps: 2, pauses: 0 }).await
}

pub(crate) async fn four_steps(world: &mut World) -> Result<()> {
    floors(world, Life::Canary { steps: 4, pauses: 0 }).await
}

pub(crate) async fn two_steps_and_a_pause(world: &mut World) -> Result<()> {
    floors(world, Life::Canary { steps: 2, pauses: 1 }).await
}

pub(crate) async fn blue_green(world: &mut World) -> Result<()> {
    floors(world, Life::BlueGreen { preview: false }).await
}

pub(crate) async fn blue_green_with_preview(world: &mut World) -> Result<()> {
    floors(world, Life::BlueGreen { preview: true }).await
}
