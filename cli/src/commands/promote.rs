//! `promote NAME`

use crate::cluster::as_read::AsRead;
use crate::cluster::connect::{Connection, connect};
use crate::cluster::flags::Global;
use crate::cluster::send::send;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::values;
use clap::Args;
use kube::Api;
use serin_core::hooks::request::{self, Promotion};

/// `promote NAME`.
#[derive(Args, Debug)]
pub(crate) struct Promote {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Perform a full promotion, skipping analysis, pauses, and steps
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub full: bool,
    /// Skip currently running canary step
    #[arg(long, short = 'c', hide = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_current_step: Option<bool>,
    /// Skip remaining steps
    #[arg(long, short = 'a', hide = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_all_steps: Option<bool>,
}

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
        let rollouts: Api<AsRead> = Api::namespaced(connection.client.clone(), &connection.namespace);
        let read = rollouts.get(name).await?;
        refuse_unread(name, &read)?;
        let patches =
            request::promote(&read.rollout, promotion).map_err(|error| Failure::message(error.to_string()))?;
        send(connection, name, &patches).await?;
        let extent = if arguments.full { "fully promoted" } else { "promoted" };
        console.line(&format!("rollout '{name}' {extent}"))?;
    }
    Ok(())
}

/// A promotion depends on pauses, the step and the hashes. Where they cannot be read, the controller holds the rollout.
fn refuse_unread(name: &str, read: &AsRead) -> Result<(), Failure> {
    let Some(field) = read.unread.iter().find(|field| field.holds()) else {
        return Ok(());
    };
    let why = &field.why;
    Err(Failure::message(format!(
        "rollout {name:?} cannot be promoted while a field of its status cannot be read: {why}. Correct or remove the \
         field: kubectl edit rollout {name} --subresource=status"
    )))
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
