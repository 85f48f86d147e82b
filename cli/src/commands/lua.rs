//! `lua generate`, `lua test`, `lua health`: Argo CD's scripts, written and tried without a cluster.

use crate::args::{Generate, HealthFiles, LuaCommand, LuaGroup, LuaTest};
use crate::local::manifest;
use crate::show::console::Console;
use crate::show::failure::Failure;
use jiff::Timestamp;
use serin_argocd::settings::{ArgocdCm, Finding, any_error, list};
use serin_core::hooks;
use serin_lua::customization::Customization;
use serin_lua::generate::{self, File, Layout, Version, customizations, write};
use serin_lua::suite;
use std::path::Path;

/// Carries out a command of the group; one without a command has been turned down with its usage before.
pub(super) fn run(group: &LuaGroup, console: &mut Console) -> Result<(), Failure> {
    match &group.command {
        Some(LuaCommand::Generate(arguments)) => generate(arguments, console),
        Some(LuaCommand::Test(arguments)) => test(arguments, console),
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

/// Runs the cases of a folder; a case that fails, and a file that is not as it must be, fails the command.
fn test(arguments: &LuaTest, console: &mut Console) -> Result<(), Failure> {
    let scripts = scripts(arguments, console)?;
    let options = suite::Options {
        scripts: scripts.as_deref(),
        now: Timestamp::now(),
    };
    let report = suite::run(&arguments.folder, &options).map_err(|error| Failure::message(error.to_string()))?;
    console.line(report.to_string().trim_end())?;
    if report.passed() {
        Ok(())
    } else {
        Err(Failure::message("some cases failed"))
    }
}

/// The scripts to try in place of those that lie in the folder.
fn scripts(arguments: &LuaTest, console: &mut Console) -> Result<Option<Vec<Customization>>, Failure> {
    if arguments.generated {
        // Argo CD's own cases know none of our names and icons.
        let upstream = generate::Options {
            upstream_labels: true,
            ..generate::Options::default()
        };
        return Ok(Some(customizations(&upstream)));
    }
    let Some(path) = &arguments.argocd_cm else {
        return Ok(None);
    };
    let refused = |findings: &[Finding]| Failure::message(list(findings));
    let settings = ArgocdCm::read(&path.display().to_string(), &read(path)?).map_err(|finding| refused(&[*finding]))?;
    let findings = settings.check();
    if any_error(&findings) {
        return Err(refused(&findings));
    }
    for finding in &findings {
        console.complain(&finding.to_string());
    }
    settings
        .customizations()
        .map(Some)
        .map_err(|findings| refused(&findings))
}

/// One line for each object, and what can be asked of it. What cannot be read is told at the end, all of it.
fn health(arguments: &HealthFiles, console: &mut Console) -> Result<(), Failure> {
    let options = arguments.choices.rules();
    let mut problems = Vec::new();
    for manifest in manifest::read(&arguments.files) {
        let manifest = match manifest {
            Ok(manifest) => manifest,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let (title, object) = (manifest.title(), &manifest.object);
        let Some(rules) = hooks::of(object, &options) else {
            console.line(&format!("{title}: Argo CD has no health for this kind from Serin"))?;
            continue;
        };
        let health = rules.health(object);
        console.line(format!("{title}: {} {}", health.status.as_str(), health.message).trim_end())?;
        for action in &rules.actions {
            let state = if action.is_disabled(object) {
                "disabled"
            } else {
                "enabled"
            };
            console.line(&format!("  {} ({state})", action.name))?;
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::message(problems.join("\n")))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::message(format!("{}: {error}", path.display())))
}
