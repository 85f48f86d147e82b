//! `argocd install`: what the hooks would change in `argocd-cm`. It applies nothing.

use crate::cluster::connect::connect;
use crate::cluster::flags::Global;
use crate::commands::lua::Choices;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::show::program::Program;
use crate::values;
use clap::{Args, Subcommand, ValueEnum};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serin_argocd::install::{self, InstallPlan};
use serin_argocd::settings::{ARGOCD_CM, ArgocdCm, Finding, any_error, list};
use serin_lua::generate::{self, Version};
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

/// `argocd …`.
#[derive(Args, Debug)]
pub(crate) struct ArgocdGroup {
    /// The command.
    #[command(subcommand)]
    pub command: Option<ArgocdCommand>,
}

/// What can be done about Argo CD.
#[derive(Subcommand, Debug)]
pub(crate) enum ArgocdCommand {
    /// Show what health checks and actions would change in Argo CD's settings, and how to apply the change
    Install(ArgocdInstall),
}

/// `argocd install`.
#[derive(Args, Debug)]
pub(crate) struct ArgocdInstall {
    /// Show the changes; required, because the command never applies anything
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub dry_run: bool,
    /// File with the ConfigMap argocd-cm to use instead of the one in the cluster
    #[arg(long, value_name = "FILE")]
    pub argocd_cm: Option<PathBuf>,
    /// Namespace of Argo CD
    #[arg(long, value_name = "NAMESPACE", default_value = "argocd")]
    pub argocd_namespace: String,
    /// Version of Argo CD, 2.8 or newer
    #[arg(long, default_value_t = Version::NEWEST)]
    pub argocd_version: Version,
    /// What may be chosen.
    #[command(flatten)]
    pub choices: Choices,
    /// Link to show on Degraded Rollouts; can contain Argo CD's templates
    #[arg(long, value_name = "URL")]
    pub link: Option<String>,
    /// What to print
    #[arg(long, short, value_enum, default_value = "text")]
    pub output: PlanForm,
}

/// What `argocd install` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanForm {
    /// The changes, the commands and both patches
    Text,
    /// The patch alone
    Patch,
    /// The patch that undoes it
    Undo,
}

/// Carries out a command of the group; [`crate::args`] has refused one without a command.
pub(super) async fn run(flags: &Global, group: &ArgocdGroup, console: &mut Console) -> Result<(), Failure> {
    match &group.command {
        Some(ArgocdCommand::Install(arguments)) => install(flags, arguments, console).await,
        None => Ok(()),
    }
}

/// Prints the plan, or why there is none.
async fn install(flags: &Global, arguments: &ArgocdInstall, console: &mut Console) -> Result<(), Failure> {
    if !arguments.dry_run {
        return Err(Failure::message(never_applies(
            console.program(),
            &arguments.argocd_namespace,
        )));
    }
    let version = arguments.argocd_version;
    if version.is_untried() {
        console.complain(&format!(
            "Argo CD {version} is newer than {}, the newest version that the scripts were tested with. They are written for that version.",
            Version::NEWEST
        ));
    }
    let current = match &arguments.argocd_cm {
        Some(file) => from_file(file)?,
        None => from_cluster(flags, &arguments.argocd_namespace).await?,
    };
    let plan = install::plan(&desired(arguments), &current).map_err(|findings| refuse(&findings))?;
    let text = print(&plan, arguments)?;
    console.print(&text)
}

/// The keys that Serin wants in `argocd-cm`.
fn desired(arguments: &ArgocdInstall) -> BTreeMap<String, String> {
    let mut desired = generate::argocd_cm(&arguments.choices.options());
    desired.extend(install::ignore_keys());
    desired.extend(arguments.link.as_deref().map(install::link));
    desired
}

fn print(plan: &InstallPlan, arguments: &ArgocdInstall) -> Result<String, Failure> {
    let text = match arguments.output {
        PlanForm::Text => plan.text(&arguments.argocd_namespace, arguments.argocd_version),
        PlanForm::Patch => plan.patch(),
        PlanForm::Undo => plan.undo(),
    };
    text.map_err(|error| Failure::message(format!("the patch cannot be written as YAML: {error}")))
}

fn from_file(file: &Path) -> Result<ArgocdCm, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::message(format!("{name}: {error}")))?;
    ArgocdCm::read(&name, &text).map_err(|finding| refuse(&[*finding]))
}

async fn from_cluster(flags: &Global, namespace: &str) -> Result<ArgocdCm, Failure> {
    let connection = connect(flags).await?;
    let api: Api<ConfigMap> = Api::namespaced(connection.client.clone(), namespace);
    let map = connection.name_in(api.get_opt(ARGOCD_CM).await.map_err(Failure::from))?;
    let Some(map) = map else {
        return Err(Failure::message(format!(
            "there is no ConfigMap {ARGOCD_CM} in namespace {namespace:?}; name the namespace of Argo CD with \
             --argocd-namespace, or a file with --argocd-cm"
        )));
    };
    Ok(ArgocdCm::from_cluster(namespace, map.data.unwrap_or_default()))
}

/// All findings at once, so that people can mend them together.
fn refuse(findings: &[Finding]) -> Failure {
    debug_assert!(any_error(findings));
    Failure::message(format!(
        "serin makes no patch for settings that Argo CD cannot load\n\n{}",
        list(findings).trim_end()
    ))
}

fn never_applies(program: Program, namespace: &str) -> String {
    let program = program.words();
    format!(
        "serin never changes Argo CD's settings by itself. Look at what would change with

  {program} argocd install --dry-run

and apply it with

  {program} argocd install --dry-run -o patch > serin-argocd-cm.yaml
  kubectl -n {namespace} patch configmap {ARGOCD_CM} --type merge --patch-file serin-argocd-cm.yaml"
    )
}
