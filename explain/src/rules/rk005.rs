//! RK005: a JSON patch by index reaches another item than it was written for.

use super::Rule;
use super::build::Place;
use super::finding::{Edit, Fix, Severity};
use super::rk006::{EXCLUSIVE, clashing};
use super::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::kustomize::{Patch, PatchKind};
use serin_gitops::yaml::{FieldPath, Node, Step};

pub(super) static RULE: Rule = Rule {
    id: "RK005",
    severity: Severity::Error,
    title: "a JSON patch by index adds a field to, or changes, another item than it was written for",
    page: include_str!("../../../docs/rules/RK005.md"),
    find,
};

/// An operation of a JSON patch that goes through an index.
struct Operation<'n> {
    node: &'n Node,
    path: FieldPath,
    replaces: bool,
}

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let built = &seen.build.built;
    for reach in built.reaches() {
        let Some(patch) = built.patch(&reach).filter(|patch| patch.kind == PatchKind::Json) else {
            continue;
        };
        for operation in operations(patch) {
            for index in &reach.objects {
                let place = place(seen, patch, operation.node);
                if operation.replaces {
                    contradicts(seen, found, *index, &operation, &place);
                }
                moved(seen, found, *index, patch, &operation, &place);
            }
        }
    }
}

fn operations(patch: &Patch) -> Vec<Operation<'_>> {
    let items = patch.documents.iter().flat_map(Node::items);
    items
        .filter_map(|node| {
            let path = FieldPath::from_pointer(node.get("path")?.as_str()?);
            let by_index = path.steps().iter().any(|step| matches!(step, Step::Index(_)));
            let op = node.get("op")?.as_str()?;
            (by_index && op != "test").then_some(Operation {
                node,
                path,
                replaces: op == "replace",
            })
        })
        .collect()
}

fn place(seen: &Seen<'_>, patch: &Patch, node: &Node) -> Place {
    let line = node.entry("path").map_or(node.mark.line, |entry| entry.key.mark.line);
    seen.build.show(&serin_gitops::files::Place {
        file: patch.file.clone(),
        line,
        column: 1,
    })
}

/// `replace` of a field that is not there adds it (K11): the item then has two fields that exclude each other.
fn contradicts(seen: &Seen<'_>, found: &mut Found<'_, '_>, index: usize, operation: &Operation<'_>, place: &Place) {
    let object = &seen.build.objects[index];
    let field = operation.path.steps().iter().rev().find_map(|step| match step {
        Step::Key(key) if EXCLUSIVE.contains(&key.as_str()) || key == "value" => Some(key.clone()),
        Step::Key(_) | Step::Index(_) => None,
    });
    let Some(field) = field else { return };
    let Some(item) = item_of(&operation.path) else { return };
    let Some(value) = item.of(&object.value) else { return };
    let others: Vec<&str> = if field == "value" {
        value.get("valueFrom").map(|_| "valueFrom").into_iter().collect()
    } else if object.is_ours("Rollout") {
        clashing(value).into_iter().filter(|verb| *verb != field).collect()
    } else {
        Vec::new()
    };
    if others.is_empty() || value.get(&field).is_none() {
        return;
    }
    let message = format!(
        "{item} has {}, so this `replace` adds {field} to another item than it was written for",
        others.join(" and ")
    );
    let words =
        "correct the index, and put an `op: test` before it, so that the build fails when the list changes again";
    found
        .add_at(place.clone(), Some(index), operation.path.to_string(), message)
        .fix(Fix::words(words));
}

/// The path up to and with its last index.
fn item_of(path: &FieldPath) -> Option<FieldPath> {
    let last = path.steps().iter().rposition(|step| matches!(step, Step::Index(_)))?;
    Some(FieldPath::from(path.steps()[..=last].to_vec()))
}

/// The same operation reached another item at the commit that this one is compared with (K10, D8).
fn moved(
    seen: &Seen<'_>,
    found: &mut Found<'_, '_>,
    index: usize,
    patch: &Patch,
    operation: &Operation<'_>,
    place: &Place,
) {
    let Some(base) = seen.base else { return };
    let Some(item) = item_of(&operation.path) else { return };
    let original = &seen.build.built.objects[index].original;
    let Some(was) = base.built.objects.iter().find(|object| object.original == *original) else {
        return;
    };
    if !has_operation(base, operation) {
        return;
    }
    let now = seen.build.built.objects[index]
        .source
        .as_ref()
        .and_then(|source| item.of(source));
    let was = was.source.as_ref().and_then(|source| item.of(source));
    let (Some(now), Some(was)) = (now, was) else { return };
    // An item without a name, such as an argument, may simply have changed.
    if name_of(was) == name_of(now) || name_of(was).is_empty() {
        return;
    }
    let message = format!(
        "this patch goes by index, and the list changed below it: it changed {} before, and changes {} now",
        name_of(was),
        name_of(now)
    );
    let edit = test_before(seen, patch, operation, was);
    let fix = seen.edited(
        "correct the index, and put an `op: test` before it, so that the build fails when the list changes again"
            .to_owned(),
        edit,
    );
    found
        .add_at(place.clone(), Some(index), operation.path.to_string(), message)
        .severity(Severity::Warning)
        .fix(fix);
}

/// Whether the other build has the same operation.
fn has_operation(base: &super::build::Build, operation: &Operation<'_>) -> bool {
    let patches = base.layers().iter().flat_map(|layer| &layer.patches);
    let mut operations = patches
        .filter(|patch| patch.kind == PatchKind::Json)
        .flat_map(operations);
    operations.any(|other| other.node.to_json() == operation.node.to_json())
}

/// What an item is, in a few words: its name, or its types with their weight. Nothing that may be a secret.
fn name_of(item: &Value) -> String {
    let key = ["name", "containerPort", "mountPath", "templateName", "key"]
        .into_iter()
        .find_map(|key| item.get(key));
    if let Some(name) = key {
        return name.to_string();
    }
    let words = clashing(item).into_iter().map(|verb| match &item[verb] {
        Value::Number(weight) => format!("{verb}: {weight}"),
        Value::Object(pause) if verb == "pause" => match pause.get("duration") {
            Some(duration) => format!("pause: {duration}"),
            None => "pause".to_owned(),
        },
        _ => verb.to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// An operation that holds only where the item is still the one that the patch was written for. Nothing is inserted where
/// the item has no name that a test could compare.
fn test_before(seen: &Seen<'_>, patch: &Patch, operation: &Operation<'_>, was: &Value) -> Option<Edit> {
    let name = was.get("name")?.as_str()?;
    let item = item_of(&operation.path)?;
    let pointer = item.steps().iter().fold(String::new(), |pointer, step| match step {
        Step::Key(key) => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        Step::Index(index) => format!("{pointer}/{index}"),
    });
    let place = seen.build.show(&serin_gitops::files::Place {
        file: patch.file.clone(),
        line: operation.node.mark.line,
        column: 1,
    });
    let line = seen.line(&place)?;
    let before = &line[..line.find("- ")?];
    before.trim().is_empty().then(|| Edit {
        file: place.file.clone(),
        first: place.line,
        removed: 0,
        added: vec![
            format!("{before}- op: test"),
            format!("{before}  path: {pointer}/name"),
            format!("{before}  value: {name}"),
        ],
    })
}
