//! `analysis …`: analyses tried by hand.

mod eval;
mod run;

use self::eval::Eval;
use self::run::Run;
use crate::cluster::flags::Global;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand};
use serin_core::wire::analysis::Phase;

/// `analysis …`.
#[derive(Args, Debug)]
pub(crate) struct AnalysisGroup {
    /// The command.
    #[command(subcommand)]
    pub command: Option<AnalysisCommand>,
}

/// What can be done with an analysis.
#[derive(Subcommand, Debug)]
pub(crate) enum AnalysisCommand {
    /// Show what a metric makes of an answer
    Eval(Eval),
    /// Measure a template here and now, without a controller
    Run(Box<Run>),
}

/// Carries out a command of the group; [`crate::args`] has refused one without a command.
pub(super) async fn run(flags: &Global, group: &AnalysisGroup, console: &mut Console) -> Result<(), Failure> {
    match &group.command {
        Some(AnalysisCommand::Eval(arguments)) => eval::run(arguments, console),
        Some(AnalysisCommand::Run(arguments)) => run::run(flags, arguments, console).await,
        None => Ok(()),
    }
}

/// The exit code of a verdict: 0 Successful, 2 Failed, 3 Inconclusive, 1 for all others.
fn exit_of(phase: Phase) -> Result<(), Failure> {
    match phase {
        Phase::Successful => Ok(()),
        Phase::Failed => Err(Failure::Exit(2)),
        Phase::Inconclusive => Err(Failure::Exit(3)),
        Phase::Error | Phase::Unset | Phase::Pending | Phase::Running => Err(Failure::Exit(1)),
    }
}
