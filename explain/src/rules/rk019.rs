//! RK019: a key stands twice.

use super::Rule;
use super::build::Place;
use super::finding::{Fix, Severity};
use super::seen::{Found, Seen};
use serin_gitops::kustomize::Role;
use serin_gitops::yaml::{FieldPath, Node};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) static RULE: Rule = Rule {
    id: "RK019",
    severity: Severity::Error,
    title: "a key stands twice, and one of the two values is dropped without a word",
    page: include_str!("../../../docs/rules/RK019.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let graph = &seen.build.built.graph;
    let mut told = BTreeSet::new();
    for (file, text) in &graph.texts {
        for duplicate in text.stream.iter().flat_map(|stream| &stream.duplicates) {
            let (first, again) = (duplicate.first.line, duplicate.again.line);
            tell(seen, found, &mut told, file, text.role, &duplicate.path, (first, again));
        }
    }
    for patch in seen.build.layers().iter().flat_map(|layer| &layer.patches) {
        for document in &patch.documents {
            inline(document, &FieldPath::root(), &mut |path, lines| {
                tell(seen, found, &mut told, &patch.file, Role::Patch, path, lines);
            });
        }
    }
}

fn tell(
    seen: &Seen<'_>,
    found: &mut Found<'_, '_>,
    told: &mut BTreeSet<Place>,
    file: &Path,
    role: Role,
    path: &FieldPath,
    (first, again): (usize, usize),
) {
    let place = seen.build.show(&serin_gitops::files::Place {
        file: file.to_owned(),
        line: again,
        column: 1,
    });
    if !told.insert(place.clone()) {
        return;
    }
    let what = match role {
        Role::Kustomization => format!("kustomize takes the last and drops the one in line {first}"),
        Role::Patch => format!("kustomize takes the first, in line {first}, and drops this one"),
        Role::Resource
        | Role::Configuration
        | Role::OpenApi
        | Role::Data
        | Role::Transformer
        | Role::Generator
        | Role::Validator
        | Role::Replacement
        | Role::Crd
        | Role::ArgocdSource => format!("the first is in line {first}, and which of them counts depends on the reader"),
    };
    let message = format!("the key {path} stands twice: {what}");
    let words = "join the two, or remove one";
    found
        .add_at(place, None, path.to_string(), message)
        .fix(Fix::words(words));
}

/// Keys that stand twice in a patch that stands in the kustomization file.
fn inline(node: &Node, path: &FieldPath, each: &mut impl FnMut(&FieldPath, (usize, usize))) {
    let entries = node.entries();
    for (index, entry) in entries.iter().enumerate() {
        let below = path.key(&entry.key.text);
        let first = entries[..index].iter().find(|other| other.key.text == entry.key.text);
        if let Some(first) = first.filter(|_| entry.key.text != "<<") {
            each(&below, (first.key.mark.line, entry.key.mark.line));
        }
        inline(&entry.value, &below, each);
    }
    for (index, item) in node.items().iter().enumerate() {
        inline(item, &path.index(index), each);
    }
}
