//! The commands: the flags and the run of each in one file.

mod abort;
pub(crate) mod analysis;
pub(crate) mod argocd;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod create;
mod demo;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod kustomize;
mod line;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod lua;
pub(crate) mod man;
mod names;
mod options;
mod pause;
mod promote;
mod restart;
pub(crate) mod retry;
mod sandbox;
pub(crate) mod set;
mod status;
pub(crate) mod terminate;
mod undo;
mod version;

use crate::cluster::connect::{Connection, connect};
use crate::cluster::flags::Global;
use crate::show::console::Console;
use crate::show::failure::Failure;

use self::analysis::AnalysisGroup;
use self::argocd::ArgocdGroup;
use self::check::Check;
use self::completion::Completion;
use self::create::{Create, CreateKind};
use self::demo::Demo;
use self::explain::Explain;
use self::get::{GetGroup, GetKind};
use self::kustomize::KustomizeGroup;
use self::lint::Lint;
use self::list::{ListGroup, ListKind};
use self::lua::LuaGroup;
use self::man::Man;
use self::names::Names;
use self::promote::Promote;
use self::restart::Restart;
use self::retry::{RetryGroup, RetryKind};
use self::sandbox::Sandbox;
use self::set::{SetGroup, SetKind};
use self::status::Status;
use self::terminate::{TerminateGroup, TerminateKind};
use self::undo::Undo;
use self::version::Version;
use clap::Subcommand;
use std::ffi::OsString;

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Get details about rollouts and experiments
    Get(GetGroup),
    /// List rollouts or experiments
    List(ListGroup),
    /// Show the status of a rollout
    Status(Status),
    /// Promote a rollout
    Promote(Promote),
    /// Abort a rollout
    Abort(Names),
    /// Retry a rollout or experiment
    Retry(RetryGroup),
    /// Pause a rollout
    Pause(Names),
    /// Restart the pods of a rollout
    Restart(Restart),
    /// Terminate an AnalysisRun or Experiment
    Terminate(TerminateGroup),
    /// Create a Rollout, Experiment, AnalysisTemplate, ClusterAnalysisTemplate, or AnalysisRun resource
    Create(Create),
    /// Update various values on resources
    Set(SetGroup),
    /// Undo a rollout
    Undo(Undo),
    /// Lint and validate a Rollout
    Lint(Lint),
    /// Check overlays and manifests before they are merged
    Check(Check),
    /// Generate completion script
    Completion(Completion),
    /// Print version
    Version(Version),
    /// Print the list of flags that all commands accept
    Options,
    /// Write the man pages of all programs into a folder
    #[command(hide = true)]
    Man(Man),
    /// Explain why a rollout, AnalysisRun or Experiment is in its state; all that are not Healthy without names
    Explain(Explain),
    /// Analyses tried by hand
    Analysis(AnalysisGroup),
    /// Health checks and resource actions in Argo CD's settings
    Argocd(ArgocdGroup),
    /// Argo CD's health checks and resource actions as Lua
    Lua(LuaGroup),
    /// Configuration and schema that let kustomize work with Rollouts
    Kustomize(KustomizeGroup),
    /// Play an update from start to end on a cluster in this process
    Demo(Demo),
    /// Run a cluster in this process until you interrupt it
    Sandbox(Sandbox),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// Carries out a command. [`crate::args`] has refused groups without a known kind.
pub(crate) async fn carry_out(flags: &Global, command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Promote(arguments) => promote::run(flags, &arguments, console).await,
        Command::Restart(arguments) => restart::run(flags, &arguments, console).await,
        Command::Create(Create {
            kind: Some(CreateKind::AnalysisRun(arguments)),
            ..
        }) => create::analysis_run::run(flags, &arguments, console).await,
        Command::Create(arguments) => create::run(flags, &arguments, console).await,
        Command::Explain(arguments) => explain::run(flags, &arguments, console).await,
        Command::Argocd(arguments) => argocd::run(flags, &arguments, console).await,
        Command::Check(arguments) => check::run(flags, &arguments, console).await,
        Command::Completion(arguments) => completion::run(&arguments, console),
        Command::Analysis(arguments) => analysis::run(flags, &arguments, console).await,
        Command::Lint(arguments) => lint::run(&arguments, console),
        Command::Lua(arguments) => lua::run(&arguments, console),
        Command::Kustomize(arguments) => kustomize::run(&arguments, console),
        Command::Version(arguments) => version::run(arguments.short, console),
        Command::Options => options::run(console),
        Command::Demo(arguments) => demo::run(&arguments, console).await,
        Command::Sandbox(arguments) => sandbox::run(&arguments, console).await,
        Command::Get(_)
        | Command::List(_)
        | Command::Status(_)
        | Command::Abort(_)
        | Command::Retry(_)
        | Command::Pause(_)
        | Command::Set(_)
        | Command::Undo(_)
        | Command::Terminate(_) => {
            let connection = connect(flags).await?;
            connection.name_in(talk(&connection, command, console).await)
        }
        // [`crate::args`] has made another call of it.
        Command::Man(_) | Command::Unknown(_) => Err(unknown(console)),
    }
}

/// Commands that do nothing before they talk to the API server.
async fn talk(connection: &Connection, command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Get(GetGroup {
            kind: Some(GetKind::Rollout(arguments)),
        }) => get::rollout(connection, &arguments, console).await,
        Command::Get(GetGroup {
            kind: Some(GetKind::Experiment(arguments)),
        }) => get::experiment(connection, &arguments, console).await,
        Command::List(ListGroup {
            kind: Some(ListKind::Rollouts(arguments)),
        }) => list::rollouts(connection, &arguments, console).await,
        Command::List(ListGroup {
            kind: Some(ListKind::Experiments(arguments)),
        }) => list::experiments(connection, &arguments, console).await,
        Command::Status(arguments) => status::run(connection, &arguments, console).await,
        Command::Abort(arguments) => abort::run(connection, &arguments.names, console).await,
        Command::Retry(RetryGroup {
            kind: Some(RetryKind::Rollout(arguments)),
        }) => retry::rollout(connection, &arguments.names, console).await,
        Command::Retry(RetryGroup {
            kind: Some(RetryKind::Experiment(arguments)),
        }) => retry::experiments(connection, &arguments.names, console).await,
        Command::Pause(arguments) => pause::run(connection, &arguments.names, console).await,
        Command::Set(SetGroup {
            kind: Some(SetKind::Image(arguments)),
        }) => set::image(connection, &arguments, console).await,
        Command::Undo(arguments) => undo::run(connection, &arguments, console).await,
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
    Failure::message(format!("unknown command; `{program} --help` lists the commands"))
}
