//! `create -f FILE` (contract 10 §2, §9); `create analysisrun` has a file of its own.

pub(super) mod analysis_run;

use self::analysis_run::CreateAnalysisRun;
use crate::cluster::connect::{Connection, connect};
use crate::cluster::flags::Global;
use crate::commands::get::GetGroup;
use crate::commands::{self, Command};
use crate::local::single::{self, Single};
use crate::show::coloring::Coloring;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::values;
use clap::{Args, FromArgMatches, Subcommand};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use serde_json::Value;
use serin_core::api::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, Experiment, GROUP, Rollout};

/// `create -f FILE`.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Files to use to create the resource
    #[arg(long = "filename", short = 'f', allow_hyphen_values = true)]
    pub files: Vec<String>,
    /// Watch live updates to the resource after creating
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub watch: bool,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
    /// What to create from something else than its own file.
    #[command(subcommand)]
    pub kind: Option<CreateKind>,
}

/// What can be created from something else than its own file.
#[derive(Subcommand, Debug)]
pub(crate) enum CreateKind {
    /// Create an AnalysisRun from an AnalysisTemplate or a ClusterAnalysisTemplate
    #[command(name = "analysisrun", visible_aliases = ["ar"])]
    AnalysisRun(CreateAnalysisRun),
}

/// Creates the objects of files one by one; the first error ends it, lines printed so far stay.
pub(super) async fn run(flags: &Global, arguments: &Create, console: &mut Console) -> Result<(), Failure> {
    if arguments.files.len() > 1 && arguments.watch {
        return Err(Failure::message("Cannot watch multiple resources"));
    }
    let connection = connect(flags).await?;
    let mut created = Vec::new();
    for file in &arguments.files {
        created.push(connection.name_in(create(&connection, file, console).await)?);
    }
    match created.first() {
        Some((kind, name)) if arguments.watch => {
            connection.name_in(watch(&connection, arguments, kind, name, console).await)
        }
        Some(_) | None => Ok(()),
    }
}

/// Creates the object of a file, and says so. Gives its kind and name.
async fn create(connection: &Connection, file: &str, console: &mut Console) -> Result<(String, String), Failure> {
    let file = single::read(file).map_err(Failure::Message)?;
    let (api_version, kind) = (file.text("/apiVersion"), file.text("/kind"));
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let resource = ours(kind)
        .filter(|_| group == GROUP)
        .ok_or_else(|| Failure::message(format!("creates of {group}/{kind} unsupported")))?;
    file.refuse_unknown(kind).map_err(Failure::Message)?;
    let stored = post(connection, &resource, &file).await?;
    let name = stored.metadata.name.unwrap_or_default();
    console.line(&format!("{}.{GROUP}/{name} created", kind.to_lowercase()))?;
    Ok((kind.to_owned(), name))
}

/// The kinds that can be created.
fn ours(kind: &str) -> Option<ApiResource> {
    Some(match kind {
        "Rollout" => ApiResource::erase::<Rollout>(&()),
        "Experiment" => ApiResource::erase::<Experiment>(&()),
        "AnalysisTemplate" => ApiResource::erase::<AnalysisTemplate>(&()),
        "ClusterAnalysisTemplate" => ApiResource::erase::<ClusterAnalysisTemplate>(&()),
        "AnalysisRun" => ApiResource::erase::<AnalysisRun>(&()),
        _ => return None,
    })
}

async fn post(connection: &Connection, resource: &ApiResource, file: &Single) -> Result<DynamicObject, Failure> {
    let object: DynamicObject =
        serde_json::from_value(file.object.clone()).map_err(|error| Failure::message(error.to_string()))?;
    let objects: Api<DynamicObject> = if resource.kind == "ClusterAnalysisTemplate" {
        Api::all_with(connection.client.clone(), resource)
    } else {
        let own = file.object.pointer("/metadata/namespace").and_then(Value::as_str);
        let namespace = own.unwrap_or(&connection.namespace);
        Api::namespaced_with(connection.client.clone(), namespace, resource)
    };
    let created = objects.create(&PostParams::default(), &object).await;
    created.map_err(|error| Failure::of_write(&error))
}

/// Goes on as `get rollout NAME --watch`, in the namespace of the call.
async fn watch(
    connection: &Connection,
    arguments: &Create,
    kind: &str,
    name: &str,
    console: &mut Console,
) -> Result<(), Failure> {
    let group = match kind {
        "Rollout" => "rollout",
        "Experiment" => "experiment",
        _ => {
            return Err(Failure::message(
                "Can only watch resources of type Rollout or Experiment",
            ));
        }
    };
    let mut words = vec!["get", group, name, "--watch"];
    words.extend(arguments.coloring.no_color.then_some("--no-color"));
    let get = GetGroup::augment_args(clap::Command::new("get"))
        .try_get_matches_from(words)
        .and_then(|matches| GetGroup::from_arg_matches(&matches))
        .map_err(|error| Failure::message(error.to_string()))?;
    commands::talk(connection, Command::Get(get), console).await
}
