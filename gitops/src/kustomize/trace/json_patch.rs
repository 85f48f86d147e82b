//! What an operation of a JSON patch (RFC 6902) wrote.

use super::list;
use crate::yaml::{FieldPath, Mark, Node, Step};
use serde_json::Value;

/// What an operation has to do with a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrote<'n> {
    pub(super) mark: Mark,
    /// How many steps of the field's path it has.
    pub(super) depth: usize,
    /// What it wrote there; `None` if it took something away, or the value comes from elsewhere.
    pub(super) node: Option<&'n Node>,
    /// Whether it took the field away.
    pub(super) removes: bool,
    /// Whether it set the whole of what it has.
    pub(super) is_whole: bool,
}

/// What an operation did to a field of the object as built; `None` if nothing.
pub(super) fn wrote<'n>(operation: &'n Node, object: &Value, path: &FieldPath) -> Option<Wrote<'n>> {
    let text = |key: &str| operation.get(key).and_then(Node::as_str);
    let pointer = FieldPath::from_pointer(text("path")?);
    let value = operation.entry("value");
    match text("op")? {
        "add" | "replace" => {
            let value = value?;
            let depth = covered(&pointer, &value.value, object, path)?;
            let above = FieldPath::from(path.steps()[..depth].to_vec());
            let at = above.of(object).unwrap_or(&Value::Null);
            let located = list::locate(&value.value, at, &path.steps()[depth..]);
            Some(Wrote {
                mark: if located.depth == 0 {
                    value.key.mark
                } else {
                    located.mark
                },
                depth: depth + located.depth,
                node: Some(located.node),
                removes: false,
                is_whole: true,
            })
        }
        "remove" => {
            let is_above = path.steps().starts_with(pointer.steps());
            (is_above && path.of(object).is_none()).then(|| Wrote {
                mark: operation.mark,
                depth: path.steps().len(),
                node: None,
                removes: true,
                is_whole: true,
            })
        }
        "move" | "copy" => {
            let is_above = path.steps().starts_with(pointer.steps());
            is_above.then(|| Wrote {
                mark: operation.mark,
                depth: path.steps().len(),
                node: None,
                removes: false,
                is_whole: true,
            })
        }
        _ => None,
    }
}

/// How many steps of a field's path an operation's path takes, if it leads to the field or above it. `-` is the item that has the
/// operation's value, or the one of its name.
fn covered(pointer: &FieldPath, value: &Node, object: &Value, path: &FieldPath) -> Option<usize> {
    let (steps, wanted) = (path.steps(), pointer.steps());
    if wanted.len() > steps.len() {
        return None;
    }
    for (at, (step, wanted)) in steps.iter().zip(wanted).enumerate() {
        let is_appended = *wanted == Step::Key("-".to_owned());
        if step == wanted {
            continue;
        }
        if !is_appended || !matches!(step, Step::Index(_)) {
            return None;
        }
        let item = FieldPath::from(steps[..=at].to_vec());
        let item = item.of(object)?;
        let written = value.to_json();
        let same_name = written.get("name").is_some() && written.get("name") == item.get("name");
        if written != *item && !same_name {
            return None;
        }
    }
    Some(wanted.len())
}
