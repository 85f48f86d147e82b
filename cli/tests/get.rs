//! `get rollout` and `get experiment` from their words to the requests they send: which kinds are read, and what is shown
//! where a kind cannot be read (contract 10 §4). What is drawn is in `trees`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Outcome, Server};

const ROLLOUT: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web";
const EXPERIMENT: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/experiments/trial";
const ROLLOUTS: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
const EXPERIMENTS: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/experiments";
const RUNS: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/analysisruns";
const SETS: &str = "GET /apis/apps/v1/namespaces/default/replicasets";
const PODS: &str = "GET /api/v1/namespaces/default/pods";

fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "5"}, "items": items})
}

fn rollout() -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default", "uid": "u-web", "generation": 1, "resourceVersion": "5"},
        "spec": {"strategy": {"canary": {}}}, "status": {"phase": "Healthy", "observedGeneration": "1"}})
}

fn owned(name: &str, owner: &str, phase: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "uid": format!("u-{name}"), "resourceVersion": "5",
            "annotations": {"rollout.argoproj.io/revision": "1"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "x", "name": "x", "uid": owner}]},
        "status": {"phase": phase}})
}

fn forbidden(plural: &str) -> Value {
    json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message":
        format!("{plural}.argoproj.io is forbidden: User \"me\" cannot list resource \"{plural}\"")})
}

#[tokio::test]
async fn runs_and_experiments_are_in_the_tree() {
    let trial = owned("trial", "u-web", "Running");
    let runs = [
        owned("smoke", "u-trial", "Successful"),
        owned("background", "u-web", "Running"),
    ];
    let server = Server::start(&[
        (ROLLOUT, 200, rollout()),
        (ROLLOUTS, 200, list(&[rollout()])),
        (EXPERIMENT, 200, trial.clone()),
        (EXPERIMENTS, 200, list(std::slice::from_ref(&trial))),
        (RUNS, 200, list(&runs)),
        (SETS, 200, list(&[])),
        (PODS, 200, list(&[])),
    ])
    .await;
    let tree = "\
└──# revision:1                                         
   ├──Σ trial       Experiment   ◌ Running     <unknown>  
   │  └──α smoke    AnalysisRun  ✔ Successful  <unknown>  
   └──α background  AnalysisRun  ◌ Running     <unknown>  
";
    for command in ["get rollout web", "get ro web -w --timeout-seconds 1"] {
        let outcome = server.run(command).await;
        assert!(outcome.success && outcome.err.is_empty(), "{outcome:?}");
        let shown: Vec<_> = outcome.out.lines().map(str::trim_end).collect();
        let expected: Vec<_> = tree.lines().map(str::trim_end).collect();
        assert!(shown.ends_with(&expected), "{command}\n{}", outcome.out);
    }
    let outcome = server.run("get experiment trial").await;
    let expected = "\
Name:            trial
Namespace:       default
Status:          ◌ Running

NAME        KIND         STATUS        AGE        INFO
Σ trial     Experiment   ◌ Running     <unknown>  
└──α smoke  AnalysisRun  ✔ Successful  <unknown>  
";
    assert_eq!(outcome, Outcome::success(expected));
    for command in ["get exp trial", "get experiments trial"] {
        assert_eq!(server.run(command).await, outcome, "{command}");
    }
}

/// A cluster may have the CRD of Rollouts alone, and a user may not be allowed to list the other kinds: what can be read is
/// shown. (Upstream waits for ever.)
#[tokio::test]
async fn kinds_that_cannot_be_listed_hide_nothing_else() {
    let both = [
        (ROLLOUT, 200, rollout()),
        (SETS, 200, list(&[])),
        (PODS, 200, list(&[])),
    ];
    let absent = Server::start(&both).await.run("get rollout web").await;
    assert!(absent.success && absent.err.is_empty(), "{absent:?}");

    let refused = [
        (RUNS, 403, forbidden("analysisruns")),
        (EXPERIMENTS, 403, forbidden("experiments")),
    ];
    let server = Server::start(&[&both[..], &refused[..], &[(ROLLOUTS, 200, list(&[rollout()]))]].concat()).await;
    for command in ["get rollout web", "get rollout web -w --timeout-seconds 1"] {
        let outcome = server.run(command).await;
        assert_eq!((outcome.success, &outcome.out), (true, &absent.out), "{command}");
        let told: Vec<_> = outcome.err.lines().collect();
        assert_eq!(told.len(), 2, "{command}: {told:?}");
        for (line, plural) in told.iter().zip(["analysisruns", "experiments"]) {
            assert!(line.starts_with(&format!("No {plural} are shown: ")), "{line}");
            assert!(line.contains(&format!("cannot list resource \"{plural}\"")), "{line}");
        }
    }
    // They are not asked for again.
    let lists = server.asked().iter().filter(|asked| **asked == RUNS).count();
    assert_eq!(lists, 2);
}

/// Upstream looks for a Deployment of the same name, and fails.
#[tokio::test]
async fn a_workload_that_is_no_deployment_is_no_failure() {
    for (kind, is_shown) in [("ReplicaSet", true), ("PodTemplate", true), ("Deployment", false)] {
        let mut web = rollout();
        web["spec"]["workloadRef"] = json!({"apiVersion": "apps/v1", "kind": kind, "name": "web"});
        let server = Server::start(&[(ROLLOUT, 200, web), (SETS, 200, list(&[])), (PODS, 200, list(&[]))]).await;
        for command in ["get rollout web", "status web --watch=false"] {
            let outcome = server.run(command).await;
            assert_eq!(outcome.success, is_shown, "{kind}: {command}: {outcome:?}");
            assert_eq!(
                outcome.err.contains("deployment.apps \"web\" not found"),
                !is_shown,
                "{outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_missing_experiment_has_the_words_of_a_lister() {
    let server = Server::start(&[]).await;
    let expected = Outcome::failure("", "Error: experiment.argoproj.io \"trial\" not found\n");
    for command in ["get experiment trial", "get experiment trial -w"] {
        assert_eq!(server.run(command).await, expected, "{command}");
    }
}

/// A rollout with one of each kind that it can own.
async fn full() -> Server {
    let mut run = owned("smoke", "u-web", "Running");
    run["status"]["message"] = json!("two lines\nof text");
    run["status"]["metricResults"] = json!([{"name": "errors", "successful": 2, "failed": 1, "measurements": [
        {"phase": "Failed", "message": "no", "startedAt": "2026-03-01T12:00:00Z", "metadata": {"job-name": "errors-1"}}]},
        {"name": "rate", "successful": 2, "measurements": [
            {"phase": "Successful", "metadata": {"samples": "7"}}, {"phase": "Successful", "metadata": {"samples": "57"}}]}]);
    let mut set = owned("web-a", "u-web", "");
    set["metadata"]["labels"] = json!({"rollouts-pod-template-hash": "a"});
    set["spec"] = json!({"replicas": 1, "selector": {}, "template": {"spec": {"containers": [{"name": "c", "image": "reg/web:1"}]}}});
    set["status"] = json!({"replicas": 1, "availableReplicas": 1});
    let mut pod = owned("web-a-x", "u-web-a", "Running");
    pod["spec"] = json!({"nodeName": "node-7", "containers": [{"name": "c"}]});
    let mut web = rollout();
    web["status"]["stableRS"] = json!("a");
    Server::start(&[
        (ROLLOUT, 200, web.clone()),
        (ROLLOUTS, 200, list(&[web])),
        (EXPERIMENTS, 200, list(&[owned("trial", "u-web", "Error")])),
        (RUNS, 200, list(&[run])),
        (SETS, 200, list(&[set])),
        (PODS, 200, list(&[pod])),
    ])
    .await
}

/// Field names are those of upstream's dashboard (contract 10 §7).
#[tokio::test]
async fn output_for_programs() {
    let server = full().await;
    let outcome = server.run("get rollout web -o json").await;
    assert!(outcome.success && outcome.out.lines().count() == 1, "{outcome:?}");
    let data: Value = serde_json::from_str(&outcome.out).unwrap();
    let facts = [
        ("/objectMeta/name", json!("web")),
        ("/objectMeta/creationTimestamp", json!(null)),
        ("/status", json!("Healthy")),
        ("/strategy", json!("Canary")),
        ("/setWeight", json!("100")),
        ("/images", json!([{"image": "reg/web:1", "tags": ["stable"]}])),
        ("/replicaSets/0/stable", json!(true)),
        ("/replicaSets/0/canary", json!(false)),
        ("/replicaSets/0/revision", json!(1)),
        ("/replicaSets/0/pods/0/ready", json!("0/1")),
        ("/replicaSets/0/pods/0/node", json!("node-7")),
        ("/experiments/0/status", json!("Error")),
        ("/analysisRuns/0/successful", json!(4)),
        (
            "/analysisRuns/0/samples",
            json!([{"metricName": "rate", "samples": "57"}]),
        ),
        ("/analysisRuns/0/message", json!("two lines\nof text")),
        (
            "/analysisRuns/0/jobs/0",
            json!({"name": "errors-1", "status": "Failed", "message": "no", "metricName": "errors",
            "startedAt": "2026-03-01T12:00:00Z"}),
        ),
    ];
    for (pointer, expected) in facts {
        assert_eq!(data.pointer(pointer), Some(&expected), "{pointer} of {data}");
    }
    let watched = server.run("get rollout web -w --timeout-seconds 1 -o json").await;
    assert_eq!(watched, outcome, "a line after each change, and nothing changed");
    let yaml = server.run("get ro web -o yaml").await;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml.out).unwrap(), data);
    let experiment = server.run("get experiment trial -o json").await;
    assert!(!experiment.success, "{experiment:?}");
}

#[tokio::test]
async fn wide_has_nodes_images_and_messages() {
    let outcome = full().await.run("get rollout web -o wide").await;
    let rows: Vec<Vec<_>> = outcome
        .out
        .lines()
        .skip_while(|line| !line.starts_with("NAME "))
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let last = |row: usize| *rows[row].last().unwrap();
    assert_eq!(rows[0], ["NAME", "KIND", "STATUS", "AGE", "INFO", "NODE", "DETAIL"]);
    assert_eq!((last(3), last(4)), ("reg/web:1", "node-7"), "{}", outcome.out);
    assert_eq!((last(6), last(7)), ("two lines of text", "no"), "{}", outcome.out);
    let usual = full().await.run("get rollout web").await;
    assert!(
        usual.out.contains("✖ 1,57 samples") && !usual.out.contains("node-7") && !usual.out.contains("two lines"),
        "{}",
        usual.out
    );
}

#[tokio::test]
async fn other_outputs_are_refused() {
    let outcome = full().await.run("get rollout web -o xml").await;
    let text = "Error: invalid argument \"xml\" for \"-o, --output\" flag: it must be one of tree, wide, json, yaml\n";
    assert_eq!(outcome, Outcome::failure("", text));
}
