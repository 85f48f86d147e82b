//! The words of the command line (contract 10 §1, §2, §9).
//!
//! clap reads them. This room adapts it to upstream's reader (Go's cobra and pflag): `--watch=false`,
//! repeated flags of which the last wins, values that begin with a dash, and the texts of errors.

mod arity;
mod complete;
mod errors;
mod help;
mod upstream;

pub(crate) use complete::{Completion, Directive, Named};

use crate::cluster::flags::Global;
use crate::commands::Command;
use crate::show::failure::Failure;
use crate::show::logs;
use crate::show::program::Program;
use clap::{CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the user asks for.
pub(crate) enum Call {
    /// A text for standard output.
    Help(String),
    /// The man pages of these programs, into this folder.
    Manual(Vec<clap::Command>, PathBuf),
    /// What a shell asks for.
    Complete(Completion),
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

/// Reads the words of a command line, the program's own name first.
///
/// # Errors
/// In upstream's words: unknown commands and flags, values that cannot be read, a wrong number of arguments.
pub(crate) fn read(words: &[OsString]) -> Result<Call, Failure> {
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
    logs::check_level(line.global.loglevel.as_deref())?;
    if let Command::Unknown(words) = &command {
        return unknown(words, program, &mut definition);
    }
    arity::check(&command, program, &mut definition)?;
    if let Command::Man(arguments) = command {
        return Ok(Call::Manual(definitions(), arguments.folder));
    }
    Ok(Call::Command(Box::new(line.global), command))
}

/// All programs that are shipped: the command line under both names, and the controller.
fn definitions() -> Vec<clap::Command> {
    let ours = [Program::Serin, Program::Plugin].map(|it| help::definition(CommandLine::command(), it));
    let controller = serin_controller::program::definition();
    ours.into_iter().chain([controller]).collect()
}

/// `help`, or a command that there is not.
fn unknown(given: &[OsString], program: Program, definition: &mut clap::Command) -> Result<Call, Failure> {
    let words: Vec<_> = given.iter().map(|word| word.to_string_lossy()).collect();
    let first = words.first().map_or("", |word| word);
    if let Some(completion) = completion(first, given, program, definition)? {
        return Ok(Call::Complete(completion));
    }
    if first != "help" {
        let name = program.name();
        return Err(Failure::message(format!(
            "unknown command {first:?} for {name:?}\nRun '{name} --help' for usage."
        )));
    }
    let path: Vec<_> = words[1..].iter().map(AsRef::as_ref).collect();
    let known = help::known(definition, &path);
    // cobra shows the help of a group also for what that does not have.
    let shows = known.len() == path.len() || (program == Program::Plugin && !known.is_empty());
    if !shows {
        let topic: Vec<_> = path.iter().map(|word| format!("`{word}`")).collect();
        let usage = help::usage(definition, &[], program);
        let text = format!("Unknown help topic [{}]\n{usage}", topic.join(" "));
        return Err(Failure::HelpOnNothing(text));
    }
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    Ok(Call::Help(help::of(definition, &known, program)))
}

/// `__complete WORDS`: all that follows is taken as it is.
fn completion(
    first: &str,
    given: &[OsString],
    program: Program,
    definition: &clap::Command,
) -> Result<Option<Completion>, Failure> {
    let described = match first {
        "__complete" => true,
        "__completeNoDesc" => false,
        _ => return Ok(None),
    };
    let words = given.get(1..).unwrap_or_default();
    if words.is_empty() {
        let text = "requires at least 1 arg(s), only received 0";
        return Err(Failure::message(text));
    }
    Ok(Some(complete::complete(definition, words, described, program)))
}

#[cfg(test)]
mod tests;
