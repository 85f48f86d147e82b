//! `retry rollout NAME...` and `retry experiment NAME...`

use crate::cluster::connect::Connection;
use crate::cluster::send::send;
use crate::cluster::workload::objects;
use crate::commands::names::Names;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use serin_core::api::Experiment;
use serin_core::hooks::request;
use std::ffi::OsString;

/// `retry <kind> NAME`.
#[derive(Args, Debug)]
pub(crate) struct RetryGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<RetryKind>,
}

/// What can be retried.
#[derive(Subcommand, Debug)]
pub(crate) enum RetryKind {
    /// Retry an aborted rollout
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(Names),
    /// Retry an experiment
    #[command(visible_aliases = ["exp", "experiments"])]
    Experiment(Names),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// Retries aborted rollouts one by one; the first error ends it, lines printed so far stay.
pub(super) async fn rollout(connection: &Connection, names: &[String], console: &mut Console) -> Result<(), Failure> {
    for name in names {
        send(connection, name, &request::retry()).await?;
        console.line(&format!("rollout '{name}' retried"))?;
    }
    Ok(())
}

/// Retries experiments one by one: an Experiment has no `status` subresource, so this clears its status, and it begins anew
/// (contract 10 §9).
pub(super) async fn experiments(
    connection: &Connection,
    names: &[String],
    console: &mut Console,
) -> Result<(), Failure> {
    let experiments = objects::<Experiment>(connection);
    for name in names {
        let patch = Patch::Merge(json!({"status": null}));
        experiments
            .patch(name, &PatchParams::default(), &patch)
            .await
            .map_err(|error| Failure::of_write(&error))?;
        console.line(&format!("experiment '{name}' retried"))?;
    }
    Ok(())
}
