//! RK007: a directive of a patch stays in the output.

use super::Rule;
use super::finding::{Fix, Severity};
use super::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::yaml::FieldPath;

pub(super) static RULE: Rule = Rule {
    id: "RK007",
    severity: Severity::Error,
    title: "a directive such as `$patch` is still in the output",
    page: include_str!("../../../docs/rules/RK007.md"),
    find,
};

const DIRECTIVES: [&str; 4] = [
    "$patch",
    "$retainKeys",
    "$setElementOrder/",
    "$deleteFromPrimitiveList/",
];

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object) in seen.objects() {
        let mut paths = Vec::new();
        directives(&object.value, &FieldPath::root(), &mut paths);
        for path in paths {
            let message = format!(
                "{path} is a directive of a strategic merge patch that kustomize did not carry out: it has no schema of a {} \
                 here, so it took the directive for data",
                object.kind()
            );
            let words = "set `openapi` to serin's schema (`serin kustomize init` writes it), or use a JSON patch with \
                         `op: remove`";
            found.add(index, &path, message).fix(Fix::words(words));
        }
    }
}

fn directives(value: &Value, path: &FieldPath, found: &mut Vec<FieldPath>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = path.key(key);
                if DIRECTIVES.iter().any(|directive| key.starts_with(directive)) {
                    found.push(path);
                } else {
                    directives(value, &path, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                directives(item, &path.index(index), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
