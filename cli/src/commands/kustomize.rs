//! `kustomize init`: Serin's configuration of transformers and its schema, written beside an overlay.

use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand};
use serin_gitops::kustomize::shipped;
use serin_gitops::yaml::{self, Node};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// `kustomize …`.
#[derive(Args, Debug)]
pub(crate) struct KustomizeGroup {
    /// The command.
    #[command(subcommand)]
    pub command: Option<KustomizeCommand>,
}

/// What can be done for kustomize.
#[derive(Subcommand, Debug)]
pub(crate) enum KustomizeCommand {
    /// Write a configuration and a schema that let kustomize work with Rollouts
    Init(Init),
}

/// `kustomize init`.
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Folder of the overlay
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
}

/// The files: name, text, the key of a kustomization that refers to it, how.
const FILES: [(&str, &str, &str, &str); 2] = [
    (
        "serin-transform.yaml",
        shipped::TRANSFORM,
        "configurations",
        "configurations: [serin-transform.yaml]",
    ),
    (
        "serin-schema.json",
        shipped::SCHEMA,
        "openapi",
        "openapi: {path: serin-schema.json}",
    ),
];
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Carries out a command of the group; [`crate::args`] has refused one without a command.
pub(super) fn run(group: &KustomizeGroup, console: &mut Console) -> Result<(), Failure> {
    match &group.command {
        Some(KustomizeCommand::Init(arguments)) => init(&arguments.folder, console),
        None => Ok(()),
    }
}

/// Writes the files that are not there. A file that is there is never changed: if it is another, nothing is written.
fn init(folder: &Path, console: &mut Console) -> Result<(), Failure> {
    if !folder.is_dir() {
        let shown = folder.display();
        return Err(Failure::message(format!(
            "{shown} is no folder; name the folder of an overlay"
        )));
    }
    let mut missing = Vec::new();
    for (name, text, ..) in FILES {
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(found) if found == text.as_bytes() => console.complain(&format!("{} is up to date", path.display())),
            Ok(_) => {
                let message = "is there already and is not what this version writes; nothing was written. Remove it to have it written";
                return Err(Failure::message(format!("{} {message}", path.display())));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, text)),
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    for (path, text) in missing {
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, &error))?;
        console.line(&path.display().to_string())?;
    }
    advise(folder, console)
}

/// The lines that are missing in the kustomization, and those to replace.
fn advise(folder: &Path, console: &mut Console) -> Result<(), Failure> {
    let found = KUSTOMIZATIONS
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file());
    let file = found.clone().unwrap_or_else(|| folder.join(KUSTOMIZATIONS[0]));
    let text = found.and_then(|path| fs::read(path).ok()).unwrap_or_default();
    let stream = yaml::read(&text).unwrap_or_default();
    let root = stream.documents.first().map(|document| &document.root);
    let mut lines = Vec::new();
    for (name, _, key, line) in FILES {
        match root.and_then(|root| root.entry(key)) {
            Some(entry) if names(&entry.value, name) => {}
            Some(entry) => {
                let (file, number) = (file.display(), entry.key.mark.line);
                let what = match key {
                    "openapi" => format!("{file}:{number}: replace the path of `openapi:` by {name}"),
                    _ => format!(
                        "{file}:{number}: add {name} to `{key}:`; remove upstream's rollout-transform.yaml if it is there"
                    ),
                };
                lines.push(what);
            }
            None => lines.push(line.to_owned()),
        }
    }
    if lines.is_empty() {
        return console.line(&format!("{} refers to them already.", file.display()));
    }
    console.line(&format!("Now change {}:", file.display()))?;
    lines.iter().try_for_each(|line| console.line(&format!("  {line}")))
}

/// Whether a text stands somewhere in a node.
fn names(node: &Node, text: &str) -> bool {
    let is = |found: &str| found.trim_start_matches("./") == text;
    node.as_str().is_some_and(is)
        || node.items().iter().any(|item| names(item, text))
        || node.entries().iter().any(|entry| names(&entry.value, text))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::message(format!("{}: {error}", path.display()))
}
