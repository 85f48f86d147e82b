//! `retry rollout NAME...`

use super::send::send;
use crate::cluster::connect::Connection;
use crate::show::console::Console;
use crate::show::failure::Failure;
use serin_core::hooks::request;

/// Retries aborted rollouts one by one; the first error ends it, lines printed so far stay.
pub(super) async fn rollout(connection: &Connection, names: &[String], console: &mut Console) -> Result<(), Failure> {
    for name in names {
        send(connection, name, &request::retry()).await?;
        console.line(&format!("rollout '{name}' retried"))?;
    }
    Ok(())
}
