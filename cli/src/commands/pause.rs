//! `pause NAME...`

use crate::cluster::connect::Connection;
use crate::cluster::send::send;
use crate::show::console::Console;
use crate::show::failure::Failure;
use serin_core::hooks::request;

/// Pauses rollouts one by one; the first error ends it, lines printed so far stay.
pub(super) async fn run(connection: &Connection, names: &[String], console: &mut Console) -> Result<(), Failure> {
    for name in names {
        send(connection, name, &request::pause()).await?;
        console.line(&format!("rollout '{name}' paused"))?;
    }
    Ok(())
}
