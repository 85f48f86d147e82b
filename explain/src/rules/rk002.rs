//! RK002: a list is replaced where a native kind would merge it.

use super::Rule;
use super::finding::{Fix, Severity};
use super::losses::{is_native, singular};
use super::path::last_key;
use super::rk001::MERGE;
use super::seen::{Found, Seen};

pub(super) static RULE: Rule = Rule {
    id: "RK002",
    severity: Severity::Error,
    title: "a strategic merge patch replaces a list that it would merge in a Deployment, and something is lost",
    page: include_str!("../../../docs/rules/RK002.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for loss in seen.losses().iter().cloned() {
        if is_native(&seen.build.objects[loss.object]) {
            continue;
        }
        let list = last_key(&loss.list);
        let mut lost = loss.fields;
        if !list.to_lowercase().ends_with("containers") {
            lost.extend(
                loss.items
                    .iter()
                    .map(|item| format!("{} {item:?} is lost", singular(list))),
            );
        }
        if lost.is_empty() {
            continue;
        }
        let message = format!(
            "this patch replaces what it would merge in a Deployment: {}",
            lost.join("; ")
        );
        let field = loss.list.to_string();
        found
            .add_at(loss.place, Some(loss.object), field, message)
            .fix(Fix::words(MERGE));
    }
}
