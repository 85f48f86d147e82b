//! What the server says about itself: versions, groups, resources, health.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::registry::{Registry, ResourceType, Version, api_version};
use crate::status::ApiError;

/// A document that is not a resource.
pub(crate) enum Document {
    Json(Value),
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

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "34",
        "gitVersion": concat!("v1.34.0+serin-sandbox.", env!("CARGO_PKG_VERSION")),
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
        "verbs": VERBS,
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
