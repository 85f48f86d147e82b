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

#[tokio::test]
async fn a_missing_experiment_has_the_words_of_a_lister() {
    let server = Server::start(&[]).await;
    let expected = Outcome::failure("", "Error: experiment.argoproj.io \"trial\" not found\n");
    for command in ["get experiment trial", "get experiment trial -w"] {
        assert_eq!(server.run(command).await, expected, "{command}");
    }
}
