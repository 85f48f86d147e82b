//! What the server says about itself: versions, groups, resources, health.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::openapi;
use crate::registry::{Registry, ResourceType, Version, api_version};
use crate::status::ApiError;

/// A document that is not a resource.
pub(crate) enum Document {
    Json(Value),
    /// With a content type of its own.
    Typed(Value, &'static str),
    /// The same, not as JSON.
    Bytes(&'static [u8], &'static str),
    Text(String),
}

/// Answers `/version`, `/healthz`, `/api`, `/apis` and what is below them.
pub(crate) fn document(registry: &Registry, path: &str, parts: &http::request::Parts) -> Result<Document, ApiError> {
    if parts.method != http::Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let json = match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => return Ok(Document::Text("ok".to_owned())),
        ["version"] => version(),
        ["api"] if aggregated(parts) => return Ok(Document::Typed(groups_at_once(registry, true), AGGREGATED)),
        ["apis"] if aggregated(parts) => return Ok(Document::Typed(groups_at_once(registry, false), AGGREGATED)),
        ["openapi", "v2"] if accepts(parts, "proto-openapi") => {
            let content_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
            return Ok(Document::Bytes(openapi::EMPTY_VERSION_2, content_type));
        }
        ["openapi", "v2"] => openapi::version_2(registry),
        ["openapi", "v3"] => openapi::index(registry),
        ["openapi", "v3", "api", version] => openapi::document(registry, "", version)?,
        ["openapi", "v3", "apis", group, version] => openapi::document(registry, group, version)?,
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        }),
        ["apis"] => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups(registry) }),
        ["apis", group] => {
            let mut found = groups(registry).into_iter().find(|entry| entry["name"] == *group);
            let mut entry = found.take().ok_or_else(ApiError::no_such_path)?;
            entry["kind"] = json!("APIGroup");
            entry["apiVersion"] = json!("v1");
            entry
        }
        ["api", "v1"] => resources(registry, "", "v1")?,
        ["apis", group, version] => resources(registry, group, version)?,
        _ => return Err(ApiError::no_such_path()),
    };
    Ok(Document::Json(json))
}

/// The content type of discovery in one piece.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn accepts(parts: &http::request::Parts, what: &str) -> bool {
    let accept = parts
        .headers
        .get(http::header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(what))
}

fn aggregated(parts: &http::request::Parts) -> bool {
    let accept = parts
        .headers
        .get(http::header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    // What the client likes best comes first.
    let first = accept.split(',').next().unwrap_or_default();
    first.contains("as=APIGroupDiscoveryList") && first.contains("v=v2") && !first.contains("v=v2beta1")
}

/// All groups with all their resources: the core group at `/api`, the others at `/apis`.
fn groups_at_once(registry: &Registry, core: bool) -> Value {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for resource in registry.iter().filter(|resource| resource.group.is_empty() == core) {
        let known = groups.entry(&resource.group).or_default();
        for version in resource.versions.iter().map(|version| version.name.as_str()) {
            if !known.contains(&version) {
                known.push(version);
            }
        }
    }
    let version_entry = |group: &str, version: &str| {
        let resources: Vec<Value> = registry
            .iter()
            .filter(|resource| resource.group == group)
            .filter_map(|resource| resource.version(version).map(|served| at_once(resource, served)))
            .collect();
        json!({ "version": version, "resources": resources, "freshness": "Current" })
    };
    let items = groups.into_iter().map(|(group, versions)| {
        let versions: Vec<Value> = versions
            .into_iter()
            .map(|version| version_entry(group, version))
            .collect();
        let metadata = if group.is_empty() {
            json!({ "creationTimestamp": null })
        } else {
            json!({ "name": group, "creationTimestamp": null })
        };
        json!({ "metadata": metadata, "versions": versions })
    });
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": items.collect::<Vec<_>>(),
    })
}

/// A resource with its subresources, made of the entries of the other form.
fn at_once(resource: &ResourceType, version: &Version) -> Value {
    let mut entries = Vec::new();
    push_resource(&mut entries, resource, version);
    // Definitions have an order of their own here.
    let own = [
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "create",
        "update",
        "watch",
    ];
    let kind = |entry: &Value| {
        json!({
            "group": entry.get("group").unwrap_or(&json!(resource.group)),
            "version": entry.get("version").unwrap_or(&json!(version.name)),
            "kind": entry["kind"],
        })
    };
    let mut entries = entries.into_iter();
    let main = entries.next().unwrap_or_default();
    let subresources: Vec<Value> = entries
        .map(|entry| {
            let name = entry["name"].as_str().unwrap_or_default();
            let name = name.split_once('/').map_or(name, |(_, name)| name);
            json!({ "subresource": name, "responseKind": kind(&entry), "verbs": entry["verbs"] })
        })
        .collect();
    let mut found = json!({
        "resource": resource.plural,
        "responseKind": kind(&main),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": if resource.custom { json!(own) } else { main["verbs"].clone() },
    });
    for field in ["shortNames", "categories"] {
        if let Some(list) = main.get(field) {
            found[field] = list.clone();
        }
    }
    if !subresources.is_empty() {
        found["subresources"] = json!(subresources);
    }
    found
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "35",
        "gitVersion": concat!("v1.35.4+serin-sandbox.", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    })
}

fn groups(registry: &Registry) -> Vec<Value> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for resource in registry.iter().filter(|resource| !resource.group.is_empty()) {
        let known = versions.entry(&resource.group).or_default();
        for version in &resource.versions {
            if !known.contains(&version.name.as_str()) {
                known.push(&version.name);
            }
        }
    }
    versions
        .into_iter()
        .map(|(group, versions)| {
            let entry = |version: &&str| json!({ "groupVersion": api_version(group, version), "version": version });
            let list: Vec<Value> = versions.iter().map(entry).collect();
            json!({ "name": group, "preferredVersion": list.first(), "versions": list })
        })
        .collect()
}

const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

fn resources(registry: &Registry, group: &str, version: &str) -> Result<Value, ApiError> {
    let mut list = Vec::new();
    for resource in registry.iter().filter(|resource| resource.group == group) {
        if let Some(served) = resource.version(version) {
            push_resource(&mut list, resource, served);
        }
    }
    if list.is_empty() {
        return Err(ApiError::no_such_path());
    }
    Ok(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version(group, version),
        "resources": list,
    }))
}

fn push_resource(list: &mut Vec<Value>, resource: &ResourceType, version: &Version) {
    let mut entry = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": VERBS.iter().filter(|verb| resource.id.as_str() != "namespaces" || **verb != "deletecollection").collect::<Vec<_>>(),
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    list.push(entry);
    let mut sub = |name: &str, group: &str, version: &str, kind: &str, verbs: &[&str]| {
        let mut entry = json!({
            "name": format!("{}/{name}", resource.plural),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kind,
            "verbs": verbs,
        });
        if !version.is_empty() {
            entry["group"] = json!(group);
            entry["version"] = json!(version);
        }
        list.push(entry);
    };
    let write = ["get", "patch", "update"];
    if version.status {
        sub("status", "", "", &resource.kind, &write);
    }
    if version.scale.is_some() {
        sub("scale", "autoscaling", "v1", "Scale", &write);
    }
    if resource.id.as_str() == "pods" {
        sub("binding", "", "", "Binding", &["create"]);
        sub("eviction", "policy", "v1", "Eviction", &["create"]);
        sub("log", "", "", "Pod", &["get"]);
    }
    if resource.id.as_str() == "namespaces" {
        sub("finalize", "", "", "Namespace", &["update"]);
    }
}
