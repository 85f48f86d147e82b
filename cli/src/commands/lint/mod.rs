//! `lint -f FILE` (contract 10 §6, §9): the rules of rollouts, and what of the same file they refer to.

mod references;
mod virtual_service;

use self::references::Neighbours;
use crate::local::single::text_of;
use crate::local::strict;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args;
use serde_json::Value;
use serin_core::api::{GROUP, Rollout};
use serin_core::notation::yaml;
use serin_core::validate::{self, ErrorKind, FieldError};

/// `lint -f FILE`.
#[derive(Args, Debug)]
pub(crate) struct Lint {
    /// File to lint
    #[arg(long = "filename", short = 'f', allow_hyphen_values = true)]
    pub file: Option<String>,
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
}

/// Prints what is wrong with the rollouts of a file, one finding a line without its field; the first one, with its field,
/// is the error.
pub(super) fn run(arguments: &Lint, console: &mut Console) -> Result<(), Failure> {
    let file = arguments.file.as_deref().unwrap_or_default();
    let (rollouts, neighbours) = read(file).map_err(Failure::Message)?;
    let neighbours = neighbours.managed_by(&rollouts);
    let mut found = Vec::new();
    for rollout in &rollouts {
        found.extend(validate::rollout(rollout));
        found.extend(neighbours.problems(rollout));
    }
    for problem in &found {
        console.line(&body(problem))?;
    }
    match found.first() {
        Some(first) => Err(Failure::message(format!("{}: {}", first.path, body(first)))),
        None => Ok(()),
    }
}

/// What is wrong, without the field. Here upstream also types what it surfaces as a bare sentence in a status.
fn body(problem: &FieldError) -> String {
    match problem.kind {
        ErrorKind::Bare => format!("Internal error: {}", problem.body()),
        ErrorKind::Invalid(_) | ErrorKind::NotSupported(_) | ErrorKind::Required | ErrorKind::Forbidden => {
            problem.body()
        }
    }
}

/// The rollouts of a file, and the objects that they may refer to; other kinds are ignored.
fn read(file: &str) -> Result<(Vec<Rollout>, Neighbours), String> {
    let text = text_of(file)?;
    let documents = yaml::parse_docs(&text).map_err(|error| strict::yaml_reader(&error))?;
    let (mut rollouts, mut neighbours) = (Vec::new(), Neighbours::default());
    for document in documents {
        let object = document.value;
        strict::refuse_no_object(&object).map_err(|problem| strict::in_yaml(&problem))?;
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
        match (group, text("kind")) {
            (GROUP, "Rollout") => rollouts.push(decoded(object)?),
            (group, kind) => {
                let (group, kind, version) = (group.to_owned(), kind.to_owned(), version.to_owned());
                neighbours.note(&group, &version, &kind, object);
            }
        }
    }
    Ok((rollouts, neighbours))
}

fn decoded(mut object: Value) -> Result<Rollout, String> {
    strict::as_texts(&mut object, "Rollout");
    if let Some(problem) = strict::problem(&object, "Rollout") {
        return Err(strict::in_yaml(&problem));
    }
    serde_json::from_value(object).map_err(|error| strict::in_yaml(&error.to_string()))
}
