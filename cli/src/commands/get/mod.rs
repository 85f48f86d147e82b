//! `get rollout NAME` and `get experiment NAME` (contract 10 §4)

mod form;
mod watch;

use crate::cluster::connect::Connection;
use crate::cluster::scene::{self, Scene, Subject};
use crate::show::coloring::Coloring;
use crate::show::console::Console;
use crate::show::data;
use crate::show::failure::Failure;
use crate::show::tree::{self, Colors};
use crate::values;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::ffi::OsString;
use std::time::Duration;

pub(crate) use form::Form;

/// `get <kind> NAME`.
#[derive(Args, Debug)]
pub(crate) struct GetGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<GetKind>,
}

/// What can be shown.
#[derive(Subcommand, Debug)]
pub(crate) enum GetKind {
    /// Get details about a rollout
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(GetRollout),
    /// Get details about an Experiment
    #[command(visible_aliases = ["exp", "experiments"])]
    Experiment(GetExperiment),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// `get rollout NAME`.
#[derive(Args, Debug)]
pub(crate) struct GetRollout {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// Watch live updates to the rollout
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub watch: bool,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
    /// What to print
    #[arg(long, short, value_enum, default_value = "tree", hide_default_value = true)]
    pub output: Form,
    /// Timeout after specified seconds
    #[arg(long, value_parser = values::integer, allow_hyphen_values = true, default_value = "0")]
    pub timeout_seconds: i64,
}

/// `get experiment NAME`.
#[derive(Args, Debug)]
pub(crate) struct GetExperiment {
    /// Name of the experiment
    #[arg(value_name = "EXPERIMENT_NAME")]
    pub names: Vec<String>,
    /// Watch live updates to the rollout
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub watch: bool,
    /// What to print
    #[arg(long, short, value_enum, default_value = "tree", hide_default_value = true)]
    pub output: Form,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
}

/// What is shown, and how.
struct Drawing {
    subject: Subject,
    form: Form,
    colors: Colors,
}

impl Drawing {
    /// The text; nothing once the subject is gone.
    fn of(&self, seen: &Scene, colors: Colors, now: Timestamp) -> Result<Option<String>, Failure> {
        if self.subject == Subject::ExperimentTree {
            let Some(info) = seen.experiment_info() else {
                return Ok(None);
            };
            let drawn = |width| tree::draw_experiment(&info, width, colors, now);
            return self.form.text(drawn, || data::of_experiment(&info)).map(Some);
        }
        let Some(info) = seen.info() else { return Ok(None) };
        let drawn = |width| tree::draw(&info, width, colors, now);
        self.form.text(drawn, || data::of_rollout(&info)).map(Some)
    }
}

/// Whether a picture stays.
enum Until {
    /// It is drawn once.
    Drawn,
    /// It is drawn again until interrupted, or so long.
    Interrupted(Option<Duration>),
}

impl Until {
    fn new(watch: bool, seconds: i64) -> Self {
        let seconds = u64::try_from(seconds).unwrap_or_default();
        let limit = (seconds > 0).then(|| Duration::from_secs(seconds));
        if watch { Self::Interrupted(limit) } else { Self::Drawn }
    }
}

/// Draws a rollout, once or until interrupted.
pub(super) async fn rollout(
    connection: &Connection,
    arguments: &GetRollout,
    console: &mut Console,
) -> Result<(), Failure> {
    let drawing = Drawing {
        subject: Subject::RolloutTree,
        form: arguments.output,
        colors: console.colors(arguments.coloring.choice()),
    };
    let until = Until::new(arguments.watch, arguments.timeout_seconds);
    draw(connection, &arguments.names, &drawing, &until, console).await
}

/// Draws an experiment, once or until interrupted.
pub(super) async fn experiment(
    connection: &Connection,
    arguments: &GetExperiment,
    console: &mut Console,
) -> Result<(), Failure> {
    let drawing = Drawing {
        subject: Subject::ExperimentTree,
        form: arguments.output,
        colors: console.colors(arguments.coloring.choice()),
    };
    let until = Until::new(arguments.watch, 0);
    draw(connection, &arguments.names, &drawing, &until, console).await
}

async fn draw(
    connection: &Connection,
    names: &[String],
    drawing: &Drawing,
    until: &Until,
    console: &mut Console,
) -> Result<(), Failure> {
    for name in names {
        let mut seen = scene::read(connection, name, drawing.subject).await?;
        for line in seen.not_shown(&connection.target) {
            console.complain(&line);
        }
        match until {
            Until::Drawn => {
                // It was read just now.
                let text = drawing.of(&seen, drawing.colors, Timestamp::now())?;
                console.print(&text.unwrap_or_default())?;
            }
            Until::Interrupted(limit) => watch::run(connection, drawing, *limit, &mut seen, console).await?,
        }
    }
    Ok(())
}
