//! Strict decoding of a document: whatever the API server would refuse or drop is a finding with its line.

use super::{schema, schema_of};
use crate::api::{API_VERSION, ObjectMeta};
use crate::notation::yaml::Document;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Line of the whole text, from 1.
    pub line: usize,
    /// Field, such as `spec.strategy.canary.steps[0].setWeight`; empty for the document as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.message),
            field => write!(f, "line {}: {field}: {}", self.line, self.message),
        }
    }
}

/// Decodes one of our kinds, and accepts nothing that the API server would refuse or silently drop: unknown fields,
/// wrong types, missing fields, values outside an enumeration.
///
/// # Errors
/// All problems, by line.
pub fn decode_strict<K>(document: &Document) -> Result<K, Vec<Problem>>
where
    K: kube_core::Resource<DynamicType = ()> + DeserializeOwned,
{
    let kind = K::kind(&());
    let mut found = Vec::new();
    header(&document.value, &kind, &mut found);
    if found.is_empty()
        && let Some(schema) = strict_schema_of(&kind)
    {
        found = problems(&document.value, &schema);
    }
    let decoded = serde_path_to_error::deserialize(&document.value);
    let decoded = decoded.map_err(|error| (error.path().to_string(), error.into_inner().to_string()));
    match decoded {
        Ok(object) if found.is_empty() => return Ok(object),
        // The types are asked too, for what a schema does not say (whole numbers of 32 bits, times).
        Err((path, message)) if found.is_empty() => found.push((path, message)),
        Ok(_) | Err(_) => {}
    }
    let place = |(field, message): (String, String)| Problem {
        line: document.line_of(&field),
        field,
        message,
    };
    let mut problems: Vec<Problem> = found.into_iter().map(place).collect();
    problems.sort_by_key(|problem| problem.line);
    Err(problems)
}

/// The schema of one of our kinds with all of its metadata, for [`problems`]. `None` for a kind that is not ours.
#[must_use]
pub fn strict_schema_of(kind: &str) -> Option<Value> {
    let mut schema = schema_of(kind)?;
    schema["properties"]["metadata"] = schema::of::<ObjectMeta>();
    Some(schema)
}

/// What the API server would refuse or silently drop of an object, as pairs of field and message, by a schema of
/// [`strict_schema_of`]. For those who lead fields back to lines by themselves.
#[must_use]
pub fn problems(object: &Value, schema: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    Check { found: &mut found }.value(object, schema, "");
    found
}

fn header(value: &Value, kind: &str, found: &mut Vec<(String, String)>) {
    if !value.is_object() {
        found.push((String::new(), format!("expected an object of kind {kind}")));
        return;
    }
    for (field, expected) in [("apiVersion", API_VERSION), ("kind", kind)] {
        match value.get(field).and_then(Value::as_str) {
            None => found.push((String::new(), format!("{field} is missing, expected {expected}"))),
            Some(given) if given != expected => {
                found.push((field.to_owned(), format!("is {given}, expected {expected}")));
            }
            Some(_) => {}
        }
    }
}

struct Check<'a> {
    found: &'a mut Vec<(String, String)>,
}

impl Check<'_> {
    fn report(&mut self, path: &str, message: impl Into<String>) {
        self.found.push((path.to_owned(), message.into()));
    }

    fn value(&mut self, value: &Value, schema: &Value, path: &str) {
        let expected = schema.get("type").and_then(Value::as_str);
        let fits = match (expected, value) {
            (None, _) if schema.get("x-kubernetes-int-or-string").is_some() => value.is_i64() || value.is_string(),
            // The API server drops a null where it is not allowed.
            (None, _) | (_, Value::Null) => true,
            (Some("object"), _) => value.is_object(),
            (Some("array"), _) => value.is_array(),
            (Some("string"), _) => value.is_string(),
            (Some("boolean"), _) => value.is_boolean(),
            (Some("integer"), _) => value.is_i64() || value.is_u64(),
            (Some(_), _) => value.is_number(),
        };
        if !fits {
            let expected = expected.unwrap_or("integer or string");
            return self.report(path, format!("is {}, expected {expected}", name_of(value)));
        }
        let allowed = schema.get("enum").and_then(Value::as_array);
        if let Some(allowed) = allowed.filter(|allowed| !allowed.contains(value)) {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            self.report(path, format!("is {value}, expected one of {}", allowed.join(", ")));
        }
        match value {
            Value::Object(members) => self.object(members, schema, path),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &schema["items"], &format!("{path}[{index}]"));
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, members: &Map<String, Value>, schema: &Value, path: &str) {
        let child = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let required = required.as_str().unwrap_or_default();
            if !members.contains_key(required) {
                self.report(path, format!("{required} is missing"));
            }
        }
        if let Some(values) = schema.get("additionalProperties") {
            for (name, value) in members {
                self.value(value, values, &child(name));
            }
            return;
        }
        let open = schema.get("x-kubernetes-preserve-unknown-fields").is_some() || schema.get("type").is_none();
        let none = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        for (name, value) in members {
            match known.get(name) {
                Some(schema) => self.value(value, schema, &child(name)),
                None if open => {}
                None => self.report(&child(name), unknown(name, known)),
            }
        }
    }
}

fn name_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => format!("the boolean {value}"),
        Value::Number(_) => format!("the number {value}"),
        Value::String(_) => format!("the string {value}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn unknown(name: &str, known: &Map<String, Value>) -> String {
    let near = known.keys().map(|other| (distance(name, other), other)).min();
    match near {
        Some((steps, other)) if steps <= 1 + name.len() / 4 => format!("unknown field, did you mean {other}?"),
        _ => "unknown field".to_owned(),
    }
}

/// Letters to insert, delete or replace to get from one word to the other, apart from capitals.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::api::{AnalysisTemplate, Rollout};
    use crate::notation::yaml::parse_docs;

    const HEAD: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\n";

    fn problems(text: &str) -> Vec<String> {
        let document = parse_docs(text).unwrap().remove(0);
        decode_strict::<Rollout>(&document)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn problems_name_line_and_field() {
        for (spec, expected) in [
            (
                "spec:\n  replica: 1\n",
                "line 5: spec.replica: unknown field, did you mean replicas?",
            ),
            (
                "spec:\n  replicas: '1'\n",
                "line 5: spec.replicas: is the string \"1\", expected integer",
            ),
            (
                "spec:\n  paused: 1\n",
                "line 5: spec.paused: is the number 1, expected boolean",
            ),
            ("spek: {}\n", "line 1: spec is missing"),
            ("spek: {}\n", "line 4: spek: unknown field, did you mean spec?"),
            (
                "spec:\n  strategy:\n    canary:\n      steps:\n      - setweight: 5\n",
                "line 8: spec.strategy.canary.steps[0].setweight: unknown field, did you mean setWeight?",
            ),
            (
                "spec:\n  strategy:\n    blueGreen: {}\n",
                "line 6: spec.strategy.blueGreen: activeService is missing",
            ),
            (
                "spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        imige: b\n",
                "line 9: spec.template.spec.containers[0].imige: unknown field, did you mean image?",
            ),
            (
                "spec:\n  strategy: {canary: {maxSurge: 1.5}}\n",
                "line 5: spec.strategy.canary.maxSurge: is the number 1.5, expected integer or string",
            ),
            (
                "spec:\n  replicas: 99999999999\n",
                "line 5: spec.replicas: invalid value: integer `99999999999`, expected i32",
            ),
        ] {
            let found = problems(&format!("{HEAD}{spec}"));
            assert!(
                found.iter().any(|problem| problem == expected),
                "{expected}\n{found:#?}"
            );
        }
    }

    #[test]
    fn another_kind_is_named() {
        assert_eq!(
            problems("apiVersion: apps/v1\nkind: Deployment\nspec: {}\n"),
            [
                "line 1: apiVersion: is apps/v1, expected argoproj.io/v1alpha1",
                "line 2: kind: is Deployment, expected Rollout",
            ]
        );
        assert_eq!(problems("- a\n"), ["line 1: expected an object of kind Rollout"]);
    }

    #[test]
    fn what_is_right_is_decoded() {
        let text = format!(
            "{HEAD}spec:\n  replicas: 3\n  template:\n    spec: {{containers: [], volumes: [{{name: a, whatever: 1}}]}}\n  strategy:\n    \
             canary: {{maxSurge: 25%, steps: [{{setWeight: 5}}, {{plugin: {{name: p, config: {{a: [1]}}}}}}]}}\n"
        );
        let rollout: Rollout = decode_strict(&parse_docs(&text).unwrap()[0]).unwrap();
        assert_eq!(rollout.spec.replicas, Some(3));
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec:\n  metrics:\n  - name: a\n    \
                    provider: {datadog: {aggregator: median}}\n";
        let found = decode_strict::<AnalysisTemplate>(&parse_docs(text).unwrap()[0]).unwrap_err();
        assert_eq!(found[0].field, "spec.metrics[0].provider.datadog.aggregator");
        assert_eq!(found[0].line, 6);
    }
}
