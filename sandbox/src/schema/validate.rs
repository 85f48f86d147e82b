//! The checks of a structural schema, with the texts of a real API server.

use serde_json::{Map, Value};

use super::{Additional, Schema, join};
use crate::status::FieldError;

/// Where a check stands and what it found.
#[derive(Default)]
struct Walk {
    errors: Vec<FieldError>,
    /// Of rules, which a real server looks at where nothing worse was found.
    rules: Vec<FieldError>,
    /// The check began at the status: texts leave out its name.
    of_status: bool,
}

impl Schema {
    /// Checks a whole object. Values that were invalid before and are unchanged are let be ("ratcheting").
    pub(crate) fn validate(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut walk = Walk::default();
        walk.value(self, object, old, "");
        walk.end()
    }

    /// Checks the status of an object alone.
    pub(crate) fn validate_status(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut walk = Walk {
            of_status: true,
            ..Walk::default()
        };
        if let (Some(schema), Some(status)) = (self.properties.get("status"), object.get("status")) {
            walk.value(schema, status, old.and_then(|old| old.get("status")), "status");
        }
        walk.end()
    }

    fn accepts(&self, value: &Value) -> bool {
        let mut walk = Walk::default();
        walk.value(self, value, None, "");
        walk.errors.is_empty()
    }

    fn expected_type(&self) -> &str {
        if self.int_or_string {
            "integer,string"
        } else {
            &self.kind
        }
    }
}

/// The JSON type of a value as the server's Go validator sees it.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn type_fits(schema: &Schema, value: &Value) -> bool {
    let found = type_of(value);
    if schema.int_or_string {
        return matches!(found, "integer" | "string");
    }
    match schema.kind.as_str() {
        "" => true,
        "number" => matches!(found, "number" | "integer"),
        // A real server lets a list through where a text of a format belongs.
        "string" if found == "array" => !schema.format.is_empty(),
        "integer" => found == "integer" || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        expected => found == expected,
    }
}

impl Walk {
    fn end(mut self) -> Vec<FieldError> {
        if !self.errors.iter().any(FieldError::hides_rules) {
            self.errors.append(&mut self.rules);
        }
        self.errors
    }

    /// A path as texts name it.
    fn shown<'a>(&self, path: &'a str) -> &'a str {
        if self.of_status {
            let below = path.strip_prefix("status").unwrap_or(path);
            below.strip_prefix('.').unwrap_or(below)
        } else {
            path
        }
    }

    fn value(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str) {
        if old == Some(value) {
            return;
        }
        if value.is_null() && schema.nullable {
            return;
        }
        if !type_fits(schema, value) {
            self.wrong_type(schema, value, path);
            return;
        }
        if !schema.allowed.is_empty() && !schema.allowed.contains(value) {
            self.errors.push(FieldError::unsupported(path, value, &schema.allowed));
        }
        match value {
            Value::Number(_) => self.number(schema, value, path),
            Value::String(text) => self.string(schema, value, text, path),
            Value::Array(items) => self.array(schema, items, old, path),
            Value::Object(fields) => self.object(schema, fields, old, path),
            Value::Null | Value::Bool(_) => {}
        }
        self.combinations(schema, value, path);
        if old.is_some() {
            // Reached only when the value differs from the one before.
            for message in &schema.immutable {
                self.rules
                    .push(FieldError::invalid(path, &Value::String(schema.kind.clone()), message));
            }
        }
    }

    fn wrong_type(&mut self, schema: &Schema, value: &Value, path: &str) {
        // A text of a format is named by its format, and by the Go type of what stands there.
        let (expected, found) = match (schema.kind.as_str(), schema.format.as_str(), type_of(value)) {
            (_, "", found) => (schema.expected_type(), found),
            ("string", format, "number") => (format, "float64"),
            ("string", format, "integer") => (format, "int64"),
            ("string", format, "boolean" | "object") => (format, ""),
            (_, _, found) => (schema.expected_type(), found),
        };
        let mut complain = |expected: &str| {
            let detail = format!("{} in body must be of type {expected}: {found:?}", self.shown(path));
            self.errors.push(FieldError::wrong_type(path, found, &detail));
        };
        complain(expected);
        // For int-or-string the usual `anyOf` says the same as the flag, and is heard as well.
        if schema.int_or_string
            && let Some(first) = schema.any_of.first()
        {
            complain(&first.kind);
            let detail = format!("{:?} must validate at least one schema (anyOf)", self.shown(path));
            self.errors
                .push(FieldError::invalid("<nil>", &Value::String(String::new()), &detail));
        }
    }

    fn invalid(&mut self, path: &str, value: &Value, what: &str) {
        self.errors.push(FieldError::invalid(
            path,
            value,
            &format!("{} in body {what}", self.shown(path)),
        ));
    }

    fn number(&mut self, schema: &Schema, value: &Value, path: &str) {
        let number = value.as_f64().unwrap_or_default();
        if let Some(bound) = &schema.minimum
            && (number < bound.limit || (bound.exclusive && number <= bound.limit))
        {
            let what = if bound.exclusive {
                "greater than"
            } else {
                "greater than or equal to"
            };
            self.invalid(path, value, &format!("should be {what} {}", bound.limit));
        }
        if let Some(bound) = &schema.maximum
            && (number > bound.limit || (bound.exclusive && number >= bound.limit))
        {
            let what = if bound.exclusive {
                "less than"
            } else {
                "less than or equal to"
            };
            self.invalid(path, value, &format!("should be {what} {}", bound.limit));
        }
        if let Some(factor) = schema.multiple_of
            && (number / factor).fract() != 0.0
        {
            self.invalid(path, value, &format!("should be a multiple of {factor}"));
        }
    }

    fn string(&mut self, schema: &Schema, value: &Value, text: &str, path: &str) {
        let length = text.chars().count() as u64;
        if let Some(max) = schema.length.max.filter(|max| length > *max) {
            self.errors.push(FieldError::too_long(path, max));
        }
        if let Some(min) = schema.length.min.filter(|min| length < *min) {
            self.invalid(path, value, &format!("should be at least {min} chars long"));
        }
        if let Some(pattern) = &schema.pattern
            && !pattern.regex.as_ref().is_some_and(|regex| regex.is_match(text))
        {
            self.invalid(path, value, &format!("should match '{}'", pattern.text));
        }
        let well_formed = match schema.format.as_str() {
            "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
            _ => true,
        };
        if !well_formed {
            let detail = format!(
                "{} in body must be of type {}: {text:?}",
                self.shown(path),
                schema.format
            );
            self.errors.push(FieldError::wrong_type(path, text, &detail));
        }
    }

    fn array(&mut self, schema: &Schema, items: &[Value], old: Option<&Value>, path: &str) {
        if let Some(max) = schema.item_count.max.filter(|max| items.len() as u64 > *max) {
            self.errors.push(FieldError::too_many(path, items.len(), max));
        }
        if let Some(min) = schema.item_count.min.filter(|min| (items.len() as u64) < *min) {
            self.invalid(
                path,
                &Value::from(items.len()),
                &format!("should have at least {min} items"),
            );
        }
        let keys_of = |item: &Value| -> Vec<Value> { schema.list_keys.iter().map(|key| item[key].clone()).collect() };
        let mut seen: Vec<Vec<Value>> = Vec::new();
        // A real server speaks of the first element that is no object alone.
        let mut seen_other = false;
        for (index, item) in items.iter().enumerate() {
            let at = format!("{path}[{index}]");
            if schema.list_type == "map" && !item.is_object() {
                if !seen_other {
                    let detail = "must be an object for an array of list-type map";
                    self.errors.push(FieldError::invalid(&at, item, detail));
                }
                seen_other = true;
            }
            let keys = match schema.list_type.as_str() {
                "map" if item.is_object() => keys_of(item),
                "set" => vec![item.clone()],
                _ => Vec::new(),
            };
            if !keys.is_empty() {
                if seen.contains(&keys) {
                    self.errors
                        .push(FieldError::duplicate(&at, &duplicate_value(schema, &keys)));
                }
                seen.push(keys.clone());
            }
            if let Some(of_item) = &schema.items {
                let before = (schema.list_type == "map")
                    .then(|| old.and_then(Value::as_array))
                    .flatten()
                    .and_then(|before| before.iter().find(|other| keys_of(other) == keys));
                self.value(of_item, item, before, &at);
            }
        }
    }

    fn object(&mut self, schema: &Schema, fields: &Map<String, Value>, old: Option<&Value>, path: &str) {
        let count = fields.len() as u64;
        if let Some(max) = schema.property_count.max.filter(|max| count > *max) {
            self.invalid(
                path,
                &Value::from(count),
                &format!("should have at most {max} properties"),
            );
        }
        if let Some(min) = schema.property_count.min.filter(|min| count < *min) {
            self.invalid(
                path,
                &Value::from(count),
                &format!("should have at least {min} properties"),
            );
        }
        for name in schema.required.iter().filter(|name| !fields.contains_key(*name)) {
            self.errors.push(FieldError::required(join(path, name), ""));
        }
        for (name, value) in fields {
            let of_field = schema.properties.get(name).or(match &schema.additional {
                Additional::Of(schema) => Some(schema),
                Additional::None | Additional::Any => None,
            });
            // The object's own metadata was checked before.
            if let Some(of_field) = of_field.filter(|_| !(path.is_empty() && name == "metadata")) {
                self.value(of_field, value, old.and_then(|old| old.get(name)), &join(path, name));
            }
        }
    }

    fn combinations(&mut self, schema: &Schema, value: &Value, path: &str) {
        for part in &schema.all_of {
            self.value(part, value, None, path);
        }
        let text = Value::String(String::new());
        let mut fail = |what: &str| {
            let detail = format!("{path:?} {what}");
            self.errors.push(FieldError::invalid(path, &text, &detail));
        };
        // For int-or-string the usual `anyOf` says the same as the flag.
        if !schema.any_of.is_empty() && !schema.int_or_string && !schema.any_of.iter().any(|part| part.accepts(value)) {
            fail("must validate at least one schema (anyOf)");
        }
        let matching = schema.one_of.iter().filter(|part| part.accepts(value)).count();
        if !schema.one_of.is_empty() && matching != 1 {
            let found = if matching == 0 {
                "Found none valid".to_owned()
            } else {
                format!("Found {matching} valid alternatives")
            };
            fail(&format!("must validate one and only one schema (oneOf). {found}"));
        }
        if schema.not.as_ref().is_some_and(|not| not.accepts(value)) {
            fail("must not validate the schema (not)");
        }
    }
}

/// What a real server shows of a repeated list element: its keys, or the element of a set.
fn duplicate_value(schema: &Schema, keys: &[Value]) -> Value {
    if schema.list_type == "set" {
        return keys.first().cloned().unwrap_or_default();
    }
    Value::Object(schema.list_keys.iter().cloned().zip(keys.iter().cloned()).collect())
}
