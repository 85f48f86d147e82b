//! `status NAME` (contract 10 §4, §8)

use super::line::Line;
use crate::cluster::connect::Connection;
use crate::cluster::scene::{self, Scene, Subject};
use crate::duration;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::show::info::RolloutInfo;
use crate::values;
use clap::Args;
use futures::StreamExt;
use jiff::SignedDuration;
use serin_core::wire::phase;
use std::future::pending;
use std::time::Duration;
use tokio::time::{interval, sleep};

/// `status NAME`.
#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Watch the status of the rollout until it's done
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true")]
    pub watch: bool,
    /// How long to watch before giving up (1s, 2m, 3h); zero means forever
    #[arg(long, short, value_parser = values::duration, allow_hyphen_values = true, default_value = "0s")]
    pub timeout: SignedDuration,
}

/// How often the watch checks whether a lost connection is back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Prints the phase, once or until the update of the rollout has ended.
pub(super) async fn run(connection: &Connection, arguments: &Status, console: &mut Console) -> Result<(), Failure> {
    for name in &arguments.names {
        let mut seen = scene::read(connection, name, Subject::Rollout).await?;
        if arguments.watch {
            watch(connection, name, arguments, &mut seen, console).await?;
        } else {
            let rollout = info_of(&seen, name)?;
            console.line(&once(&rollout))?;
            tell_refused(&rollout, &mut String::new(), console);
        }
        verdict(&info_of(&seen, name)?, arguments)?;
    }
    Ok(())
}

/// The one line without `--watch`.
fn once(rollout: &RolloutInfo) -> String {
    if has_ended(rollout) {
        rollout.status.clone()
    } else {
        format!("{} - {}", rollout.status, rollout.message)
    }
}

/// Prints each line that differs from the one before, until the end, the timeout or an interruption.
async fn watch(
    connection: &Connection,
    name: &str,
    arguments: &Status,
    seen: &mut Scene,
    console: &mut Console,
) -> Result<(), Failure> {
    let wait = duration::as_wait(arguments.timeout);
    let timeout = async move {
        if wait.is_zero() {
            pending().await
        } else {
            sleep(wait).await
        }
    };
    let mut timeout = std::pin::pin!(timeout);
    let mut interruption = std::pin::pin!(tokio::signal::ctrl_c());
    let mut changes = std::pin::pin!(seen.changes(connection));
    let mut ticks = interval(LOOK_EVERY);
    let mut server = Line::new(connection);
    let mut last_line = String::new();
    let mut last_refused = String::new();
    loop {
        if let Some(news) = server.news() {
            console.complain(&news);
        }
        let rollout = info_of(seen, name)?;
        let line = if rollout.message.is_empty() {
            rollout.status.clone()
        } else {
            format!("{} - {}", rollout.status, rollout.message)
        };
        if line != last_line {
            console.line(&line)?;
            last_line = line;
        }
        tell_refused(&rollout, &mut last_refused, console);
        if has_ended(&rollout) {
            return Ok(());
        }
        tokio::select! {
            change = changes.next() => match change {
                Some(change) => {
                    server.notice(&change);
                    seen.apply(change);
                }
                None => return Ok(()),
            },
            _ = ticks.tick() => {}
            () = &mut timeout => return Ok(()),
            _ = &mut interruption => return Ok(()),
        }
    }
}

/// Says on standard error, beside the lines that scripts read, what the API server refuses (decision 47): once for each text.
fn tell_refused(rollout: &RolloutInfo, last: &mut String, console: &mut Console) {
    if rollout.refused != *last && !rollout.refused.is_empty() {
        console.complain(&rollout.refused);
    }
    last.clone_from(&rollout.refused);
}

fn verdict(rollout: &RolloutInfo, arguments: &Status) -> Result<(), Failure> {
    if rollout.status == phase::DEGRADED {
        let message = &rollout.message;
        Err(Failure::message(format!(
            "The rollout is in a degraded state with message: {message}"
        )))
    } else if arguments.watch && rollout.status != phase::HEALTHY {
        Err(Failure::message("Rollout status watch exceeded timeout"))
    } else {
        Ok(())
    }
}

fn has_ended(rollout: &RolloutInfo) -> bool {
    rollout.status == phase::HEALTHY || rollout.status == phase::DEGRADED
}

fn info_of(seen: &Scene, name: &str) -> Result<RolloutInfo, Failure> {
    seen.info()
        .ok_or_else(|| Failure::not_found("rollout.argoproj.io", name))
}
