//! `create analysisrun` (contract 10 §2, §9)

use crate::cluster::connect::{Connection, connect};
use crate::cluster::flags::Global;
use crate::cluster::workload::objects;
use crate::local::single;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::values;
use clap::Args;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use serde_json::Value;
use serin_core::analysis::template::{Naming, of_template};
use serin_core::api::analysis_template::Argument;
use serin_core::api::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, GROUP};

/// `create analysisrun`.
#[derive(Args, Debug)]
pub(crate) struct CreateAnalysisRun {
    /// Use the specified name for the run
    #[arg(long, allow_hyphen_values = true)]
    pub name: Option<String>,
    /// Use the specified generateName for the run
    #[arg(long, allow_hyphen_values = true)]
    pub generate_name: Option<String>,
    /// Instance-ID for the AnalysisRun
    #[arg(long, allow_hyphen_values = true)]
    pub instance_id: Option<String>,
    /// Arguments to the parameter template
    #[arg(long = "argument", short = 'a', allow_hyphen_values = true)]
    pub arguments: Vec<String>,
    /// Create an AnalysisRun from an AnalysisTemplate or ClusterAnalysisTemplate in the cluster
    #[arg(long, allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Create an AnalysisRun from an AnalysisTemplate or ClusterAnalysisTemplate in a local file
    #[arg(long, allow_hyphen_values = true)]
    pub from_file: Option<String>,
    /// Use a ClusterAnalysisTemplate instead of a AnalysisTemplate
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub global: bool,
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
}

/// Where the template comes from.
enum Source<'a> {
    Cluster(&'a str),
    File(&'a str),
}

/// Creates a run of a template, with arguments.
pub(crate) async fn run(flags: &Global, arguments: &CreateAnalysisRun, console: &mut Console) -> Result<(), Failure> {
    let given = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
    let (from, from_file) = (given(&arguments.from), given(&arguments.from_file));
    let source = match (&from, &from_file) {
        (Some(name), None) => Source::Cluster(name),
        (None, Some(file)) => Source::File(file),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Failure::message("one of --from or --from-file must be specified"));
        }
    };
    let values = values_of(&arguments.arguments)?;
    let connection = connect(flags).await?;
    let template = connection.name_in(template(&connection, &source, arguments.global).await)?;
    let naming = Naming {
        name: arguments.name.clone().unwrap_or_default(),
        generate_name: arguments.generate_name.clone().unwrap_or_default(),
        namespace: connection.namespace.clone(),
        instance_id: arguments.instance_id.clone().unwrap_or_default(),
    };
    let object = of_template(template, &naming, &values).map_err(Failure::Message)?;
    let created = connection.name_in(post(&connection, object).await)?;
    console.line(&format!("analysisrun.{GROUP}/{created} created"))
}

/// `NAME=VALUE`, split at the first `=`.
fn values_of(arguments: &[String]) -> Result<Vec<Argument>, Failure> {
    let read = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::message("arguments must be in the form NAME=VALUE"))?;
        Ok(Argument {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            value_from: None,
        })
    };
    arguments.iter().map(read).collect()
}

async fn template(connection: &Connection, source: &Source<'_>, global: bool) -> Result<Value, Failure> {
    let found = match source {
        Source::File(file) => return single::read(file).map(|it| it.object).map_err(Failure::Message),
        Source::Cluster(name) if global => {
            let resource = ApiResource::erase::<ClusterAnalysisTemplate>(&());
            let all: Api<DynamicObject> = Api::all_with(connection.client.clone(), &resource);
            all.get(name).await?
        }
        Source::Cluster(name) => objects::<AnalysisTemplate>(connection).get(name).await?,
    };
    serde_json::to_value(found).map_err(|error| Failure::message(error.to_string()))
}

async fn post(connection: &Connection, object: Value) -> Result<String, Failure> {
    let object: DynamicObject = serde_json::from_value(object).map_err(|error| Failure::message(error.to_string()))?;
    let created = objects::<AnalysisRun>(connection)
        .create(&PostParams::default(), &object)
        .await
        .map_err(|error| Failure::of_write(&error))?;
    Ok(created.metadata.name.unwrap_or_default())
}
