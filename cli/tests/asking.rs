//! Pause, restart and terminate: the requests they send and the text they print (contract 10 §2, §9).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::{Outcome, Server, run};

const PATCH: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/guestbook";

fn object(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": {},
        "metadata": {"name": name, "namespace": "default", "uid": "u", "resourceVersion": "5"}})
}

fn patch(resource: &str, name: &str) -> String {
    format!("PATCH /apis/argoproj.io/v1alpha1/namespaces/default/{resource}/{name}")
}

#[tokio::test]
async fn pause_sends_one_patch_for_each_name_and_stops_at_the_first_error() {
    let server = Server::start(&[(PATCH, 200, object("Rollout", "guestbook"))]).await;
    let outcome = server.run("pause guestbook").await;
    assert_eq!(outcome, Outcome::success("rollout 'guestbook' paused\n"));
    let body = r#"{"spec":{"paused":true}}"#;
    assert_eq!(server.asked(), [format!("{PATCH} {body}")]);

    let server = Server::start(&[(PATCH, 200, object("Rollout", "guestbook"))]).await;
    let expected = Outcome::failure(
        "rollout 'guestbook' paused\n",
        "Error: rollouts.argoproj.io \"nope\" not found\n",
    );
    assert_eq!(server.run("pause guestbook nope guestbook").await, expected);
    let missing = patch("rollouts", "nope");
    assert_eq!(
        server.asked(),
        [format!("{PATCH} {body}"), format!("{missing} {body}")],
        "no second patch for a missing one, none for those behind it"
    );
}

/// A paused canary whose status has a field that does not decode.
fn with_status(field: &str, value: &Value) -> Value {
    let mut object = object("Rollout", "guestbook");
    object["spec"]["strategy"] = json!({"canary": {"steps": [{"pause": {}}]}});
    object["status"] = json!({"currentPodHash": "new", "stableRS": "old", "controllerPause": true,
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]});
    object["status"][field] = value.clone();
    object
}

#[tokio::test]
async fn promote_needs_the_pauses_and_nothing_else_of_a_status() {
    const GET: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/guestbook";
    let pauses = json!([{"reason": "CanaryPauseStep", "startTime": "soon"}]);
    let server = Server::start(&[(GET, 200, with_status("pauseConditions", &pauses))]).await;
    let outcome = server.run("promote guestbook").await;
    assert!(
        outcome.err.starts_with("Error: rollout \"guestbook\" cannot be promoted while a field of its status cannot be read: status.pauseConditions[0].startTime: "),
        "{outcome:?}"
    );
    assert_eq!(server.asked().len(), 1, "nothing is sent");

    let stored = with_status("replicas", &json!("three"));
    let status = format!("{PATCH}/status");
    let answers = [
        (GET, 200, stored.clone()),
        (PATCH, 200, stored.clone()),
        (status.as_str(), 200, stored),
    ];
    let server = Server::start(&answers).await;
    let outcome = server.run("promote guestbook").await;
    assert_eq!(outcome, Outcome::success("rollout 'guestbook' promoted\n"));
}

/// Restarts, and gives the time that was asked for.
async fn restart(flags: &str, text: &str) -> Timestamp {
    let server = Server::start(&[(PATCH, 200, object("Rollout", "guestbook"))]).await;
    let outcome = server.run(&format!("restart guestbook{flags}")).await;
    let expected = format!("rollout 'guestbook' restarts in {text}\n");
    assert_eq!(outcome, Outcome::success(&expected), "{flags}");
    let [asked] = <[String; 1]>::try_from(server.asked()).unwrap();
    let body: Value = serde_json::from_str(asked.strip_prefix(PATCH).unwrap()).unwrap();
    let at = body["spec"]["restartAt"].as_str().unwrap();
    assert_eq!(body, json!({"spec": {"restartAt": at}}));
    assert!(at.ends_with('Z') && at.len() == "2026-11-21T00:00:00Z".len(), "{at}");
    at.parse().unwrap()
}

#[tokio::test]
async fn restart_says_when() {
    for (flags, text, wait) in [
        ("", "0s", SignedDuration::ZERO),
        (" --in 10m", "10m", SignedDuration::from_mins(10)),
        (" -i 1h30m", "1h30m", SignedDuration::from_mins(90)),
        (" --in=90s", "90s", SignedDuration::from_secs(90)),
    ] {
        // The time is sent in whole seconds.
        let before = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let at = restart(flags, text).await;
        assert!(before + wait <= at && at <= Timestamp::now() + wait, "{flags}: {at}");
    }
}

#[tokio::test]
async fn restart_refuses_what_is_no_duration() {
    for (value, problem) in [
        ("90", "time: missing unit in duration \"90\""),
        ("soon", "time: invalid duration \"soon\""),
        ("5d", "time: unknown unit \"d\" in duration \"5d\""),
    ] {
        let server = Server::start(&[(PATCH, 200, object("Rollout", "guestbook"))]).await;
        let outcome = server.run(&format!("restart guestbook --in {value}")).await;
        assert_eq!(outcome, Outcome::failure("", &format!("Error: --in: {problem}\n")));
        assert_eq!(server.asked(), [""; 0], "{value}");
    }
    let server = Server::start(&[]).await;
    let missing = Outcome::failure("", "Error: rollouts.argoproj.io \"guestbook\" not found\n");
    assert_eq!(server.run("restart guestbook --in 10m").await, missing);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn terminate_sends_one_patch_of_the_main_object() {
    let body = r#"{"spec":{"terminate":true}}"#;
    for (words, kind, resource, text) in [
        (
            ["analysisrun", "ar", "analysisruns"],
            "AnalysisRun",
            "analysisruns",
            "analysisRun 'one' terminated\nanalysisRun 'two' terminated\n",
        ),
        (
            ["experiment", "exp", "experiments"],
            "Experiment",
            "experiments",
            "experiment 'one' retried\nexperiment 'two' retried\n",
        ),
    ] {
        let (one, two) = (patch(resource, "one"), patch(resource, "two"));
        for word in words {
            let server = Server::start(&[(&one, 200, object(kind, "one")), (&two, 200, object(kind, "two"))]).await;
            let outcome = server.run(&format!("terminate {word} one two")).await;
            assert_eq!(outcome, Outcome::success(text), "{word}");
            assert_eq!(server.asked(), [format!("{one} {body}"), format!("{two} {body}")]);
        }
        let server = Server::start(&[(&two, 200, object(kind, "two"))]).await;
        let outcome = server.run(&format!("terminate {} one two", words[0])).await;
        assert!(!outcome.success && outcome.out.is_empty(), "{outcome:?}");
        assert!(outcome.err.contains("\"one\" not found"), "{outcome:?}");
        assert_eq!(server.asked(), [format!("{one} {body}")], "the first error ends it");
    }
}

#[tokio::test]
async fn a_wrong_number_of_arguments_is_told_with_the_usage() {
    for (line, problem, usage, flags) in [
        (
            "pause",
            "ROLLOUT_NAME is missing",
            "pause ROLLOUT_NAME... [flags]",
            "pause",
        ),
        (
            "restart",
            "ROLLOUT_NAME is missing",
            "restart ROLLOUT_NAME [flags]",
            "restart",
        ),
        (
            "restart one two",
            "expected one ROLLOUT_NAME, got 2: one, two",
            "restart ROLLOUT_NAME [flags]",
            "restart",
        ),
        (
            "terminate",
            "terminate what? Use analysisrun or experiment",
            "terminate [COMMAND]",
            "terminate",
        ),
        (
            "terminate rollout one",
            "\"rollout\" is unknown: use analysisrun or experiment",
            "terminate [COMMAND]",
            "terminate",
        ),
        (
            "terminate analysisrun",
            "ANALYSISRUN_NAME is missing",
            "terminate analysisrun ANALYSISRUN_NAME... [flags]",
            "terminate analysisrun",
        ),
        (
            "terminate exp",
            "EXPERIMENT_NAME is missing",
            "terminate experiment EXPERIMENT_NAME... [flags]",
            "terminate experiment",
        ),
    ] {
        let outcome = run(&format!("serin {line}")).await;
        let text = format!("Error: {problem}\nUsage: serin {usage}\nRun 'serin {flags} --help' for its flags.\n");
        assert_eq!(outcome, Outcome::failure("", &text), "{line}");
        // Upstream shows the usage alone.
        let outcome = run(&format!("kubectl-argo-rollouts {line}")).await;
        let begin = format!("Usage:\n  kubectl-argo-rollouts {flags}");
        assert!(
            outcome.err.contains(&begin) && outcome.out.is_empty(),
            "{line}: {outcome:?}"
        );
        assert!(
            !outcome.err.contains("Error:") && !outcome.success,
            "{line}: {}",
            outcome.err
        );
    }
}
