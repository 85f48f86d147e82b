//! `promote NAME`

use super::send::send;
use crate::args::{Global, Promote};
use crate::cluster::connect::{Connection, connect};
use crate::show::console::Console;
use crate::show::failure::Failure;
use kube::Api;
use serin_core::api::Rollout;
use serin_core::hooks::request::{self, Promotion};

/// Promotes a rollout past its pause, past steps, or to the end.
pub(super) async fn run(flags: &Global, arguments: &Promote, console: &mut Console) -> Result<(), Failure> {
    warn_of_deprecated_flags(arguments, console);
    let promotion = promotion(arguments)?;
    let connection = connect(flags).await?;
    connection.name_in(send_all(&connection, arguments, promotion, console).await)
}

async fn send_all(
    connection: &Connection,
    arguments: &Promote,
    promotion: Promotion,
    console: &mut Console,
) -> Result<(), Failure> {
    for name in &arguments.names {
        let rollouts: Api<Rollout> = Api::namespaced(connection.client.clone(), &connection.namespace);
        let rollout = rollouts.get(name).await?;
        let patches = request::promote(&rollout, promotion).map_err(|error| Failure::message(error.to_string()))?;
        send(connection, name, &patches).await?;
        let extent = if arguments.full { "fully promoted" } else { "promoted" };
        console.line(&format!("rollout '{name}' {extent}"))?;
    }
    Ok(())
}

/// Naming a flag is enough for the warning, whatever its value.
fn warn_of_deprecated_flags(arguments: &Promote, console: &mut Console) {
    if arguments.skip_current_step.is_some() {
        console.complain(
            "Flag --skip-current-step has been deprecated, use without the flag instead ex: promote ROLLOUT_NAME",
        );
    }
    if arguments.skip_all_steps.is_some() {
        console.complain("Flag --skip-all-steps has been deprecated, use --full instead");
    }
}

/// The skip flags go before `--full`, which then only changes the text (contract 10 §9).
fn promotion(arguments: &Promote) -> Result<Promotion, Failure> {
    let skip_current = arguments.skip_current_step == Some(true);
    let skip_all = arguments.skip_all_steps == Some(true);
    match (skip_current, skip_all) {
        (true, true) => Err(Failure::message(
            "Cannot use skip-current-step and skip-all-steps flags at the same time",
        )),
        (true, false) => Ok(Promotion::SkipCurrentStep),
        (false, true) => Ok(Promotion::SkipAllSteps),
        (false, false) if arguments.full => Ok(Promotion::Full),
        (false, false) => Ok(Promotion::Next),
    }
}
