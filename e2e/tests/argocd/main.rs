//! Our hooks and our controller with a real Argo CD (docs/argocd-sync.md; `e2e/argocd` runs it).
//!
//! `ARGOCD` names the program; without it, or without a control plane, all of it is ignored and says why. The control plane is
//! always one of our own: nothing is installed into anybody's cluster.

mod access;
mod actions;
mod argo;
mod drift;
mod explain;
mod git;
mod hooks;
mod install;
mod messages;
mod offline;
mod stage;
mod sync;
mod synced;

use anyhow::{Context, Result};
use argo::{Argo, Programs};
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use hooks::Hooks;
use serin_e2e::cluster::Place;
use serin_e2e::harness::{self, Asked, Failed, Outcome, say};
use serin_e2e::world::Wishes;
use serin_e2e::{Cluster, World};
use serin_sandbox::control_plane::Assets;
use serin_sandbox::workload::kubelet::KubeletOptions;
use stage::Stage;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Scenarios at a time: they mostly wait.
const SIDE_BY_SIDE: usize = 6;
/// A scenario that takes longer than this hangs; the longest takes half a minute on an idle machine.
const LIMIT: Duration = Duration::from_secs(480);

type Play = for<'s, 'a> fn(&'s mut Stage<'a>) -> BoxFuture<'s, Result<()>>;

#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    play: Play,
    /// Only with our hooks: those of Argo CD fail at it.
    only_ours: bool,
    /// What the world is like.
    wishes: fn() -> Wishes,
    /// After the others, by itself: it changes settings that all applications share.
    alone: bool,
}

impl Scenario {
    fn wishing(self, wishes: fn() -> Wishes) -> Self {
        Self { wishes, ..self }
    }

    fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    fn with_ours(self) -> Self {
        Self {
            only_ours: true,
            ..self
        }
    }
}

macro_rules! scenario {
    ($module:ident :: $function:ident) => {
        Scenario {
            name: concat!(stringify!($module), "::", stringify!($function)),
            only_ours: false,
            wishes: Wishes::default,
            alone: false,
            play: |stage| Box::pin($module::$function(stage)),
        }
    };
}

fn scenarios() -> Vec<Scenario> {
    vec![
        scenario!(synced::a_pause_is_suspended),
        scenario!(actions::the_list_follows_the_state),
        scenario!(actions::resume),
        scenario!(actions::skip_current_step_and_promote_full),
        scenario!(actions::abort_and_retry),
        scenario!(actions::pause_and_resume),
        scenario!(actions::restart),
        scenario!(actions::a_disabled_action_leads_nowhere),
        scenario!(actions::the_second_time_writes_nothing),
        scenario!(actions::terminate_an_analysis_run_in_git),
        scenario!(actions::terminate_a_child),
        scenario!(access::a_resumer_can_resume_and_nothing_else),
        scenario!(sync::a_wave_waits_for_the_end_of_a_canary),
        scenario!(sync::an_abort_fails_a_sync_with_waves),
        scenario!(sync::an_abort_is_retried_by_automated_sync),
        scenario!(sync::a_hook_after_the_sync_waits_and_inconclusive_fails),
        scenario!(sync::a_hook_before_the_sync_keeps_a_version_out),
        scenario!(sync::waiting_takes_suspended_beside_health),
        scenario!(sync::templates_are_pruned_last),
        scenario!(messages::a_changed_message_is_not_seen),
        scenario!(messages::with_the_flag_a_changed_message_arrives).wishing(messages::announced),
        scenario!(drift::self_heal_leaves_an_abort_alone),
        scenario!(drift::self_heal_undoes_an_image_set_by_hand),
        scenario!(drift::ignored_replicas_are_written_by_a_sync),
        scenario!(drift::respected_differences_freeze_containers),
        scenario!(drift::respected_replicas_stay),
        scenario!(offline::every_fixture_is_answered_as_by_the_rules).with_ours(),
        scenario!(hooks::hooks_installed_later_work_after_a_refresh)
            .with_ours()
            .alone(),
        scenario!(sync::a_pause_that_counts_as_healthy_lets_waves_go_on)
            .with_ours()
            .alone(),
        scenario!(drift::untyped_templates_are_not_frozen).alone(),
        scenario!(drift::respected_weights_freeze_their_array),
        scenario!(drift::ignored_weights_are_written_with_their_array),
        scenario!(explain::a_paused_rollout),
        scenario!(explain::a_degraded_rollout),
        scenario!(explain::an_application_out_of_sync),
        scenario!(explain::a_sync_that_failed),
        scenario!(explain::a_frozen_array),
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
    let Some(programs) = Programs::find()? else {
        return ignored(
            &chosen,
            "ARGOCD names no program of Argo CD to test with",
            left_out.len(),
        );
    };
    if std::env::var_os("KUBECONFIG").is_some_and(|it| !it.is_empty()) {
        return ignored(
            &chosen,
            "KUBECONFIG is set, and Argo CD is not to be installed into that cluster",
            left_out.len(),
        );
    }
    if let Err(missing) = Assets::find() {
        return ignored(&chosen, &missing.to_string(), left_out.len());
    }
    harness::prepare();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let hooks = Hooks::from_environment()?;
    let (chosen, unfit): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|it| hooks.are_ours() || !it.only_ours);
    for it in &unfit {
        harness::say_ignored(it.name, "with our hooks only")?;
    }
    let began = Instant::now();
    let failed = runtime.block_on(with_argo_cd(programs, hooks, &chosen))?;
    harness::conclude(&Outcome {
        passed: chosen.len() - failed.len(),
        failed,
        ignored: unfit.len(),
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

/// One control plane and one Argo CD for all of them.
async fn with_argo_cd(programs: Programs, hooks: Hooks, scenarios: &[Scenario]) -> Result<Failed> {
    let began = Instant::now();
    let cluster = Cluster::start(Place::Real, KubeletOptions::cluster()).await?;
    let failed = match start(programs, hooks, &cluster).await {
        Ok(argo) => {
            let (version, boot) = (argo.version().await, began.elapsed().as_secs_f64());
            let outcome = match version {
                Ok(version) => {
                    say(&format!(
                        "\nrunning {} tests with Argo CD {version}, which was up after {boot:.1} s\n",
                        scenarios.len()
                    ))?;
                    play_all(&argo, &cluster, scenarios).await
                }
                Err(error) => Err(error),
            };
            // Stopping waits for the programs, which would block the runtime's thread.
            tokio::task::spawn_blocking(move || drop(argo)).await?;
            outcome
        }
        Err(error) => Err(error),
    };
    cluster.stop().await;
    failed
}

async fn start(programs: Programs, hooks: Hooks, cluster: &Cluster) -> Result<Argo> {
    let Cluster::Real(real) = cluster else {
        anyhow::bail!("Argo CD needs a real control plane");
    };
    let kubeconfig = real.admin_kubeconfig().context("the control plane is not our own")?;
    Argo::start(programs, hooks, real.client(), kubeconfig).await
}

async fn play_all(argo: &Argo, cluster: &Cluster, scenarios: &[Scenario]) -> Result<Failed> {
    let (alone, together): (Vec<Scenario>, Vec<Scenario>) = scenarios.iter().partition(|it| it.alone);
    let mut outcomes: Vec<Result<Option<(&'static str, String)>>> = stream::iter(&together)
        .map(|scenario| reported(argo, cluster, scenario))
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    for scenario in &alone {
        outcomes.push(reported(argo, cluster, scenario).await);
    }
    let outcomes: Vec<Option<(&'static str, String)>> = outcomes.into_iter().collect::<Result<_>>()?;
    Ok(outcomes.into_iter().flatten().collect())
}

async fn reported(argo: &Argo, cluster: &Cluster, scenario: &Scenario) -> Result<Option<(&'static str, String)>> {
    let began = Instant::now();
    let outcome = attempt(argo, cluster, scenario).await;
    let seconds = began.elapsed().as_secs_f64();
    let word = if outcome.is_ok() { "ok" } else { "FAILED" };
    say(&format!("test {} ... {word} ({seconds:.1} s)\n", scenario.name))?;
    Ok(outcome.err().map(|error| (scenario.name, format!("{error:#}"))))
}

async fn attempt(argo: &Argo, cluster: &Cluster, scenario: &Scenario) -> Result<()> {
    let world = World::start(cluster, (scenario.wishes)()).await?;
    let mut stage = Stage::new(argo, world).await?;
    let played = harness::guarded((scenario.play)(&mut stage), LIMIT).await;
    let stopped = stage.stop().await;
    played.and(stopped)
}
