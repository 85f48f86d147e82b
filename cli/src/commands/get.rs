//! `get rollout NAME` (contract 10 §4)

use super::line::Line;
use crate::cluster::connect::Connection;
use crate::cluster::scene::{self, Depth, Scene};
use crate::show::coloring::Coloring;
use crate::show::console::{CLEAR, Console, Terminal};
use crate::show::failure::Failure;
use crate::show::tree::{self, Colors};
use crate::values;
use clap::{Args, Subcommand};
use futures::StreamExt;
use jiff::Timestamp;
use std::ffi::OsString;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};

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
    /// Timeout after specified seconds
    #[arg(long, value_parser = values::integer, allow_hyphen_values = true, default_value = "0")]
    pub timeout_seconds: i64,
}

/// Ages grow: the picture is drawn again although nothing changed.
const REDRAW_EVERY: Duration = Duration::from_secs(1);
/// A picture stays at least this long, so that the screen does not flicker.
const REDRAW_AT_MOST_EVERY: Duration = Duration::from_millis(200);

/// Draws a rollout, once or until interrupted.
pub(super) async fn rollout(
    connection: &Connection,
    arguments: &GetRollout,
    console: &mut Console,
) -> Result<(), Failure> {
    let colors = console.colors(arguments.coloring.choice());
    for name in &arguments.names {
        let mut seen = scene::read(connection, name, Depth::Tree).await?;
        if arguments.watch {
            watch(connection, name, arguments, &mut seen, colors, console).await?;
        } else {
            let now = Timestamp::now();
            console
                .print(&picture(&seen, colors, now).ok_or_else(|| Failure::not_found("rollout.argoproj.io", name))?)?;
        }
    }
    Ok(())
}

async fn watch(
    connection: &Connection,
    name: &str,
    arguments: &GetRollout,
    seen: &mut Scene,
    colors: Colors,
    console: &mut Console,
) -> Result<(), Failure> {
    let seconds = u64::try_from(arguments.timeout_seconds).unwrap_or_default();
    let timeout = async move {
        if seconds == 0 {
            pending().await
        } else {
            sleep(Duration::from_secs(seconds)).await
        }
    };
    let mut timeout = std::pin::pin!(timeout);
    let mut interruption = std::pin::pin!(tokio::signal::ctrl_c());
    let mut changes = std::pin::pin!(scene::changes(connection, name, Depth::Tree));
    // The first tick comes at once: the first picture is what was just read.
    let mut ticks = interval(REDRAW_EVERY);
    let mut canvas = Canvas::new(colors, console.terminal());
    let mut line = Line::new(connection);
    loop {
        tokio::select! {
            change = changes.next() => match change {
                Some(change) => {
                    line.notice(&change);
                    seen.apply(change);
                }
                None => return Ok(()),
            },
            _ = ticks.tick() => {}
            () = &mut timeout => return Ok(()),
            _ = &mut interruption => return Ok(()),
        }
        if let Some(news) = line.news() {
            // On a screen it stands below the picture.
            if console.terminal() == Terminal::Lines {
                console.complain(&news);
            }
            canvas.drawn = None;
        }
        if let Some(text) = canvas.next(seen, line.state()) {
            console.print(&text)?;
        }
    }
}

/// What was drawn last, and when the next picture is due.
struct Canvas {
    colors: Colors,
    terminal: Terminal,
    drawn: Option<Instant>,
    /// The last picture without its ages.
    ageless: String,
}

impl Canvas {
    fn new(colors: Colors, terminal: Terminal) -> Self {
        Self {
            colors,
            terminal,
            drawn: None,
            ageless: String::new(),
        }
    }

    /// The next picture, if it is time for one. A screen is redrawn because ages grow; a pipe or a file gets a picture
    /// only after a change, behind an empty line. A rollout that was deleted stays as it last was.
    fn next(&mut self, seen: &Scene, below: Option<String>) -> Option<String> {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() <= REDRAW_AT_MOST_EVERY) {
            return None;
        }
        let picture = picture(seen, self.colors, Timestamp::now())?;
        let text = match self.terminal {
            Terminal::Screen => {
                let below = below.map(|it| format!("\n{it}\n")).unwrap_or_default();
                format!("{CLEAR}{picture}{below}")
            }
            Terminal::Lines => {
                let ageless = self::picture(seen, Colors::Off, Timestamp::MAX)?;
                if ageless == self.ageless {
                    return None;
                }
                let first = self.ageless.is_empty();
                self.ageless = ageless;
                if first { picture } else { format!("\n{picture}") }
            }
        };
        self.drawn = Some(Instant::now());
        Some(text)
    }
}

fn picture(seen: &Scene, colors: Colors, now: Timestamp) -> Option<String> {
    seen.info().map(|rollout| tree::draw(&rollout, colors, now))
}
