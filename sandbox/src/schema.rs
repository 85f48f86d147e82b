//! Structural schemas of custom resources: parsing, pruning and defaulting; [`validate`] has the checks.

mod fields;
mod validate;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

/// The schema of one version of a custom resource, or of a part of it.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// Empty where the schema names no type.
    kind: String,
    format: String,
    nullable: bool,
    int_or_string: bool,
    preserve_unknown: bool,
    embedded_resource: bool,
    /// A map whose fields belong together.
    atomic: bool,
    default: Option<Value>,
    properties: BTreeMap<String, Schema>,
    additional: Additional,
    items: Option<Box<Schema>>,
    required: Vec<String>,
    allowed: Vec<Value>,
    pattern: Option<Pattern>,
    minimum: Option<Bound>,
    maximum: Option<Bound>,
    multiple_of: Option<f64>,
    length: Range,
    item_count: Range,
    property_count: Range,
    list_type: String,
    list_keys: Vec<String>,
    /// Messages of `self == oldSelf` rules.
    immutable: Vec<String>,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    not: Option<Box<Schema>>,
}

/// What an object may hold besides its properties.
#[derive(Debug, Default)]
enum Additional {
    #[default]
    None,
    Any,
    Of(Box<Schema>),
}

#[derive(Debug)]
struct Pattern {
    text: String,
    /// `None` where the pattern does not compile: then nothing matches.
    regex: Option<Regex>,
}

#[derive(Debug)]
struct Bound {
    limit: f64,
    exclusive: bool,
}

#[derive(Debug, Default)]
struct Range {
    min: Option<u64>,
    max: Option<u64>,
}

fn schemas(value: &Value) -> Vec<Schema> {
    value.as_array().into_iter().flatten().map(Schema::parse).collect()
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

impl Schema {
    /// Reads an `openAPIV3Schema`.
    pub(crate) fn parse(text: &Value) -> Self {
        let flag = |name: &str| text[name] == true;
        let string = |name: &str| text[name].as_str().unwrap_or_default().to_owned();
        let bound = |name: &str, exclusive: &str| {
            text[name].as_f64().map(|limit| Bound {
                limit,
                exclusive: text[exclusive] == true,
            })
        };
        let range = |min: &str, max: &str| Range {
            min: text[min].as_u64(),
            max: text[max].as_u64(),
        };
        let one = |name: &str| text[name].is_object().then(|| Box::new(Self::parse(&text[name])));
        let properties = text["properties"].as_object().into_iter().flatten();
        Self {
            kind: string("type"),
            format: string("format"),
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            atomic: text["x-kubernetes-map-type"] == "atomic",
            default: text.get("default").filter(|value| !value.is_null()).cloned(),
            properties: properties
                .map(|(name, schema)| (name.clone(), Self::parse(schema)))
                .collect(),
            additional: match &text["additionalProperties"] {
                Value::Bool(true) => Additional::Any,
                schema @ Value::Object(_) => Additional::Of(Box::new(Self::parse(schema))),
                _ => Additional::None,
            },
            items: one("items"),
            required: strings(&text["required"]),
            allowed: text["enum"].as_array().cloned().unwrap_or_default(),
            pattern: text["pattern"]
                .as_str()
                .filter(|text| !text.is_empty())
                .map(|text| Pattern {
                    text: text.to_owned(),
                    regex: Regex::new(text).ok(),
                }),
            minimum: bound("minimum", "exclusiveMinimum"),
            maximum: bound("maximum", "exclusiveMaximum"),
            multiple_of: text["multipleOf"].as_f64().filter(|factor| *factor > 0.0),
            length: range("minLength", "maxLength"),
            item_count: range("minItems", "maxItems"),
            property_count: range("minProperties", "maxProperties"),
            list_type: string("x-kubernetes-list-type"),
            list_keys: strings(&text["x-kubernetes-list-map-keys"]),
            immutable: immutability_messages(&text["x-kubernetes-validations"]),
            all_of: schemas(&text["allOf"]),
            any_of: schemas(&text["anyOf"]),
            one_of: schemas(&text["oneOf"]),
            not: one("not"),
        }
    }

    /// Removes what the schema does not know from a whole object; returns the paths removed.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut removed = Vec::new();
        self.prune_at(object, "", true, &mut removed);
        removed
    }

    fn prune_at(&self, value: &mut Value, path: &str, is_object_root: bool, removed: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                let own = |name: &str| is_object_root && matches!(name, "apiVersion" | "kind" | "metadata");
                let keeps_all = self.preserve_unknown || !matches!(self.additional, Additional::None);
                fields.retain(|name, _| {
                    let known = keeps_all || own(name) || self.properties.contains_key(name);
                    if !known {
                        removed.push(join(path, name));
                    }
                    known
                });
                if let Some(metadata) = fields.get_mut("metadata").filter(|_| is_object_root) {
                    fields::metadata().prune_at(metadata, &join(path, "metadata"), false, removed);
                }
                for (name, value) in fields.iter_mut().filter(|(name, _)| !own(name)) {
                    if let Some(schema) = self.field(name) {
                        schema.prune_at(value, &join(path, name), schema.embedded_resource, removed);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    for (index, item) in items.iter_mut().enumerate() {
                        schema.prune_at(item, &format!("{path}[{index}]"), schema.embedded_resource, removed);
                    }
                }
            }
            _ => {}
        }
    }

    /// The schema of a field: a property, or a value of the map.
    fn field(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or(match &self.additional {
            Additional::Of(schema) => Some(schema),
            Additional::None | Additional::Any => None,
        })
    }

    /// Fills in defaults, in place of nulls too where null is not allowed; other such nulls are dropped.
    pub(crate) fn apply_defaults(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => self.default_fields(fields),
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    items.iter_mut().for_each(|item| schema.apply_defaults(item));
                }
            }
            _ => {}
        }
    }

    fn default_fields(&self, fields: &mut Map<String, Value>) {
        fields.retain(|name, value| !value.is_null() || self.field(name).is_none_or(|schema| schema.nullable));
        for (name, schema) in &self.properties {
            if let (Some(default), false) = (&schema.default, fields.contains_key(name)) {
                fields.insert(name.clone(), default.clone());
            }
        }
        for (name, value) in fields {
            if let Some(schema) = self.field(name) {
                schema.apply_defaults(value);
            }
        }
    }
}

/// Of the CEL rules this server knows one: a value that never changes.
fn immutability_messages(rules: &Value) -> Vec<String> {
    let rules = rules.as_array().into_iter().flatten();
    rules
        .filter(|rule| {
            rule["rule"]
                .as_str()
                .is_some_and(|text| text.split_whitespace().eq(["self", "==", "oldSelf"]))
        })
        .map(|rule| {
            rule["message"]
                .as_str()
                .map_or_else(|| "failed rule: self == oldSelf".to_owned(), str::to_owned)
        })
        .collect()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
