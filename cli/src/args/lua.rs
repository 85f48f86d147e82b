//! The words of `serin lua`, a command that upstream does not have.

use clap::{Args, Subcommand, ValueEnum};
use serin_core::hooks::{self, Pause};
use serin_lua::generate::{Layout, Options, Version};
use std::path::PathBuf;

/// `lua …`.
#[derive(Args, Debug)]
pub struct LuaGroup {
    /// What is wanted.
    #[command(subcommand)]
    pub command: Option<LuaCommand>,
}

/// What can be done with the scripts.
#[derive(Subcommand, Debug)]
pub enum LuaCommand {
    /// Write health checks and actions for Argo CD
    Generate(Generate),
    /// Run the test cases of a folder laid out as resource_customizations of Argo CD's repository
    Test(LuaTest),
    /// Show how Argo CD will show objects, by the rules themselves
    Health(HealthFiles),
}

/// `lua generate`.
#[derive(Args, Debug)]
pub struct Generate {
    /// Where the scripts are to go
    #[arg(long = "for", value_enum)]
    pub layout: Form,
    /// Version of Argo CD, from 2.8 on
    #[arg(long, default_value_t = Version::NEWEST)]
    pub argocd_version: Version,
    /// What may be chosen.
    #[command(flatten)]
    pub choices: Choices,
    /// Folder to write into, instead of standard output
    #[arg(long, short)]
    pub output: Option<PathBuf>,
}

/// What may be chosen of the rules.
#[derive(Args, Clone, Debug, Default)]
pub struct Choices {
    /// Actions that Argo CD does not have: promote, skip-all-steps
    #[arg(long)]
    pub extras: bool,
    /// Pause that is shown Healthy, with a message, and so does not hold up a sync; can be repeated
    #[arg(long = "healthy-pause", value_name = "REASON", value_parser = pause)]
    pub healthy_pauses: Vec<Pause>,
    /// Show what an Experiment says instead of Argo CD's fixed texts
    #[arg(long)]
    pub experiment_messages: bool,
}

impl Choices {
    /// For the generator.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            rules: self.rules(),
            upstream_labels: false,
        }
    }

    /// For the rules.
    #[must_use]
    pub fn rules(&self) -> hooks::Options {
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
pub enum Form {
    /// A ConfigMap argocd-cm with nothing but the scripts
    ArgocdCm,
    /// A folder for each kind
    Directory,
    /// Values of the chart argo-cd
    HelmValues,
    /// resource_customizations, as Argo CD's own repository has it, with test cases
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
pub struct LuaTest {
    /// Folder with health_test.yaml and actions/action_test.yaml somewhere below it
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Try Serin's generated scripts instead of those in the folder
    #[arg(long, conflicts_with = "argocd_cm")]
    pub generated: bool,
    /// Try the scripts of this ConfigMap instead of those in the folder
    #[arg(long, value_name = "FILE")]
    pub argocd_cm: Option<PathBuf>,
}

/// `lua health`.
#[derive(Args, Debug)]
pub struct HealthFiles {
    /// Files or folders with objects, in YAML or JSON: several documents, Lists; - is standard input
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
        format!("there is no such pause; there are {}", known.join(", "))
    })
}
