//! `lua generate`, `lua test`, `lua health`: Argo CD's scripts, written and tried without a cluster.

use crate::local::manifest;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serin_argocd::settings::{ArgocdCm, Finding, any_error, list};
use serin_core::hooks;
use serin_core::hooks::Pause;
use serin_lua::customization::Customization;
use serin_lua::generate::Options;
use serin_lua::generate::{self, File, Layout, Version, customizations, write};
use serin_lua::suite;
use std::path::Path;
use std::path::PathBuf;

/// `lua …`.
#[derive(Args, Debug)]
pub(crate) struct LuaGroup {
    /// The command.
    #[command(subcommand)]
    pub command: Option<LuaCommand>,
}

/// What can be done with the scripts.
#[derive(Subcommand, Debug)]
pub(crate) enum LuaCommand {
    /// Write health checks and actions for Argo CD
    Generate(Generate),
    /// Run test cases in the layout of resource_customizations of Argo CD's repository
    Test(LuaTest),
    /// Show the health that Argo CD will report for objects
    Health(HealthFiles),
}

/// `lua generate`.
#[derive(Args, Debug)]
pub(crate) struct Generate {
    /// Form of the output
    #[arg(long = "for", value_enum)]
    pub layout: Form,
    /// Version of Argo CD, 2.8 or newer
    #[arg(long, default_value_t = Version::NEWEST)]
    pub argocd_version: Version,
    /// What may be chosen.
    #[command(flatten)]
    pub choices: Choices,
    /// Folder to write to instead of standard output
    #[arg(long, short)]
    pub output: Option<PathBuf>,
}

/// What may be chosen of the rules.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Choices {
    /// Add the actions that Argo CD does not have: promote, skip-all-steps
    #[arg(long)]
    pub extras: bool,
    /// Report this pause as Healthy, with a message, so that it does not hold up a sync; can be repeated
    #[arg(long = "healthy-pause", value_name = "REASON", value_parser = pause)]
    pub healthy_pauses: Vec<Pause>,
    /// Show the message of an Experiment instead of Argo CD's fixed texts
    #[arg(long)]
    pub experiment_messages: bool,
}

impl Choices {
    /// For the generator.
    #[must_use]
    pub(crate) fn options(&self) -> Options {
        Options {
            rules: self.rules(),
            upstream_labels: false,
        }
    }

    /// For the rules.
    #[must_use]
    pub(crate) fn rules(&self) -> hooks::Options {
        let mut healthy_pauses = self.healthy_pauses.clone();
        healthy_pauses.sort_unstable();
        healthy_pauses.dedup();
        hooks::Options {
            healthy_pauses,
            experiment_messages: self.experiment_messages,
            extras: self.extras,
        }
    }
}

/// The forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A ConfigMap argocd-cm that contains only the scripts
    ArgocdCm,
    /// A folder for each kind
    Directory,
    /// Values of the Helm chart argo-cd
    HelmValues,
    /// The folder resource_customizations of Argo CD's repository, with test cases
    UpstreamLayout,
}

impl From<Form> for Layout {
    fn from(form: Form) -> Self {
        match form {
            Form::ArgocdCm => Self::ArgocdCm,
            Form::Directory => Self::Directory,
            Form::HelmValues => Self::HelmValues,
            Form::UpstreamLayout => Self::Upstream,
        }
    }
}

/// `lua test`.
#[derive(Args, Debug)]
pub(crate) struct LuaTest {
    /// Folder that contains health_test.yaml and actions/action_test.yaml at any depth
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Test Serin's generated scripts instead of those in the folder
    #[arg(long, conflicts_with = "argocd_cm")]
    pub generated: bool,
    /// Test the scripts of this ConfigMap instead of those in the folder
    #[arg(long, value_name = "FILE")]
    pub argocd_cm: Option<PathBuf>,
}

/// `lua health`.
#[derive(Args, Debug)]
pub(crate) struct HealthFiles {
    /// Files or folders with objects in YAML or JSON, also Lists and several documents; - reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What may be chosen.
    #[command(flatten)]
    pub choices: Choices,
}

fn pause(text: &str) -> Result<Pause, String> {
    let found = Pause::ALL.into_iter().find(|pause| pause.as_str() == text);
    found.ok_or_else(|| {
        let known: Vec<_> = Pause::ALL.iter().map(|pause| pause.as_str()).collect();
        format!("unknown pause; use one of {}", known.join(", "))
    })
}

/// Carries out a command of the group; [`crate::args`] has refused one without a command.
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
            "Argo CD {} is newer than {}, the newest version that the scripts were tested with. They are written for that version.",
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
            "this form has several files: name a folder with --output",
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

/// Runs the cases of a folder. A failing case or a malformed file fails the command.
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

/// The scripts to test instead of those in the folder.
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

/// Prints a line for each object, and its actions. Lists all that it cannot read at the end.
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
