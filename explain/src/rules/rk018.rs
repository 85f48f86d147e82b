//! RK018: two versions of kustomize build different objects.

use super::Rule;
use super::build::Object;
use super::finding::{Fix, Severity};
use super::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::kustomize::{Built, ProgramKind};
use serin_gitops::yaml::FieldPath;

pub(super) static RULE: Rule = Rule {
    id: "RK018",
    severity: Severity::Warning,
    title: "another version of kustomize builds something else",
    page: include_str!("../../../docs/rules/RK018.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for other in &seen.build.others {
        let (one, two) = (words(&seen.build.built), words(other));
        for (index, object) in seen.objects() {
            let Some(theirs) = other.objects.iter().find(|theirs| is_same(&theirs.value, object)) else {
                let message = format!(
                    "{one} builds {}, {two} does not build an object of this name",
                    object.title()
                );
                tell(found, index, &FieldPath::root(), message);
                continue;
            };
            if let Some(path) = difference(&object.value, &theirs.value, &FieldPath::root()) {
                let message = format!("{one} and {two} build this field differently");
                tell(found, index, &path, message);
            }
        }
    }
}

fn tell(found: &mut Found<'_, '_>, index: usize, path: &FieldPath, message: String) {
    let words = "use one version everywhere: Argo CD's is set with `kustomize.version` of the Application";
    found.add(index, path, message).fix(Fix::words(words));
}

fn words(built: &Built) -> String {
    built
        .program
        .as_ref()
        .map_or_else(String::new, |program| match program.kind {
            ProgramKind::Kustomize => format!("kustomize {}", program.version),
            ProgramKind::Kubectl => format!("kubectl's kustomize {}", program.version),
        })
}

fn is_same(value: &Value, object: &Object) -> bool {
    let of = |pointer| value.pointer(pointer).and_then(Value::as_str);
    value["kind"] == object.kind()
        && of("/metadata/name") == Some(object.name())
        && of("/metadata/namespace") == object.namespace()
}

/// The first field in which two values differ.
fn difference(one: &Value, other: &Value, path: &FieldPath) -> Option<FieldPath> {
    match (one, other) {
        (Value::Object(one), Value::Object(two)) => {
            let mut keys = one.keys().chain(two.keys());
            keys.find_map(|key| match (one.get(key), two.get(key)) {
                (Some(one), Some(other)) => difference(one, other, &path.key(key)),
                (None, _) | (_, None) => Some(path.key(key)),
            })
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            let mut pairs = one.iter().zip(two).enumerate();
            pairs.find_map(|(index, (one, other))| difference(one, other, &path.index(index)))
        }
        (one, other) => (one != other).then(|| path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_found() {
        let path = |one, other| difference(&one, &other, &FieldPath::root()).map(|path| path.to_string());
        assert_eq!(
            path(json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]})).as_deref(),
            Some("a[1].b")
        );
        assert_eq!(path(json!({"a": 1}), json!({"a": 1, "b": null})).as_deref(), Some("b"));
        assert_eq!(path(json!({"a": [1]}), json!({"a": [1, 2]})).as_deref(), Some("a"));
        assert_eq!(path(json!({"a": 1}), json!({"a": 1})), None);
    }
}
