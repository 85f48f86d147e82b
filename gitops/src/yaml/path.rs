//! Paths of fields.

use serde_json::Value;
use std::fmt;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into an item of a list, from 0.
    Index(usize),
}

/// A path from the root of an object to a field; written `spec.template.spec.containers[0].image`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Step>);

impl FieldPath {
    /// The path of the root.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads `a.b[0].c`. A key that holds a dot is cut in two; [`Self::within`] does not cut it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let (key, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
            if !key.is_empty() {
                steps.push(Step::Key(key.to_owned()));
            }
            while let Some((index, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                match index.parse() {
                    Ok(index) => steps.push(Step::Index(index)),
                    Err(_) => steps.push(Step::Key(index.to_owned())),
                }
                rest = after;
            }
        }
        Self(steps)
    }

    /// Reads a JSON pointer (RFC 6901). A part that is a number is an index; `-` stays a key.
    #[must_use]
    pub fn from_pointer(pointer: &str) -> Self {
        let parts = pointer.split('/').skip(1);
        let step = |part: &str| match part.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(part.replace("~1", "/").replace("~0", "~")),
        };
        Self(parts.map(step).collect())
    }

    /// Reads a path as it is written in findings, by what an object has: a key may hold dots, and where a level is left out
    /// (`spec.strategy.steps`, validation leaves `canary` out) the only child that has the field is taken. What the object
    /// lacks is read as [`Self::parse`] reads it.
    #[must_use]
    pub fn within(text: &str, object: &Value) -> Self {
        let (mut steps, mut value, mut rest) = (Vec::new(), object, text);
        while let Some((taken, next, after)) = step(value, rest) {
            steps.extend(taken);
            (value, rest) = (next, after);
        }
        steps.extend(Self::parse(rest).0);
        Self(steps)
    }

    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path with one more key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// The path with one more index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// The path with one more step.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The path without its last step; `None` of the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// What stands there in an object.
    #[must_use]
    pub fn of<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(object, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }
}

impl From<Vec<Step>> for FieldPath {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Takes the first part off a path: its steps, what stands there, the rest of the path.
fn step<'a, 'p>(value: &'a Value, path: &'p str) -> Option<(Vec<Step>, &'a Value, &'p str)> {
    match value {
        Value::Array(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let index: usize = index.parse().ok()?;
            Some((vec![Step::Index(index)], items.get(index)?, rest))
        }
        Value::Object(entries) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            member(value, path)
                .map(|(key, next, rest)| (vec![key], next, rest))
                .or_else(|| {
                    let mut below = entries.iter().filter_map(|(name, child)| {
                        let (key, next, rest) = member(child, path)?;
                        Some((vec![Step::Key(name.clone()), key], next, rest))
                    });
                    let only = below.next()?;
                    below.next().is_none().then_some(only)
                })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The member whose name begins the path; of several, the one with the longest name.
fn member<'a, 'p>(value: &'a Value, path: &'p str) -> Option<(Step, &'a Value, &'p str)> {
    let fits = |(name, child): (&'a String, &'a Value)| {
        let rest = path.strip_prefix(name.as_str())?;
        (!name.is_empty() && (rest.is_empty() || rest.starts_with(['.', '['])))
            .then(|| (Step::Key(name.clone()), child, rest))
    };
    let found = value.as_object()?.iter().filter_map(fits);
    found.min_by_key(|(.., rest)| rest.len())
}
