//! Events of the controllers here, as those of kube-controller-manager write them.

use super::Clock;
use k8s_openapi::api::core::v1::Event;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// What an event is about.
pub(super) struct About<'a> {
    pub(super) kind: &'a str,
    pub(super) metadata: &'a ObjectMeta,
}

/// Writes a Normal event of an object in `apps/v1`. One that is refused is logged: nothing depends on it.
pub(super) async fn emit(
    client: &Client,
    clock: Clock,
    component: &str,
    about: About<'_>,
    reason: &str,
    message: &str,
) {
    let namespace = about.metadata.namespace.clone().unwrap_or_default();
    let name = about.metadata.name.clone().unwrap_or_default();
    // Names tell the order, and events of one moment apart.
    let number = i128::from(NUMBER.fetch_add(1, Ordering::Relaxed));
    let now = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let event = serde_json::from_value::<Event>(json!({
        "metadata": { "name": format!("{name}.{:x}", clock.now().as_nanosecond() + number), "namespace": namespace },
        "involvedObject": {
            "apiVersion": "apps/v1", "kind": about.kind, "name": name, "namespace": namespace,
            "uid": about.metadata.uid, "resourceVersion": about.metadata.resource_version,
        },
        "type": "Normal", "reason": reason, "message": message, "count": 1,
        "firstTimestamp": now, "lastTimestamp": now,
        "source": { "component": component }, "reportingComponent": component, "reportingInstance": "",
    }));
    let written = match event {
        Ok(event) => Api::<Event>::namespaced(client.clone(), &namespace)
            .create(&PostParams::default(), &event)
            .await
            .map(|_| ()),
        Err(error) => Err(kube::Error::SerdeError(error)),
    };
    if let Err(error) = written {
        tracing::debug!(%error, reason, "an event was not written");
    }
}
