//! `superseded`: a newer revision took the place of one that was under way.

use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::{Case, Part};
use crate::explanation::Cause;
use jiff::SignedDuration;

/// A revision that ended so long before the newest began was not superseded by it.
const NEAR: SignedDuration = SignedDuration::from_mins(30);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "superseded",
    docs: "A revision never became stable, because a newer one came while it was under way. It stands beside the state; it is \
           no fault.",
    remedy: "Nothing: the newest revision goes its way.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if !case.is_updating() {
        return None;
    }
    let newest = case.newest()?;
    let stable = case.stable()?;
    let between = case.sets.iter().find(|set| {
        let within = set.part == Part::Old && set.revision > stable.revision && set.revision < newest.revision;
        let near = match (set.object.created(), newest.object.created()) {
            (Some(old), Some(new)) => new.duration_since(old) <= NEAR,
            _ => true,
        };
        within && (set.current > 0 || set.wanted > 0 || near)
    })?;
    let summary = format!(
        "{} was superseded by {} before it became stable.",
        capital(&between.words()),
        newest.words()
    );
    let told = format!("{} pods left, hash {}", between.current, between.hash);
    let fact = case.fact(
        "replicaset",
        between.object,
        "metadata.annotations",
        between.object.created(),
        &told,
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|c| c.to_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}
