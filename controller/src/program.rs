//! `serin-controller`: the controller as a process, for its binary and for tests that kill and pause it.

use crate::args::errors;
use crate::cluster::client::connect_to;
use crate::controller;
use crate::offline::leave::leave_summary;
use crate::offline::replay::replay;
use crate::offline::takeover::takeover_summary;
use crate::telemetry::logs;
use crate::{
    ConnectError, Controller, Election, Fetched, Options, Target, configured_plugins, connect, install_tls,
    istio_cluster, leave_report, takeover_report,
};
use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Progressive delivery for Kubernetes: replaces the Argo Rollouts controller.
#[derive(Parser)]
#[command(name = "serin-controller", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    /// Print which ReplicaSets Serin would adopt, in which role and why, and exit. It writes nothing.
    #[arg(long)]
    takeover_report: bool,
    /// Print what Argo Rollouts would prune or do otherwise, and what to change first, and exit. It writes nothing.
    #[arg(long, conflicts_with = "takeover_report")]
    leave_report: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Decide again on a file that --dump-observed wrote, and print the plan.
    Replay {
        /// The file.
        file: PathBuf,
    },
}

/// The flags and commands, for man pages.
#[must_use]
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Does what the arguments ask for (the first is the program's name).
///
/// # Errors
/// If the arguments make no sense, there is no usable configuration, a port is taken, or the controller had to end before it was asked to.
pub fn run(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // A text that was asked for: help or the version.
        Err(text) if !text.use_stderr() => {
            write!(std::io::stdout(), "{text}")?;
            return Ok(());
        }
        Err(error) => anyhow::bail!(errors::text(&error)),
    };
    if let Some(Command::Replay { file }) = &cli.command {
        let plan = replay(file).with_context(|| format!("cannot replay {}", file.display()))?;
        writeln!(std::io::stdout(), "{plan}")?;
        return Ok(());
    }
    logs::install(&cli.options);
    install_tls();
    // Few threads: the work is waiting, and each costs memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    if cli.takeover_report {
        return runtime.block_on(report(&cli.options));
    }
    if cli.leave_report {
        return runtime.block_on(leave(&cli.options));
    }
    runtime.block_on(serve(cli.options))
}

/// What an error says, and its causes as far as it does not say them itself.
#[must_use]
pub fn text(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

async fn report(options: &Options) -> anyhow::Result<()> {
    let (client, target) = connect_to(options).await?;
    let reports = takeover_report(&client, options)
        .await
        .map_err(|error| ConnectError::api(&error, &target))?;
    let mut out = std::io::stdout().lock();
    for report in &reports {
        write!(out, "{report}")?;
    }
    writeln!(out, "{}", takeover_summary(&reports))?;
    Ok(out.flush()?)
}

async fn leave(options: &Options) -> anyhow::Result<()> {
    let (client, target) = connect_to(options).await?;
    let departures = leave_report(&client, options)
        .await
        .map_err(|error| ConnectError::api(&error, &target))?;
    let mut out = std::io::stdout().lock();
    for departure in &departures {
        write!(out, "{departure}")?;
    }
    writeln!(out, "{}", leave_summary(&departures))?;
    Ok(out.flush()?)
}

async fn serve(options: Options) -> anyhow::Result<()> {
    controller::check(&options)?;
    let (client, Target { server, found, .. }) = connect_to(&options).await?;
    tracing::info!(server, found = found.join(", "), "connecting to the API server");
    let events = connect(&options).await?;
    let served = options.served_namespace(&client);
    let election = Election::of_this_process(served.as_deref());
    // Before signals are caught: until here there is nothing to wind up.
    let plugins = configured_plugins(&client, &election.namespace).await?;
    let istio = istio_cluster(&client, &election.namespace).await?;
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let asked = shutdown.clone();
    let signals = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        asked.cancel();
    };
    let elects = options.leader_elect;
    let provider = Fetched::of_this_process(client.clone(), &election.namespace).plugins(Arc::clone(&plugins));
    let mut controller = Controller::new(client, options)
        .events_client(events)
        .plugins(plugins)
        .istio(istio)
        .provider(Arc::new(provider));
    if elects {
        controller = controller.elect(election);
    }
    let controller = controller.bind().await?;
    let (ended, ()) = tokio::join!(
        async {
            let ended = controller.run(shutdown.clone()).await;
            shutdown.cancel();
            ended
        },
        async {
            tokio::select! {
                () = signals => {}
                () = shutdown.cancelled() => {}
            }
        },
    );
    Ok(ended?)
}
