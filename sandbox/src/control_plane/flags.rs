//! The programs' flags, each with the reason it is not left at its default.

use super::Ports;
use std::path::Path;

/// Who did what to which object, without bodies: enough to count writes.
pub(super) const AUDIT_POLICY: &str =
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n";

/// The loops that rollouts, jobs and clean-up need. Absent on purpose: endpoints, node lifecycle and pod
/// collection (there is no real node), quota, volumes.
const LOOPS: &str = "replicaset-controller,deployment-controller,job-controller,disruption-controller,\
    garbage-collector-controller,serviceaccount-controller,namespace-controller,clusterrole-aggregation-controller,\
    horizontal-pod-autoscaler-controller";

fn list<const N: usize>(flags: [String; N]) -> Vec<String> {
    flags.into()
}

pub(super) fn etcd(folder: &Path, ports: Ports) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
    list([
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--log-level=warn".into(),
        // Nothing here outlives the process: a disk that is slow to sync must not show in a measurement.
        "--unsafe-no-fsync".into(),
        "--quota-backend-bytes=4294967296".into(),
    ])
}

pub(super) fn api_server(folder: &Path, ports: Ports) -> Vec<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    list([
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={}", ports.api),
        format!("--cert-dir={}", at("pki")),
        format!("--token-auth-file={}", at("tokens.csv")),
        "--authorization-mode=RBAC".into(),
        // The serving key is made before the service-account keys are read, and is as good a key as any.
        format!("--service-account-key-file={}", at("pki/apiserver.key")),
        format!("--service-account-signing-key-file={}", at("pki/apiserver.key")),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        "--service-cluster-ip-range=10.0.0.0/16".into(),
        // A loopback address is no valid endpoint, and nothing routes to it.
        "--endpoint-reconciler-type=none".into(),
        format!("--audit-policy-file={}", at("audit-policy.yaml")),
        format!("--audit-log-path={}", at("audit.log")),
        "--audit-log-maxsize=4096".into(),
        // Nobody is to be measured against 429s.
        "--enable-priority-and-fairness=false".into(),
        "--max-requests-inflight=3000".into(),
        "--max-mutating-requests-inflight=1500".into(),
    ])
}

pub(super) fn controller_manager(kubeconfig: &Path, more: &[&str]) -> Vec<String> {
    let loops: Vec<&str> = std::iter::once(LOOPS).chain(more.iter().copied()).collect();
    list([
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--controllers={}", loops.join(",")),
        "--leader-elect=false".into(),
        // No serving port: two control planes on one machine would want the same one.
        "--secure-port=0".into(),
        // Its defaults (20 and 30 a second) would be the bottleneck of any load.
        "--kube-api-qps=1000".into(),
        "--kube-api-burst=2000".into(),
        "--concurrent-replicaset-syncs=20".into(),
    ])
}
