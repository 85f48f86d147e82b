//! Objects and small helpers shared by the tests.
#![allow(dead_code, unreachable_pub)] // Each test binary uses a part of these.

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
