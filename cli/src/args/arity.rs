//! How many names a command takes, and the errors for more or fewer.

use super::help;
use crate::commands::Command;
use crate::commands::argocd::ArgocdGroup;
use crate::commands::create::Create;
use crate::commands::get::{GetGroup, GetKind};
use crate::commands::kustomize::KustomizeGroup;
use crate::commands::lint::Lint;
use crate::commands::list::{ListGroup, ListKind};
use crate::commands::analysis::AnalysisGroup;
use crate::commands::lua::LuaGroup;
use crate::commands::retry::{RetryGroup, RetryKind};
use crate::commands::set::{SetGroup, SetKind};
use crate::commands::terminate::{TerminateGroup, TerminateKind};
use crate::show::failure::Failure;
use crate::show::program::Program;
use std::ffi::OsString;

/// How many names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    One,
    Many,
    /// A name, and a container with its image.
    Assignment,
}

/// The commands that take names, with the word for one in the usage.
pub(super) const NAMED: [(&[&str], Arity, &str); 13] = [
    (&["get", "rollout"], Arity::One, "ROLLOUT_NAME"),
    (&["get", "experiment"], Arity::One, "EXPERIMENT_NAME"),
    (&["status"], Arity::One, "ROLLOUT_NAME"),
    (&["promote"], Arity::One, "ROLLOUT_NAME"),
    (&["restart"], Arity::One, "ROLLOUT_NAME"),
    (&["abort"], Arity::Many, "ROLLOUT_NAME"),
    (&["pause"], Arity::Many, "ROLLOUT_NAME"),
    (&["set", "image"], Arity::Assignment, "ROLLOUT_NAME"),
    (&["undo"], Arity::One, "ROLLOUT_NAME"),
    (&["retry", "rollout"], Arity::Many, "ROLLOUT_NAME"),
    (&["retry", "experiment"], Arity::Many, "EXPERIMENT_NAME"),
    (&["terminate", "analysisrun"], Arity::Many, "ANALYSISRUN_NAME"),
    (&["terminate", "experiment"], Arity::Many, "EXPERIMENT_NAME"),
];

/// What a command was given.
enum Given<'a> {
    Names(&'a [&'a str], &'a [String]),
    /// Words that do not fit, and what is wrong with them.
    Wrong(&'a [&'a str], &'static str),
    /// A group without a kind, or with one that it does not know.
    Kind(&'a str, Option<&'a OsString>),
    Whatever,
}

/// Refuses a wrong number of names, and a kind that a group does not know. The plugin shows the usage alone, as upstream
/// does; `serin` shows what is wrong and one line of usage.
pub(super) fn check(command: &Command, program: Program, definition: &mut clap::Command) -> Result<(), Failure> {
    match given(command) {
        Given::Whatever => Ok(()),
        Given::Names(path, names) => {
            let Some((_, arity, word)) = NAMED.into_iter().find(|(known, ..)| *known == path) else {
                return Ok(());
            };
            let problem = match (arity, names) {
                (Arity::One, [_]) | (Arity::Many, [_, ..]) | (Arity::Assignment, _) => return Ok(()),
                (Arity::One | Arity::Many, []) => format!("{word} is missing"),
                (Arity::One, several) => format!("expected one {word}, got {}: {}", several.len(), several.join(", ")),
            };
            Err(turn_down(path, &problem, program, definition))
        }
        Given::Wrong(path, problem) => Err(turn_down(path, problem, program, definition)),
        Given::Kind(group, kind) => {
            let kinds = help::subcommands(definition, group).join(" or ");
            let problem = match kind {
                Some(kind) => format!("{:?} is unknown: use {kinds}", kind.to_string_lossy()),
                None => format!("{group} what? Use {kinds}"),
            };
            Err(turn_down(&[group], &problem, program, definition))
        }
    }
}

fn given(command: &Command) -> Given<'_> {
    match command {
        Command::Get(GetGroup { kind }) => match kind {
            Some(GetKind::Rollout(get)) => Given::Names(&["get", "rollout"], &get.names),
            Some(GetKind::Experiment(get)) => Given::Names(&["get", "experiment"], &get.names),
            Some(GetKind::Unknown(words)) => Given::Kind("get", words.first()),
            None => Given::Kind("get", None),
        },
        Command::List(ListGroup { kind }) => match kind {
            Some(ListKind::Rollouts(_) | ListKind::Experiments(_)) => Given::Whatever,
            Some(ListKind::Unknown(words)) => Given::Kind("list", words.first()),
            None => Given::Kind("list", None),
        },
        Command::Status(status) => Given::Names(&["status"], &status.names),
        Command::Promote(promote) => Given::Names(&["promote"], &promote.names),
        Command::Abort(abort) => Given::Names(&["abort"], &abort.names),
        Command::Retry(RetryGroup { kind }) => match kind {
            Some(RetryKind::Rollout(retry)) => Given::Names(&["retry", "rollout"], &retry.names),
            Some(RetryKind::Experiment(retry)) => Given::Names(&["retry", "experiment"], &retry.names),
            Some(RetryKind::Unknown(words)) => Given::Kind("retry", words.first()),
            None => Given::Kind("retry", None),
        },
        Command::Pause(pause) => Given::Names(&["pause"], &pause.names),
        Command::Restart(restart) => Given::Names(&["restart"], &restart.names),
        Command::Terminate(TerminateGroup { kind }) => match kind {
            Some(TerminateKind::AnalysisRun(run)) => Given::Names(&["terminate", "analysisrun"], &run.names),
            Some(TerminateKind::Experiment(experiment)) => {
                Given::Names(&["terminate", "experiment"], &experiment.names)
            }
            Some(TerminateKind::Unknown(words)) => Given::Kind("terminate", words.first()),
            None => Given::Kind("terminate", None),
        },
        Command::Create(Create { kind: None, files, .. }) if files.is_empty() => {
            Given::Wrong(&["create"], "name a file with -f, or use create analysisrun")
        }
        Command::Lint(Lint { file, .. }) if file.as_deref().unwrap_or_default().is_empty() => {
            Given::Wrong(&["lint"], "name a file with -f")
        }
        Command::Undo(undo) => Given::Names(&["undo"], &undo.names),
        Command::Set(SetGroup { kind }) => match kind {
            Some(SetKind::Image(image)) if image.parts().is_none() => {
                Given::Wrong(&["set", "image"], "expected a ROLLOUT_NAME and one CONTAINER=IMAGE")
            }
            Some(SetKind::Image(_)) => Given::Whatever,
            Some(SetKind::Unknown(words)) => Given::Kind("set", words.first()),
            None => Given::Kind("set", None),
        },
        Command::Analysis(AnalysisGroup { command: None }) => Given::Kind("analysis", None),
        Command::Lua(LuaGroup { command: None }) => Given::Kind("lua", None),
        Command::Argocd(ArgocdGroup { command: None }) => Given::Kind("argocd", None),
        Command::Kustomize(KustomizeGroup { command: None }) => Given::Kind("kustomize", None),
        Command::Analysis(_)
        | Command::Lua(_)
        | Command::Kustomize(_)
        | Command::Argocd(_)
        | Command::Check(_)
        | Command::Explain(_)
        | Command::Completion(_)
        | Command::Create(_)
        | Command::Lint(_)
        | Command::Version(_)
        | Command::Options
        | Command::Demo(_)
        | Command::Sandbox(_)
        | Command::Man(_)
        | Command::Unknown(_) => Given::Whatever,
    }
}

fn turn_down(path: &[&str], problem: &str, program: Program, definition: &mut clap::Command) -> Failure {
    match program {
        Program::Plugin => Failure::Usage(help::usage(definition, path, program)),
        Program::Serin => {
            let words = path.join(" ");
            let usage = help::usage_line(definition, path);
            Failure::message(format!("{problem}\n{usage}\nRun 'serin {words} --help' for its flags."))
        }
    }
}
