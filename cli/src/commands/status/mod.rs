//! `status NAME` (contract 10 §4, §8), and beyond upstream `--until` and `-o json`.

mod goal;

use self::goal::{Goal, Standing};
use super::line::Line;
use crate::cluster::connect::Connection;
use crate::cluster::scene::{self, Scene, Subject};
use crate::duration;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::show::info::{RolloutInfo, StrategyInfo};
use crate::values;
use clap::{Args, ValueEnum};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
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
    /// Wait for this: healthy, paused or step=N (N steps are done); several, separated by commas, of which one is enough
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = goal::parse)]
    pub until: Vec<Goal>,
    /// What to print for each change
    #[arg(long, short, value_enum, default_value = "text", hide_default_value = true)]
    pub output: Form,
}

/// What `status` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Phase and message
    Text,
    /// One JSON object on a line
    Json,
}

/// Exit codes with `--until`; without it, every failure has code 1, as upstream's.
mod code {
    /// The update failed or was aborted.
    pub(super) const DEGRADED: u8 = 2;
    /// The goal was not reached within `--timeout`, or before somebody interrupted the command.
    pub(super) const TIMEOUT: u8 = 3;
    /// The update ended well and did not reach the goal.
    pub(super) const MISSED: u8 = 4;
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
            match arguments.output {
                Form::Text => console.line(&once(&rollout))?,
                Form::Json => console.line(&with_time(facts(&rollout)))?,
            }
            tell_refused(&rollout, &mut String::new(), console);
        }
        verdict(&seen, name, arguments)?;
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

/// A line of `--watch`.
fn each_time(rollout: &RolloutInfo) -> String {
    if rollout.message.is_empty() {
        rollout.status.clone()
    } else {
        format!("{} - {}", rollout.status, rollout.message)
    }
}

/// What programs may want to know.
fn facts(rollout: &RolloutInfo) -> Value {
    let (step, set_weight) = match &rollout.strategy {
        StrategyInfo::Canary { step, set_weight, .. } => (step.as_str(), Some(set_weight)),
        StrategyInfo::BlueGreen | StrategyInfo::Missing => ("", None),
    };
    let (step, steps) = step.split_once('/').unzip();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    json!({
        "namespace": rollout.namespace,
        "name": rollout.identity.name,
        "phase": rollout.status,
        "message": rollout.message,
        "refused": rollout.refused,
        "step": number(step),
        "steps": number(steps),
        "setWeight": set_weight,
        "desired": rollout.desired,
        "current": rollout.current,
        "updated": rollout.updated,
        "ready": rollout.ready,
        "available": rollout.available,
    })
}

fn with_time(mut facts: Value) -> String {
    facts["time"] = json!(Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    facts.to_string()
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
        let line = match arguments.output {
            Form::Text => each_time(&rollout),
            Form::Json => facts(&rollout).to_string(),
        };
        if line != last_line {
            match arguments.output {
                Form::Text => console.line(&line)?,
                Form::Json => console.line(&with_time(facts(&rollout)))?,
            }
            last_line = line;
        }
        tell_refused(&rollout, &mut last_refused, console);
        if is_over(seen, &rollout, &arguments.until) {
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

/// Whether there is nothing more to wait for.
fn is_over(seen: &Scene, rollout: &RolloutInfo, goals: &[Goal]) -> bool {
    match seen.rollout() {
        Some(stored) if !goals.is_empty() => goal::standing(goals, stored) != Standing::Waiting,
        Some(_) | None => has_ended(rollout),
    }
}

fn verdict(seen: &Scene, name: &str, arguments: &Status) -> Result<(), Failure> {
    let rollout = info_of(seen, name)?;
    let degraded = || {
        let message = &rollout.message;
        Failure::message(format!("The rollout is in a degraded state with message: {message}"))
    };
    let timeout = || Failure::message("Rollout status watch exceeded timeout");
    let goals = &arguments.until;
    let Some(stored) = seen.rollout().filter(|_| !goals.is_empty()) else {
        return match rollout.status.as_str() {
            phase::DEGRADED => Err(degraded()),
            phase::HEALTHY => Ok(()),
            _ if arguments.watch => Err(timeout()),
            _ => Ok(()),
        };
    };
    let wanted: Vec<_> = goals.iter().map(ToString::to_string).collect();
    let wanted = wanted.join(" or ");
    match goal::standing(goals, stored) {
        Standing::Reached => Ok(()),
        Standing::Degraded => Err(degraded().with_code(code::DEGRADED)),
        Standing::Waiting if arguments.watch => Err(timeout().with_code(code::TIMEOUT)),
        Standing::Waiting => {
            let text = format!("The rollout has not reached {wanted}");
            Err(Failure::message(text).with_code(code::TIMEOUT))
        }
        Standing::Missed => {
            let text = format!("The rollout is Healthy and did not reach {wanted}");
            Err(Failure::message(text).with_code(code::MISSED))
        }
        Standing::Impossible(why) => Err(Failure::message(why)),
    }
}

fn has_ended(rollout: &RolloutInfo) -> bool {
    rollout.status == phase::HEALTHY || rollout.status == phase::DEGRADED
}

fn info_of(seen: &Scene, name: &str) -> Result<RolloutInfo, Failure> {
    seen.info()
        .ok_or_else(|| Failure::not_found("rollout.argoproj.io", name))
}
