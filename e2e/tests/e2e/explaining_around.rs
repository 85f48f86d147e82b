//! `serin explain` where the fault is not the rollout's own: autoscalers, budgets, permissions, an absent controller, analysis.

use crate::canary::CANARY;
use crate::explaining::{account_with, create, explain, explain_all, impatient, is, request};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use serin_e2e::World;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The HPA of kube-controller-manager looks for a Deployment, as the one before the migration did.
pub(crate) async fn an_autoscaler_that_aims_at_a_deployment(world: &mut World) -> Result<()> {
    world.given().rollout(&impatient()).healthy().await?;
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}});
    create(world, "/apis/autoscaling/v2", "horizontalpodautoscalers", &scaler).await?;
    let path = "/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers/web";
    until(world, path, "its HPA cannot read the scale", |scaler| {
        let conditions = scaler["status"]["conditions"].as_array();
        conditions.is_some_and(|all| {
            all.iter()
                .any(|it| it["type"] == "AbleToScale" && it["status"] == "False")
        })
    })
    .await?;
    world
        .when()
        .set_image("does-not-exist:2")
        .then()
        .phase("Degraded")
        .await?;
    let told = explain(world).await?;
    is(&told, "degraded", &["image-pull", "autoscaler", "deadline"])?;
    let summary = told["causes"][1]["summary"].as_str().unwrap_or_default();
    ensure!(summary.contains("aims at Deployment/web"), "{told:#}");
    Ok(())
}

/// The budget allows no eviction for longer than a restart usually takes.
pub(crate) async fn a_budget_that_allows_no_eviction(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}});
    create(world, "/apis/policy/v1", "poddisruptionbudgets", &budget).await?;
    let path = "/apis/policy/v1/namespaces/NS/poddisruptionbudgets/web";
    until(world, path, "its pods are counted", |budget| {
        budget["status"]["expectedPods"].as_i64().unwrap_or(0) > 0
    })
    .await?;
    let now = world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    world.when().edit(json!({"spec": {"restartAt": now}})).await?;
    // `explain` calls a restart late after 90 s.
    sleep(Duration::from_secs(95)).await;
    let told = explain(world).await?;
    let causes = told["causes"].to_string();
    ensure!(
        causes.contains("disruption-budget") && causes.contains("allows no eviction"),
        "{told:#}"
    );
    Ok(())
}

/// The controller's role lacks what it needs to write ReplicaSets; the API server's own words name it.
pub(crate) async fn a_controller_that_lacks_a_permission(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world.kill_controller().await?;
    let token = account_with(world, "controller", rules_without_replica_set_writes()?).await?;
    world.controller_with(&token).await?;
    world.start_controller().await?;
    world.when().set_image("app:2").await?;
    let path = "/apis/argoproj.io/v1alpha1/namespaces/NS/rollouts/web";
    let events = format!(
        "/api/v1/namespaces/{}/events?fieldSelector=involvedObject.name%3Dweb",
        world.namespace()
    );
    until(world, &events, "the refusal is told", |list| {
        list.to_string().contains("cannot create resource")
    })
    .await?;
    until(world, path, "the status is written", |it| {
        it["status"]["conditions"].is_array()
    })
    .await?;
    let told = explain(world).await?;
    let first = &told["causes"][0];
    let account = format!("system:serviceaccount:{}:controller", world.namespace());
    ensure!(
        first["id"] == "forbidden" && first["summary"].as_str().unwrap_or_default().contains(&account),
        "{told:#}"
    );
    Ok(())
}

/// The label asks for the controller of another instance, which does not run.
pub(crate) async fn a_controller_that_does_not_run(world: &mut World) -> Result<()> {
    // The controller without an instance id leads somewhere: it does not serve this rollout.
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "argo-rollouts-controller-lock"},
        "spec": {"holderIdentity": "somebody_1", "leaseDurationSeconds": 15, "renewTime": format!("{:.6}", world.now())}});
    create(world, "/apis/coordination.k8s.io/v1", "leases", &lease).await?;
    let labels = "labels: {argo-rollouts.argoproj.io/controller-instance-id: nobody}";
    let labelled = CANARY.replace("{name: web}", &format!("{{name: web, {labels}}}"));
    ensure!(labelled != CANARY, "the example has no place for the label");
    world.given().rollout(&labelled).await?;
    sleep(Duration::from_secs(2)).await;
    let told = explain(world).await?;
    let causes: Vec<&str> = told["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["id"].as_str())
        .collect();
    ensure!(causes == ["controller-absent"], "{told:#}");
    ensure!(told.to_string().contains("--instance-id nobody"), "{told:#}");
    Ok(())
}

/// An AnalysisRun of its own, as another controller left it: found without a name, and explained by metric and limit.
pub(crate) async fn an_analysis_that_failed(world: &mut World) -> Result<()> {
    let group = "/apis/argoproj.io/v1alpha1";
    let metric = json!({"name": "errors", "successCondition": "result[0] < 0.05", "failureLimit": 1,
        "provider": {"prometheus": {"address": "http://prometheus:9090", "query": "errors"}}});
    let run = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "load-test"},
        "spec": {"metrics": [metric]}});
    create(world, group, "analysisruns", &run).await?;
    let measured = |value: &str| json!({"phase": "Failed", "value": value, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"});
    let status = json!({"phase": "Failed", "message": "Metric \"errors\" assessed Failed due to failed (2) > failureLimit (1)",
        "metricResults": [{"name": "errors", "phase": "Failed", "count": 2, "failed": 2, "measurements": [measured("[0.2]"), measured("[0.3]")]}]});
    let path = format!("{group}/namespaces/{}/analysisruns/load-test", world.namespace());
    request(world, "PATCH", &path, &json!({"status": status})).await?;
    let told = explain_all(world).await?;
    let [told] = told.as_slice() else {
        anyhow::bail!("wanted one explanation: {told:#?}");
    };
    ensure!(
        told["object"]["kind"] == "AnalysisRun" && told["object"]["name"] == "load-test",
        "{told:#}"
    );
    is(told, "degraded", &["analysis-failed"])?;
    let cause = told["causes"][0].to_string();
    for word in ["errors", "0.3", "result[0] < 0.05"] {
        ensure!(cause.contains(word), "{word} is not told: {told:#}");
    }
    Ok(())
}

/// Waits until an object is as it should be.
async fn until(world: &World, path: &str, wanted: &str, check: impl Fn(&Value) -> bool) -> Result<()> {
    let (path, limit) = (
        path.replace("NS", world.namespace()),
        Instant::now() + Duration::from_secs(60),
    );
    loop {
        let seen = request(world, "GET", &path, &Value::Null).await?;
        if check(&seen) {
            return Ok(());
        }
        ensure!(Instant::now() < limit, "after 60 s not so: {wanted}: {seen:#}");
        sleep(Duration::from_millis(250)).await;
    }
}

/// The rules of the shipped ClusterRole, but for the creation of ReplicaSets.
fn rules_without_replica_set_writes() -> Result<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/standalone/cluster-role.yaml");
    let mut documents = serin_core::notation::yaml::parse_docs(&std::fs::read_to_string(file)?)?.into_iter();
    let role = documents
        .find(|it| it.value["kind"] == "ClusterRole")
        .context("a ClusterRole")?
        .value;
    let mut rules = role["rules"].clone();
    // Which plugins there are it may read: without that it would not start.
    let plugins = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]});
    rules.as_array_mut().context("a list of rules")?.push(plugins);
    let mut removed = false;
    for rule in rules.as_array_mut().into_iter().flatten() {
        let of_sets = rule["resources"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("replicasets")));
        if let Some(verbs) = rule["verbs"].as_array_mut().filter(|_| of_sets) {
            let before = verbs.len();
            verbs.retain(|verb| verb != "create");
            removed |= verbs.len() < before;
        }
    }
    ensure!(
        removed,
        "no rule of the shipped role lets the controller create ReplicaSets: {rules:#}"
    );
    Ok(rules)
}
