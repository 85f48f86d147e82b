//! The same picture, again and again.

use super::Drawing;
use crate::cluster::connect::Connection;
use crate::cluster::scene::Scene;
use crate::commands::line::Line;
use crate::show::console::{CLEAR, Console, Terminal};
use crate::show::failure::Failure;
use crate::show::tree::Colors;
use futures::StreamExt;
use jiff::Timestamp;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};

/// Ages grow: the picture is drawn again although nothing changed.
const REDRAW_EVERY: Duration = Duration::from_secs(1);
/// A picture stays at least this long, so that the screen does not flicker.
const REDRAW_AT_MOST_EVERY: Duration = Duration::from_millis(200);

/// Draws until interrupted, or until the limit.
pub(super) async fn run(
    connection: &Connection,
    drawing: &Drawing,
    limit: Option<Duration>,
    seen: &mut Scene,
    console: &mut Console,
) -> Result<(), Failure> {
    let timeout = async move {
        match limit {
            Some(limit) => sleep(limit).await,
            None => pending().await,
        }
    };
    let mut timeout = std::pin::pin!(timeout);
    let mut interruption = std::pin::pin!(tokio::signal::ctrl_c());
    let mut changes = std::pin::pin!(seen.changes(connection));
    // The first tick comes at once: the first picture is what was just read.
    let mut ticks = interval(REDRAW_EVERY);
    let terminal = if drawing.form.is_picture() {
        console.terminal()
    } else {
        Terminal::Lines
    };
    let mut canvas = Canvas::new(drawing, terminal);
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
            if terminal == Terminal::Lines {
                console.complain(&news);
            }
            canvas.drawn = None;
        }
        if let Some(text) = canvas.next(seen, line.state())? {
            console.print(&text)?;
        }
    }
}

/// What was drawn last, and when the next picture is due.
struct Canvas<'a> {
    drawing: &'a Drawing,
    terminal: Terminal,
    drawn: Option<Instant>,
    /// The last picture without its ages.
    ageless: String,
}

impl<'a> Canvas<'a> {
    fn new(drawing: &'a Drawing, terminal: Terminal) -> Self {
        Self {
            drawing,
            terminal,
            drawn: None,
            ageless: String::new(),
        }
    }

    /// The next picture, if it is time for one. A screen is redrawn because ages grow; a pipe or a file gets a picture
    /// only after a change, behind an empty line. What was deleted stays as it last was.
    fn next(&mut self, seen: &Scene, below: Option<String>) -> Result<Option<String>, Failure> {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() <= REDRAW_AT_MOST_EVERY) {
            return Ok(None);
        }
        let drawing = self.drawing;
        let Some(picture) = drawing.of(seen, drawing.colors, Timestamp::now())? else {
            return Ok(None);
        };
        let text = match self.terminal {
            Terminal::Screen => {
                let below = below.map(|it| format!("\n{it}\n")).unwrap_or_default();
                format!("{CLEAR}{picture}{below}")
            }
            Terminal::Lines => {
                let ageless = drawing.of(seen, Colors::Off, Timestamp::MAX)?.unwrap_or_default();
                if ageless == self.ageless {
                    return Ok(None);
                }
                let is_first = self.ageless.is_empty();
                self.ageless = ageless;
                let separator = if is_first { "" } else { drawing.form.separator() };
                format!("{separator}{picture}")
            }
        };
        self.drawn = Some(Instant::now());
        Ok(Some(text))
    }
}
