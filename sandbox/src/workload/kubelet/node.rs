//! The one fake node: its object and its Lease, without which pods would be taken for those of a dead machine.

use super::options::{KubeletOptions, NodeObject};
use super::status::{NODE_IP, seconds};
use crate::workload::{Clock, Error};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::time::Duration;

/// The namespace in which Kubernetes keeps node leases; the API server makes it.
const LEASES: &str = "kube-node-lease";
/// As a real kubelet: a quarter of the lease's forty seconds.
const RENEW_EVERY: Duration = Duration::from_secs(10);

fn params() -> PatchParams {
    PatchParams::apply("serin-kubelet").force()
}

/// Creates or refreshes the Node object.
pub(super) async fn register(client: &Client, name: &str, clock: Clock) -> Result<(), Error> {
    let nodes = Api::<Node>::all(client.clone());
    let refused = |source| Error::Kube {
        doing: "registering the fake node",
        source,
    };
    let labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"});
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
    nodes
        .patch(name, &params(), &Patch::Apply(&node))
        .await
        .map_err(refused)?;
    let status = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status(name, clock)});
    nodes
        .patch_status(name, &params(), &Patch::Apply(&status))
        .await
        .map_err(refused)?;
    Ok(())
}

fn status(name: &str, clock: Clock) -> Value {
    let now = seconds(clock.now());
    let capacity = json!({"cpu": "10000", "memory": "100Ti", "pods": "1000000", "ephemeral-storage": "100Ti"});
    json!({
        "capacity": capacity,
        "allocatable": capacity,
        "addresses": [{"type": "InternalIP", "address": NODE_IP}, {"type": "Hostname", "address": name}],
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "a fake kubelet is ready",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        }],
        "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.35.4", "kubeProxyVersion": "",
            "bootID": "", "machineID": "", "systemUUID": "", "kernelVersion": "", "osImage": "none",
            "containerRuntimeVersion": "fake://1",
        },
    })
}

/// Renews the Lease for ever; a failed renewal is only logged, the next one comes soon.
pub(super) async fn heartbeat(client: &Client, options: &KubeletOptions, clock: Clock) -> Result<(), Error> {
    if options.node == NodeObject::Unregistered {
        return std::future::pending().await;
    }
    let leases = Api::<Lease>::namespaced(client.clone(), LEASES);
    let name = options.node_name.as_str();
    loop {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": format!("{:.6}", clock.now())},
        });
        if let Err(error) = leases.patch(name, &params(), &Patch::Apply(&lease)).await {
            tracing::warn!(%error, "the lease of the fake node was not renewed");
        }
        tokio::time::sleep(RENEW_EVERY).await;
    }
}
