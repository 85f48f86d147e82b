//! The command line of Serin: `serin`, also installed as the kubectl plugin `kubectl-argo-rollouts` (contract 10).
//!
//! A call travels through these rooms:
//!
//! 1. `args` reads the words. For words that it cannot read, the error has the text of upstream's plugin
//!    (`show::failure`).
//! 2. `cluster` turns the kubectl flags into a client, and reads a rollout and what it owns (`cluster::scene`).
//! 3. `commands` has a file for each command, with its flags and its run. Requests to a rollout are patches that
//!    [`serin_core::hooks::request`] decides.
//!    `complete` answers shells that ask for the next word.
//! 4. `show` has what is printed, as text from facts without IO: `show::info` has the facts of a rollout, and
//!    `show::tree` draws them. `show::console` writes results to standard output; errors (`Error: …`, and what to do)
//!    and the log go to standard error. The exit code is 1 after an error.
//! 5. `local` has what needs no cluster of the user's: files, the cluster in this process, and `local::demo`, which
//!    plays a whole update on any connection.

mod args;
mod cluster;
mod commands;
mod complete;
mod duration;
mod local;
mod show;
mod values;

pub use cluster::connect::install_tls;
pub use show::console::{Console, Terminal};

use crate::args::Call;
use crate::show::failure::Failure;
use crate::show::logs;
use crate::show::program::Program;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command with the words of the command line, the program's own name first.
///
/// Results go to standard output, errors to standard error. The exit code is 0, or 1 after any error. Must be called
/// within a tokio runtime.
pub async fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    run_on(words, &mut Console::of_process()).await
}

/// [`run`] with streams of the caller's choice.
pub async fn run_on(words: impl Iterator<Item = OsString>, console: &mut Console) -> ExitCode {
    let words: Vec<_> = words.collect();
    console.called_as(Program::of(words.first()));
    let result = match args::read(&words) {
        Ok(call) => carry_out(call, console).await,
        Err(failure) => Err(failure),
    };
    match result.and_then(|()| console.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(console),
    }
}

async fn carry_out(call: Call, console: &mut Console) -> Result<(), Failure> {
    match call {
        Call::Help(text) => console.print(&text),
        Call::Manual(programs, folder) => commands::man::run(programs, &folder, console),
        Call::Complete(completion) => complete::run(completion, console).await,
        Call::Command(global, command) => {
            if console.is_of_process() {
                logs::install(global.kloglevel, global.loglevel.as_deref());
            }
            commands::carry_out(&global, command, console).await
        }
    }
}
