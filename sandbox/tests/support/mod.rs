//! Objects and small helpers shared by the tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of these")]

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use serde_json::json;

/// The HTTP code of a refused request.
pub fn code<T: std::fmt::Debug>(result: kube::Result<T>) -> u16 {
    match result.expect_err("the request should have been refused") {
        kube::Error::Api(status) => status.code,
        other => panic!("not an answer of the server: {other}"),
    }
}

/// A config map with one value.
pub fn config_map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({ "metadata": { "name": name }, "data": { "x": value } })).expect("a config map")
}

/// A pod with one container.
pub fn pod(name: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "main", "image": "app:1" }] },
    }))
    .expect("a pod")
}

/// The `Status` of a refused request.
pub fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> kube::core::Status {
    match result.expect_err("the request should have been refused") {
        kube::Error::Api(status) => *status,
        other => panic!("not an answer of the server: {other}"),
    }
}

/// The schema of a widget's spec.
fn widget_spec() -> serde_json::Value {
    json!({
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": { "type": "integer", "format": "int32", "minimum": 1, "maximum": 9 },
            "replicas": { "type": "integer", "format": "int32" },
            "colour": { "type": "string", "enum": ["red", "green"], "default": "red" },
            "code": { "type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4 },
            "surge": { "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] },
            "label": { "type": "string" },
            "hint": { "type": "string", "nullable": true },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "map": { "type": "object", "additionalProperties": { "type": "string" } },
            "fixed": { "type": "string", "x-kubernetes-validations": [{ "rule": "self == oldSelf", "message": "fixed is immutable" }] },
            "parts": {
                "type": "array", "maxItems": 2,
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object", "required": ["name"],
                    "properties": { "name": { "type": "string" }, "weight": { "type": "integer", "default": 1 } },
                },
            },
        },
    })
}

/// The definition of `Widget`, a custom resource with most of what a schema can say.
pub fn widget_definition() -> serde_json::Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com",
            "names": { "kind": "Widget", "plural": "widgets", "shortNames": ["wd"] },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas",
                        "labelSelectorPath": ".status.selector",
                    },
                },
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "required": ["spec"],
                    "properties": {
                        "spec": widget_spec(),
                        "status": {
                            "type": "object",
                            "properties": {
                                "replicas": { "type": "integer" },
                                "selector": { "type": "string" },
                                "note": { "type": "string" },
                            },
                        },
                    },
                } },
            }],
        },
    })
}

/// Serves widgets.
pub async fn widgets(api: &serin_sandbox::ApiServer) -> kube::Api<kube::core::DynamicObject> {
    let definitions: kube::Api<
        k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    > = kube::Api::all(api.client());
    let definition = serde_json::from_value(widget_definition()).expect("a definition");
    definitions
        .create(&kube::api::PostParams::default(), &definition)
        .await
        .expect("a valid definition");
    kube::Api::namespaced_with(api.client(), "default", &widget_kind())
}

/// The type of widgets.
pub fn widget_kind() -> kube::core::ApiResource {
    kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("example.com", "v1", "Widget"))
}

/// A widget with this spec.
pub fn widget(name: &str, spec: &serde_json::Value) -> kube::core::DynamicObject {
    kube::core::DynamicObject::new(name, &widget_kind())
        .within("default")
        .data(json!({ "spec": spec }))
}

/// A ReplicaSet of pods labelled `app: <name>`.
pub fn replica_set(name: &str) -> k8s_openapi::api::apps::v1::ReplicaSet {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": "app:1" }] },
            },
        },
    }))
    .expect("a ReplicaSet")
}
