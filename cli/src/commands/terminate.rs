//! `terminate analysisrun NAME...` and `terminate experiment NAME...`

use crate::cluster::connect::Connection;
use crate::commands::names::Names;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand};
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use serde::de::DeserializeOwned;
use serin_core::api::{AnalysisRun, Experiment};
use serin_core::hooks::request::{self, Patches};
use std::ffi::OsString;
use std::fmt::Debug;

/// `terminate <kind> NAME`.
#[derive(Args, Debug)]
pub(crate) struct TerminateGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<TerminateKind>,
}

/// What can be terminated.
#[derive(Subcommand, Debug)]
pub(crate) enum TerminateKind {
    /// Terminate an AnalysisRun
    #[command(name = "analysisrun", visible_aliases = ["ar", "analysisruns"])]
    AnalysisRun(Names),
    /// Terminate an Experiment
    #[command(visible_aliases = ["exp", "experiments"])]
    Experiment(Names),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// Ends runs one by one; the first error ends it, lines printed so far stay.
pub(super) async fn analysis_runs(
    connection: &Connection,
    names: &[String],
    console: &mut Console,
) -> Result<(), Failure> {
    for name in names {
        end::<AnalysisRun>(connection, name, &request::terminate("AnalysisRun")).await?;
        console.line(&format!("analysisRun '{name}' terminated"))?;
    }
    Ok(())
}

/// Ends experiments one by one. "retried" is upstream's word.
pub(super) async fn experiments(
    connection: &Connection,
    names: &[String],
    console: &mut Console,
) -> Result<(), Failure> {
    for name in names {
        end::<Experiment>(connection, name, &request::terminate("Experiment")).await?;
        console.line(&format!("experiment '{name}' retried"))?;
    }
    Ok(())
}

/// One patch of the main object: these kinds have no `status` subresource, and nothing of the status is asked for.
async fn end<K>(connection: &Connection, name: &str, patches: &Patches) -> Result<(), Failure>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let objects: Api<K> = Api::namespaced(connection.client.clone(), &connection.namespace);
    if let Some(patch) = &patches.spec {
        objects
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map_err(|error| Failure::of_write(&error))?;
    }
    Ok(())
}
