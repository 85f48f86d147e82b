//! What the controller costs: object writes from the API server's audit log, memory, and time.
//!
//! `cargo run -p serin-e2e --bin measure -- --help` lists what can be measured.

mod failover;
mod load;
mod runs;
mod urgent;

use anyhow::{Context, Result, bail};
use serin_controller::Options;
use serin_e2e::cluster::Place;
use serin_e2e::lives::Life;
use serin_e2e::world::Wishes;
use serin_e2e::{Cluster, World};
use serin_sandbox::workload::kubelet::KubeletOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::sleep;

const HELP: &str = "\
usage: measure writes
       measure rest [--seconds N]
       measure memory --program FILE [--rollouts N] [--old N] [--seconds N]      (and cold start, and CPU at rest)
       measure urgent --program FILE [--rollouts N]
       measure runs [--runs N] [--qps N] [--burst N] [--seconds N]               (in this process: build it for release)
       measure failover --program FILE [--rounds N]

FILE is the release build of serin-controller.
";

#[tokio::main]
async fn main() -> ExitCode {
    serin_controller::install_tls();
    match run(std::env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: Vec<String>) -> Result<()> {
    let value = |name: &str| words.iter().position(|it| it == name).and_then(|at| words.get(at + 1));
    let number = |name: &str, default: u64| value(name).map_or(Ok(default), |it| it.parse().context(name.to_owned()));
    let what = words.first().context(HELP)?;
    if what == "--help" {
        return say(HELP);
    }
    if what == "runs" {
        let plan = runs::Plan {
            runs: number("--runs", 5000)?,
            qps: f64::from(u32::try_from(number("--qps", 1000)?)?),
            burst: u32::try_from(number("--burst", 2000)?)?,
            seconds: number("--seconds", 60)?,
        };
        return runs::runs(&plan).await;
    }
    let cluster = Cluster::start(Place::Real, KubeletOptions::load()).await?;
    let measured = match what.as_str() {
        "writes" => writes(&cluster).await,
        "rest" => rest(&cluster, number("--seconds", 600)?).await,
        "memory" => match (value("--program"), &cluster) {
            (Some(program), Cluster::Real(real)) => {
                let (rollouts, old) = (number("--rollouts", 0)?, number("--old", 0)?);
                load::memory(real, &PathBuf::from(program), rollouts, old, number("--seconds", 60)?).await
            }
            _ => bail!(HELP),
        },
        "urgent" => match (value("--program"), &cluster) {
            (Some(program), Cluster::Real(real)) => {
                urgent::urgent(real, &PathBuf::from(program), number("--rollouts", 500)?).await
            }
            _ => bail!(HELP),
        },
        "failover" => match value("--program") {
            Some(program) => failover_rows(&cluster, &PathBuf::from(program), number("--rounds", 5)?).await,
            None => bail!(HELP),
        },
        other => bail!("{other:?} is not known\n{HELP}"),
    };
    cluster.stop().await;
    measured
}

async fn writes(cluster: &Cluster) -> Result<()> {
    let canary = |steps, pauses| Life::Canary { steps, pauses };
    let lives = [
        canary(0, 0),
        canary(1, 0),
        canary(1, 1),
        canary(2, 0),
        canary(2, 1),
        canary(4, 0),
        canary(4, 1),
    ];
    let switched = [false, true].map(|preview| Life::BlueGreen { preview });
    for life in lives.into_iter().chain(switched) {
        let mut world = World::start(cluster, Wishes::default()).await?;
        let counted = life.live(&mut world).await?;
        world.stop().await?;
        let [first, update] = life.bounds().map(|it| it.others + it.status);
        say(&format!(
            "{life}: first deploy {} (at most {first}), update {} (at most {update})\n",
            counted.first_deploy.len(),
            counted.update.len()
        ))?;
        for write in counted.first_deploy.iter().chain(&counted.update) {
            say(&format!("    {write}\n"))?;
        }
    }
    Ok(())
}

async fn failover_rows(cluster: &Cluster, program: &Path, rounds: u64) -> Result<()> {
    for (signal, what) in [("TERM", "asked to stop"), ("KILL", "killed")] {
        let all = failover::failover(cluster, program, signal, rounds).await?;
        let told: Vec<String> = all.iter().map(|it| format!("{it:.2}")).collect();
        say(&format!(
            "leader {what}: first write of the standby after {} s\n",
            told.join(", ")
        ))?;
    }
    Ok(())
}

async fn rest(cluster: &Cluster, seconds: u64) -> Result<()> {
    let wishes = Wishes {
        controller: Options {
            // At least two in the window.
            rollout_resync: (seconds / 3).max(1),
            ..Options::default()
        },
        ..Wishes::default()
    };
    let mut world = World::start(cluster, wishes).await?;
    Life::Canary { steps: 1, pauses: 0 }.live(&mut world).await?;
    let before = world.writes()?.context("no audit log")?.len();
    sleep(Duration::from_secs(seconds)).await;
    let after = world.writes()?.context("no audit log")?.len();
    world.stop().await?;
    say(&format!("writes at rest in {seconds} s: {}\n", after - before))
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
