//! Requests through a real proxy while Serin moves its weights: none may be lost (`e2e/dataplane` runs it).
//!
//! Traefik reads the routes that Serin writes, and the EndpointSlices of a real control plane, and sends requests to small
//! HTTP servers, one for each pod. All of it lives in a network namespace of its own, because pods need addresses, and those
//! of loopback are refused in EndpointSlices. `SERIN_TRAEFIK` names the folder that `e2e/traefik/build` made; without it,
//! without a control plane, or where no namespace is permitted, all of it is ignored and says why.
//!
//! `SERIN_REQUESTS` are all requests together, `SERIN_CANARIES` the canaries of [`lives`], `SERIN_SEED` their moments.

mod control;
mod journal;
mod lives;
mod load;
mod namespace;
mod routes;
mod servers;
mod stage;
mod traefik;
mod updates;

use anyhow::{Context, Result, ensure};
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use journal::Journal;
use load::Tally;
use serin_e2e::harness::{self, Asked, Failed, Outcome, say};
use serin_e2e::{Cluster, World};
use serin_sandbox::control_plane::Assets;
use serin_sandbox::workload::kubelet::KubeletOptions;
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use traefik::Traefik;

/// Scenarios at a time: they mostly wait.
const SIDE_BY_SIDE: usize = 4;
/// A scenario that takes longer than this hangs; a canary of [`lives`] takes up to two minutes.
const LIMIT: Duration = Duration::from_secs(300);

type Play = for<'s> fn(&'s mut Stage) -> BoxFuture<'s, Result<()>>;

#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    play: Play,
    /// Parts of all requests that are sent during this one.
    parts: u64,
    /// How long it takes at least.
    seconds: u64,
    /// Requests are lost here, or the test would prove nothing.
    loses: bool,
}

macro_rules! scenario {
    ($module:ident :: $function:ident, $parts:expr, $seconds:expr) => {
        Scenario {
            name: concat!(stringify!($module), "::", stringify!($function)),
            parts: $parts,
            seconds: $seconds,
            loses: false,
            play: |stage| Box::pin($module::$function(stage)),
        }
    };
}

fn scenarios() -> Vec<Scenario> {
    let lost = Scenario {
        loses: true,
        ..scenario!(control::pods_that_go_before_the_weight_lose_requests, 1, 20)
    };
    vec![
        scenario!(lives::canaries_are_aborted_at_any_moment, 5, 40 * lives::canaries()),
        scenario!(updates::a_whole_canary_by_gateway_api, 3, 80),
        scenario!(updates::an_abort_and_a_retry, 3, 60),
        scenario!(updates::a_rollback_in_mid_canary_by_traefik_service, 3, 50),
        scenario!(updates::a_third_version_in_mid_canary, 3, 60),
        scenario!(updates::stable_shrinks_as_the_weight_rises, 3, 60),
        scenario!(updates::a_blue_green_switch_by_ingress, 3, 60),
        lost,
    ]
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
fn run() -> Result<bool> {
    let asked = Asked::of_the_command_line();
    let (chosen, left_out): (Vec<_>, Vec<_>) = scenarios().into_iter().partition(|it| asked.chooses(it.name));
    if asked.list {
        harness::list(chosen.iter().map(|it| it.name))?;
        return Ok(true);
    }
    let traefik = std::env::var_os("SERIN_TRAEFIK").map(PathBuf::from);
    let Some(traefik) = traefik.filter(|it| !it.as_os_str().is_empty()) else {
        return ignored(&chosen, "SERIN_TRAEFIK names no folder with Traefik", left_out.len());
    };
    let program = traefik.join("traefik");
    ensure!(program.is_file(), "SERIN_TRAEFIK: there is no {}", program.display());
    if let Err(missing) = Assets::find() {
        return ignored(&chosen, &missing.to_string(), left_out.len());
    }
    if !namespace::inside() {
        return match namespace::missing() {
            Some(why) => ignored(&chosen, &why, left_out.len()),
            None => namespace::enter(),
        };
    }
    harness::prepare();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let began = Instant::now();
    let failed = runtime.block_on(with_traefik(traefik, &chosen))?;
    harness::conclude(&Outcome {
        passed: chosen.len() - failed.len(),
        failed,
        ignored: 0,
        left_out: left_out.len(),
        began,
    })
}

/// Reports that none of them can be played here.
fn ignored(scenarios: &[Scenario], why: &str, left_out: usize) -> Result<bool> {
    say(&format!("\nrunning {} tests\n", scenarios.len()))?;
    for it in scenarios {
        harness::say_ignored(it.name, why)?;
    }
    harness::conclude(&Outcome {
        passed: 0,
        failed: Failed::new(),
        ignored: scenarios.len(),
        left_out,
        began: Instant::now(),
    })
}

/// A number of the environment.
fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// One control plane and one Traefik for all of them.
async fn with_traefik(folder: PathBuf, scenarios: &[Scenario]) -> Result<Failed> {
    let cluster = Cluster::start_own(KubeletOptions::cluster(), &["endpointslice-controller"]).await?;
    let played = play_all(&cluster, folder, scenarios).await;
    cluster.stop().await;
    played
}

async fn play_all(cluster: &Cluster, folder: PathBuf, scenarios: &[Scenario]) -> Result<Failed> {
    let Cluster::Real(real) = cluster else {
        anyhow::bail!("Traefik needs a real control plane");
    };
    let journal = Journal::default();
    let servers = tokio::spawn(servers::run(real.client(), journal.clone()));
    let kubeconfig = real.admin_kubeconfig().context("the control plane is not our own")?;
    let traefik = Traefik::start(folder, &real.client(), kubeconfig).await?;
    let requests = number("SERIN_REQUESTS", 20_000);
    let parts: u64 = scenarios.iter().map(|it| it.parts).sum();
    say(&format!(
        "\nrunning {} tests with {requests} requests\n",
        scenarios.len()
    ))?;
    let outcomes: Vec<(Scenario, Result<Tally>)> = stream::iter(scenarios)
        .map(|scenario| async {
            let quota = (requests * scenario.parts).div_ceil(parts.max(1));
            let began = Instant::now();
            let outcome = attempt(cluster, &journal, scenario, quota).await;
            let words = match &outcome {
                Ok(tally) => format!("ok ({tally}, {:.0} s)", began.elapsed().as_secs_f64()),
                Err(_) => "FAILED".to_owned(),
            };
            say(&format!("test {} ... {words}\n", scenario.name))?;
            Ok((*scenario, outcome))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .collect::<Vec<Result<_>>>()
        .await
        .into_iter()
        .collect::<Result<_>>()?;
    servers.abort();
    // Stopping waits for the program, which would block the runtime's thread.
    tokio::task::spawn_blocking(move || drop(traefik)).await?;
    let all: Tally = outcomes
        .iter()
        .filter(|(scenario, _)| !scenario.loses)
        .filter_map(|(_, outcome)| outcome.as_ref().ok())
        .sum();
    say(&format!("\nrequests that none may be lost of: {all}\n"))?;
    let failed = outcomes.into_iter();
    Ok(failed
        .filter_map(|(scenario, outcome)| Some((scenario.name, format!("{:#}", outcome.err()?))))
        .collect())
}

async fn attempt(cluster: &Cluster, journal: &Journal, scenario: &Scenario, quota: u64) -> Result<Tally> {
    let world = World::start(cluster, serin_e2e::world::Wishes::default()).await?;
    let mut stage = Stage::new(world, journal.clone(), quota, scenario.seconds);
    let limit = LIMIT + Duration::from_secs(scenario.seconds * 3);
    let played = harness::guarded((scenario.play)(&mut stage), limit).await;
    let tally = stage.stop(scenario.loses && played.is_ok()).await;
    played?;
    tally
}
