//! `status --until` and `status -o json`: exit codes and lines for pipelines (argo-rollouts#1389, argo-rollouts#352,
//! argo-cd#5501). Without these flags `status` answers as upstream (`commands.rs`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::ffi::OsString;
use std::process::ExitCode;
use support::{Buffer, Server};

const ROLLOUT: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web";
const LIST: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts";

fn rollout(phase: &str, message: &str, step: usize) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "generation": 2, "resourceVersion": "5"},
        "spec": {"replicas": 4, "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}]}}},
        "status": {"phase": phase, "message": message, "observedGeneration": "2", "currentStepIndex": step,
            "replicas": 4, "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 4}})
}

async fn server(rollout: &Value) -> Server {
    let list = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "RolloutList", "metadata": {"resourceVersion": "5"},
        "items": [rollout]});
    Server::start(&[(ROLLOUT, 200, rollout.clone()), (LIST, 200, list)]).await
}

/// What a command printed, and its exit code.
async fn run(server: &Server, line: &str) -> (String, String, String) {
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = serin::Console::new(Box::new(out.clone()), Box::new(err.clone()), serin::Terminal::Lines);
    let line = format!("kubectl-argo-rollouts {line} --server {}", server.url());
    let code = serin::run_on(line.split(' ').map(OsString::from), &mut console).await;
    (out.text(), err.text(), format!("{code:?}"))
}

#[tokio::test]
async fn exit_codes_say_how_the_waiting_ended() {
    let paused = rollout("Paused", "CanaryPauseStep", 1);
    let healthy = rollout("Healthy", "", 3);
    let degraded = rollout("Degraded", "RolloutAborted: aborted", 0);
    let (pause, late) = (
        "Paused - CanaryPauseStep\n",
        "Error: Rollout status watch exceeded timeout\n",
    );
    let bad = "Error: The rollout is in a degraded state with message: RolloutAborted: aborted\n";
    let table = [
        (&paused, "--until paused", pause, "", 0),
        (&paused, "--until healthy --timeout 200ms", pause, late, 3),
        (&paused, "--until paused,healthy", pause, "", 0),
        (&paused, "--until step=1", pause, "", 0),
        (&paused, "--until step=2 --timeout 200ms", pause, late, 3),
        (
            &paused,
            "--until step=7",
            pause,
            "Error: step=7 is never reached: the rollout has 3 steps\n",
            1,
        ),
        (
            &paused,
            "--until healthy --watch=false",
            pause,
            "Error: The rollout has not reached healthy\n",
            3,
        ),
        (&paused, "--until paused --watch=false", pause, "", 0),
        (&healthy, "--until healthy", "Healthy\n", "", 0),
        (&healthy, "--until step=2", "Healthy\n", "", 0),
        (&healthy, "--until healthy --until paused", "Healthy\n", "", 0),
        (
            &healthy,
            "--until paused",
            "Healthy\n",
            "Error: The rollout is Healthy and did not reach paused\n",
            4,
        ),
        (
            &degraded,
            "--until healthy",
            "Degraded - RolloutAborted: aborted\n",
            bad,
            2,
        ),
        (
            &degraded,
            "--until step=0",
            "Degraded - RolloutAborted: aborted\n",
            bad,
            2,
        ),
        // Without the flag, as upstream.
        (&degraded, "", "Degraded - RolloutAborted: aborted\n", bad, 1),
        (&paused, "--timeout 200ms", pause, late, 1),
    ];
    for (rollout, flags, out, err, code) in table {
        let outcome = run(&server(rollout).await, format!("status web {flags}").trim()).await;
        let expected = (out.to_owned(), err.to_owned(), format!("{:?}", ExitCode::from(code)));
        assert_eq!(outcome, expected, "{flags} of {}", rollout["status"]);
    }
}

/// The answer of yesterday must not end the waiting of today.
#[tokio::test]
async fn a_status_of_before_the_last_edit_reaches_nothing() {
    let mut stale = rollout("Healthy", "", 3);
    stale["metadata"]["generation"] = json!(3);
    for goal in ["healthy", "paused", "step=1"] {
        let (out, _, code) = run(
            &server(&stale).await,
            &format!("status web --until {goal} --timeout 200ms"),
        )
        .await;
        assert_eq!(out, "Progressing - waiting for rollout spec update to be observed\n");
        assert_eq!(code, format!("{:?}", ExitCode::from(3)), "{goal}");
    }
}

#[tokio::test]
async fn a_goal_is_one_of_three() {
    let (out, err, _) = run(&server(&rollout("Healthy", "", 3)).await, "status web --until done").await;
    let text = "Error: invalid argument \"done\" for \"--until\" flag: it must be healthy, paused or step=N\n";
    assert_eq!((out.as_str(), err.as_str()), ("", text));
}

#[tokio::test]
async fn json_has_a_line_for_each_change() {
    let paused = rollout("Paused", "CanaryPauseStep", 1);
    for flags in ["--until paused", "--watch=false"] {
        let (out, _, _) = run(&server(&paused).await, &format!("status web -o json {flags}")).await;
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [line] = &lines[..] else { panic!("{out}") };
        let time = line["time"].as_str().unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
        let expected = json!({"time": time, "namespace": "default", "name": "web", "phase": "Paused",
            "message": "CanaryPauseStep", "refused": "", "step": 1, "steps": 3, "setWeight": 25, "desired": 4, "current": 4,
            "updated": 1, "ready": 4, "available": 4});
        assert_eq!(*line, expected);
    }
    // Nothing to count: the fields are there all the same.
    let mut blue_green = rollout("Healthy", "", 0);
    blue_green["spec"]["strategy"] = json!({"blueGreen": {"activeService": "a"}});
    let (out, ..) = run(&server(&blue_green).await, "status web -o json").await;
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&line["step"], &line["steps"], &line["setWeight"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}
