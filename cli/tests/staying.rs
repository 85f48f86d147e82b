//! `sandbox` and `demo --keep` as processes: they say how to reach the cluster, stay, and leave nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::staying::{Staying, serin};

const ROLLOUT: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'app:1'}]}
  strategy: {canary: {steps: [{setWeight: 100}, {pause: {duration: 1s}}]}}
";

#[tokio::test]
async fn a_demo_that_is_kept_can_be_looked_at_and_ends_when_interrupted() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("staying.yaml");
    std::fs::write(&file, ROLLOUT).unwrap();
    let mut demo = Staying::start(&["demo", "--keep", "--file", file.to_str().unwrap()]);
    let (printed, kubeconfig) = demo.ready().await;
    assert!(printed.contains("The cluster stays up."), "{printed}");
    let seen = serin(&kubeconfig, &["get", "rollout", "web", "--no-color"]).await;
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.contains("✔ Healthy") && seen.contains("revision:2"), "{seen}");
    assert!(demo.ended_by("-INT").await.success());
    assert!(!kubeconfig.exists(), "the kubeconfig stays behind");
}

#[tokio::test]
async fn a_sandbox_serves_until_it_is_asked_to_stop() {
    let mut sandbox = Staying::start(&["sandbox"]);
    let (_, kubeconfig) = sandbox.ready().await;
    let mode = std::fs::metadata(&kubeconfig).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others may read the kubeconfig");
    let name = kubeconfig.file_name().unwrap().to_str().unwrap();
    let process = sandbox.child.id().unwrap().to_string();
    assert!(!name.contains(&process) && name.len() > 40, "{name} can be guessed");
    let asked = serin(&kubeconfig, &["status", "web"]).await;
    let answer = String::from_utf8(asked.stderr).unwrap();
    assert!(answer.contains("\"web\" not found"), "{answer}");
    assert!(sandbox.ended_by("-TERM").await.success());
    assert!(!kubeconfig.exists(), "the kubeconfig stays behind");
}
