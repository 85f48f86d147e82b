//! Sends the patches of a request, each once: a late repeat could undo a request that came in between.

use crate::cluster::as_read::AsRead;
use crate::cluster::connect::Connection;
use crate::show::failure::Failure;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::Value;
use serin_core::hooks::request::Patches;

/// Sends the status patch, then the spec patch; where the server has no `status` subresource, the unified patch in place
/// of both (contract 10 §3).
pub(crate) async fn send(connection: &Connection, name: &str, patches: &Patches) -> Result<(), Failure> {
    // The answer is not of interest: a write that went through must not fail for a field that does not decode.
    let rollouts: Api<AsRead> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let parameters = PatchParams::default();
    let mut main = patches.spec.as_ref();
    if let Some(patch) = &patches.status {
        let answer = rollouts
            .patch_status(name, &parameters, &Patch::<&Value>::Merge(patch))
            .await;
        match answer {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => main = patches.unified.as_ref(),
            Err(error) => return Err(Failure::of_write(&error)),
        }
    }
    if let Some(patch) = main {
        rollouts
            .patch(name, &parameters, &Patch::<&Value>::Merge(patch))
            .await
            .map_err(|error| Failure::of_write(&error))?;
    }
    Ok(())
}
