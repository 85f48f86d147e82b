//! One file per command.

mod abort;
mod argocd;
mod demo;
mod get;
mod line;
mod lua;
mod options;
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
use crate::cluster::connect::{Connection, connect};
use crate::show::console::Console;
use crate::show::failure::Failure;

/// Carries out a command. Groups without a known kind have been turned down with their usage before.
pub(crate) async fn carry_out(flags: &Global, command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Promote(arguments) => promote::run(flags, &arguments, console).await,
        Command::Restart(arguments) => restart::run(flags, &arguments, console).await,
        Command::Argocd(arguments) => argocd::run(flags, &arguments, console).await,
        Command::Lua(arguments) => lua::run(&arguments, console),
        Command::Version(arguments) => version::run(arguments.short, console),
        Command::Options => options::run(console),
        Command::Demo(arguments) => demo::run(&arguments, console).await,
        Command::Sandbox(arguments) => sandbox::run(&arguments, console).await,
        Command::Get(_)
        | Command::Status(_)
        | Command::Abort(_)
        | Command::Retry(_)
        | Command::Pause(_)
        | Command::Terminate(_) => {
            let connection = connect(flags).await?;
            connection.name_in(talk(&connection, command, console).await)
        }
        Command::Unknown(_) => Err(unknown(console)),
    }
}

/// Commands that do nothing before they talk to the API server.
async fn talk(connection: &Connection, command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Get(GetGroup {
            kind: Some(GetKind::Rollout(arguments)),
        }) => get::rollout(connection, &arguments, console).await,
        Command::Status(arguments) => status::run(connection, &arguments, console).await,
        Command::Abort(arguments) => abort::run(connection, &arguments.names, console).await,
        Command::Retry(RetryGroup {
            kind: Some(RetryKind::Rollout(arguments)),
        }) => retry::rollout(connection, &arguments.names, console).await,
        Command::Pause(arguments) => pause::run(connection, &arguments.names, console).await,
        Command::Terminate(TerminateGroup {
            kind: Some(TerminateKind::AnalysisRun(arguments)),
        }) => terminate::analysis_runs(connection, &arguments.names, console).await,
        Command::Terminate(TerminateGroup {
            kind: Some(TerminateKind::Experiment(arguments)),
        }) => terminate::experiments(connection, &arguments.names, console).await,
        _ => Err(unknown(console)),
    }
}

fn unknown(console: &Console) -> Failure {
    let program = console.program().words();
    Failure::message(format!(
        "unknown command; `{program} --help` lists those that there are"
    ))
}
