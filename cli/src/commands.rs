//! One file per command.

mod abort;
mod argocd;
mod demo;
mod get;
mod lua;
mod pause;
mod promote;
mod restart;
mod retry;
mod sandbox;
mod send;
mod status;
mod terminate;
mod version;

pub(crate) use get::CLEAR;
pub(crate) use send::send;

use crate::args::{Command, GetGroup, GetKind, Global, RetryGroup, RetryKind, TerminateGroup, TerminateKind};
use crate::connect::connect;
use crate::console::Console;
use crate::failure::Failure;

/// Carries out a command. Groups without a known kind have been turned down with their usage before.
pub(crate) async fn carry_out(flags: &Global, command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Get(GetGroup {
            kind: Some(GetKind::Rollout(arguments)),
        }) => get::rollout(&connect(flags).await?, &arguments, console).await,
        Command::Status(arguments) => status::run(&connect(flags).await?, &arguments, console).await,
        Command::Promote(arguments) => promote::run(flags, &arguments, console).await,
        Command::Abort(arguments) => abort::run(&connect(flags).await?, &arguments.names, console).await,
        Command::Retry(RetryGroup {
            kind: Some(RetryKind::Rollout(arguments)),
        }) => retry::rollout(&connect(flags).await?, &arguments.names, console).await,
        Command::Pause(arguments) => pause::run(&connect(flags).await?, &arguments.names, console).await,
        Command::Restart(arguments) => restart::run(flags, &arguments, console).await,
        Command::Terminate(TerminateGroup {
            kind: Some(TerminateKind::AnalysisRun(arguments)),
        }) => terminate::analysis_runs(&connect(flags).await?, &arguments.names, console).await,
        Command::Terminate(TerminateGroup {
            kind: Some(TerminateKind::Experiment(arguments)),
        }) => terminate::experiments(&connect(flags).await?, &arguments.names, console).await,
        Command::Argocd(arguments) => argocd::run(flags, &arguments, console).await,
        Command::Lua(arguments) => lua::run(&arguments, console),
        Command::Version(arguments) => version::run(arguments.short, console),
        Command::Demo(arguments) => demo::run(&arguments, console).await,
        Command::Sandbox(arguments) => sandbox::run(&arguments, console).await,
        Command::Get(_) | Command::Retry(_) | Command::Terminate(_) | Command::Unknown(_) => {
            Err(Failure::message("unknown command; run with --help for usage"))
        }
    }
}
