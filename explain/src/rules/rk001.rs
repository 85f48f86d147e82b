//! RK001: a container of the base is lost.

use super::Rule;
use super::finding::{Fix, Severity};
use super::losses::{is_native, singular};
use super::path::last_key;
use super::seen::{Found, Seen};

pub(super) static RULE: Rule = Rule {
    id: "RK001",
    severity: Severity::Error,
    title: "a strategic merge patch drops a container that the base has",
    page: include_str!("../../../docs/rules/RK001.md"),
    find,
};

/// What to do about lists that are replaced.
pub(super) const MERGE: &str = "set `openapi` to serin's schema, so that kustomize merges this list: `serin kustomize init` \
                                writes it; or use a JSON patch";

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for loss in seen.losses().iter().cloned() {
        let list = last_key(&loss.list);
        let is_of_pods = ["containers", "initContainers", "ephemeralContainers"].contains(&list);
        if !is_of_pods || loss.items.is_empty() || is_native(&seen.build.objects[loss.object]) {
            continue;
        }
        let names: Vec<String> = loss.items.iter().map(|name| format!("{name:?}")).collect();
        let message = format!(
            "this patch replaces the list {list} instead of merging it: {} {} of the base is lost",
            singular(list),
            names.join(", ")
        );
        let field = loss.list.to_string();
        found
            .add_at(loss.place, Some(loss.object), field, message)
            .fix(Fix::words(MERGE));
    }
}
