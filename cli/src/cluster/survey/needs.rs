//! What has to be read to explain objects: pure, from the objects themselves and from what came so far.

use super::ask::Ask;
use super::routes;
use jiff::Timestamp;
use serde_json::Value;
use serin_core::wire::{HASH_LABEL, INSTANCE_ID, phase};
use serin_explain::Reading;
use serin_gitops::argocd::{Tracking, application_of};
use std::collections::{BTreeMap, BTreeSet};

/// More subjects than this in one namespace, and all its ReplicaSets and pods of rollouts are read at once.
const FEW: usize = 3;
/// The Lease of controllers, before the instance id.
const LEASE: &str = "argo-rollouts-controller-lock";
/// The phase of an AnalysisRun or Experiment that succeeded.
const SUCCESSFUL: &str = "Successful";
/// Nodes that are looked at.
const NODES: usize = 8;

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

fn is_kind(object: &Value, kind: &str) -> bool {
    text(object, "/kind") == kind
}

/// Whether a rollout is not Healthy, or has a status that does not speak of its last change.
pub(super) fn is_in_trouble(rollout: &Value) -> bool {
    let observed = rollout.pointer("/status/observedGeneration");
    let observed = observed.and_then(|it| it.as_i64().or_else(|| it.as_str()?.parse().ok()));
    let generation = rollout
        .pointer("/metadata/generation")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let lags = observed.is_some_and(|observed| observed < generation);
    let deleting = rollout.pointer("/metadata/deletionTimestamp").is_some();
    text(rollout, "/status/phase") != phase::HEALTHY || lags || deleting
}

/// Whether an AnalysisRun or Experiment belongs to nobody and has not succeeded. One that is owned is explained with its
/// owner.
pub(super) fn stands_alone_in_trouble(object: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owned = owners.is_some_and(|owners| owners.iter().any(|owner| owner["controller"] == true));
    let deleting = object.pointer("/metadata/deletionTimestamp").is_some();
    !owned && (text(object, "/status/phase") != SUCCESSFUL || deleting)
}

/// What the objects themselves ask for.
pub(super) fn first(roots: &[Value], app: Option<&str>) -> BTreeSet<Ask> {
    let mut asks = BTreeSet::new();
    let mut crowded: BTreeMap<&str, usize> = BTreeMap::new();
    for root in roots {
        *crowded.entry(namespace(root)).or_default() += 1;
    }
    for root in roots {
        let many = crowded.get(namespace(root)).is_some_and(|count| *count > FEW);
        match text(root, "/kind") {
            "Rollout" => of_rollout(&mut asks, root, many),
            "Experiment" => of_experiment(&mut asks, root),
            _ => of_run(&mut asks, root),
        }
        if app.is_none() {
            asks.extend(
                application(root).map(|name| Ask::with_fields("Application", None, &format!("metadata.name={name}"))),
            );
        }
    }
    asks.extend(app.map(|name| Ask::with_fields("Application", None, &format!("metadata.name={name}"))));
    asks
}

/// The name of the Application that an object is marked with.
fn application(object: &Value) -> Option<String> {
    let tracked = application_of(object, &Tracking::default())?;
    Some(tracked.application().name.clone())
}

fn of_rollout(asks: &mut BTreeSet<Ask>, root: &Value, many: bool) {
    let space = Some(namespace(root));
    let name = text(root, "/metadata/name");
    let labels = if many {
        HASH_LABEL.to_owned()
    } else {
        selector(&root["spec"]["selector"])
    };
    asks.insert(Ask::labelled("ReplicaSet", space, &labels));
    asks.insert(Ask::list("Service", space, ""));
    of_routes(asks, root, &Reading::new(Timestamp::UNIX_EPOCH));
    if !is_in_trouble(root) {
        return;
    }
    asks.insert(Ask::labelled("Pod", space, &labels));
    let about = if many {
        "involvedObject.kind=Rollout".to_owned()
    } else {
        format!("involvedObject.name={name}")
    };
    asks.insert(Ask::with_fields("Event", space, &about));
    asks.insert(Ask::with_fields("Event", space, "type=Warning"));
    for kind in [
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "ResourceQuota",
        "ScaledObject",
    ] {
        asks.insert(Ask::list(kind, space, ""));
    }
    let instance = root["metadata"]["labels"][INSTANCE_ID].as_str().unwrap_or_default();
    let lease = if instance.is_empty() {
        LEASE.to_owned()
    } else {
        format!("{LEASE}-{instance}")
    };
    // Where another instance is asked for, the Lease of the plain one says whether any controller runs.
    for name in [LEASE, &lease] {
        asks.insert(Ask::with_fields("Lease", None, &format!("metadata.name={name}")));
    }
    asks.insert(Ask::labelled(
        "Deployment",
        None,
        "app.kubernetes.io/name=argo-rollouts",
    ));
    of_analysis(asks, root);
}

/// The objects of its routers, as far as they can be named by now.
fn of_routes(asks: &mut BTreeSet<Ask>, root: &Value, reading: &Reading) {
    for (kind, namespace, name) in routes::of(root, reading) {
        asks.insert(Ask::get(kind, &namespace, &name));
    }
}

/// A selector of the pods of a Rollout, as a query has it. Expressions are left out: they only narrow it.
fn selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let own = labels.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    own.chain(std::iter::once(HASH_LABEL.to_owned()))
        .collect::<Vec<_>>()
        .join(",")
}

/// Whether an analysis of it names templates: what comes next depends on them, and on the runs of the newest revision.
fn names_templates(root: &Value) -> bool {
    let strategy = &root["spec"]["strategy"];
    let steps = strategy["canary"]["steps"].as_array().into_iter().flatten();
    let of_steps = steps.map(|step| &step["analysis"]);
    let others = [
        &strategy["canary"]["analysis"],
        &strategy["blueGreen"]["prePromotionAnalysis"],
        &strategy["blueGreen"]["postPromotionAnalysis"],
    ];
    of_steps
        .chain(others)
        .any(|analysis| analysis["templates"].as_array().is_some_and(|names| !names.is_empty()))
}

/// The runs that the status names, those of the newest revision after an abort or where templates are named, and the templates.
fn of_analysis(asks: &mut BTreeSet<Ask>, root: &Value) {
    let space = namespace(root);
    let status = &root["status"];
    let references = [
        &status["canary"]["currentStepAnalysisRunStatus"],
        &status["canary"]["currentBackgroundAnalysisRunStatus"],
        &status["blueGreen"]["prePromotionAnalysisRunStatus"],
        &status["blueGreen"]["postPromotionAnalysisRunStatus"],
    ];
    for run in references
        .iter()
        .filter_map(|it| it["name"].as_str())
        .filter(|it| !it.is_empty())
    {
        asks.insert(Ask::get("AnalysisRun", space, run));
    }
    if let Some(experiment) = status["canary"]["currentExperiment"]
        .as_str()
        .filter(|it| !it.is_empty())
    {
        asks.insert(Ask::get("Experiment", space, experiment));
    }
    let hash = status["currentPodHash"].as_str().unwrap_or_default();
    let (aborted, analysed) = (status["abort"] == true, names_templates(root));
    if analysed {
        asks.insert(Ask::list("AnalysisTemplate", Some(space), ""));
        asks.insert(Ask::list("ClusterAnalysisTemplate", None, ""));
    }
    let labels = format!("{HASH_LABEL}={hash}");
    if (aborted || analysed) && !hash.is_empty() {
        asks.insert(Ask::labelled("AnalysisRun", Some(space), &labels));
    }
    if aborted && !hash.is_empty() {
        asks.insert(Ask::labelled("Experiment", Some(space), &labels));
    }
}

fn of_experiment(asks: &mut BTreeSet<Ask>, root: &Value) {
    let space = Some(namespace(root));
    asks.insert(Ask::list("ReplicaSet", space, ""));
    asks.insert(Ask::list("Pod", space, ""));
    asks.insert(Ask::with_fields("Event", space, "type=Warning"));
    asks.insert(Ask::list("ResourceQuota", space, ""));
    for run in root["status"]["analysisRuns"].as_array().into_iter().flatten() {
        if let Some(name) = run["analysisRun"].as_str().filter(|it| !it.is_empty()) {
            asks.insert(Ask::get("AnalysisRun", namespace(root), name));
        }
    }
}

fn of_run(asks: &mut BTreeSet<Ask>, root: &Value) {
    let events = format!("involvedObject.name={}", text(root, "/metadata/name"));
    asks.insert(Ask::with_fields("Event", Some(namespace(root)), &events));
}

/// What follows from what came: routes behind others and their Applications, Jobs of runs, pods of experiments, nodes of pods that
/// are not ready, names of ConfigMaps where one is missed, events of Argo CD about an abort.
pub(super) fn then(roots: &[Value], reading: &Reading) -> BTreeSet<Ask> {
    let mut asks = BTreeSet::new();
    for root in roots.iter().filter(|root| is_kind(root, "Rollout")) {
        of_routes(&mut asks, root, reading);
        // A route may belong to an Application of its own, which writes the weights back.
        let apps = routes::read(root, reading)
            .into_iter()
            .filter_map(|route| application(&route));
        asks.extend(apps.map(|name| Ask::with_fields("Application", None, &format!("metadata.name={name}"))));
    }
    for experiment in reading.of_kind("Experiment") {
        of_experiment(&mut asks, experiment);
    }
    for run in reading.of_kind("AnalysisRun") {
        let by_job = run["spec"]["metrics"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|it| it["provider"]["job"].is_object());
        if by_job && text(run, "/status/phase") != "Successful" {
            let space = Some(namespace(run));
            asks.insert(Ask::labelled("Job", space, "analysisrun.argoproj.io/uid"));
            asks.insert(Ask::labelled("Pod", space, "job-name"));
            asks.insert(Ask::with_fields("Event", space, "type=Warning"));
        }
    }
    let waiting: Vec<&Value> = reading.of_kind("Pod").filter(|pod| !is_ready(pod)).collect();
    let nodes: BTreeSet<&str> = waiting
        .iter()
        .map(|pod| text(pod, "/spec/nodeName"))
        .filter(|it| !it.is_empty())
        .collect();
    asks.extend(nodes.into_iter().take(NODES).map(|node| Ask::get_global("Node", node)));
    for pod in waiting {
        if pod.to_string().contains("configmap \"") || mounts_wait(pod) {
            asks.insert(Ask::list("ConfigMap", Some(namespace(pod)), ""));
        }
    }
    if roots
        .iter()
        .any(|root| is_kind(root, "Rollout") && root["status"]["abort"] == true)
    {
        for app in reading.of_kind("Application") {
            let about = format!("involvedObject.name={}", text(app, "/metadata/name"));
            asks.insert(Ask::with_fields("Event", Some(namespace(app)), &about));
        }
    }
    asks
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions
        .into_iter()
        .any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Its containers wait to be created, and a volume of it is a ConfigMap.
fn mounts_wait(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let waits = statuses
        .into_iter()
        .any(|it| it["state"]["waiting"]["reason"] == "ContainerCreating");
    let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    waits && volumes.any(|it| it["configMap"].is_object())
}
