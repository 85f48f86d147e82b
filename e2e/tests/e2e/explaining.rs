//! `serin explain` on rollouts that are in trouble, as a person types it: the state, and the first cause.

use crate::canary::CANARY;
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use serin::{Console, Terminal};
use serin_e2e::World;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) async fn a_planned_pause(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .await?;
    let told = explain(world).await?;
    is(&told, "paused", &[])?;
    let shares: Vec<(&str, Option<i64>)> = told["serving"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| (it["role"].as_str().unwrap_or_default(), it["weight"].as_i64()))
        .collect();
    ensure!(
        shares.contains(&("stable", Some(75))) && shares.contains(&("canary", Some(25))),
        "users get {shares:?}"
    );
    Ok(())
}

pub(crate) async fn an_image_that_cannot_be_pulled(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    world
        .when()
        .set_image("does-not-exist:2")
        .then()
        .phase("Degraded")
        .await?;
    is(&explain(world).await?, "degraded", &["image-pull", "deadline"])
}

pub(crate) async fn a_probe_that_never_passes(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    let probe = json!({"initialDelaySeconds": 3600, "httpGet": {"path": "/", "port": 80}});
    edit_container(world, "app:2", json!({"readinessProbe": probe})).await?;
    world.then().phase("Degraded").await?;
    is(&explain(world).await?, "degraded", &["not-ready", "deadline"])
}

pub(crate) async fn a_command_that_cannot_start(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    edit_container(world, "app:2", json!({"command": ["/bad-command"]})).await?;
    world.then().phase("Degraded").await?;
    let told = explain(world).await?;
    let first = told["causes"][0]["id"].as_str().unwrap_or_default();
    ensure!(["cannot-start", "crash"].contains(&first), "{told:#}");
    Ok(())
}

pub(crate) async fn an_abort_by_a_person(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world
        .when()
        .set_image("app:2")
        .phase("Paused")
        .abort()
        .then()
        .phase("Degraded")
        .await?;
    let told = explain(world).await?;
    is(&told, "degraded", &["aborted-by-person"])?;
    let commands = told["commands"].to_string();
    ensure!(commands.contains("retry rollout web"), "{commands}");
    Ok(())
}

pub(crate) async fn a_service_that_is_missing(world: &mut World) -> Result<()> {
    let spec = CANARY.replace("    canary:", "    canary:\n      stableService: nowhere");
    world.given().rollout(&spec).then().phase("Degraded").await?;
    let told = explain(world).await?;
    let first = told["causes"][0]["id"].as_str().unwrap_or_default();
    ensure!(first == "reference-missing", "{told:#}");
    Ok(())
}

/// Pod Security Admission refuses the pods of the new ReplicaSet; the sandbox has none.
pub(crate) async fn pods_that_admission_refuses(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    let enforce = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let namespaces: Api<Namespace> = Api::all(world.client());
    namespaces
        .patch(world.namespace(), &PatchParams::default(), &Patch::Merge(enforce))
        .await?;
    world.when().set_image("app:2").then().phase("Degraded").await?;
    let told = explain(world).await?;
    is(&told, "degraded", &["replicaset-refused", "deadline"])?;
    let evidence = told["causes"][0]["evidence"].to_string();
    ensure!(evidence.contains("violates PodSecurity"), "{evidence}");
    Ok(())
}

/// A ResourceQuota leaves no room for the canary's pod; the sandbox has no quota.
pub(crate) async fn pods_beyond_the_quota(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "4"}}, "status": {"hard": {"pods": "4"}, "used": {"pods": "4"}}});
    create(world, "/api/v1", "resourcequotas", &quota).await?;
    let path = format!("/api/v1/namespaces/{}/resourcequotas/few/status", world.namespace());
    let status = json!({"status": quota["status"]});
    request(world, "PATCH", &path, &status).await?;
    world.when().set_image("app:2").then().phase("Degraded").await?;
    let told = explain(world).await?;
    is(&told, "degraded", &["replicaset-refused", "deadline"])?;
    ensure!(told["causes"][0].to_string().contains("quota"), "{told:#}");
    Ok(())
}

pub(crate) async fn what_is_in_good_order(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let one: &[&str] = &["explain", "rollout/web", "-o", "json"];
    let all: &[&str] = &["explain", "-o", "json"];
    let told = run(world, &[one, all]).await?;
    is(&told[0]["explanations"][0], "healthy", &[])?;
    ensure!(
        told[1]["explanations"] == json!([]),
        "all that is not Healthy is nothing: {:#}",
        told[1]
    );
    Ok(())
}

pub(crate) async fn nothing_is_written(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .await?;
    world.then().stays("Paused", Duration::from_secs(3)).await?;
    let before = versions(world).await?;
    explain(world).await?;
    ensure!(versions(world).await? == before, "explain changed an object");
    Ok(())
}

/// A person with the shipped ClusterRole reads everything that the answer needs, and writes nothing.
pub(crate) async fn a_reader_with_the_shipped_role(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    world
        .when()
        .set_image("does-not-exist:2")
        .then()
        .phase("Degraded")
        .await?;
    let token = reader(world).await?;
    let told = explain_as(world, &token).await?;
    is(&told, "degraded", &["image-pull", "deadline"])?;
    ensure!(told["unread"] == json!([]), "the role lacks {:#}", told["unread"]);
    let user = format!("system:serviceaccount:{}:reader", world.namespace());
    if let Some(writes) = world.writes_of(&user)? {
        ensure!(writes.is_empty(), "the audit log has writes of the reader: {writes:?}");
    }
    Ok(())
}

/// A person who may read Rollouts alone is told which permissions are missing.
pub(crate) async fn a_reader_of_rollouts_alone(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    world
        .when()
        .set_image("does-not-exist:2")
        .then()
        .phase("Degraded")
        .await?;
    let few = json!([{"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list"]}]);
    let token = reader_with(world, few).await?;
    let told = explain_as(world, &token).await?;
    // The pods were not seen, so nothing is guessed of them.
    is(&told, "degraded", &["deadline"])?;
    let unread = told["unread"].to_string();
    for kind in ["pods", "replicasets", "events"] {
        ensure!(unread.contains(kind), "{kind} are not told: {unread}");
    }
    Ok(())
}

/// A token of an account with the ClusterRole that `deploy/explain` ships.
async fn reader(world: &World) -> Result<String> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/explain/cluster-role.yaml");
    let role = serin_core::notation::yaml::parse_docs(&std::fs::read_to_string(file)?)?
        .pop()
        .context("a ClusterRole")?
        .value;
    reader_with(world, role["rules"].clone()).await
}

async fn reader_with(world: &World, rules: Value) -> Result<String> {
    account_with(world, "reader", rules).await
}

/// A token of a new account that has exactly these rights, in all namespaces.
pub(crate) async fn account_with(world: &World, account: &str, rules: Value) -> Result<String> {
    const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
    let (name, namespace) = (format!("{}-{account}", world.namespace()), world.namespace());
    let meta = json!({"name": name});
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}});
    create(world, "/api/v1", "serviceaccounts", &object).await?;
    let role =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules});
    request(world, "POST", &format!("{RBAC}/clusterroles"), &role).await?;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]});
    request(world, "POST", &format!("{RBAC}/clusterrolebindings"), &binding).await?;
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
    let issued = request(world, "POST", &path, &body).await?;
    // The authorizer sees the binding a moment later.
    tokio::time::sleep(Duration::from_secs(1)).await;
    issued["status"]["token"].as_str().map(str::to_owned).context("a token")
}

/// The deadline passes soon.
pub(crate) fn impatient() -> String {
    CANARY.replace("progressDeadlineSeconds: 30", "progressDeadlineSeconds: 12")
}

async fn versions(world: &World) -> Result<Vec<String>> {
    let mut seen = Vec::new();
    for path in [
        "/apis/argoproj.io/v1alpha1/namespaces/NS/rollouts",
        "/apis/apps/v1/namespaces/NS/replicasets",
        "/api/v1/namespaces/NS/pods",
    ] {
        let list = request(world, "GET", &path.replace("NS", world.namespace()), &Value::Null).await?;
        for item in list["items"].as_array().into_iter().flatten() {
            seen.push(format!(
                "{} {}",
                item["metadata"]["uid"], item["metadata"]["resourceVersion"]
            ));
        }
    }
    Ok(seen)
}

async fn edit_container(world: &mut World, image: &str, fields: Value) -> Result<()> {
    let mut container = json!({"name": "main", "image": image});
    for (name, value) in fields.as_object().into_iter().flatten() {
        container[name] = value.clone();
    }
    let template = json!({"template": {"spec": {"containers": [container]}}});
    world.when().edit(json!({"spec": template})).await
}

pub(crate) async fn create(world: &World, group: &str, plural: &str, object: &Value) -> Result<Value> {
    let path = format!("{group}/namespaces/{}/{plural}", world.namespace());
    request(world, "POST", &path, object).await
}

pub(crate) async fn request(world: &World, method: &str, path: &str, body: &Value) -> Result<Value> {
    let content_type = if method == "PATCH" {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    let body = if body.is_null() {
        Vec::new()
    } else {
        serde_json::to_vec(body)?
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .body(body)?;
    Ok(world.client().request::<Value>(request).await?)
}

/// The state and the ids of the causes, in their order.
pub(crate) fn is(told: &Value, state: &str, causes: &[&str]) -> Result<()> {
    let ids: Vec<&str> = told["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|cause| cause["id"].as_str())
        .collect();
    ensure!(
        told["state"] == state && ids == causes,
        "wanted {state} {causes:?}: {told:#}"
    );
    Ok(())
}

/// The explanation of the rollout `web`, for whoever has this token.
pub(crate) async fn explain_as(world: &mut World, token: &str) -> Result<Value> {
    let (kubeconfig, _) = world.for_kubectl().await?;
    let mut kubeconfig = serin_core::notation::yaml::parse_docs(&kubeconfig)?
        .pop()
        .context("a kubeconfig")?
        .value;
    kubeconfig["users"][0]["user"] = json!({"token": token});
    let line: &[&str] = &["explain", "rollout/web", "-o", "json"];
    let told = run_as(world, &kubeconfig.to_string(), &[line]).await?;
    Ok(told[0]["explanations"][0].clone())
}

/// The explanation of the rollout `web`.
pub(crate) async fn explain(world: &mut World) -> Result<Value> {
    let told = run(world, &[&["explain", "rollout/web", "-o", "json"]]).await?;
    Ok(told[0]["explanations"][0].clone())
}

/// The explanations of all that is not Healthy.
pub(crate) async fn explain_all(world: &mut World) -> Result<Vec<Value>> {
    let told = run(world, &[&["explain", "-o", "json"]]).await?;
    Ok(told[0]["explanations"].as_array().cloned().unwrap_or_default())
}

/// What `serin` prints as JSON, for each command line. Once for each world: a sandbox lives in real time from then on.
async fn run(world: &mut World, lines: &[&[&str]]) -> Result<Vec<Value>> {
    let (kubeconfig, _) = world.for_kubectl().await?;
    run_as(world, &kubeconfig, lines).await
}

async fn run_as(world: &World, kubeconfig: &str, lines: &[&[&str]]) -> Result<Vec<Value>> {
    let folder = std::env::temp_dir().join(format!("{}-explain-{}", world.namespace(), uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("kubeconfig");
    serin_e2e::cluster::write_private(&file, kubeconfig)?;
    let file = file.to_string_lossy().into_owned();
    let begin = ["serin", "--kubeconfig", &file, "--namespace", world.namespace()];
    let mut printed = Vec::new();
    for line in lines {
        let words: Vec<OsString> = begin.iter().chain(*line).map(OsString::from).collect();
        let (done, outcome) = tokio::sync::oneshot::channel();
        // The command line stays on the thread on which it began.
        std::thread::spawn(move || done.send(on_its_own(words)));
        let text = outcome.await??;
        printed.push(serde_json::from_str(&text).context("explain printed no JSON")?);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(printed)
}

/// Runs a command line to its end; what it printed.
fn on_its_own(words: Vec<OsString>) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = Console::new(Box::new(out.clone()), Box::new(err.clone()), Terminal::Lines);
    let code = runtime.block_on(serin::run_on(words.into_iter(), &mut console));
    let success = format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS);
    ensure!(success, "serin explain failed: {}", err.text()?);
    out.text()
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> Result<String> {
        let bytes = self.0.lock().map_err(|_| anyhow::anyhow!("a writer panicked"))?;
        Ok(String::from_utf8(bytes.clone())?)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
