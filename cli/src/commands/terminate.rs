//! `terminate analysisrun NAME...` and `terminate experiment NAME...`

use crate::cluster::connect::Connection;
use crate::show::console::Console;
use crate::show::failure::Failure;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use serde::de::DeserializeOwned;
use serin_core::api::{AnalysisRun, Experiment};
use serin_core::hooks::request::{self, Patches};
use std::fmt::Debug;

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

/// Ends experiments one by one. That they are "retried" is what upstream says.
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
