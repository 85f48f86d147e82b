//! Each file in `examples/` is played by `serin demo --file`, in a pipe.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod support;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use serin_core::api::Rollout;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;
use support::staying::{Staying, client, serin};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

async fn demo(file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin"));
    command.args(["demo", "--file"]).arg(file).output().await.unwrap()
}

/// Plays a file to its end; gives what was printed.
async fn played(file: &Path) -> String {
    let output = demo(file).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && errors.is_empty(),
        "{}\n{text}\n{errors}",
        file.display()
    );
    assert!(!text.contains('\x1b'), "colours in a pipe:\n{text}");
    assert!(!text.contains("step ,"), "an empty step:\n{text}");
    text
}

/// What must be said, in this order.
const EXAMPLES: [(&str, &[&str]); 6] = [
    (
        "canary.yaml",
        &[
            "The steps of the canary begin.",
            "step 1/4, weight 20 of 20",
            "Paused: the new version runs beside the old one until somebody decides.",
            "Promoted, as `promote` does. The next steps follow.",
            "Done: canary-demo went from registry.example/canary-demo:v1 to registry.example/canary-demo:v2 step by step",
        ],
    ),
    (
        "blue-green.yaml",
        &[
            "The new version starts beside the old one",
            "Paused: the Service blue-green-demo-preview shows you the new version until somebody decides.",
            "Service blue-green-demo selects the old version.\nService blue-green-demo-preview selects the new version.",
            "Promoted, as `promote` does. The active Service moves to the new version.",
            "Service blue-green-demo selects the only version.",
            "blue-green-demo:v2 at once and is Healthy. It paused once",
            "The pods of the old version stay for 30 s",
        ],
    ),
    (
        "rolling-update.yaml",
        &[
            "The canary has no steps: pods are replaced a few at a time.",
            "Done: rolling-demo went",
            "a few pods at a time and is Healthy. It did not wait for a person.",
        ],
    ),
    (
        "scale-down-delay.yaml",
        &[
            "The new version starts beside the old one",
            "Service delay-demo selects the only version.",
            "It did not wait for a person. The pods of the old version stay for 600 s",
        ],
    ),
    ("restart.yaml", &["The canary has no steps", "Done: restart-demo went"]),
    (
        "several-documents.yaml",
        &[
            "The play leaves out what it does not need: ConfigMap/several-demo.",
            "step 1/2, weight 25 of 25",
            "Paused: the new version runs beside the old one for 600 s, which this demo cuts short.",
            "Service several-demo-stable selects the old version.\nService several-demo-canary selects the new version.",
            "Done: several-demo went",
        ],
    ),
];

#[test]
fn no_example_is_left_out() {
    // Folders hold overlays and recipes, which are no plays.
    let files: BTreeSet<_> = std::fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<_> = EXAMPLES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, known);
}

#[tokio::test]
async fn each_example_is_played() {
    let plays = EXAMPLES.map(|(file, said)| async move { (file, said, played(&examples().join(file)).await) });
    for (file, said, text) in futures::future::join_all(plays).await {
        let mut rest = text.as_str();
        for part in said {
            let at = rest.find(part);
            rest = &rest[at.unwrap_or_else(|| panic!("{file}: {part:?} does not follow in\n{text}"))..];
        }
    }
}

#[tokio::test]
async fn after_the_switch_the_old_pods_have_a_deadline() {
    let file = examples().join("scale-down-delay.yaml");
    let mut demo = Staying::start(&["demo", "--keep", "--file", file.to_str().unwrap()]);
    let (_, kubeconfig) = demo.ready().await;
    let seen = serin(&kubeconfig, &["get", "rollout", "delay-demo"]).await;
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.contains("delay:9m") && seen.contains("stable,active"), "{seen}");
    assert!(demo.ended_by("-INT").await.success());
}

#[tokio::test]
async fn the_example_of_a_restart_restarts() {
    let mut sandbox = Staying::start(&["sandbox"]);
    let (_, kubeconfig) = sandbox.ready().await;
    let client = client(&kubeconfig).await;
    let text = std::fs::read_to_string(examples().join("restart.yaml")).unwrap();
    let object: DynamicObject = serde_json::from_value(serde_saphyr::from_str::<Value>(&text).unwrap()).unwrap();
    let any: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &ApiResource::erase::<Rollout>(&()));
    any.create(&PostParams::default(), &object).await.unwrap();
    let status = async || serin(&kubeconfig, &["status", "restart-demo", "--timeout", "60s"]).await;
    let healthy = status().await;
    assert!(healthy.status.success(), "{healthy:?}");
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let uids = async || -> BTreeSet<String> {
        let pods = pods.list(&ListParams::default()).await.unwrap();
        pods.into_iter().map(|pod| pod.metadata.uid.unwrap()).collect()
    };
    let before = uids().await;
    assert_eq!(before.len(), 3);
    // The time of a restart has whole seconds, and pods of the same second are not older.
    sleep(Duration::from_millis(1100)).await;
    let asked = serin(&kubeconfig, &["restart", "restart-demo"]).await;
    assert_eq!(
        String::from_utf8(asked.stdout).unwrap(),
        "rollout 'restart-demo' restarts in 0s\n"
    );
    let rollouts: Api<Rollout> = Api::namespaced(client, "default");
    let began = Instant::now();
    loop {
        let rollout = serde_json::to_value(rollouts.get("restart-demo").await.unwrap()).unwrap();
        if rollout["status"]["restartedAt"] == rollout["spec"]["restartAt"]
            && rollout["status"]["availableReplicas"] == json!(3)
        {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{rollout}");
        sleep(Duration::from_millis(200)).await;
    }
    assert!(uids().await.is_disjoint(&before), "old pods are left");
    assert!(sandbox.ended_by("-TERM").await.success());
}

#[tokio::test]
async fn the_example_of_a_workload_moves_its_pods() {
    let mut sandbox = Staying::start(&["sandbox"]);
    let (_, kubeconfig) = sandbox.ready().await;
    let client = client(&kubeconfig).await;
    let read = |file: &str| std::fs::read_to_string(examples().join("workload-ref").join(file)).unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let deployment = serde_saphyr::from_str::<Value>(&read("deployment.yaml")).unwrap();
    let deployment = serde_json::from_value(deployment).unwrap();
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    let rollout: DynamicObject =
        serde_json::from_value(serde_saphyr::from_str(&read("rollout.yaml")).unwrap()).unwrap();
    let any: Api<DynamicObject> = Api::namespaced_with(client, "default", &ApiResource::erase::<Rollout>(&()));
    any.create(&PostParams::default(), &rollout).await.unwrap();
    let healthy = serin(&kubeconfig, &["status", "workload-demo", "--timeout", "60s"]).await;
    assert!(healthy.status.success(), "{healthy:?}");
    let began = Instant::now();
    loop {
        let left = deployments.get("workload-demo").await.unwrap().spec.replicas;
        if left == Some(0) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{left:?} pods are left");
        sleep(Duration::from_millis(200)).await;
    }
    assert!(sandbox.ended_by("-TERM").await.success());
}
