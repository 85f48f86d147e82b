//! RK006: a step with two types, or a rollout with two strategies.

use super::Rule;
use super::finding::{Edit, Fix, Severity};
use super::path::{at, find as reach};
use super::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::kustomize::{PatchKind, WriterKind};
use serin_gitops::yaml::FieldPath;

pub(super) static RULE: Rule = Rule {
    id: "RK006",
    severity: Severity::Error,
    title: "a step has two types, or a rollout two strategies",
    page: include_str!("../../../docs/rules/RK006.md"),
    find,
};

/// The types of a step of which only one may be there: a weight, what a step waits for, and what it runs. Sizes and routes
/// take effect beside them (contract 01 §8, contract 03 §2 and §7).
pub(super) const EXCLUSIVE: [&str; 5] = ["setWeight", "pause", "experiment", "analysis", "plugin"];

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object) in seen.ours("Rollout") {
        let strategy = &object.value["spec"]["strategy"];
        if strategy["canary"].is_object() && strategy["blueGreen"].is_object() {
            two_strategies(seen, found, index);
        }
        for (path, step) in reach(&object.value, "spec.strategy.canary.steps[*]") {
            let verbs = clashing(step);
            if verbs.len() > 1 {
                let second = latest(seen, index, &path, &verbs);
                let message = format!(
                    "the step has {}; a step has exactly one of them, and the controller refuses both or carries out one",
                    verbs.join(" and ")
                );
                let words = "make two steps of it, or remove one of the two fields";
                found.add(index, &path.key(second), message).fix(Fix::words(words));
            }
        }
    }
}

/// The type that a patch wrote, else the one that stands last.
fn latest(seen: &Seen<'_>, index: usize, step: &FieldPath, verbs: &[&'static str]) -> &'static str {
    let patched = |verb: &&&'static str| {
        let writers = seen.build.built.writers(index, &step.key(verb));
        writers
            .first()
            .is_some_and(|writer| matches!(writer.kind, WriterKind::Patch(_)))
    };
    let line = |verb: &&&'static str| seen.place(index, &step.key(verb)).line;
    let found = verbs.iter().find(patched).or_else(|| verbs.iter().max_by_key(line));
    found.copied().unwrap_or_default()
}

/// The types of a step that exclude each other. A plugin beside a weight is no fault: the weight is set all the same.
pub(super) fn clashing(step: &Value) -> Vec<&'static str> {
    let has = |verb: &&'static str| step.get(*verb).is_some_and(|value| !value.is_null());
    let mut verbs: Vec<&'static str> = EXCLUSIVE.into_iter().filter(has).collect();
    if verbs == ["setWeight", "plugin"] {
        verbs.clear();
    }
    verbs
}

/// The one to edit is the patch that added the second strategy, if a patch did.
fn two_strategies(seen: &Seen<'_>, found: &mut Found<'_, '_>, index: usize) {
    let paths = [at("spec.strategy.canary"), at("spec.strategy.blueGreen")];
    let built = &seen.build.built;
    let patched = paths.iter().find_map(|path| {
        let writer = built.writers(index, path).into_iter().next()?;
        let WriterKind::Patch(patch) = writer.kind else {
            return None;
        };
        let patch = built.graph.layers.get(writer.layer?)?.patches.get(patch)?;
        Some((path, patch, seen.build.show(&writer.place)))
    });
    let message = "the rollout has both strategies, canary and blueGreen: the controller refuses it";
    let Some((path, patch, place)) = patched else {
        let words = "remove one of the two strategies";
        found.add(index, &paths[1], message).fix(Fix::words(words));
        return;
    };
    let other = if *path == paths[0] { "blueGreen" } else { "canary" };
    let indent = seen.line(&place).map(|line| line.len() - line.trim_start().len());
    let edit = indent.filter(|_| patch.kind == PatchKind::Merge).map(|indent| Edit {
        file: place.file.clone(),
        first: place.line,
        removed: 0,
        added: vec![format!("{}{other}: null", " ".repeat(indent))],
    });
    // A flow mapping has its key within the line: a line before it would stand elsewhere.
    let begins = |line: String| line.trim_start().starts_with(super::path::last_key(path));
    let edit = edit.filter(|_| seen.line(&place).is_some_and(begins));
    let fix = seen.edited(
        format!("remove the base's strategy in the patch, with `{other}: null`"),
        edit,
    );
    found.add_at(place, Some(index), path.to_string(), message).fix(fix);
}
