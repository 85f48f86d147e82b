//! `deploy/standalone` as a user applies it, on a real API server.

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use serin_e2e::World;
use serin_sandbox::control_plane::Assets;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

const NAMESPACE: &str = "argo-rollouts";
/// One node may go, the other pod stays.
const PODS: i32 = 2;

pub(crate) async fn standalone_is_applied_and_admitted(world: &mut World) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("deploy")
        .join("standalone");
    let built = run(Command::new(kubectl()).arg("kustomize").arg(&folder), "").await?;
    let kubeconfig = world
        .admin_kubeconfig()
        .context("a cluster of our own, or KUBECONFIG")?;
    let mut apply = Command::new(kubectl());
    apply.arg("--kubeconfig").arg(kubeconfig);
    // The CRDs and the rights were put there by this run, under another name.
    apply.args(["apply", "--server-side", "--force-conflicts", "-f", "-"]);
    let answer = run(&mut apply, &built).await?;
    let wanted = [
        "namespace/argo-rollouts",
        "customresourcedefinition.apiextensions.k8s.io/rollouts.argoproj.io",
        "serviceaccount/argo-rollouts",
        "clusterrole.rbac.authorization.k8s.io/argo-rollouts",
        "role.rbac.authorization.k8s.io/argo-rollouts-lease",
        "service/argo-rollouts-metrics",
        "deployment.apps/argo-rollouts",
        "poddisruptionbudget.policy/argo-rollouts",
        "networkpolicy.networking.k8s.io/argo-rollouts",
    ];
    for name in wanted {
        ensure!(
            answer.contains(&format!("{name} serverside-applied")),
            "{name} is missing:\n{answer}"
        );
    }
    // Its pods are created: the pod security of the namespace admits the template.
    let deployments: Api<Deployment> = Api::namespaced(world.client(), NAMESPACE);
    let created = |it: &Deployment| it.status.as_ref().and_then(|it| it.replicas) == Some(PODS);
    eventually(&deployments, created).await?;
    let pods: Api<Pod> = Api::namespaced(world.client(), NAMESPACE);
    let all = pods.list(&ListParams::default()).await?.items;
    ensure!(all.len() == 2, "{} pods", all.len());
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(world.client(), NAMESPACE);
    let counted = |it: &PodDisruptionBudget| it.status.as_ref().is_some_and(|it| it.expected_pods == Some(PODS));
    eventually(&budgets, counted).await?;
    refuses_what_is_not_restricted(&pods).await
}

/// The namespace enforces what its label says: otherwise the admission above would mean nothing.
async fn refuses_what_is_not_restricted(pods: &Api<Pod>) -> Result<()> {
    let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "lax"},
        "spec": {"containers": [{"name": "main", "image": "app"}]}}))?;
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    match pods.create(&dry, &pod).await {
        Err(kube::Error::Api(status)) if status.code == 403 && status.message.contains("restricted") => Ok(()),
        other => bail!("a pod without a security context: {other:?}"),
    }
}

async fn eventually<K>(api: &Api<K>, check: impl Fn(&K) -> bool) -> Result<()>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let object = api.get(NAMESPACE).await?;
        if check(&object) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "after 30 s there is {object:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Beside the programs of the control plane, else the one of the machine.
pub(crate) fn kubectl() -> PathBuf {
    let ours = Assets::find()
        .ok()
        .map(|it| it.join("kubectl"))
        .filter(|it| it.is_file());
    ours.unwrap_or_else(|| "kubectl".into())
}

/// What the command printed.
pub(crate) async fn run(command: &mut Command, input: &str) -> Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("kubectl")?;
    let mut stdin = child.stdin.take().context("no input")?;
    let (written, ended) = tokio::join!(
        async move { stdin.write_all(input.as_bytes()).await },
        child.wait_with_output()
    );
    let output = ended?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {errors}");
    written?;
    // A warning of pod security would be one, and no error.
    ensure!(!errors.contains("Warning"), "{command:?}: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}
