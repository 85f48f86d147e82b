//! All fields that a pattern reaches.

use serde_json::Value;
use serin_gitops::yaml::{FieldPath, Step};

/// All fields of an object that a pattern reaches: a path in which `[*]` is every item and `*` every key.
#[must_use]
pub(crate) fn find<'v>(object: &'v Value, pattern: &str) -> Vec<(FieldPath, &'v Value)> {
    let mut reached = vec![(FieldPath::root(), object)];
    for word in pattern.split('.').filter(|word| !word.is_empty()) {
        let (key, depth) = (word.trim_end_matches("[*]"), word.matches("[*]").count());
        reached = reached
            .into_iter()
            .flat_map(|(path, value)| members(&path, value, key))
            .collect();
        for _ in 0..depth {
            reached = reached
                .into_iter()
                .flat_map(|(path, value)| items(&path, value))
                .collect();
        }
    }
    reached
}

fn members<'v>(path: &FieldPath, value: &'v Value, key: &str) -> Vec<(FieldPath, &'v Value)> {
    match (key, value) {
        ("*", Value::Object(map)) => map.iter().map(|(key, value)| (path.key(key), value)).collect(),
        ("*", _) => Vec::new(),
        (key, value) => value.get(key).map(|value| (path.key(key), value)).into_iter().collect(),
    }
}

fn items<'v>(path: &FieldPath, value: &'v Value) -> Vec<(FieldPath, &'v Value)> {
    let items = value.as_array().into_iter().flatten();
    items
        .enumerate()
        .map(|(index, value)| (path.index(index), value))
        .collect()
}

/// The last key; empty where the path ends in an index or is empty.
#[must_use]
pub(crate) fn last_key(path: &FieldPath) -> &str {
    match path.steps().last() {
        Some(Step::Key(key)) => key,
        Some(Step::Index(_)) | None => "",
    }
}

/// What stands beside a field: its map or list.
#[must_use]
pub(crate) fn beside<'v>(object: &'v Value, path: &FieldPath) -> &'v Value {
    let above = path.parent().unwrap_or_default();
    above.of(object).unwrap_or(&Value::Null)
}

/// One path below another.
#[must_use]
pub(crate) fn below(above: &FieldPath, path: &FieldPath) -> FieldPath {
    path.steps()
        .iter()
        .cloned()
        .fold(above.clone(), |whole, step| whole.with(step))
}

/// A path of a table.
#[must_use]
pub(crate) fn at(text: &str) -> FieldPath {
    FieldPath::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_reach_every_item_and_key() {
        let object = json!({"a": [{"b": 1}, {"c": 2}, {"b": 3}], "m": {"x": {"n": 4}, "y": {"n": 5}}});
        let found = |pattern| -> Vec<String> {
            let found = find(&object, pattern);
            found.iter().map(|(path, value)| format!("{path}={value}")).collect()
        };
        assert_eq!(found("a[*].b"), ["a[0].b=1", "a[2].b=3"]);
        assert_eq!(found("m.*.n"), ["m.x.n=4", "m.y.n=5"]);
        assert_eq!(found("a[*].b[*]"), Vec::<String>::new());
        assert_eq!(found("none.b"), Vec::<String>::new());
        assert_eq!(last_key(&at("a[0].b")), "b");
        assert_eq!(last_key(&at("a[0]")), "");
        assert_eq!(beside(&object, &at("a[0].b")), &json!({"b": 1}));
        assert_eq!(below(&at("x"), &at("a[1]")).to_string(), "x.a[1]");
    }
}
