//! A pod template as the JSON it came as: never through a typed struct that would lose or add fields.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// A pod template, kept as compact JSON text: small at rest, parsed where its content matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTemplate(Arc<str>);

impl PodTemplate {
    /// Wraps a template; object keys are sorted, nothing else changes.
    #[must_use]
    pub fn new(template: &Value) -> Self {
        Self(template.to_string().into())
    }

    /// The template as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Its `metadata.labels`, as JSON values; the rest is passed over unread, which makes it quick.
    #[must_use]
    pub fn labels(&self) -> Map<String, Value> {
        self.of_metadata("labels")
    }

    /// Its `metadata.annotations`, in the same way.
    #[must_use]
    pub fn annotations(&self) -> Map<String, Value> {
        self.of_metadata("annotations")
    }

    fn of_metadata(&self, member: &str) -> Map<String, Value> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Members {
            metadata: Value,
        }
        if !self.0.starts_with('{') {
            return Map::new();
        }
        let mut members: Members = serde_json::from_str(&self.0).unwrap_or_default();
        match members.metadata.get_mut(member).map(Value::take) {
            Some(Value::Object(found)) => found,
            Some(_) | None => Map::new(),
        }
    }

    /// The template as compact JSON text with sorted keys.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for PodTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PodTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|template| Self::new(&template))
    }
}

impl JsonSchema for PodTemplate {
    fn schema_name() -> Cow<'static, str> {
        "PodTemplate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::PodTemplateSpec>()
    }
}
