//! The command line of Serin: `serin`, also installed as the kubectl plugin `kubectl-argo-rollouts` (contract 10).
//!
//! A call travels through these rooms:
//!
//! 1. [`args`] reads the words; what it cannot read is told in the words of upstream's plugin ([`failure`]).
//! 2. [`connect`] turns the kubectl flags into a client.
//! 3. `commands` does one thing each, a file per command. Requests to a rollout are patches that
//!    [`serin_core::hooks::request`] decides; what is shown of it is read by [`scene`], understood by [`info`] and drawn by
//!    [`tree`], the latter two without IO.
//!    [`demo`] plays a whole update on any connection.
//! 4. [`console`] writes results to standard output; errors (`Error: …`, and what to do) and the log go to standard error;
//!    the exit code is 1 after an error.

pub mod args;
mod cluster;
mod commands;
pub mod connect;
pub mod console;
pub mod demo;
pub mod duration;
pub mod failure;
pub mod info;
mod logs;
mod manifest;
pub mod scene;
pub mod tree;

use crate::args::{Call, Program};
use crate::console::Console;
use crate::failure::Failure;
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
        Call::Command(global, command) => {
            if console.is_of_process() {
                logs::install(&global);
            }
            commands::carry_out(&global, command, console).await
        }
    }
}
