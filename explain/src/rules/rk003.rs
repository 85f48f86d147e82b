//! RK003: a schema for Rollouts damages native kinds.

use super::Rule;
use super::finding::{Fix, Severity};
use super::losses::{is_native, singular};
use super::path::last_key;
use super::seen::{Found, Seen};

pub(super) static RULE: Rule = Rule {
    id: "RK003",
    severity: Severity::Error,
    title: "a schema that has no native kinds makes patches of a Deployment replace lists",
    page: include_str!("../../../docs/rules/RK003.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let schema = seen
        .build
        .layers()
        .iter()
        .find(|layer| layer.document.root.get("openapi").is_some());
    let Some(schema) = schema else { return };
    for loss in seen.losses().iter().cloned() {
        if !is_native(&seen.build.objects[loss.object]) {
            continue;
        }
        let list = last_key(&loss.list);
        let mut lost: Vec<String> = loss
            .items
            .iter()
            .map(|item| format!("{} {item:?} is lost", singular(list)))
            .collect();
        lost.extend(loss.fields);
        let message = format!(
            "the schema that {} sets replaces kustomize's own, which knows this kind; so this patch replaces a list that it \
             should merge: {}",
            schema.file.display(),
            lost.join("; ")
        );
        let words = "use a schema that has the native kinds too: `serin kustomize init` writes one";
        let field = loss.list.to_string();
        found
            .add_at(loss.place, Some(loss.object), field, message)
            .fix(Fix::words(words));
    }
}
