//! `get rollout NAME` (contract 10 §4)

use crate::args::GetRollout;
use crate::connect::Connection;
use crate::console::Console;
use crate::failure::Failure;
use crate::scene::{self, Depth, Scene};
use crate::tree::{self, Colors};
use futures::StreamExt;
use jiff::Timestamp;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};

/// Sent before each picture of `--watch`: home, clear the screen, home.
pub(crate) const CLEAR: &str = "\x1b[H\x1b[2J\x1b[0;0H";
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
    let colors = Console::colors(arguments.no_color);
    for name in &arguments.names {
        let mut seen = scene::read(connection, name, Depth::Tree).await?;
        if arguments.watch {
            watch(connection, name, arguments, &mut seen, colors, console).await?;
        } else {
            console.print(&picture(&seen, colors).ok_or_else(|| Failure::not_found("rollout.argoproj.io", name))?)?;
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
    let mut drawn: Option<Instant> = None;
    loop {
        tokio::select! {
            change = changes.next() => match change {
                Some(change) => seen.apply(change),
                None => return Ok(()),
            },
            _ = ticks.tick() => {}
            () = &mut timeout => return Ok(()),
            _ = &mut interruption => return Ok(()),
        }
        let may_draw = drawn.is_none_or(|drawn| drawn.elapsed() > REDRAW_AT_MOST_EVERY);
        // A rollout that was deleted stays on the screen as it last was.
        if let (true, Some(picture)) = (may_draw, picture(seen, colors)) {
            console.print(&format!("{CLEAR}{picture}"))?;
            drawn = Some(Instant::now());
        }
    }
}

fn picture(seen: &Scene, colors: Colors) -> Option<String> {
    seen.info()
        .map(|rollout| tree::draw(&rollout, colors, Timestamp::now()))
}
