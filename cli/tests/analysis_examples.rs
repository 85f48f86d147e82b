//! Each file of `examples/analysis` is linted, applied to a sandbox, and played to its end: measured over HTTP, with Jobs that run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod support;

use kube::Api;
use kube::api::{DynamicObject, GroupVersionKind, ListParams, PostParams};
use kube::core::ApiResource;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::staying::{Staying, client, serin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// Where the examples say that the metrics are.
const ADDRESS: &str = "http://metrics.monitoring:9090";
/// The value of the Secret of `arguments.yaml`.
const SECRET: &str = "only-for-this-example";
/// Pods start in two seconds, and there are several plays at once.
const PATIENCE: Duration = Duration::from_secs(180);

/// A metric, its phase, and the least number of its measurements.
type Measured = (&'static str, &'static str, usize);

/// How a file ends: what it makes, and the runs with their phases and, by metric, the least number of measurements.
struct Play {
    file: &'static str,
    /// `rollout/NAME`, `experiment/NAME` or `analysisrun/NAME`.
    of: &'static str,
    /// Each run: a part of its name, and its metrics with phase and least number of measurements.
    runs: &'static [(&'static str, &'static [Measured])],
}

const PLAYS: [Play; 12] = [
    Play {
        file: "analysis-run.yaml",
        of: "analysisrun/run-demo",
        runs: &[("run-demo", &[("errors", "Successful", 3)])],
    },
    Play {
        file: "arguments.yaml",
        of: "rollout/arguments-demo",
        runs: &[("-2-1", &[("compare", "Successful", 1)])],
    },
    Play {
        file: "background.yaml",
        of: "rollout/background-demo",
        runs: &[("-2", &[("error-rate", "Successful", 2)])],
    },
    Play {
        file: "blue-green.yaml",
        of: "rollout/switch-demo",
        runs: &[
            ("-2-pre", &[("smoke-test", "Successful", 1)]),
            ("-2-post", &[("healthy", "Successful", 2)]),
        ],
    },
    Play {
        file: "cluster-templates.yaml",
        of: "rollout/templates-demo",
        runs: &[("-2-1", &[("healthy", "Successful", 1), ("errors", "Successful", 1)])],
    },
    Play {
        file: "compare.yaml",
        of: "rollout/compare-demo",
        runs: &[("-2-1", &[("errors", "Successful", 1)])],
    },
    Play {
        file: "dry-run.yaml",
        of: "rollout/dry-run-demo",
        runs: &[("-2-1", &[("healthy", "Successful", 1), ("latency-p99", "Failed", 1)])],
    },
    Play {
        file: "experiment-step.yaml",
        of: "rollout/step-demo",
        runs: &[("-compare", &[("compare", "Successful", 2)])],
    },
    Play {
        file: "experiment.yaml",
        of: "experiment/experiment-demo",
        runs: &[("-compare", &[("compare", "Successful", 2)])],
    },
    Play {
        file: "inline-prometheus.yaml",
        of: "rollout/inline-demo",
        runs: &[("-2-1", &[("success-rate", "Successful", 3)])],
    },
    Play {
        file: "job.yaml",
        of: "rollout/job-demo",
        runs: &[("-2-1", &[("load-test", "Successful", 1)])],
    },
    Play {
        file: "no-data.yaml",
        of: "rollout/no-data-demo",
        runs: &[("-2-1", &[("success-rate", "Successful", 3)])],
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/analysis")
}

#[test]
fn no_example_is_left_out() {
    let files = std::fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> = files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let known: BTreeSet<String> = PLAYS.iter().map(|play| play.file.to_owned()).collect();
    assert_eq!(files, known);
}

#[tokio::test]
async fn each_example_is_linted_and_checked() {
    for play in &PLAYS {
        let file = folder().join(play.file);
        let file = file.to_str().unwrap();
        for arguments in [["lint", "-f", file].as_slice(), &["check", file]] {
            let output = serin(Path::new("/nonexistent"), arguments).await;
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        }
    }
}

#[tokio::test]
async fn each_example_is_played_to_its_end() {
    let metrics = Metrics::start().await;
    let mut sandbox = Staying::start(&["sandbox"]);
    let (_, kubeconfig) = sandbox.ready().await;
    let client = client(&kubeconfig).await;
    let plays = PLAYS
        .iter()
        .map(|play| played(play, &client, &kubeconfig, &metrics.url));
    futures::future::join(futures::future::join_all(plays), by_hand(&client, &kubeconfig)).await;
    let asked = metrics.asked.lock().unwrap().clone();
    let private = asked.iter().find(|it| it.starts_with("GET /private/checkout?canary="));
    let private = private.unwrap_or_else(|| panic!("the arguments did not arrive: {asked:?}"));
    let (canary, stable) = private.split_once("&stable=").unwrap();
    let hash = |text: &str| text.split(' ').next().unwrap().len();
    assert!(
        canary.len() > "GET /private/checkout?canary=".len() && hash(stable) > 0,
        "{private}"
    );
    let compared: BTreeSet<&String> = asked
        .iter()
        .filter(|it| it.starts_with("GET /requests?hash="))
        .collect();
    assert_eq!(compared.len(), 2, "canary and stable: {asked:?}");
    assert!(sandbox.ended_by("-TERM").await.success());
}

/// A namespace of its own: what the file says is there, the second version comes, and all ends well.
async fn played(play: &Play, client: &Client, kubeconfig: &Path, metrics: &str) {
    let namespace = play.file.trim_end_matches(".yaml");
    let name = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    apply(client, namespace, &name).await;
    let text = std::fs::read_to_string(folder().join(play.file))
        .unwrap()
        .replace(ADDRESS, metrics);
    let documents = text.split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap());
    // Templates come first: a Rollout is invalid for as long as one that it names is not there.
    let (rollouts, others): (Vec<Value>, Vec<Value>) = documents.partition(|it: &Value| it["kind"] == "Rollout");
    for document in others.into_iter().chain(rollouts) {
        apply(client, namespace, &document).await;
    }
    let (kind, name) = play.of.split_once('/').unwrap();
    if kind == "rollout" {
        status(kubeconfig, namespace, name).await;
        let image = format!("web=registry.example/{name}:v2");
        let set = serin(kubeconfig, &["set", "image", name, &image, "-n", namespace]).await;
        assert!(set.status.success(), "{set:?}");
        status(kubeconfig, namespace, name).await;
    } else {
        let kind = if kind == "experiment" {
            "Experiment"
        } else {
            "AnalysisRun"
        };
        ends_well(client, namespace, kind, name).await;
    }
    let runs = list(client, namespace, "AnalysisRun").await;
    for (part, metrics) in play.runs {
        let run = runs.iter().find(|run| run.name_any().contains(part));
        let run = run.unwrap_or_else(|| panic!("{namespace}: no run {part} among {runs:?}"));
        // A background run ends a moment after its update.
        let run = ends_well(client, namespace, "AnalysisRun", &run.name_any()).await;
        let results: BTreeMap<String, Value> = run.data["status"]["metricResults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["name"].as_str().unwrap().to_owned(), it.clone()))
            .collect();
        for (metric, phase, least) in *metrics {
            let result = &results[*metric];
            let measured = result["measurements"].as_array().unwrap().len();
            assert!(
                result["phase"] == *phase && measured >= *least,
                "{namespace}: {metric}: {result}"
            );
        }
    }
    nothing_secret(client, kubeconfig, namespace, play.of).await;
}

/// A person makes a run of a template, looks at it, and ends it.
async fn by_hand(client: &Client, kubeconfig: &Path) {
    let namespace = "by-hand";
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    apply(client, namespace, &object).await;
    let container = json!({"name": "main", "image": "shell:1", "command": ["sleep", "600"]});
    let job = json!({"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}});
    let template = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "slow"},
        "spec": {"args": [{"name": "of"}], "metrics": [{"name": "slow", "provider": {"job": job}}]}});
    apply(client, namespace, &template).await;
    let command = async |line: &str| {
        let words: Vec<&str> = line.split(' ').chain(["-n", namespace]).collect();
        let output = serin(kubeconfig, &words).await;
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let created = command("create analysisrun --from slow --name mine -a of=hand").await;
    assert!(created.contains("mine created"), "{created}");
    let run = async || objects(client, namespace, "AnalysisRun").get("mine").await.unwrap();
    assert_eq!(run().await.data["spec"]["args"][0]["value"], "hand");
    let began = Instant::now();
    while run().await.data["status"]["phase"] != "Running" {
        assert!(began.elapsed() < PATIENCE, "{:?}", run().await.data);
        sleep(Duration::from_millis(200)).await;
    }
    let ended = command("terminate analysisrun mine").await;
    assert_eq!(ended, "analysisRun 'mine' terminated\n");
    while run().await.data["status"]["phase"] == "Running" {
        assert!(began.elapsed() < PATIENCE, "{:?}", run().await.data);
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(run().await.data["status"]["phase"], "Inconclusive");
}

/// The Rollout gets healthy.
async fn status(kubeconfig: &Path, namespace: &str, name: &str) {
    let seconds = format!("{}s", PATIENCE.as_secs());
    // A rollout whose edit nobody has seen yet is healthy still.
    sleep(Duration::from_millis(500)).await;
    let healthy = serin(kubeconfig, &["status", name, "-n", namespace, "--timeout", &seconds]).await;
    if !healthy.status.success() {
        let seen = serin(kubeconfig, &["get", "rollout", name, "-n", namespace]).await;
        panic!("{namespace}: {healthy:?}\n{}", String::from_utf8_lossy(&seen.stdout));
    }
}

async fn ends_well(client: &Client, namespace: &str, kind: &str, name: &str) -> DynamicObject {
    let (all, began) = (objects(client, namespace, kind), Instant::now());
    loop {
        let object = all.get(name).await.unwrap();
        let phase = object.data["status"]["phase"].as_str().unwrap_or_default();
        if phase == "Successful" {
            return object;
        }
        let waits = matches!(phase, "" | "Pending" | "Running") && began.elapsed() < PATIENCE;
        assert!(waits, "{namespace}: {kind} {name}: {}", object.data["status"]);
        sleep(Duration::from_millis(200)).await;
    }
}

/// The value of the Secret stands in no object besides the Secret, and in nothing that is shown.
async fn nothing_secret(client: &Client, kubeconfig: &Path, namespace: &str, of: &str) {
    for kind in ["Rollout", "AnalysisRun", "AnalysisTemplate", "Experiment"] {
        for object in list(client, namespace, kind).await {
            assert!(!serde_json::to_string(&object).unwrap().contains(SECRET), "{object:?}");
        }
    }
    let events = Api::<k8s_openapi::api::core::v1::Event>::namespaced(client.clone(), namespace);
    let events = events.list(&ListParams::default()).await.unwrap();
    assert!(!serde_json::to_string(&events.items).unwrap().contains(SECRET));
    if let Some(name) = of.strip_prefix("rollout/") {
        let seen = serin(kubeconfig, &["get", "rollout", name, "-n", namespace]).await;
        let text = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(text.contains("AnalysisRun") && !text.contains(SECRET), "{text}");
    }
}

fn objects(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", kind));
    Api::namespaced_with(client.clone(), namespace, &resource)
}

async fn list(client: &Client, namespace: &str, kind: &str) -> Vec<DynamicObject> {
    objects(client, namespace, kind)
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
}

async fn apply(client: &Client, namespace: &str, document: &Value) {
    let (version, kind) = (
        document["apiVersion"].as_str().unwrap(),
        document["kind"].as_str().unwrap(),
    );
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api = if kind.starts_with("Cluster") || kind == "Namespace" {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource)
    };
    let object = serde_json::from_value(document.clone()).unwrap();
    api.create(&PostParams::default(), &object)
        .await
        .unwrap_or_else(|error| panic!("{namespace}: {document}: {error}"));
}

/// What the examples measure: JSON over HTTP, and the API of Prometheus.
struct Metrics {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Metrics {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, asked) = (
            format!("http://{}", listener.local_addr().unwrap()),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&seen)));
            }
        });
        Self { url, asked }
    }
}

/// One request on a connection: none of them has a body that matters.
async fn answer(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    while !read.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(bytes) if bytes > 0 => read.extend_from_slice(&part[..bytes]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&read).into_owned();
    let line = request.lines().next().unwrap_or_default().to_owned();
    let path = line.split(' ').nth(1).unwrap_or_default();
    let may = request
        .to_lowercase()
        .contains(&format!("authorization: bearer {SECRET}"));
    let body = match path.split('?').next().unwrap_or_default() {
        "/errors" => json!({"rate": 0.01}),
        // Until traffic comes there is too little of it.
        "/rate" if !asked.lock().unwrap().contains(&line) => json!({"rate": 1.0, "requests": 3}),
        "/rate" => json!({"rate": 0.99, "requests": 250}),
        "/requests" => json!({"errors": 2, "requests": 2000}),
        "/health" => json!({"ok": true}),
        "/compare" => json!({"canary": 0.010, "stable": 0.011}),
        "/private/checkout" if may => json!({"canary": 0.010, "stable": 0.011}),
        "/api/v1/query" => json!({"status": "success", "data": {"resultType": "vector",
            "result": [{"metric": {}, "value": [1_700_000_000, "0.99"]}]}}),
        _ => Value::Null,
    };
    asked.lock().unwrap().push(line.clone());
    let (status, body) = if body.is_null() {
        ("404 Not Found", String::new())
    } else {
        ("200 OK", body.to_string())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // Who does not wait for the answer does not get it.
    _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}
