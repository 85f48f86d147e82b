//! What the Kubernetes API says of its own types beyond their fields: defaults, list keys, places for anything.
//!
//! The types come from the newest version that k8s-openapi knows (decision 20); descriptions are left out, so that the
//! manifests stay small enough for client-side apply.

use serde_json::{Map, Value, json};

const CORE: &str = "io.k8s.api.core.v1.";

/// Lists that server-side apply merges by key: type, field, keys.
const MAPS: &[(&str, &str, &[&str])] = &[
    ("Container", "env", &["name"]),
    ("Container", "ports", &["containerPort", "protocol"]),
    ("Container", "volumeDevices", &["devicePath"]),
    ("Container", "volumeMounts", &["mountPath"]),
    ("EphemeralContainer", "env", &["name"]),
    ("EphemeralContainer", "ports", &["containerPort", "protocol"]),
    ("EphemeralContainer", "volumeDevices", &["devicePath"]),
    ("EphemeralContainer", "volumeMounts", &["mountPath"]),
    ("PodSpec", "containers", &["name"]),
    ("PodSpec", "ephemeralContainers", &["name"]),
    ("PodSpec", "hostAliases", &["ip"]),
    ("PodSpec", "imagePullSecrets", &["name"]),
    ("PodSpec", "initContainers", &["name"]),
    ("PodSpec", "resourceClaims", &["name"]),
    ("PodSpec", "schedulingGates", &["name"]),
    (
        "PodSpec",
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("ResourceRequirements", "claims", &["name"]),
];

/// Lists whose members are unique.
const SETS: &[(&str, &str)] = &[
    ("ContainerRestartRuleOnExitCodes", "values"),
    ("PodFailurePolicyOnExitCodesRequirement", "values"),
];

/// Objects that are replaced whole.
const ATOMIC: &[&str] = &[
    "ConfigMapEnvSource",
    "ConfigMapKeySelector",
    "FileKeySelector",
    "LabelSelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ResourceFieldSelector",
    "SecretEnvSource",
    "SecretKeySelector",
];

/// What the API server fills in (contract 01 §1: these and no others).
fn defaults() -> [(&'static str, &'static str, Value); 8] {
    [
        ("ConfigMapEnvSource", "name", json!("")),
        ("ConfigMapKeySelector", "name", json!("")),
        ("ContainerPort", "protocol", json!("TCP")),
        ("FileKeySelector", "optional", json!(false)),
        ("GRPCAction", "service", json!("")),
        ("LocalObjectReference", "name", json!("")),
        ("SecretEnvSource", "name", json!("")),
        ("SecretKeySelector", "name", json!("")),
    ]
}

pub(super) fn is_kubernetes(name: &str) -> bool {
    name.starts_with("io.k8s.")
}

pub(super) fn is_quantity(name: &str) -> bool {
    name == "io.k8s.apimachinery.pkg.api.resource.Quantity"
}

pub(super) fn quantity() -> Value {
    let mut schema = super::schema::int_or_string();
    schema["pattern"] = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$".into();
    schema
}

/// Adds to the schema of a Kubernetes type what its fields do not say.
pub(super) fn extend(name: &str, schema: &mut Map<String, Value>) {
    let short = name.rsplit('.').next().unwrap_or(name);
    if ATOMIC.contains(&short) {
        schema.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    }
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for (field, property) in properties.iter_mut() {
        if let Some(members) = property.as_object_mut() {
            members.remove("description");
            if members.get("type").is_some_and(|r#type| r#type == "array") {
                list(short, field, members);
            }
        }
    }
    let defaults: Vec<_> = defaults().into_iter().filter(|(r#type, ..)| *r#type == short).collect();
    for (_, field, value) in &defaults {
        if let Some(property) = properties.get_mut(*field) {
            property["default"] = value.clone();
        }
    }
    special(name, properties);
    // What is filled in need not be given.
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !defaults.iter().any(|(_, field, _)| name == field));
        if required.is_empty() {
            schema.remove("required");
        }
    }
}

fn list(name: &str, field: &str, members: &mut Map<String, Value>) {
    let keys = MAPS
        .iter()
        .find(|(r#type, list, _)| *r#type == name && *list == field)
        .map(|(.., keys)| *keys);
    let kind = match keys {
        Some(keys) => {
            members.insert("x-kubernetes-list-map-keys".to_owned(), keys.into());
            "map"
        }
        None if SETS.contains(&(name, field)) => "set",
        None => "atomic",
    };
    members.insert("x-kubernetes-list-type".to_owned(), kind.into());
}

/// Places where the schema is looser than the type: contract 01 §1.
fn special(name: &str, properties: &mut Map<String, Value>) {
    let anything = json!({"x-kubernetes-preserve-unknown-fields": true});
    if let Some(short) = name.strip_prefix(CORE) {
        match short {
            "Container" | "EphemeralContainer" => {
                for amounts in ["limits", "requests"] {
                    if let Some(amounts) = properties
                        .get_mut("resources")
                        .and_then(|resources| resources.get_mut("properties"))
                        .and_then(|properties| properties.get_mut(amounts))
                    {
                        *amounts = anything.clone();
                    }
                }
            }
            "PodSpec" => {
                properties.insert("volumes".to_owned(), anything);
                if let Some(selector) = properties.get_mut("nodeSelector") {
                    selector["x-kubernetes-map-type"] = "atomic".into();
                }
            }
            "PodTemplateSpec" => {
                properties.insert("metadata".to_owned(), labels_and_annotations());
            }
            _ => {}
        }
    }
}

/// All that a pod template keeps of its metadata.
fn labels_and_annotations() -> Value {
    let strings = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({"type": "object", "properties": {"annotations": strings, "labels": strings}})
}
