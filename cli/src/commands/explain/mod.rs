//! `explain [KIND/NAME…]`: why an object is in its state. It only reads.
//!
//! Exit codes: 0 whatever the answer is, 2 if nothing could be read.

mod git;
mod watch;

use crate::cluster::connect::{Connection, connect};
use crate::cluster::flags::Global;
use crate::cluster::survey::{self, Kind, Subjects};
use crate::show::coloring::Coloring;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::show::tree::Colors;
use crate::values;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serin_explain::report::{self, Look};
use serin_explain::{Explanations, Sources};
use std::path::{Path, PathBuf};

/// `explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// What to explain: rollout/NAME, analysisrun/NAME or experiment/NAME; a name alone is a rollout's
    #[arg(value_name = "KIND/NAME")]
    pub names: Vec<String>,
    /// Explain what is not Healthy in all namespaces
    #[arg(long, short = 'A', value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub all_namespaces: bool,
    /// Name of the Application of Argo CD; found by its tracking annotation or label if it is not given
    #[arg(long, value_name = "APPLICATION")]
    pub app: Option<String>,
    /// Repository that the Application is deployed from: a folder, or an address that is fetched; the answer then names the commit
    /// at fault and the lines to edit
    #[arg(long, value_name = "URL-or-DIR")]
    pub git: Option<String>,
    /// Argo CD's API server to ask as well; its token is taken from ARGOCD_AUTH_TOKEN or from `argocd login`
    #[arg(long, value_name = "SERVER")]
    pub argocd_server: Option<String>,
    /// Explain what this file, written by --save, holds; no cluster is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["app", "git", "argocd_server", "watch"])]
    pub bundle: Option<PathBuf>,
    /// Also write what was read to this file, without secrets
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// What to print
    #[arg(long, short, value_enum, default_value = "text")]
    pub output: Form,
    /// Print everything, and not one screen
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub details: bool,
    /// Print again after each change, until you interrupt it
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub watch: bool,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
}

/// What `explain` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For a terminal
    Text,
    /// For machines
    Json,
    /// For a chat or a pull request
    Markdown,
    /// One sentence for each object
    Line,
}

/// The exit code if nothing could be read.
const CANNOT_READ: u8 = 2;

/// Reads, explains and prints.
pub(super) async fn run(flags: &Global, arguments: &Explain, console: &mut Console) -> Result<(), Failure> {
    explain(flags, arguments, console)
        .await
        .map_err(|failure| failure.with_code(CANNOT_READ))
}

async fn explain(flags: &Global, arguments: &Explain, console: &mut Console) -> Result<(), Failure> {
    let subjects = subjects(arguments)?;
    if let Some(file) = &arguments.bundle {
        let mut sources = from_bundle(file)?;
        narrow(&mut sources, flags, &subjects)?;
        save(arguments, &sources)?;
        return console.print(&print(&sources, arguments, console)?);
    }
    let connection = connect(flags).await?;
    if arguments.watch {
        return connection.name_in(watch::run(&connection, arguments, &subjects, console).await);
    }
    let sources = connection.name_in(read(&connection, arguments, &subjects).await)?;
    save(arguments, &sources)?;
    console.print(&print(&sources, arguments, console)?)
}

/// Reads everything that the explanations need.
async fn read(connection: &Connection, arguments: &Explain, subjects: &Subjects) -> Result<Sources, Failure> {
    let mut reading = survey::read(connection, subjects, arguments.app.as_deref(), Timestamp::now()).await?;
    git::add(&mut reading, arguments, subjects).await?;
    Ok(reading.finish())
}

fn subjects(arguments: &Explain) -> Result<Subjects, Failure> {
    if arguments.names.is_empty() {
        let everywhere = arguments.all_namespaces;
        return Ok(Subjects::All { everywhere });
    }
    if arguments.all_namespaces {
        return Err(Failure::message(
            "--all-namespaces goes without names: a name is looked for in one namespace",
        ));
    }
    let names = arguments
        .names
        .iter()
        .map(|word| subject(word))
        .collect::<Result<_, _>>()?;
    Ok(Subjects::Named(names))
}

/// A kind, in the spellings of kubectl, and a name.
fn subject(word: &str) -> Result<(Kind, String), Failure> {
    let (kind, name) = word.split_once('/').unwrap_or(("rollout", word));
    let kind = match kind.to_lowercase().trim_end_matches(".argoproj.io") {
        "rollout" | "rollouts" | "ro" => Kind::Rollout,
        "analysisrun" | "analysisruns" | "ar" => Kind::AnalysisRun,
        "experiment" | "experiments" | "exp" => Kind::Experiment,
        other => {
            return Err(Failure::message(format!(
                "{word:?}: {other:?} cannot be explained; use rollout/NAME, analysisrun/NAME or experiment/NAME"
            )));
        }
    };
    if name.is_empty() || name.contains('/') {
        return Err(Failure::message(format!(
            "{word:?} is no name; use rollout/NAME, analysisrun/NAME or experiment/NAME"
        )));
    }
    Ok((kind, name.to_owned()))
}

fn from_bundle(file: &Path) -> Result<Sources, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::message(format!("{name}: {error}")))?;
    Sources::from_json(&text).map_err(|error| Failure::message(format!("{name}: {error}")))
}

/// Of a bundle with several objects, those that are asked for.
fn narrow(sources: &mut Sources, flags: &Global, subjects: &Subjects) -> Result<(), Failure> {
    let Subjects::Named(names) = subjects else {
        return Ok(());
    };
    let all = std::mem::take(&mut sources.subjects);
    for (kind, name) in names {
        let found = all.iter().find(|it| {
            let in_namespace = flags
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == it.namespace);
            it.kind == kind.name() && it.name == *name && in_namespace
        });
        let Some(found) = found else {
            let held: Vec<String> = all
                .iter()
                .map(|it| format!("{}/{} in {}", it.kind.to_lowercase(), it.name, it.namespace))
                .collect();
            return Err(Failure::message(format!(
                "{}/{name} is not in the bundle, which explains {}",
                kind.name().to_lowercase(),
                if held.is_empty() {
                    "nothing".to_owned()
                } else {
                    held.join(", ")
                }
            )));
        };
        sources.subjects.push(found.clone());
    }
    Ok(())
}

fn save(arguments: &Explain, sources: &Sources) -> Result<(), Failure> {
    let Some(file) = &arguments.save else {
        return Ok(());
    };
    let text = sources
        .to_json()
        .map_err(|error| Failure::message(format!("the bundle cannot be written: {error}")))?;
    std::fs::write(file, text).map_err(|error| Failure::message(format!("{}: {error}", file.display())))
}

/// The explanations as they are asked for.
fn print(sources: &Sources, arguments: &Explain, console: &Console) -> Result<String, Failure> {
    let all = serin_explain::explain_all(sources);
    form(&all, arguments, console)
}

fn form(all: &Explanations, arguments: &Explain, console: &Console) -> Result<String, Failure> {
    let each = |one: &dyn Fn(&serin_explain::Explanation) -> String, between: &str| {
        all.explanations.iter().map(one).collect::<Vec<_>>().join(between)
    };
    let nothing = all.explanations.is_empty();
    Ok(match arguments.output {
        Form::Json => {
            report::json(all).map_err(|error| Failure::message(format!("the answer cannot be written: {error}")))?
        }
        Form::Text | Form::Markdown | Form::Line if nothing => "All rollouts are Healthy.\n".to_owned(),
        Form::Text => {
            let color = console.colors(arguments.coloring.choice()) == Colors::On;
            let look = Look {
                color,
                details: arguments.details,
            };
            each(&|it| report::text(it, look), "\n")
        }
        Form::Markdown => each(&report::markdown, "\n"),
        Form::Line => each(&|it| report::line(it) + "\n", ""),
    })
}
