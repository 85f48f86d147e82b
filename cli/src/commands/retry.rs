//! `retry rollout NAME...`

use crate::cluster::connect::Connection;
use crate::cluster::send::send;
use crate::commands::names::Names;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand};
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
