//! What the controller costs: object writes from the API server's audit log, memory, and time.
//!
//! `cargo run -p serin-e2e --bin measure -- --help` lists what can be measured.

mod failover;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DynamicObject, ListParams, ObjectMeta, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;
use serin_controller::Options;
use serin_e2e::cluster::{Place, RealCluster};
use serin_e2e::lives::Life;
use serin_e2e::world::Wishes;
use serin_e2e::{Cluster, World};
use serin_sandbox::workload::kubelet::KubeletOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

const HELP: &str = "\
usage: measure writes
       measure rest [--seconds N]
       measure memory --program FILE [--rollouts N]
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
    let cluster = Cluster::start(Place::Real, KubeletOptions::load()).await?;
    let measured = match what.as_str() {
        "writes" => writes(&cluster).await,
        "rest" => rest(&cluster, number("--seconds", 600)?).await,
        "memory" => match (value("--program"), &cluster) {
            (Some(program), Cluster::Real(real)) => {
                memory(real, &PathBuf::from(program), number("--rollouts", 0)?).await
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

/// Starts the controller program beside N rollouts at rest and reads its memory.
async fn memory(real: &RealCluster, program: &Path, rollouts: u64) -> Result<()> {
    let client = real.client();
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some("measure".to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
    let api: Api<DynamicObject> = Api::namespaced_with(client, "measure", &resource);
    let mut child = start(program, real.controller_kubeconfig())?;
    stream::iter(0..rollouts)
        .map(|number| {
            let api = api.clone();
            async move {
                let mut rollout = Life::Canary { steps: 1, pauses: 0 }.manifest();
                let name = format!("web-{number}");
                rollout["metadata"]["name"] = json!(name);
                rollout["spec"]["replicas"] = json!(1);
                for labels in ["/spec/selector/matchLabels/app", "/spec/template/metadata/labels/app"] {
                    *rollout.pointer_mut(labels).context("a label")? = json!(name);
                }
                let object: DynamicObject = serde_json::from_value(rollout)?;
                api.create(&PostParams::default(), &object).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(16)
        .try_collect::<Vec<()>>()
        .await?;
    wait_until_healthy(&api, rollouts).await?;
    let busy = memory_of(&child)?;
    child.kill().await?;
    child.wait().await?;
    let mut child = start(program, real.controller_kubeconfig())?;
    sleep(Duration::from_secs(30)).await;
    let fresh = memory_of(&child)?;
    child.kill().await?;
    child.wait().await?;
    say(&format!(
        "{rollouts} resting rollouts: after deploying them {busy}; 30 s after a fresh start {fresh}\n"
    ))
}

fn start(program: &Path, kubeconfig: &Path) -> Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args([
            "--metricsPort=0",
            "--healthzPort=0",
            "--qps=1000",
            "--burst=2000",
            "--loglevel=error",
        ])
        .kill_on_drop(true);
    command.spawn().with_context(|| program.display().to_string())
}

async fn wait_until_healthy(api: &Api<DynamicObject>, wanted: u64) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(600);
    loop {
        let all = api.list(&ListParams::default()).await?.items;
        let healthy = all.iter().filter(|it| it.data["status"]["phase"] == "Healthy").count();
        if u64::try_from(healthy)? == wanted {
            // What was on its way has arrived.
            sleep(Duration::from_secs(10)).await;
            return Ok(());
        }
        if Instant::now() > until {
            bail!("{healthy} of {wanted} rollouts are Healthy after ten minutes");
        }
        sleep(Duration::from_secs(2)).await;
    }
}

/// Total and anonymous resident memory, in MiB.
fn memory_of(child: &Child) -> Result<String> {
    let pid = child.id().context("the controller has ended")?;
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).context(path)?;
    let mib = |name: &str| -> Result<f64> {
        let line = text
            .lines()
            .find_map(|it| it.strip_prefix(name))
            .with_context(|| name.to_owned())?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    };
    Ok(format!("{:.1} MiB (anonymous {:.1})", mib("VmRSS:")?, mib("RssAnon:")?))
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
