//! RK014: the selector of a live rollout changes.

use super::Rule;
use super::finding::{Fix, Severity};
use super::path::at;
use super::seen::{Found, Seen};

pub(super) static RULE: Rule = Rule {
    id: "RK014",
    severity: Severity::Error,
    title: "spec.selector of an existing rollout changes, which the API server refuses",
    page: include_str!("../../../docs/rules/RK014.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object) in seen.ours("Rollout") {
        let Some((base, was)) = seen.counterpart(index) else {
            continue;
        };
        let was = &base.objects[was];
        let same_object = was.name() == object.name() && was.namespace() == object.namespace();
        let (now, before) = (&object.value["spec"]["selector"], &was.value["spec"]["selector"]);
        if !same_object || now == before || before.is_null() {
            continue;
        }
        let mut path = at("spec.selector");
        let labels = now["matchLabels"].as_object().into_iter().flatten();
        if let Some((key, _)) = labels
            .into_iter()
            .find(|(key, value)| before["matchLabels"].get(*key) != Some(*value))
        {
            path = path.key("matchLabels").key(key);
        }
        let message = format!(
            "the selector changes from {} to {}; it is immutable: the API server refuses the update, or pods of the old \
             selector are left behind",
            before["matchLabels"], now["matchLabels"]
        );
        let words = "keep the old selector, and put the new label on the pods alone (`labels` with `includeTemplates: true` and \
                     without `includeSelectors`); or create a new rollout under another name";
        found.add(index, &path, message).fix(Fix::words(words));
    }
}
