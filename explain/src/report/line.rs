//! One sentence, for chat, a pull request and notifications.

use super::plain;
use crate::explanation::{Explanation, State};

/// The word for a state.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Degraded => "Degraded",
        State::Unknown => "Unknown",
        State::Progressing => "Progressing",
        State::Paused => "Paused",
        State::Healthy => "Healthy",
    }
}

/// `rollout/web in shop is Degraded: 2 of 2 pods of revision 42 cannot pull image …; users are on revision 41, 100 %, 10/10 ready`
#[must_use]
pub fn line(of: &Explanation) -> String {
    let object = &of.object;
    let head = format!(
        "{}/{} in {} is {}",
        object.kind.to_lowercase(),
        object.name,
        object.namespace,
        word(of.state)
    );
    let verdict = clause(&of.verdict);
    let text = match of.causes.first() {
        Some(cause) => format!("{head}: {}; {}.", lower(&clause(&cause.summary)), lower(&verdict)),
        None => format!("{head}: {}.", lower(&verdict)),
    };
    plain(&text)
}

fn clause(text: &str) -> String {
    text.trim().trim_end_matches('.').to_owned()
}

/// A sentence within another: names keep their capital.
fn lower(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let plain = [
        "The",
        "A",
        "An",
        "All",
        "No",
        "Nobody",
        "Users",
        "Metric",
        "Some",
        "Step",
        "Something",
    ];
    if plain.contains(&first) {
        format!("{}{}", first.to_lowercase(), &text[first.len()..])
    } else {
        text.to_owned()
    }
}
