//! Runs scenarios side by side and reports as the standard test runner does.
//!
//! A runner of our own, because one control plane serves all scenarios and must be stopped after the last; and because on the
//! sandbox each scenario has a runtime with paused time, so that minutes of a rollout take no time.

use crate::cluster::{Cluster, Place};
use crate::world::{Wishes, World};
use anyhow::Result;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serin_sandbox::workload::kubelet::KubeletOptions;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Scenarios at a time on a real control plane: they mostly wait.
const SIDE_BY_SIDE: usize = 12;
/// A scenario that takes longer than this hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// What a scenario is given: its world, to be used up.
pub type Play = fn(&mut World) -> BoxFuture<'_, Result<()>>;

/// A test.
#[derive(Clone)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What its world is like.
    pub wishes: fn() -> Wishes,
    /// Where it makes sense; everywhere by default.
    pub only: Option<Place>,
    /// What it cannot do without: `Err` says what is missing here.
    pub needs: fn() -> Result<(), &'static str>,
    /// What happens.
    pub play: Play,
}

impl Scenario {
    /// With another world.
    #[must_use]
    pub fn wishing(self, wishes: fn() -> Wishes) -> Self {
        Self { wishes, ..self }
    }

    /// In one place only.
    #[must_use]
    pub fn only(self, place: Place) -> Self {
        Self {
            only: Some(place),
            ..self
        }
    }

    /// Where a program is there.
    #[must_use]
    pub fn needing(self, needs: fn() -> Result<(), &'static str>) -> Self {
        Self { needs, ..self }
    }

    /// Why it cannot be played here, if so.
    fn ignored(&self, place: Place) -> Option<&'static str> {
        match self.only {
            Some(only) if only != place => Some(match only {
                Place::Sandbox => "on the sandbox only",
                Place::Real => "on a real control plane only",
            }),
            _ => (self.needs)().err(),
        }
    }
}

/// Whether writes can be counted here: not in the cluster of `KUBECONFIG`, whose audit log is elsewhere.
///
/// # Errors
/// If not.
pub fn counts_writes() -> Result<(), &'static str> {
    let of_others = std::env::var_os("KUBECONFIG").is_some_and(|it| !it.is_empty());
    match Place::from_environment() {
        Ok(Place::Real) if of_others => Err("needs a control plane of our own, with its audit log"),
        _ => Ok(()),
    }
}

/// Makes a [`Scenario`] of `async fn(&mut World) -> Result<()>`, with its module and name.
#[macro_export]
macro_rules! scenario {
    ($module:ident :: $function:ident) => {
        $crate::harness::Scenario {
            name: concat!(stringify!($module), "::", stringify!($function)),
            wishes: $crate::world::Wishes::default,
            only: None,
            needs: || Ok(()),
            play: |world| Box::pin($module::$function(world)),
        }
    };
}

/// Runs all scenarios whose names contain one of the words on the command line.
#[must_use]
pub fn main(scenarios: Vec<Scenario>) -> ExitCode {
    match run(scenarios) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
fn run(scenarios: Vec<Scenario>) -> Result<bool> {
    let asked = Asked::of_the_command_line();
    if asked.list {
        list(scenarios.iter().map(|it| it.name))?;
        return Ok(true);
    }
    prepare();
    let place = Place::from_environment()?;
    let (chosen, left_out): (Vec<_>, Vec<_>) = scenarios.into_iter().partition(|it| asked.chooses(it.name));
    say(&format!("\nrunning {} tests ({place:?})\n", chosen.len()))?;
    let (chosen, ignored): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|it| it.ignored(place).is_none());
    for it in &ignored {
        say_ignored(it.name, it.ignored(place).unwrap_or_default())?;
    }
    let began = Instant::now();
    let failed = match place {
        Place::Sandbox => in_sandboxes(&chosen)?,
        Place::Real => on_a_control_plane(&chosen)?,
    };
    conclude(&Outcome {
        passed: chosen.len() - failed.len(),
        failed,
        ignored: ignored.len(),
        left_out: left_out.len(),
        began,
    })
}

/// What the command line asks for.
pub struct Asked {
    /// The names are all that is wanted.
    pub list: bool,
    words: Vec<String>,
}

impl Asked {
    /// As the standard test runner reads it.
    #[must_use]
    pub fn of_the_command_line() -> Self {
        let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|it| it.starts_with('-'));
        Self {
            list: flags.iter().any(|it| it == "--list"),
            words,
        }
    }

    /// Whether a test of this name is to run.
    #[must_use]
    pub fn chooses(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }
}

/// Logs go to standard error where `RUST_LOG` asks for them; connections can be encrypted.
pub fn prepare() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "off".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    serin_controller::install_tls();
}

/// Names and reasons of tests that failed.
pub type Failed = Vec<(&'static str, String)>;

/// How a run ended.
pub struct Outcome {
    /// Tests that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: Failed,
    /// Those that cannot be played here.
    pub ignored: usize,
    /// Those that nobody asked for.
    pub left_out: usize,
    /// When it began.
    pub began: Instant,
}

/// Says how a run ended; whether all went well.
///
/// # Errors
/// If nobody can be told.
pub fn conclude(outcome: &Outcome) -> Result<bool> {
    for (name, error) in &outcome.failed {
        say(&format!("\n---- {name} ----\n{error}\n"))?;
    }
    let Outcome {
        passed,
        failed,
        ignored,
        left_out,
        began,
    } = outcome;
    let result = if failed.is_empty() { "ok" } else { "FAILED" };
    say(&format!(
        "\ntest result: {result}. {passed} passed; {} failed; {ignored} ignored; {left_out} filtered out; finished in {:.2}s\n\n",
        failed.len(),
        began.elapsed().as_secs_f64()
    ))?;
    Ok(failed.is_empty())
}

/// Lists tests.
///
/// # Errors
/// If nobody can be told.
pub fn list<'n>(names: impl Iterator<Item = &'n str>) -> Result<()> {
    say(&names.map(|it| format!("{it}: test\n")).collect::<String>())
}

/// Says that a test cannot be played here.
///
/// # Errors
/// If nobody can be told.
pub fn say_ignored(name: &str, why: &str) -> Result<()> {
    say(&format!("test {name} ... ignored, {why}\n"))
}

/// Plays within a time; a panic is a failure.
///
/// # Errors
/// What went wrong.
pub async fn guarded(play: impl Future<Output = Result<()>>, limit: Duration) -> Result<()> {
    let limited = tokio::time::timeout(limit, play);
    match AssertUnwindSafe(limited).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => anyhow::bail!("not finished within {} s", limit.as_secs()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            anyhow::bail!("panicked: {}", text.unwrap_or("without words"))
        }
    }
}

/// One thread with paused time per scenario, as many at a time as there are processors.
fn in_sandboxes(scenarios: &[Scenario]) -> Result<Failed> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let runtime = tokio::runtime::Builder::new_current_thread()
                            .enable_all()
                            .start_paused(true)
                            .build()?;
                        let outcome = runtime.block_on(attempt(&Cluster::Sandbox, scenario));
                        report(scenario.name, outcome, &failed)?;
                    }
                    Ok(())
                })
            })
            .collect();
        for thread in threads {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a thread of the runner panicked"))??;
        }
        Ok(())
    })?;
    Ok(failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// One control plane for all, and a second one for those that want pods to be ready at once.
fn on_a_control_plane(scenarios: &[Scenario]) -> Result<Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let at_once = |it: &&Scenario| (it.wishes)().kubelet.ready_after.is_zero();
    let (fast, usual): (Vec<&Scenario>, Vec<&Scenario>) = scenarios.iter().partition(at_once);
    let mut failed = Vec::new();
    for (group, kubelet) in [(usual, KubeletOptions::cluster()), (fast, KubeletOptions::load())] {
        if !group.is_empty() {
            failed.extend(runtime.block_on(side_by_side(&group, kubelet))?);
        }
    }
    Ok(failed)
}

async fn side_by_side(scenarios: &[&Scenario], kubelet: KubeletOptions) -> Result<Failed> {
    let cluster = Cluster::start(Place::Real, kubelet).await?;
    let failed = Mutex::new(Vec::new());
    let reports: Vec<Result<()>> = stream::iter(scenarios)
        .map(|scenario| async { report(scenario.name, attempt(&cluster, scenario).await, &failed) })
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    cluster.stop().await;
    reports.into_iter().collect::<Result<()>>()?;
    Ok(failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

async fn attempt(cluster: &Cluster, scenario: &Scenario) -> Result<()> {
    let mut world = World::start(cluster, (scenario.wishes)()).await?;
    let played = guarded((scenario.play)(&mut world), limit(cluster)).await;
    let stopped = world.stop().await;
    played.and(stopped)
}

/// Virtual time flies: there the limit only ends what hangs.
fn limit(cluster: &Cluster) -> Duration {
    match cluster.place() {
        Place::Sandbox => LIMIT * 30,
        Place::Real => LIMIT,
    }
}

fn report(name: &'static str, outcome: Result<()>, failed: &Mutex<Failed>) -> Result<()> {
    match outcome {
        Ok(()) => say(&format!("test {name} ... ok\n")),
        Err(error) => {
            say(&format!("test {name} ... FAILED\n"))?;
            let mut failed = failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            failed.push((name, format!("{error:#}")));
            Ok(())
        }
    }
}

/// Says something on standard output, at once.
///
/// # Errors
/// If nobody can be told.
pub fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
