//! The events that were sent since a story last asked.

use super::Why;
use super::file::Line;
use super::stage::Stage;
use serin_core::plan::{Event, EventKind};

/// `events: A, B`, or a list with messages: exactly these, in this order. `no events`.
pub fn check(stage: &mut Stage, line: &Line, inline: &str) -> Result<(), Why> {
    let sent = stage.world.events[stage.events_told..].to_vec();
    stage.events_told = stage.world.events.len();
    let inline = inline.split(", ").filter(|item| !item.is_empty()).map(str::to_owned);
    let expected: Vec<String> = inline
        .chain(line.items.iter().cloned())
        .map(|item| stage.with_hashes(&item))
        .collect();
    let same = sent.len() == expected.len() && sent.iter().zip(&expected).all(|(event, item)| is(event, item));
    if same {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: list(&expected),
        actual: list(&sent.iter().map(describe).collect::<Vec<_>>()),
    })
}

fn is(event: &Event, expected: &str) -> bool {
    let full = describe(event);
    let short = full.split_once(": ").map_or(full.as_str(), |(reason, _)| reason);
    full == expected || short == expected
}

fn describe(event: &Event) -> String {
    let warning = match event.news.kind() {
        EventKind::Normal => "",
        EventKind::Warning => "Warning ",
    };
    format!("{warning}{}: {}", event.news.reason(), event.news)
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(|item| format!("\n      - {item}")).collect()
}
