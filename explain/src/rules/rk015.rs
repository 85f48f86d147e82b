//! RK015: a transformer makes every commit a rollout.

use super::Rule;
use super::finding::{Fix, Severity};
use super::path::at;
use super::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::kustomize::WriterKind;
use serin_gitops::yaml::FieldPath;

pub(super) static RULE: Rule = Rule {
    id: "RK015",
    severity: Severity::Warning,
    title: "pods restart for a label or annotation that a transformer changed, and nothing else",
    page: include_str!("../../../docs/rules/RK015.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object) in seen.ours("Rollout") {
        let Some((base, was)) = seen.counterpart(index) else {
            continue;
        };
        if object.value["spec"]["selector"] != base.objects[was].value["spec"]["selector"] {
            continue; // RK014: the update is refused.
        }
        let (now, was) = (
            &object.value["spec"]["template"],
            &base.objects[was].value["spec"]["template"],
        );
        let Some(changed) = only_metadata(now, was) else {
            continue;
        };
        let of_setting = |path: &FieldPath| {
            let writers = seen.build.built.writers(index, path);
            writers.first().is_some_and(|writer| writer.kind == WriterKind::Setting)
        };
        if changed.is_empty() || !changed.iter().all(of_setting) {
            continue; // A person who restarts pods by an annotation means it.
        }
        for path in &changed {
            let message = format!(
                "{} starts a rollout, and only {path} changes, which a transformer of the kustomization sets: every pod \
                 restarts without a new version",
                object.title()
            );
            let words = "put it on the objects' own metadata alone: use `labels` without `includeTemplates`, or remove \
                         spec/template from the transformer's field specs";
            found.add(index, path, message).fix(Fix::words(words));
        }
    }
}

/// The labels and annotations in which two templates differ; `None` where they differ in anything else.
pub(crate) fn only_metadata(now: &Value, was: &Value) -> Option<Vec<FieldPath>> {
    let rest = |template: &Value| {
        let mut template = template.clone();
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("labels");
            metadata.remove("annotations");
        }
        template
    };
    if rest(now) != rest(was) {
        return None;
    }
    let mut changed = Vec::new();
    for map in ["labels", "annotations"] {
        let (now, was) = (&now["metadata"][map], &was["metadata"][map]);
        let keys = [now, was]
            .into_iter()
            .filter_map(Value::as_object)
            .flat_map(|map| map.keys());
        for key in keys.filter(|key| now.get(*key) != was.get(*key)) {
            changed.push(at("spec.template.metadata").key(map).key(key));
        }
    }
    changed.sort();
    changed.dedup();
    Some(changed)
}
