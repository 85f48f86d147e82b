//! Objects of built-in types as a real API server decodes them: what does not fit the Go types is refused in Go's words, and
//! what Go does not write when it is empty goes.
//!
//! The types are those of `openapi/kubernetes.json`: a definition is a struct, its last name the struct's.

use serde_json::{Map, Value, json};

use crate::openapi;

/// How an object comes to its Go type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Way {
    /// From JSON.
    #[default]
    Json,
    /// From a map, after a strategic merge.
    Unstructured,
}

/// What cannot be decoded in an object of a built-in type, first in the order of its fields.
pub(crate) fn error(group: &str, version: &str, kind: &str, object: &Value, way: Way) -> Option<String> {
    let root = openapi::definition_of(group, version, kind)?;
    let mut walk = Walk { way, found: None };
    walk.fields(root, kind, object.as_object()?, "");
    walk.found
}

/// What cannot be decoded in the metadata of a custom resource, which is decoded by itself.
pub(crate) fn metadata_error(metadata: &Value) -> Option<String> {
    let Some(fields) = metadata.as_object() else {
        let what = word(metadata);
        return (!metadata.is_null())
            .then(|| format!("json: cannot unmarshal {what} into Go value of type v1.ObjectMeta"));
    };
    let mut walk = Walk {
        way: Way::Json,
        found: None,
    };
    walk.fields(openapi::definition(openapi::METADATA)?, "ObjectMeta", fields, "");
    walk.found
}

/// Go's word for a JSON value.
pub(crate) fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

struct Walk {
    way: Way,
    found: Option<String>,
}

/// A field: its struct and its path, which has no indices and no keys of maps.
#[derive(Clone, Copy)]
struct Place<'a> {
    parent: &'a str,
    path: &'a str,
}

impl Walk {
    fn fields(&mut self, schema: &Value, name: &str, fields: &Map<String, Value>, path: &str) {
        for (field, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let Some(of_field) = schema["properties"].get(field) else {
                continue;
            };
            let embedded = match embedded(name, field) {
                Some(within) => format!("{within}.{field}"),
                None => field.clone(),
            };
            let path = if path.is_empty() {
                embedded
            } else {
                format!("{path}.{embedded}")
            };
            let place = Place {
                parent: name,
                path: &path,
            };
            self.value(of_field, value, place);
            if self.found.is_some() {
                return;
            }
        }
    }

    fn value(&mut self, schema: &Value, value: &Value, place: Place<'_>) {
        if value.is_null() || self.found.is_some() {
            return;
        }
        if let Some(name) = schema.as_object().and_then(openapi::reference) {
            return self.reference(name, value, place);
        }
        match (schema["type"].as_str().unwrap_or_default(), value) {
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => {}
            ("integer", Value::Number(number)) => {
                let fits = match schema["format"].as_str() {
                    Some("int32") => number.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
                    _ => number.is_i64(),
                };
                if !fits {
                    self.mismatch(value, place, &type_name(schema, place));
                }
            }
            ("array", Value::Array(items)) => items.iter().for_each(|item| self.value(&schema["items"], item, place)),
            ("object", Value::Object(fields)) => {
                let of_value = &schema["additionalProperties"];
                fields.values().for_each(|value| self.value(of_value, value, place));
            }
            ("string" | "boolean" | "number" | "integer" | "array" | "object", _) => {
                self.mismatch(value, place, &type_name(schema, place));
            }
            _ => {}
        }
    }

    fn reference(&mut self, name: &str, value: &Value, place: Place<'_>) {
        let Some(definition) = openapi::definition(name) else {
            return;
        };
        let short = last(name);
        match (short, value) {
            ("IntOrString", Value::String(_)) | ("Quantity", Value::String(_) | Value::Number(_)) => {}
            ("IntOrString", Value::Number(number)) if number.as_i64().is_some_and(|it| i32::try_from(it).is_ok()) => {}
            ("IntOrString", _) => self.mismatch(value, place, "int32"),
            ("Time" | "MicroTime", Value::String(text)) => {
                if text.parse::<jiff::Timestamp>().is_err() {
                    let form = "2006-01-02T15:04:05Z07:00";
                    self.found = Some(format!(
                        "parsing time {text:?} as {form:?}: cannot parse {text:?} as \"2006\""
                    ));
                }
            }
            _ if !definition["properties"].is_object() => {}
            (_, Value::Object(fields)) => self.fields(definition, short, fields, place.path),
            _ => self.mismatch(value, place, &go_name(name)),
        }
    }

    fn mismatch(&mut self, value: &Value, place: Place<'_>, wanted: &str) {
        self.found = Some(match self.way {
            Way::Json => {
                let number = match value {
                    Value::Number(number) if wanted.starts_with("int") => format!(" {number}"),
                    _ => String::new(),
                };
                let (what, Place { parent, path }) = (word(value), place);
                format!("json: cannot unmarshal {what}{number} into Go struct field {parent}.{path} of type {wanted}")
            }
            Way::Unstructured => unstructured(value, wanted, named_text(place).is_some()),
        });
    }
}

/// What Go's converter of maps says of a value that does not fit a type.
fn unstructured(value: &Value, wanted: &str, is_text: bool) -> String {
    let wanted = if is_text && !wanted.contains(['[', ']']) {
        "string"
    } else {
        wanted
    };
    let found = match value {
        Value::Null => "ptr",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    };
    let plain = matches!(wanted, "string" | "bool" | "int32" | "int64" | "float64");
    if wanted.starts_with("map[") || wanted.ends_with("ResourceList") {
        format!("cannot restore map from {found}")
    } else if wanted.starts_with("[]") {
        format!("cannot restore slice from {found}")
    } else if plain && wanted == "string" && found == "int64" {
        "cannot convert int64 to string".to_owned()
    } else if plain {
        format!("unrecognized type: {wanted}")
    } else {
        format!("cannot restore struct from: {found}")
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// `v1.Container` for `io.k8s.api.core.v1.Container`.
fn go_name(name: &str) -> String {
    let mut parts = name.rsplit('.');
    let short = parts.next().unwrap_or_default();
    format!("{}.{short}", parts.next().unwrap_or_default())
}

fn type_name(schema: &Value, place: Place<'_>) -> String {
    if let Some(name) = schema.as_object().and_then(openapi::reference) {
        return match last(name) {
            "Quantity" => "resource.Quantity".to_owned(),
            "IntOrString" => "intstr.IntOrString".to_owned(),
            _ => go_name(name),
        };
    }
    let format = schema["format"].as_str();
    match schema["type"].as_str().unwrap_or_default() {
        "integer" => format.unwrap_or("int64").to_owned(),
        "boolean" => "bool".to_owned(),
        "number" => "float64".to_owned(),
        "array" => format!("[]{}", type_name(&schema["items"], place)),
        "object" => match type_name(&schema["additionalProperties"], place).as_str() {
            "resource.Quantity" => "v1.ResourceList".to_owned(),
            of_value => format!("map[string]{of_value}"),
        },
        _ if format == Some("byte") => "[]uint8".to_owned(),
        _ => named_text(place).unwrap_or("string").to_owned(),
    }
}

/// The Go types of texts that have a name of their own, by struct and field.
fn named_text(place: Place<'_>) -> Option<&'static str> {
    let field = last(place.path);
    Some(match (place.parent, field) {
        ("ObjectMeta" | "OwnerReference", "uid") => "types.UID",
        ("LabelSelectorRequirement", "operator") => "v1.LabelSelectorOperator",
        ("ContainerPort" | "ServicePort", "protocol") => "v1.Protocol",
        ("Container", "imagePullPolicy") => "v1.PullPolicy",
        ("Container", "terminationMessagePolicy") => "v1.TerminationMessagePolicy",
        ("PodSpec", "restartPolicy") => "v1.RestartPolicy",
        ("PodSpec", "dnsPolicy") => "v1.DNSPolicy",
        ("HTTPGetAction", "scheme") => "v1.URIScheme",
        ("ServiceSpec", "type") => "v1.ServiceType",
        ("ServiceSpec", "sessionAffinity") => "v1.ServiceAffinity",
        ("PodStatus", "phase") => "v1.PodPhase",
        ("ReplicaSetCondition", "type") => "v1.ReplicaSetConditionType",
        ("DeploymentCondition", "type") => "v1.DeploymentConditionType",
        ("PodCondition", "type") => "v1.PodConditionType",
        (_, "status") if place.parent.ends_with("Condition") => "v1.ConditionStatus",
        ("DeploymentStrategy", "type") => "v1.DeploymentStrategyType",
        _ => return None,
    })
}

/// The struct that a field comes from, where Go embeds one in another.
fn embedded(name: &str, field: &str) -> Option<&'static str> {
    match (name, field) {
        ("Probe", "exec" | "grpc" | "httpGet" | "tcpSocket") => Some("ProbeHandler"),
        ("Volume", "name") | ("EphemeralContainer", "targetContainerName") => None,
        ("Volume", _) => Some("VolumeSource"),
        ("EphemeralContainer", _) => Some("EphemeralContainerCommon"),
        _ => None,
    }
}

/// Leaves of an object of a built-in type what Go would write again: nulls go or become the empty value of a map or list, and
/// texts, lists and maps that are empty and optional go.
pub(crate) fn settle(group: &str, version: &str, kind: &str, object: &mut Value) {
    match openapi::definition_of(group, version, kind) {
        Some(root) => settle_fields(root, kind, object),
        None => crate::builtin::drop_nulls(object),
    }
}

/// The same for metadata, which all kinds have.
pub(crate) fn settle_metadata(metadata: &mut Value) {
    if let Some(schema) = openapi::definition(openapi::METADATA) {
        settle_fields(schema, "ObjectMeta", metadata);
    }
}

fn settle_fields(schema: &Value, name: &str, object: &mut Value) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    for (field, value) in fields.iter_mut() {
        match schema["properties"].get(field) {
            Some(of_field) => settle_value(of_field, value),
            None => crate::builtin::drop_nulls(value),
        }
    }
    fields.retain(|field, value| {
        let known = schema["properties"].get(field);
        let is_kept = value.is_null() && is_written_as_null(name, field);
        is_kept || !value.is_null() && !known.is_some_and(|of_field| is_omitted(schema, of_field, name, field, value))
    });
}

fn is_omitted(schema: &Value, of_field: &Value, name: &str, field: &str, value: &Value) -> bool {
    let is_required = || {
        let required = schema["required"].as_array();
        required.into_iter().flatten().any(|it| it == field)
    };
    let is_map = || of_field.get("additionalProperties").is_some();
    match value {
        // Pointers to texts tell the empty one from none.
        Value::String(text) => text.is_empty() && !is_required() && !is_pointer(name, field),
        Value::Array(items) => items.is_empty() && !is_required(),
        Value::Object(fields) => fields.is_empty() && is_map() && !is_required(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Times in conditions are no pointers: Go writes them as null where there are none.
fn is_written_as_null(name: &str, field: &str) -> bool {
    matches!(name, "ReplicaSetCondition" | "DeploymentCondition") && field.starts_with("last")
}

/// Puts into a status what Go writes in any case: numbers and texts that are required.
pub(crate) fn complete_status(group: &str, version: &str, kind: &str, object: &mut Value) {
    let status = openapi::definition_of(group, version, kind).and_then(|root| root["properties"].get("status"));
    let Some(name) = status.and_then(Value::as_object).and_then(openapi::reference) else {
        return;
    };
    if object.get("status").is_none() {
        object["status"] = json!({});
    }
    complete(name, &mut object["status"]);
}

fn complete(name: &str, value: &mut Value) {
    let (Some(schema), Some(fields)) = (openapi::definition(name), value.as_object_mut()) else {
        return;
    };
    let required = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    for field in required {
        if let zero @ (Value::String(_) | Value::Number(_)) = empty(&schema["properties"][field]) {
            fields.entry(field).or_insert(zero);
        }
    }
    for field in ["lastTransitionTime", "lastUpdateTime"] {
        if schema["properties"].get(field).is_some() && is_written_as_null(last(name), field) {
            fields.entry(field).or_insert(Value::Null);
        }
    }
    for (field, value) in fields {
        let of_field = &schema["properties"][field.as_str()];
        let inner = of_field["items"].as_object().and_then(openapi::reference);
        if let (Some(inner), Value::Array(items)) = (inner, value) {
            items.iter_mut().for_each(|item| complete(inner, item));
        }
    }
}

fn is_pointer(name: &str, field: &str) -> bool {
    matches!(
        (name, field),
        ("HostPathVolumeSource", "type")
            | ("GRPCAction", "service")
            | (
                "PersistentVolumeClaimSpec",
                "storageClassName" | "volumeAttributesClassName"
            )
            | ("IngressSpec", "ingressClassName")
            | ("LeaseSpec", "holderIdentity")
            | ("ServiceSpec", "loadBalancerClass")
            | ("PodSpec", "runtimeClassName" | "priorityClassName")
    )
}

fn settle_value(schema: &Value, value: &mut Value) {
    if let Some(name) = schema.as_object().and_then(openapi::reference) {
        match (last(name), &*value) {
            ("Quantity", Value::Number(number)) => *value = json!(number.to_string()),
            (short, Value::Object(_)) => {
                if let Some(definition) = openapi::definition(name).filter(|it| it["properties"].is_object()) {
                    settle_fields(definition, short, value);
                }
            }
            _ => {}
        }
        return;
    }
    let (inner, values): (&Value, Vec<&mut Value>) = match value {
        Value::Array(items) => (&schema["items"], items.iter_mut().collect()),
        Value::Object(fields) if schema.get("additionalProperties").is_some() => {
            (&schema["additionalProperties"], fields.values_mut().collect())
        }
        Value::Object(_) => {
            crate::builtin::drop_nulls(value);
            return;
        }
        _ => return,
    };
    for value in values {
        if value.is_null() {
            *value = empty(inner);
        }
        settle_value(inner, value);
    }
}

/// Go's zero value of a type.
fn empty(schema: &Value) -> Value {
    match schema.as_object().and_then(openapi::reference) {
        Some(name) if last(name) == "Quantity" => json!("0"),
        Some(_) => json!({}),
        None => match schema["type"].as_str() {
            Some("string") => json!(""),
            Some("integer" | "number") => json!(0),
            Some("boolean") => json!(false),
            _ => Value::Null,
        },
    }
}
