//! `explain --watch`: the explanation again after each change.

use super::{Explain, form, read, save};
use crate::cluster::connect::Connection;
use crate::cluster::survey::Subjects;
use crate::show::console::{CLEAR, Console, Terminal};
use crate::show::failure::Failure;
use serin_explain::Explanations;
use std::time::Duration;
use tokio::time::interval;

/// How often the cluster is read again.
const EVERY: Duration = Duration::from_secs(3);

/// Reads and prints until somebody interrupts. A screen is redrawn; a pipe gets an answer only after a change, ages aside.
pub(super) async fn run(
    connection: &Connection,
    arguments: &Explain,
    subjects: &Subjects,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut interruption = std::pin::pin!(tokio::signal::ctrl_c());
    let mut ticks = interval(EVERY);
    let mut last: Option<Explanations> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut interruption => return Ok(()),
        }
        let sources = match read(connection, arguments, subjects).await {
            Ok(sources) => sources,
            // Only the first answer is needed; later a server may be away for a while.
            Err(failure) if last.is_none() => return Err(failure),
            Err(_) => {
                console.complain("the cluster cannot be read now; it is tried again");
                continue;
            }
        };
        save(arguments, &sources)?;
        let all = serin_explain::explain_all(&sources);
        let timeless = timeless(&all);
        let changed = last.as_ref() != Some(&timeless);
        let text = form(&all, arguments, console)?;
        match console.terminal() {
            Terminal::Screen => console.print(&format!("{CLEAR}{text}"))?,
            Terminal::Lines if changed => console.print(&text)?,
            Terminal::Lines => {}
        }
        last = Some(timeless);
    }
}

/// Explanations without what changes by time alone.
fn timeless(all: &Explanations) -> Explanations {
    let mut all = all.clone();
    for one in &mut all.explanations {
        one.next.clear();
        for cause in &mut one.causes {
            cause.summary.clear();
            for fact in &mut cause.evidence {
                fact.age.clear();
            }
        }
    }
    all
}
