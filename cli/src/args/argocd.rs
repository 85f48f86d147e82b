//! The words of `serin argocd`, a command that upstream does not have.

use super::lua::Choices;
use super::values;
use clap::{Args, Subcommand, ValueEnum};
use serin_lua::generate::Version;
use std::path::PathBuf;

/// `argocd …`.
#[derive(Args, Debug)]
pub struct ArgocdGroup {
    /// What is wanted.
    #[command(subcommand)]
    pub command: Option<ArgocdCommand>,
}

/// What can be done about Argo CD.
#[derive(Subcommand, Debug)]
pub enum ArgocdCommand {
    /// Show what health checks and actions would change in Argo CD's settings, and how to apply it
    Install(ArgocdInstall),
}

/// `argocd install`.
#[derive(Args, Debug)]
pub struct ArgocdInstall {
    /// Show the changes; without it the command refuses, because it never applies anything by itself
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub dry_run: bool,
    /// A file with the ConfigMap argocd-cm, in place of the one in the cluster
    #[arg(long, value_name = "FILE")]
    pub argocd_cm: Option<PathBuf>,
    /// Namespace of Argo CD
    #[arg(long, value_name = "NAMESPACE", default_value = "argocd")]
    pub argocd_namespace: String,
    /// Version of Argo CD, from 2.8 on
    #[arg(long, default_value_t = Version::NEWEST)]
    pub argocd_version: Version,
    /// What may be chosen.
    #[command(flatten)]
    pub choices: Choices,
    /// Show a link to this page of yours on Degraded Rollouts; may hold Argo CD's templates
    #[arg(long, value_name = "URL")]
    pub link: Option<String>,
    /// What to print
    #[arg(long, short, value_enum, default_value = "text")]
    pub output: PlanForm,
}

/// What `argocd install` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanForm {
    /// The changes, the commands and both patches
    Text,
    /// The patch alone
    Patch,
    /// The patch that takes it back
    Undo,
}
