//! `list rollouts` and `list experiments`: columns, order, blanks and empty answers (contract 10 §5). Upstream's plugin
//! printed the expected texts for the same lists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

#[path = "support/raw.rs"]
mod raw;
mod support;

use raw::{Raw, answer};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Buffer, Outcome, Server};
use tokio::time::{sleep, timeout};

const ROLLOUTS: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
const ALL_ROLLOUTS: &str = "GET /apis/argoproj.io/v1alpha1/rollouts";
const EXPERIMENTS: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/experiments";
const ALL_EXPERIMENTS: &str = "GET /apis/argoproj.io/v1alpha1/experiments";

fn list(kind: &str, items: &[Value]) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": format!("{kind}List"), "metadata": {"resourceVersion": "5"},
        "items": items})
}

fn rollout(namespace: &str, name: &str, spec: Value, mut status: Value) -> Value {
    status["observedGeneration"] = json!("1");
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "generation": 1, "resourceVersion": "5"},
        "spec": spec, "status": status})
}

fn steps() -> Value {
    json!({"canary": {"steps": [{"setWeight": 10}, {"pause": {"duration": 60}}, {"setWeight": 20}]}})
}

fn fleet() -> Vec<Value> {
    let counts = json!({"phase": "Progressing", "currentStepIndex": 1, "replicas": 4, "readyReplicas": 1,
        "updatedReplicas": 3, "availableReplicas": 2});
    vec![
        rollout(
            "shop",
            "a",
            json!({"strategy": {"canary": {}}}),
            json!({"phase": "Healthy"}),
        ),
        rollout(
            "shop",
            "blue",
            json!({"replicas": 5, "strategy": {"blueGreen": {"activeService": "s"}}}),
            counts.clone(),
        ),
        rollout(
            "shop",
            "can-guestbook",
            json!({"replicas": 5, "strategy": steps()}),
            counts,
        ),
        rollout(
            "shop",
            "gone",
            json!({"replicas": 0, "strategy": {}}),
            json!({"phase": "Degraded", "message": "x"}),
        ),
        rollout(
            "shop",
            "past-the-end",
            json!({"strategy": steps()}),
            json!({"phase": "Paused", "currentStepIndex": 4}),
        ),
    ]
}

#[tokio::test]
async fn rollouts_have_a_row_each() {
    let server = Server::start(&[
        (ROLLOUTS, 200, list("Rollout", &fleet())),
        (ALL_ROLLOUTS, 200, list("Rollout", &fleet())),
    ])
    .await;
    let rows = "\
NAME           STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
a              Canary     Healthy       -     100         0/0    1        0           0        
blue           BlueGreen  Progressing   -     -           1/4    5        3           2        
can-guestbook  Canary     Progressing   1/3   10          1/4    5        3           2        
gone           unknown    Degraded      -     -           0/0    0        0           0        
past-the-end   Canary     Paused        4/3   100         0/0    1        0           0        
";
    for command in [
        "list rollouts",
        "list ro",
        "list rollout surplus words",
        "list rollouts --name=",
    ] {
        assert_eq!(server.run(command).await, Outcome::success(rows), "{command}");
    }
    let everywhere: String = rows
        .lines()
        .enumerate()
        .map(|(index, row)| format!("{}{row}\n", if index == 0 { "NAMESPACE  " } else { "shop       " }))
        .collect();
    for command in ["list rollouts -A", "list rollouts --all-namespaces"] {
        assert_eq!(server.run(command).await, Outcome::success(&everywhere), "{command}");
    }
}

#[tokio::test]
async fn timestamps_stand_first() {
    let server = Server::start(&[(ALL_ROLLOUTS, 200, list("Rollout", &fleet()))]).await;
    let outcome = server.run("list rollouts -A --timestamps").await;
    let mut lines = outcome.out.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("TIMESTAMP             NAMESPACE  NAME           STRATEGY   STATUS")
    );
    for line in lines {
        let (time, rest) = line.split_at(22);
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00Z  ");
        assert!(rest.starts_with("shop       "), "{line}");
    }
}

#[tokio::test]
async fn nothing_is_no_failure() {
    let server = Server::start(&[
        (ROLLOUTS, 200, list("Rollout", &[])),
        (EXPERIMENTS, 200, list("Experiment", &[])),
        (ALL_EXPERIMENTS, 200, list("Experiment", &[])),
    ])
    .await;
    let expected = Outcome {
        err: "No resources found.\n".to_owned(),
        ..Outcome::success("")
    };
    for command in [
        "list rollouts",
        "list rollouts --name web",
        "list experiments",
        "list exp -A",
        "list experiment",
    ] {
        assert_eq!(server.run(command).await, expected, "{command}");
    }
}

#[tokio::test]
async fn experiments_have_a_row_each() {
    let experiment = |namespace: &str, name: &str, spec: Value, status: Value| {
        json!({"metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-03-01T12:00:00Z"},
            "spec": spec, "status": status})
    };
    let all = [
        experiment(
            "other",
            "my-experiment2",
            json!({"templates": []}),
            json!({"phase": "Running"}),
        ),
        experiment(
            "shop",
            "trial",
            json!({"duration": "3h", "templates": "broken"}),
            json!({"phase": "Successful"}),
        ),
        experiment("shop", "x", json!({"duration": "90s"}), json!({})),
    ];
    let server = Server::start(&[
        (EXPERIMENTS, 200, list("Experiment", &all)),
        (ALL_EXPERIMENTS, 200, list("Experiment", &all)),
    ])
    .await;
    // The age grows with the years.
    let without_age = |outcome: Outcome| {
        assert!(outcome.success && outcome.err.is_empty(), "{outcome:?}");
        let cut = |line: &str| format!("{}\n", line.rsplit_once("  ").unwrap().0);
        outcome.out.lines().map(|line| cut(line.trim_end())).collect::<String>()
    };
    let rows = "\
NAME            STATUS      DURATION  REMAINING
my-experiment2  Running     -         -        
trial           Successful  3h        -        
x                           90s       -        
";
    assert_eq!(without_age(server.run("list experiments").await), rows);
    let everywhere = "\
NAMESPACE  NAME            STATUS      DURATION  REMAINING
other      my-experiment2  Running     -         -        
shop       trial           Successful  3h        -        
shop       x                           90s       -        
";
    assert_eq!(without_age(server.run("list experiments -A").await), everywhere);
}

#[tokio::test]
async fn a_kind_that_is_not_there_is_a_failure() {
    let unknown = json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "the server could not find the requested resource"});
    let server = Server::start(&[(ROLLOUTS, 404, unknown.clone()), (EXPERIMENTS, 404, unknown)]).await;
    let expected = Outcome::failure("", "Error: the server could not find the requested resource\n");
    assert_eq!(server.run("list rollouts").await, expected);
    assert_eq!(server.run("list experiments").await, expected);
}

/// What stands in a stream once it contains the text.
async fn once_it_has(stream: &Buffer, text: &str) -> String {
    let patience = Duration::from_secs(60);
    let waiting = async {
        while !stream.text().contains(text) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let found = timeout(patience, waiting).await;
    assert!(found.is_ok(), "no {text:?} in\n{}", stream.text());
    stream.text()
}

/// Rows that changed come together, in columns of their own; what stays has no second row.
#[tokio::test]
async fn watching_adds_the_rows_that_change() {
    let lists = AtomicUsize::new(0);
    let server = Raw::start(move |request| {
        if request.contains("watch=true") {
            return "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
        }
        let mut items = fleet()[..2].to_vec();
        if lists.fetch_add(1, Ordering::SeqCst) > 0 {
            items[1]["status"]["availableReplicas"] = json!(3);
            items.push(fleet()[4].clone());
        }
        answer(
            200,
            "content-type: application/json\r\n",
            &list("Rollout", &items).to_string(),
        )
    })
    .await;
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = serin::Console::new(Box::new(out.clone()), Box::new(err.clone()), serin::Terminal::Lines);
    let line = format!("kubectl-argo-rollouts list rollouts -w --server {}", server.url());
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    let text = tokio::select! {
        code = serin::run_on(words.into_iter(), &mut console) => panic!("it ended with {code:?}: {}", err.text()),
        text = once_it_has(&out, "past-the-end") => text,
    };
    let expected = "\
NAME        STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
a           Canary     Healthy       -     100         0/0    1        0           0        
blue        BlueGreen  Progressing   -     -           1/4    5        3           2        
blue          BlueGreen  Progressing   -     -           1/4    5        3           3        
past-the-end  Canary     Paused        4/3   100         0/0    1        0           0        
";
    // Rows that are read at different moments have columns of their own: only what they say is certain.
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&text), squeezed(expected));
    assert_eq!(err.text(), "");
}
