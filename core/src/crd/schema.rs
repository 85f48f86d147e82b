//! From a Rust type to a structural schema: nothing referred to, a type everywhere, nothing nullable.

use super::kubernetes;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Fields that are always written and yet not required, by type and name (contract 01 §1, "JSON quirks").
const OPTIONAL: &[(&str, &str)] = &[
    ("AlbStatus", "canaryTargetGroup"),
    ("AlbStatus", "loadBalancer"),
    ("AlbStatus", "stableTargetGroup"),
    ("AnalysisRunStatus", "runSummary"),
    ("AnalysisTemplateRef", "templateName"),
    ("Authentication", "basicAuth"),
    ("Authentication", "oauth2"),
    ("Authentication", "sigv4"),
    ("AwsResource", "fullName"),
    ("DatadogMetric", "secretRef"),
    ("ExperimentSpec", "analysisRunMetadata"),
    ("ExperimentStep", "analysisRunMetadata"),
    ("ExperimentStepTemplate", "metadata"),
    ("JobMetric", "metadata"),
    ("PrometheusMetric", "authentication"),
    ("RolloutSpec", "strategy"),
    ("RolloutStatus", "blueGreen"),
    ("RolloutStatus", "canary"),
    ("WebMetric", "authentication"),
];

/// Members of one property's schema that the type cannot say: type, field, member, value.
fn additions() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let immutable = json!([{"rule": "self == oldSelf", "message": ".spec.selector is immutable"}]);
    let aggregators = json!([
        "avg",
        "min",
        "max",
        "sum",
        "last",
        "percentile",
        "mean",
        "l2norm",
        "area"
    ]);
    vec![
        ("DatadogMetric", "interval", "default", json!("5m")),
        ("DatadogMetric", "apiVersion", "default", json!("v1")),
        ("DatadogMetric", "apiVersion", "enum", json!(["v1", "v2"])),
        ("DatadogMetric", "requestTimeout", "default", json!("10s")),
        ("DatadogMetric", "aggregator", "enum", aggregators),
        ("RolloutSpec", "selector", "x-kubernetes-validations", immutable),
    ]
}

/// The structural schema of a type.
pub(super) fn of<T: JsonSchema>() -> Value {
    // As written, not as read: what is always written is required, as Go's tags have it.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let root = generator.subschema_for::<T>();
    let types = Types {
        definitions: generator.take_definitions(true),
        additions: additions(),
    };
    types.structural(root.as_value())
}

struct Types {
    definitions: Map<String, Value>,
    additions: Vec<(&'static str, &'static str, &'static str, Value)>,
}

impl Types {
    fn structural(&self, schema: &Value) -> Value {
        let Some(schema) = schema.as_object() else {
            return anything();
        };
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return self.named(name.rsplit('/').next().unwrap_or(name));
        }
        if let Some(present) = present(schema) {
            return self.structural(present);
        }
        if schema.contains_key("x-kubernetes-int-or-string") {
            return int_or_string();
        }
        let mut out = Map::new();
        for member in ["type", "format", "enum"] {
            if let Some(value) = schema.get(member) {
                out.insert(member.to_owned(), without_null(value));
            }
        }
        if let Some(items) = schema.get("items") {
            out.insert("items".to_owned(), self.structural(items));
        }
        match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => return anything(),
            Some(values) => {
                out.insert("additionalProperties".to_owned(), self.structural(values));
            }
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let properties = properties
                .iter()
                .map(|(name, property)| (name.clone(), self.property(property)));
            out.insert("properties".to_owned(), properties.collect::<Map<_, _>>().into());
        }
        if let Some(required) = schema.get("required").and_then(Value::as_array) {
            let mut required = required.clone();
            required.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            out.insert("required".to_owned(), required.into());
        }
        if out.is_empty() { anything() } else { out.into() }
    }

    /// A property with its description, unless it speaks to readers of the source only.
    fn property(&self, property: &Value) -> Value {
        let mut out = self.structural(property);
        let description = property.get("description").and_then(Value::as_str);
        if let (Some(out), Some(text)) = (out.as_object_mut(), description.filter(|text| !text.contains("[`"))) {
            out.insert("description".to_owned(), text.into());
        }
        out
    }

    /// A named type: its own schema, then what the tables say of it.
    fn named(&self, name: &str) -> Value {
        let Some(definition) = self.definitions.get(name) else {
            return anything();
        };
        if kubernetes::is_quantity(name) {
            return kubernetes::quantity();
        }
        let mut out = self.structural(definition);
        if let Some(schema) = out.as_object_mut() {
            if kubernetes::is_kubernetes(name) {
                kubernetes::extend(name, schema);
            } else {
                self.extend(name, schema);
            }
        }
        out
    }

    fn extend(&self, name: &str, schema: &mut Map<String, Value>) {
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.retain(|field| {
                !OPTIONAL
                    .iter()
                    .any(|(r#type, optional)| *r#type == name && field == optional)
            });
            if required.is_empty() {
                schema.remove("required");
            }
        }
        for (_, field, member, value) in self.additions.iter().filter(|(r#type, ..)| *r#type == name) {
            if let Some(property) = schema
                .get_mut("properties")
                .and_then(|properties| properties.get_mut(*field))
            {
                property[*member] = value.clone();
            }
        }
    }
}

/// The schema of a value that is present, where absence is written as `anyOf [schema, null]`.
fn present(schema: &Map<String, Value>) -> Option<&Value> {
    let alternatives = schema.get("anyOf")?.as_array()?;
    let null = json!({"type": "null"});
    match alternatives.as_slice() {
        [present, absent] if *absent == null => Some(present),
        _ => None,
    }
}

/// `["string", "null"]` → `string`.
fn without_null(types: &Value) -> Value {
    match types.as_array().map(Vec::as_slice) {
        Some([present, Value::String(null)]) if null == "null" => present.clone(),
        _ => types.clone(),
    }
}

/// An object of which nothing is known.
fn anything() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

pub(super) fn int_or_string() -> Value {
    json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true})
}
