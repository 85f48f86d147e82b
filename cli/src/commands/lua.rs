//! `lua generate`, `lua test`, `lua health`: Argo CD's scripts, written and tried without a cluster.

use crate::args::{Generate, HealthFiles, LuaCommand, LuaGroup};
use crate::console::Console;
use crate::failure::Failure;
use serin_core::{rules, yaml};
use serin_lua::generate::{File, Layout, Version, write};
use std::io::Read as _;
use std::path::Path;

/// Carries out a command of the group; one without a command has been turned down with its usage before.
pub(super) fn run(group: &LuaGroup, console: &mut Console) -> Result<(), Failure> {
    match &group.command {
        Some(LuaCommand::Generate(arguments)) => generate(arguments, console),
        Some(LuaCommand::Test(_arguments)) => Err(Failure::message("")),
        Some(LuaCommand::Health(arguments)) => health(arguments, console),
        None => Ok(()),
    }
}

fn generate(arguments: &Generate, console: &mut Console) -> Result<(), Failure> {
    if arguments.argocd_version.is_untried() {
        console.complain(&format!(
            "Argo CD {} is newer than {}, the newest version that the scripts were tried with; they are written as for that.",
            arguments.argocd_version,
            Version::NEWEST
        ));
    }
    let layout = Layout::from(arguments.layout);
    let files = write(layout, &arguments.choices.options());
    match (&arguments.output, &files[..]) {
        (Some(folder), files) => files.iter().try_for_each(|file| put(folder, file, console)),
        (None, [file]) => console.print(&file.text),
        (None, _) => Err(Failure::message(
            "this form has several files: say into which folder with --output",
        )),
    }
}

fn put(folder: &Path, file: &File, console: &mut Console) -> Result<(), Failure> {
    let path = folder.join(&file.path);
    let fail = |error: std::io::Error| Failure::message(format!("{}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    std::fs::write(&path, &file.text).map_err(fail)?;
    console.line(&path.display().to_string())
}

/// One line for each object, and what can be asked of it.
fn health(arguments: &HealthFiles, console: &mut Console) -> Result<(), Failure> {
    let options = arguments.choices.rules();
    for path in &arguments.files {
        let text = read(path)?;
        let documents =
            yaml::parse_docs(&text).map_err(|error| Failure::message(format!("{}: {error}", path.display())))?;
        for document in documents {
            let object = &document.value;
            let word = |pointer| {
                object
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
            };
            let name = format!("{}/{}", word("/kind"), word("/metadata/name"));
            let Some(rules) = rules::of(object, &options) else {
                console.line(&format!("{name}: Argo CD has no health for this kind from Serin"))?;
                continue;
            };
            let health = rules.health(object);
            console.line(format!("{name}: {} {}", health.status.as_str(), health.message).trim_end())?;
            for action in &rules.actions {
                let state = if action.is_disabled(object) {
                    "disabled"
                } else {
                    "enabled"
                };
                console.line(&format!("  {} ({state})", action.name))?;
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| Failure::message(format!("{}: {error}", path.display())))?;
    Ok(text)
}
