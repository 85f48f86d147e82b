//! The words of the command line (contract 10 §1, §2, §9).
//!
//! clap reads them; what differs from upstream's reader (Go's cobra and pflag) is made up for here: `--watch=false`,
//! repeated flags of which the last wins, values that begin with a dash, and the texts of errors.

mod argocd;
mod arity;
mod errors;
mod help;
mod lua;
mod values;

pub use argocd::{ArgocdCommand, ArgocdGroup, ArgocdInstall, PlanForm};
pub use lua::{Generate, HealthFiles, LuaCommand, LuaGroup, LuaTest};

use crate::show::console::ColorChoice;
use crate::show::failure::Failure;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use jiff::SignedDuration;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the user asks for.
pub enum Call {
    /// A text for standard output.
    Help(String),
    /// A command.
    Command(Box<Global>, Command),
}

/// Progressive delivery for Kubernetes: canaries that pause, promote and abort.
#[derive(Parser)]
#[command(disable_help_subcommand = true)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The flags that every command has: those of kubectl.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global flags")]
pub struct Global {
    /// Path to the kubeconfig file to use for CLI requests
    #[arg(long, global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// The name of the kubeconfig context to use
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub context: Option<String>,
    /// The name of the kubeconfig cluster to use
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub cluster: Option<String>,
    /// The name of the kubeconfig user to use
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub user: Option<String>,
    /// If present, the namespace scope for this CLI request
    #[arg(long, short, global = true, allow_hyphen_values = true)]
    pub namespace: Option<String>,
    /// The address and port of the Kubernetes API server
    #[arg(long, short, global = true, allow_hyphen_values = true)]
    pub server: Option<String>,
    /// Bearer token for authentication to the API server
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub token: Option<String>,
    /// Username to impersonate for the operation
    #[arg(long = "as", global = true, allow_hyphen_values = true)]
    pub impersonate: Option<String>,
    /// Group to impersonate for the operation, this flag can be repeated
    #[arg(long = "as-group", global = true, allow_hyphen_values = true)]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate for the operation
    #[arg(long = "as-uid", global = true, allow_hyphen_values = true)]
    pub impersonate_uid: Option<String>,
    /// Path to a cert file for the certificate authority
    #[arg(long, global = true)]
    pub certificate_authority: Option<String>,
    /// Path to a client certificate file for TLS
    #[arg(long, global = true)]
    pub client_certificate: Option<String>,
    /// Path to a client key file for TLS
    #[arg(long, global = true)]
    pub client_key: Option<String>,
    /// If true, the server's certificate will not be checked for validity
    #[arg(long, global = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Server name to use for server certificate validation
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub tls_server_name: Option<String>,
    /// How long to wait before giving up on a single server request (1s, 2m, 3h); 0 means not to time out
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub request_timeout: Option<String>,
    /// Accepted for kubectl's sake; nothing is cached
    #[arg(long, global = true)]
    pub cache_dir: Option<PathBuf>,
    /// If true, opt-out of response compression for all requests to the server
    #[arg(long, global = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disable_compression: Option<bool>,
    /// Log level of the Kubernetes client; from 6 on its requests are logged
    #[arg(long, short = 'v', global = true, value_parser = values::integer, allow_hyphen_values = true, default_value = "0")]
    pub kloglevel: i64,
    /// Log level: panic, fatal, error, warning, info, debug, trace
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub loglevel: Option<String>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Get details about rollouts
    Get(GetGroup),
    /// Show the status of a rollout
    Status(Status),
    /// Promote a rollout
    Promote(Promote),
    /// Abort a rollout
    Abort(Names),
    /// Retry a rollout
    Retry(RetryGroup),
    /// Pause a rollout
    Pause(Names),
    /// Restart the pods of a rollout
    Restart(Restart),
    /// Terminate an AnalysisRun or Experiment
    Terminate(TerminateGroup),
    /// Print version
    Version(Version),
    /// List the flags that every command takes
    Options,
    /// Health checks and resource actions in Argo CD's settings
    Argocd(ArgocdGroup),
    /// Argo CD's health checks and resource actions as Lua
    Lua(LuaGroup),
    /// Show an update from start to end, on a cluster in this process
    Demo(Demo),
    /// Run a cluster in this process until interrupted
    Sandbox(Sandbox),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// `get <kind> NAME`.
#[derive(Args, Debug)]
pub struct GetGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<GetKind>,
}

/// What can be shown.
#[derive(Subcommand, Debug)]
pub enum GetKind {
    /// Get details about a rollout
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(GetRollout),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// `get rollout NAME`.
#[derive(Args, Debug)]
pub struct GetRollout {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Watch live updates to the rollout
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub watch: bool,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
    /// Timeout after specified seconds
    #[arg(long, value_parser = values::integer, allow_hyphen_values = true, default_value = "0")]
    pub timeout_seconds: i64,
}

/// Whether colours are wanted.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Coloring {
    /// Do not colorize output
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub no_color: bool,
    /// When to colorize output
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: ColorChoice,
}

impl Coloring {
    /// What both flags come to.
    #[must_use]
    pub fn choice(self) -> ColorChoice {
        if self.no_color { ColorChoice::Never } else { self.color }
    }
}

/// `status NAME`.
#[derive(Args, Debug)]
pub struct Status {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Watch the status of the rollout until it's done
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true")]
    pub watch: bool,
    /// How long to watch before giving up (1s, 2m, 3h); zero means for ever
    #[arg(long, short, value_parser = values::duration, allow_hyphen_values = true, default_value = "0s")]
    pub timeout: SignedDuration,
}

/// `promote NAME`.
#[derive(Args, Debug)]
pub struct Promote {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Perform a full promotion, skipping analysis, pauses, and steps
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub full: bool,
    /// Skip currently running canary step
    #[arg(long, short = 'c', hide = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_current_step: Option<bool>,
    /// Skip remaining steps
    #[arg(long, short = 'a', hide = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_all_steps: Option<bool>,
}

/// Names of rollouts.
#[derive(Args, Debug)]
pub struct Names {
    /// Names of rollouts
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
}

/// `retry <kind> NAME`.
#[derive(Args, Debug)]
pub struct RetryGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<RetryKind>,
}

/// What can be retried.
#[derive(Subcommand, Debug)]
pub enum RetryKind {
    /// Retry an aborted rollout
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(Names),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// `restart NAME`.
#[derive(Args, Debug)]
pub struct Restart {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Amount of time before the restart (30s, 5m, 1h)
    #[arg(long = "in", short = 'i', allow_hyphen_values = true)]
    pub after: Option<String>,
}

/// `terminate <kind> NAME`.
#[derive(Args, Debug)]
pub struct TerminateGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<TerminateKind>,
}

/// What can be terminated.
#[derive(Subcommand, Debug)]
pub enum TerminateKind {
    /// Terminate an AnalysisRun
    #[command(name = "analysisrun", visible_aliases = ["ar", "analysisruns"])]
    AnalysisRun(Names),
    /// Terminate an Experiment
    #[command(visible_aliases = ["exp", "experiments"])]
    Experiment(Names),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// A file with a Rollout and its Services, in place of the example; - is standard input
    #[arg(long, short)]
    pub file: Option<PathBuf>,
    /// The Rollout to play, where the file has several
    #[arg(long, value_name = "NAME")]
    pub rollout: Option<String>,
    /// Image to update to; by default the next tag of the one in the file
    #[arg(long)]
    pub image: Option<String>,
    /// Keep the cluster up afterwards, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
}

/// `sandbox`.
#[derive(Args, Debug)]
pub struct Sandbox {
    /// Port on loopback; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}

/// `version`.
#[derive(Args, Debug)]
pub struct Version {
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
    /// Print just the version number
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub short: bool,
}

/// Name under which the program was started: kubectl starts plugins by the name of their file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `serin`.
    Serin,
    /// `kubectl-argo-rollouts`, whose usage and errors are upstream's (decision 49).
    Plugin,
}

impl Program {
    /// By the first word of a command line.
    #[must_use]
    pub fn of(first_word: Option<&OsString>) -> Self {
        let stem = first_word
            .and_then(|word| Path::new(word).file_stem())
            .unwrap_or_default();
        if stem == "kubectl-argo-rollouts" {
            Self::Plugin
        } else {
            Self::Serin
        }
    }

    /// The name of the file, as upstream names itself in errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Serin => "serin",
            Self::Plugin => "kubectl-argo-rollouts",
        }
    }

    /// The words by which a person calls it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Serin => "serin",
            Self::Plugin => "kubectl argo rollouts",
        }
    }
}

/// Reads the words of a command line, the program's own name first.
///
/// # Errors
/// In upstream's words: unknown commands and flags, values that cannot be read, a wrong number of arguments.
pub fn read(words: &[OsString]) -> Result<Call, Failure> {
    let program = Program::of(words.first());
    let mut definition = help::definition(CommandLine::command(), program);
    let read = definition
        .clone()
        .try_get_matches_from(words)
        .and_then(|matches| CommandLine::from_arg_matches(&matches));
    let line = match read {
        Ok(line) => line,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            return Ok(Call::Help(help::as_asked(&mut definition, words, program)));
        }
        Err(error) => return Err(errors::translate(&error, &definition, words)),
    };
    let Some(command) = line.command else {
        return Err(Failure::Usage(help::usage(&mut definition, &[], program)));
    };
    values::check_log_level(line.global.loglevel.as_deref())?;
    if let Command::Unknown(words) = &command {
        return unknown(words, program, &mut definition);
    }
    arity::check(&command, program, &mut definition)?;
    Ok(Call::Command(Box::new(line.global), command))
}

/// The flags of every command, as `options` shows them.
#[must_use]
pub fn global_flags() -> String {
    help::global_flags(Global::augment_args(clap::Command::new("options")))
}

/// `help`, or a command that there is not.
fn unknown(words: &[OsString], program: Program, definition: &mut clap::Command) -> Result<Call, Failure> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let first = words.first().map_or("", |word| word);
    if first != "help" {
        let name = program.name();
        return Err(Failure::message(format!(
            "unknown command {first:?} for {name:?}\nRun '{name} --help' for usage."
        )));
    }
    let path: Vec<_> = words[1..].iter().map(AsRef::as_ref).collect();
    if !help::exists(definition, &path) {
        let topic: Vec<_> = path.iter().map(|word| format!("`{word}`")).collect();
        let usage = help::usage(definition, &[], program);
        let text = format!("Unknown help topic [{}]\n{usage}", topic.join(" "));
        return Err(Failure::HelpOnNothing(text));
    }
    Ok(Call::Help(help::of(definition, &path, program)))
}

#[cfg(test)]
mod tests;
