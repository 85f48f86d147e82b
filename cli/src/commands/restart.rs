//! `restart NAME`

use crate::cluster::connect::connect;
use crate::cluster::flags::Global;
use crate::cluster::send::send;
use crate::duration;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args;
use jiff::Timestamp;
use serin_core::hooks::request;

/// `restart NAME`.
#[derive(Args, Debug)]
pub(crate) struct Restart {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Amount of time before the restart (30s, 5m, 1h)
    #[arg(long = "in", short = 'i', allow_hyphen_values = true)]
    pub after: Option<String>,
}

/// Restarts the pods of a rollout, now or in a while (contract 10 §2).
pub(super) async fn run(flags: &Global, arguments: &Restart, console: &mut Console) -> Result<(), Failure> {
    // Shown as it was typed.
    let after = arguments.after.as_deref().unwrap_or("0s");
    let wait = duration::parse_go(after).map_err(|error| Failure::message(format!("--in: {error}")))?;
    let at = Timestamp::now()
        .checked_add(wait)
        .map_err(|_| Failure::message(format!("--in: {after} from now is beyond the end of time")))?;
    let connection = connect(flags).await?;
    for name in &arguments.names {
        connection.name_in(send(&connection, name, &request::restart(at)).await)?;
        console.line(&format!("rollout '{name}' restarts in {after}"))?;
    }
    Ok(())
}
