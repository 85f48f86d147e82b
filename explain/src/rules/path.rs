//! Where a field stands in an object, and all fields that a pattern reaches.

use serde_json::Value;
use std::fmt;

/// One part of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A key of a map.
    Key(String),
    /// An index of a list, from 0.
    Index(usize),
}

/// The way from an object to one of its fields. Printed as `spec.strategy.canary.steps[0].setWeight`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Part>);

impl Path {
    /// Reads a printed path. A key that has a dot in it cannot be told from two keys; [`Path::within`] can.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        for word in text.split('.').filter(|word| !word.is_empty()) {
            let mut pieces = word.split('[');
            if let Some(key) = pieces.next().filter(|key| !key.is_empty()) {
                parts.push(Part::Key(key.to_owned()));
            }
            let indexes = pieces.filter_map(|piece| piece.trim_end_matches(']').parse().ok());
            parts.extend(indexes.map(Part::Index));
        }
        Self(parts)
    }

    /// Reads a printed path in the light of the object, so that keys that have dots in them are found.
    #[must_use]
    pub fn within(object: &Value, text: &str) -> Self {
        let mut parts = Vec::new();
        let (mut value, mut rest) = (object, text);
        while !rest.is_empty() {
            let trimmed = rest.trim_start_matches('.');
            if let Some(after) = trimmed.strip_prefix('[')
                && let Some((index, after)) = after.split_once(']')
                && let Ok(index) = index.parse::<usize>()
            {
                parts.push(Part::Index(index));
                value = value.get(index).unwrap_or(&Value::Null);
                rest = after;
                continue;
            }
            let fits = |key: &&String| {
                let after = trimmed.strip_prefix(key.as_str());
                after.is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
            };
            let keys = value.as_object().into_iter().flat_map(|map| map.keys());
            let Some(key) = keys.filter(fits).max_by_key(|key| key.len()) else {
                parts.extend(Self::parse(trimmed).0);
                break;
            };
            parts.push(Part::Key(key.clone()));
            value = &value[key];
            rest = &trimmed[key.len()..];
        }
        Self(parts)
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Part::Key(key.into()))
    }

    /// This path and one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Part::Index(index))
    }

    fn with(&self, part: Part) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// The path without its last part.
    #[must_use]
    pub fn parent(&self) -> Self {
        let kept = self.0.len().saturating_sub(1);
        Self(self.0[..kept].to_vec())
    }

    /// The last key; empty where the path ends in an index or is empty.
    #[must_use]
    pub fn last_key(&self) -> &str {
        match self.0.last() {
            Some(Part::Key(key)) => key,
            Some(Part::Index(_)) | None => "",
        }
    }

    /// What stands there.
    #[must_use]
    pub fn of<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(object, |value, part| match part {
            Part::Key(key) => value.get(key),
            Part::Index(index) => value.get(index),
        })
    }

    /// All fields that a pattern reaches: a path in which `[*]` is every item and `*` every key.
    #[must_use]
    pub fn find<'v>(object: &'v Value, pattern: &str) -> Vec<(Self, &'v Value)> {
        let mut reached = vec![(Self::default(), object)];
        for word in pattern.split('.').filter(|word| !word.is_empty()) {
            let (key, depth) = (word.trim_end_matches("[*]"), word.matches("[*]").count());
            reached = reached.into_iter().flat_map(|(path, value)| members(&path, value, key)).collect();
            for _ in 0..depth {
                reached = reached.into_iter().flat_map(|(path, value)| items(&path, value)).collect();
            }
        }
        reached
    }
}

fn members<'v>(path: &Path, value: &'v Value, key: &str) -> Vec<(Path, &'v Value)> {
    match (key, value) {
        ("*", Value::Object(map)) => map.iter().map(|(key, value)| (path.key(key), value)).collect(),
        ("*", _) => Vec::new(),
        (key, value) => value.get(key).map(|value| (path.key(key), value)).into_iter().collect(),
    }
}

fn items<'v>(path: &Path, value: &'v Value) -> Vec<(Path, &'v Value)> {
    let items = value.as_array().into_iter().flatten();
    items.enumerate().map(|(index, value)| (path.index(index), value)).collect()
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Key(key) if index == 0 => f.write_str(key)?,
                Part::Key(key) => write!(f, ".{key}")?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_read_and_printed() {
        for text in ["", "spec", "spec.steps[0].setWeight", "a[0][1].b"] {
            assert_eq!(Path::parse(text).to_string(), text);
        }
        let object = json!({"metadata": {"labels": {"app.io/name": "x"}}, "plugins": {"a/b": [1, 2]}});
        let path = Path::within(&object, "metadata.labels.app.io/name");
        assert_eq!(path.0.len(), 3);
        assert_eq!(path.of(&object), Some(&json!("x")));
        assert_eq!(Path::within(&object, "plugins.a/b[1]").of(&object), Some(&json!(2)));
        assert_eq!(Path::within(&object, "spec.absent[3].b").to_string(), "spec.absent[3].b");
    }

    #[test]
    fn patterns_reach_every_item_and_key() {
        let object = json!({"a": [{"b": 1}, {"c": 2}, {"b": 3}], "m": {"x": {"n": 4}, "y": {"n": 5}}});
        let found = |pattern| -> Vec<String> { Path::find(&object, pattern).iter().map(|(path, value)| format!("{path}={value}")).collect() };
        assert_eq!(found("a[*].b"), ["a[0].b=1", "a[2].b=3"]);
        assert_eq!(found("m.*.n"), ["m.x.n=4", "m.y.n=5"]);
        assert_eq!(found("a[*].b[*]"), Vec::<String>::new());
        assert_eq!(found("none.b"), Vec::<String>::new());
    }
}
