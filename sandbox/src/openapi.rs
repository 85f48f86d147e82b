//! OpenAPI documents: the schemas of Kubernetes for built-in types, those of the definitions for custom resources.
//!
//! `openapi/kubernetes.json` holds the schemas of the types served here, word for word (`openapi/extract.py` makes it).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::registry::{Registry, ResourceType, Version};
use crate::schema::Schema;
use crate::status::ApiError;

const TEXT: &str = include_str!("../openapi/kubernetes.json");
pub(crate) const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The definitions of Kubernetes by name; empty where the file cannot be read, which a test rules out.
static DEFINITIONS: LazyLock<Map<String, Value>> = LazyLock::new(|| match serde_json::from_str(TEXT) {
    Ok(Value::Object(mut document)) => match document.remove("definitions") {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    },
    _ => Map::new(),
});

/// A definition by its name.
pub(crate) fn definition(name: &str) -> Option<&'static Value> {
    DEFINITIONS.get(name)
}

/// The definition of a kind.
pub(crate) fn definition_of(group: &str, version: &str, kind: &str) -> Option<&'static Value> {
    /// Kinds by group, version and kind, in this order.
    static KINDS: LazyLock<HashMap<String, &'static Value>> = LazyLock::new(|| {
        let mut kinds = HashMap::new();
        for schema in DEFINITIONS.values() {
            let list = schema["x-kubernetes-group-version-kind"].as_array();
            for it in list.into_iter().flatten() {
                let text = |field: &str| it[field].as_str().unwrap_or_default();
                kinds.insert(
                    format!("{}/{}/{}", text("group"), text("version"), text("kind")),
                    schema,
                );
            }
        }
        kinds
    });
    KINDS.get(&format!("{group}/{version}/{kind}")).copied()
}

/// A definition with all that it refers to put in its place; recursive ones are left open.
pub(crate) fn resolved(group: &str, version: &str, kind: &str) -> Option<Value> {
    Some(expand(definition_of(group, version, kind)?, &mut Vec::new()))
}

/// The schema of a built-in type, parsed once.
pub(crate) fn schema(group: &str, version: &str, kind: &str) -> Option<Arc<Schema>> {
    static PARSED: LazyLock<Mutex<HashMap<String, Option<Arc<Schema>>>>> = LazyLock::new(Mutex::default);
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = format!("{group}/{version}/{kind}");
    let entry = parsed.entry(key);
    entry
        .or_insert_with(|| resolved(group, version, kind).map(|text| Arc::new(Schema::parse(&text))))
        .clone()
}

fn is_kind(schema: &Value, group: &str, version: &str, kind: &str) -> bool {
    let kinds = schema["x-kubernetes-group-version-kind"]
        .as_array()
        .into_iter()
        .flatten();
    kinds
        .into_iter()
        .any(|it| it["group"] == group && it["version"] == version && it["kind"] == kind)
}

fn expand<'a>(schema: &'a Value, within: &mut Vec<&'a str>) -> Value {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = reference(fields) {
                let found = DEFINITIONS.get(name).filter(|_| !within.contains(&name));
                let Some(found) = found else {
                    return json!({ "x-kubernetes-preserve-unknown-fields": true });
                };
                within.push(name);
                let mut expanded = expand(found, within);
                within.pop();
                // List types and defaults stand beside the reference.
                for (key, value) in fields
                    .iter()
                    .filter(|(key, _)| key.starts_with("x-") || *key == "default")
                {
                    expanded[key] = value.clone();
                }
                return expanded;
            }
            let kept = fields
                .iter()
                .filter(|(key, value)| *key != "description" || !value.is_string());
            let mut expanded: Map<String, Value> =
                kept.map(|(key, value)| (key.clone(), expand(value, within))).collect();
            // An object of which nothing is said may hold anything.
            let described = ["properties", "additionalProperties"]
                .iter()
                .any(|key| fields.contains_key(*key));
            if fields.get("type").is_some_and(|it| it == "object") && !described {
                expanded.insert("x-kubernetes-preserve-unknown-fields".to_owned(), json!(true));
            }
            Value::Object(expanded)
        }
        Value::Array(items) => items.iter().map(|item| expand(item, within)).collect(),
        plain => plain.clone(),
    }
}

/// The name of the definition that a schema is: a reference, or one with words beside it.
pub(crate) fn reference(fields: &Map<String, Value>) -> Option<&str> {
    let beside = || {
        fields
            .get("allOf")
            .and_then(|all| all.get(0))
            .and_then(|only| only.get("$ref"))
    };
    fields
        .get("$ref")
        .or_else(beside)
        .and_then(Value::as_str)
        .and_then(|it| it.rsplit('/').next())
}

fn path_of(group: &str, version: &str) -> String {
    match group {
        "" => format!("api/{version}"),
        group => format!("apis/{group}/{version}"),
    }
}

fn served(registry: &Registry) -> impl Iterator<Item = (&ResourceType, &Version)> {
    registry
        .iter()
        .flat_map(|resource| resource.versions.iter().map(|version| (&**resource, version)))
}

/// `/openapi/v3`: where the documents are. The hash changes with the document, for clients that keep them.
pub(crate) fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (resource, version) in served(registry) {
        let path = path_of(&resource.group, &version.name);
        if !paths.contains_key(&path)
            && let Ok(document) = document(registry, &resource.group, &version.name)
        {
            let url = format!("/openapi/v3/{path}?hash={:016X}", fingerprint(&document.to_string()));
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}

/// FNV-1a.
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The OpenAPI v3 document of a group and version.
pub(crate) fn document(registry: &Registry, group: &str, version: &str) -> Result<Value, ApiError> {
    let (mut schemas, mut paths) = (Map::new(), Map::new());
    for (resource, found) in
        served(registry).filter(|(resource, found)| resource.group == group && found.name == version)
    {
        let name = add_schema(&mut schemas, resource, found);
        add_paths(&mut paths, resource, version, &name);
    }
    if schemas.is_empty() {
        return Err(ApiError::no_such_path());
    }
    for name in ["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", METADATA] {
        add_definition(&mut schemas, name);
    }

    Ok(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": "unversioned" },
        "paths": paths,
        "components": { "schemas": schemas },
    }))
}

/// `/openapi/v2`, as JSON.
pub(crate) fn version_2(registry: &Registry) -> Value {
    let mut definitions = Map::new();
    for (resource, version) in served(registry) {
        add_schema(&mut definitions, resource, version);
    }
    json!({
        "swagger": "2.0",
        "info": { "title": "Kubernetes", "version": "unversioned" },
        "paths": {},
        "definitions": definitions.into_iter().map(|(name, schema)| (name, in_version_2(schema))).collect::<Map<_, _>>(),
    })
}

/// References as version 2 writes them.
fn in_version_2(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let name = reference(&fields).map(str::to_owned);
            let mut converted: Map<String, Value> = fields
                .into_iter()
                .filter(|(key, _)| name.is_none() || !matches!(key.as_str(), "$ref" | "allOf"))
                .map(|(key, value)| (key, in_version_2(value)))
                .collect();
            if let Some(name) = name {
                converted.insert("$ref".to_owned(), json!(format!("#/definitions/{name}")));
            }
            Value::Object(converted)
        }
        Value::Array(items) => items.into_iter().map(in_version_2).collect(),
        plain => plain,
    }
}

/// `/openapi/v2` as protobuf (gnostic's `openapi.v2.Document`): version and title, and not one type. kubectl asks for it where
/// version 3 knows no such kind, and learns the same from it.
pub(crate) const EMPTY_VERSION_2: &[u8] = b"\x0a\x032.0\x12\x19\x0a\x0aKubernetes\x12\x0bunversioned";

/// Adds the schema of a type and all it refers to; returns its name.
fn add_schema(schemas: &mut Map<String, Value>, resource: &ResourceType, version: &Version) -> String {
    if resource.custom {
        let reversed: Vec<&str> = resource.group.split('.').rev().collect();
        let name = format!("{}.{}.{}", reversed.join("."), version.name, resource.kind);
        schemas.insert(name.clone(), custom_schema(resource, version));
        add_definition(schemas, METADATA);
        return name;
    }
    let found = DEFINITIONS
        .iter()
        .find(|(_, schema)| is_kind(schema, &resource.group, &version.name, &resource.kind));
    let name = found.map(|(name, _)| name.clone()).unwrap_or_default();
    add_definition(schemas, &name);
    name
}

fn add_definition(schemas: &mut Map<String, Value>, name: &str) {
    if schemas.contains_key(name) {
        return;
    }
    let Some(schema) = DEFINITIONS.get(name) else { return };
    schemas.insert(name.to_owned(), schema.clone());
    let mut names = Vec::new();
    references(schema, &mut names);
    for name in names {
        add_definition(schemas, name);
    }
}

fn references<'a>(schema: &'a Value, names: &mut Vec<&'a str>) {
    match schema {
        Value::Object(fields) => {
            names.extend(
                fields
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|it| it.rsplit('/').next()),
            );
            fields.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

/// A definition's schema with the three fields that all objects have.
fn custom_schema(resource: &ResourceType, version: &Version) -> Value {
    let mut schema = (*version.document).clone();
    let standard = |field: &str| {
        let pod = &DEFINITIONS
            .get("io.k8s.api.core.v1.Pod")
            .map(|pod| &pod["properties"][field]["description"]);
        pod.cloned().unwrap_or_default()
    };
    for field in ["apiVersion", "kind"] {
        schema["properties"][field] = json!({ "type": "string", "description": standard(field) });
    }
    schema["properties"]["metadata"] = json!({ "allOf": [{ "$ref": format!("#/components/schemas/{METADATA}") }], "description": standard("metadata") });
    schema["x-kubernetes-group-version-kind"] =
        json!([{ "group": resource.group, "version": version.name, "kind": resource.kind }]);
    schema
}

fn add_paths(paths: &mut Map<String, Value>, resource: &ResourceType, version: &str, schema: &str) {
    let kind = json!({ "group": resource.group, "version": version, "kind": resource.kind });
    let scope = if resource.namespaced {
        "namespaces/{namespace}/"
    } else {
        ""
    };
    let collection = format!("/{}/{scope}{}", path_of(&resource.group, version), resource.plural);
    let parameter =
        |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let operation = |action: &str, names: &[&str]| {
        let content = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
        json!({
            "parameters": names.iter().map(|name| parameter(name)).collect::<Vec<_>>(),
            "responses": { "200": { "description": "OK", "content": content } },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind,
        })
    };
    let write = ["dryRun", "fieldManager", "fieldValidation"];
    let mut patch = operation("patch", &[&write[..], &["force"]].concat());
    let types: &[&str] = if resource.custom {
        &["apply-patch+yaml", "json-patch+json", "merge-patch+json"]
    } else {
        &[
            "apply-patch+yaml",
            "json-patch+json",
            "merge-patch+json",
            "strategic-merge-patch+json",
        ]
    };
    patch["requestBody"]["content"] = types
        .iter()
        .map(|name| (format!("application/{name}"), json!({})))
        .collect();
    paths.insert(
        format!("{collection}/{{name}}"),
        json!({
            "get": operation("get", &[]), "put": operation("put", &write), "patch": patch,
            "delete": operation("delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"]),
        }),
    );
    paths.insert(
        collection,
        json!({ "get": operation("list", &["labelSelector", "fieldSelector", "limit", "continue", "watch"]), "post": operation("post", &write) }),
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{DEFINITIONS, document, references, resolved, served};
    use crate::registry::Registry;

    #[test]
    fn every_built_in_type_has_its_schema_and_no_reference_leads_nowhere() {
        let registry = Registry::new();
        for (resource, version) in served(&registry) {
            assert!(
                resolved(&resource.group, &version.name, &resource.kind).is_some(),
                "{}",
                resource.kind
            );
            document(&registry, &resource.group, &version.name).unwrap();
        }
        for (name, schema) in DEFINITIONS.iter() {
            let mut names = Vec::new();
            references(schema, &mut names);
            for reference in names {
                assert!(DEFINITIONS.contains_key(reference), "{name}: {reference}");
            }
        }
    }
}
