//! Commands from their words to the requests they send and the text they print (contract 10 §2, §3, §8, §9).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

mod support;

use serde_json::{Value, json};
use support::{Outcome, Server, run};

const GUESTBOOK: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/guestbook";
const PATCH: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/guestbook";
const PATCH_STATUS: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/guestbook/status";
const LIST: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts";

fn guestbook(spec: Value, mut status: Value) -> Value {
    status["observedGeneration"] = json!("1");
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "guestbook", "namespace": "default", "uid": "u", "generation": 1, "resourceVersion": "5"},
        "spec": spec, "status": status})
}

fn canary() -> Value {
    json!({"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}})
}

fn with_phase(phase: &str, message: &str) -> Value {
    guestbook(canary(), json!({"phase": phase, "message": message}))
}

#[tokio::test]
async fn status_once() {
    let table = [
        (with_phase("Healthy", ""), Outcome::success("Healthy\n")),
        (
            with_phase("Paused", "CanaryPauseStep"),
            Outcome::success("Paused - CanaryPauseStep\n"),
        ),
        (
            with_phase("Progressing", "more"),
            Outcome::success("Progressing - more\n"),
        ),
        (
            with_phase("Degraded", "bad"),
            Outcome::failure(
                "Degraded\n",
                "Error: The rollout is in a degraded state with message: bad\n",
            ),
        ),
    ];
    for (rollout, expected) in table {
        let server = Server::start(&[(GUESTBOOK, 200, rollout)]).await;
        assert_eq!(server.run("status guestbook --watch=false").await, expected);
    }
}

/// On standard error, beside the line that scripts read (decision 47).
#[tokio::test]
async fn status_tells_of_a_refused_write() {
    let time = "2026-03-01T12:00:00Z";
    let refused = json!({"type": "Refused", "status": "True", "reason": "Forbidden", "message": "Could not patch Pod a: no",
        "lastUpdateTime": time, "lastTransitionTime": time});
    let told = "Could not patch Pod a: no\n";
    let late = format!("{told}Error: Rollout status watch exceeded timeout\n");
    let table = [
        ("Healthy", "--watch=false", Outcome::success("Healthy\n"), told),
        ("Healthy", "--watch", Outcome::success("Healthy\n"), told),
        (
            "Progressing",
            "--watch=false",
            Outcome::success("Progressing - \n"),
            told,
        ),
        // Told once, and while the update goes on: it may wait for this write.
        (
            "Progressing",
            "--timeout 1500ms",
            Outcome::failure("Progressing\n", ""),
            &late,
        ),
    ];
    for (phase, flags, expected, err) in table {
        let mut rollout = with_phase(phase, "");
        rollout["status"]["conditions"] = json!([refused]);
        let list = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "RolloutList", "metadata": {"resourceVersion": "5"},
            "items": [rollout]});
        let server = Server::start(&[(GUESTBOOK, 200, rollout), (LIST, 200, list)]).await;
        let outcome = server.run(&format!("status guestbook {flags}")).await;
        let err = err.to_owned();
        assert_eq!(outcome, Outcome { err, ..expected }, "{phase} {flags}");
    }
}

#[tokio::test]
async fn status_watched() {
    let table = [
        (with_phase("Healthy", ""), "", Outcome::success("Healthy\n")),
        (
            with_phase("Degraded", "bad"),
            "",
            Outcome::failure(
                "Degraded - bad\n",
                "Error: The rollout is in a degraded state with message: bad\n",
            ),
        ),
        (
            with_phase("Paused", "CanaryPauseStep"),
            " --timeout 300ms",
            Outcome::failure(
                "Paused - CanaryPauseStep\n",
                "Error: Rollout status watch exceeded timeout\n",
            ),
        ),
    ];
    for (rollout, flags, expected) in table {
        let list = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "RolloutList", "metadata": {"resourceVersion": "5"},
            "items": [rollout]});
        let server = Server::start(&[(GUESTBOOK, 200, rollout), (LIST, 200, list)]).await;
        assert_eq!(server.run(&format!("status guestbook{flags}")).await, expected);
    }
}

#[tokio::test]
async fn missing_rollouts_and_workloads() {
    let server = Server::start(&[]).await;
    let lister = Outcome::failure("", "Error: rollout.argoproj.io \"guestbook\" not found\n");
    assert_eq!(server.run("get rollout guestbook").await, lister);
    assert_eq!(server.run("get rollout guestbook -w").await, lister);
    assert_eq!(server.run("status guestbook").await, lister);
    let api = Outcome::failure("", "Error: rollouts.argoproj.io \"guestbook\" not found\n");
    for command in ["promote guestbook", "abort guestbook other", "retry rollout guestbook"] {
        assert_eq!(server.run(command).await, api, "{command}");
    }
    let reference = json!({"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}});
    let server = Server::start(&[(GUESTBOOK, 200, guestbook(reference, json!({})))]).await;
    let expected = Outcome::failure("", "Error: deployment.apps \"web\" not found\n");
    assert_eq!(server.run("status guestbook").await, expected);
}

#[tokio::test]
async fn a_missing_rollout_gets_two_patches_from_abort_and_retry_and_none_from_promote() {
    for (command, patch) in [
        ("abort guestbook", r#"{"status":{"abort":true}}"#),
        ("retry ro guestbook", r#"{"status":{"abort":false}}"#),
    ] {
        let server = Server::start(&[]).await;
        server.run(command).await;
        assert_eq!(
            server.asked(),
            [format!("{PATCH_STATUS} {patch}"), format!("{PATCH} {patch}")]
        );
    }
    let server = Server::start(&[]).await;
    server.run("promote guestbook").await;
    assert_eq!(server.asked(), [GUESTBOOK]);
}

#[tokio::test]
async fn abort_and_retry_stop_at_the_first_error() {
    let seen = with_phase("Paused", "");
    let server = Server::start(&[(PATCH_STATUS, 200, seen)]).await;
    let expected = Outcome::failure(
        "rollout 'guestbook' aborted\n",
        "Error: rollouts.argoproj.io \"nope\" not found\n",
    );
    assert_eq!(server.run("abort guestbook nope guestbook").await, expected);
    assert_eq!(
        server.run("retry rollout guestbook").await,
        Outcome::success("rollout 'guestbook' retried\n")
    );
}

#[tokio::test]
async fn promote_sends_the_status_then_the_spec() {
    let mut spec = canary();
    spec["paused"] = json!(true);
    let seen = guestbook(
        spec,
        json!({"currentStepIndex": 0, "currentPodHash": "a", "stableRS": "b"}),
    );
    let answers = [
        (GUESTBOOK, 200, seen.clone()),
        (PATCH_STATUS, 200, seen.clone()),
        (PATCH, 200, seen.clone()),
    ];
    let server = Server::start(&answers).await;
    assert_eq!(
        server.run("promote guestbook").await,
        Outcome::success("rollout 'guestbook' promoted\n")
    );
    let status = r#"{"status":{"currentStepIndex":1,"pauseConditions":null}}"#;
    let expected = [
        GUESTBOOK.to_owned(),
        format!("{PATCH_STATUS} {status}"),
        format!(r#"{PATCH} {{"spec":{{"paused":false}}}}"#),
    ];
    assert_eq!(server.asked(), expected);

    let server = Server::start(&answers[..1]).await;
    server.run("promote guestbook --full").await;
    let unified = r#"{"spec":{"paused":false},"status":{"promoteFull":true}}"#;
    let status = r#"{"status":{"promoteFull":true}}"#;
    let expected = [
        GUESTBOOK.to_owned(),
        format!("{PATCH_STATUS} {status}"),
        format!("{PATCH} {unified}"),
    ];
    assert_eq!(server.asked(), expected, "a server without the status subresource");
}

#[tokio::test]
async fn deprecated_flags_warn_first() {
    let blue_green = guestbook(json!({"strategy": {"blueGreen": {"activeService": "a"}}}), json!({}));
    let seen = with_phase("Paused", "");
    let current =
        "Flag --skip-current-step has been deprecated, use without the flag instead ex: promote ROLLOUT_NAME\n";
    let all = "Flag --skip-all-steps has been deprecated, use --full instead\n";
    let server = Server::start(&[(GUESTBOOK, 200, seen.clone()), (PATCH_STATUS, 200, seen)]).await;
    let both = format!("{current}{all}Error: Cannot use skip-current-step and skip-all-steps flags at the same time\n");
    assert_eq!(server.run("promote guestbook -c -a").await, Outcome::failure("", &both));
    let outcome = server.run("promote guestbook -a --full").await;
    let expected = Outcome {
        out: "rollout 'guestbook' fully promoted\n".into(),
        err: all.into(),
        success: true,
    };
    assert_eq!(outcome, expected);
    assert_eq!(
        server.asked().last().unwrap(),
        &format!(r#"{PATCH_STATUS} {{"status":{{"currentStepIndex":2}}}}"#)
    );
    let server = Server::start(&[(GUESTBOOK, 200, blue_green)]).await;
    let refused = format!("{current}Error: Cannot skip steps of a bluegreen rollout. Run without a flags\n");
    assert_eq!(server.run("promote guestbook -c").await, Outcome::failure("", &refused));
}

#[tokio::test]
async fn get_draws_what_the_rollout_owns() {
    let list =
        |kind: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "5"}, "items": []});
    let server = Server::start(&[
        (GUESTBOOK, 200, with_phase("Healthy", "")),
        (
            "GET /apis/apps/v1/namespaces/default/replicasets",
            200,
            list("ReplicaSetList"),
        ),
        ("GET /api/v1/namespaces/default/pods", 200, list("PodList")),
    ])
    .await;
    let outcome = server.run("get rollout guestbook --no-color").await;
    assert!(outcome.success, "{outcome:?}");
    assert!(
        outcome
            .out
            .starts_with("Name:            guestbook\nNamespace:       default\nStatus:          ✔ Healthy\n")
    );
    assert!(
        outcome
            .out
            .ends_with("\n⟳ guestbook  Rollout  ✔ Healthy  <unknown>  \n"),
        "{}",
        outcome.out
    );
    let watched = server
        .run("get rollout guestbook --no-color -w --timeout-seconds 1")
        .await;
    assert!(watched.success);
    // Into a pipe a picture is written once, and the screen is not cleared.
    assert_eq!(watched.out, outcome.out);
    let colored = server.run("get rollout guestbook").await;
    assert_eq!(colored, outcome, "no colours into a pipe");
    let colored = server.run("get rollout guestbook --color always").await;
    assert!(colored.out.contains("\x1b[32m✔\x1b[0m Healthy"), "{}", colored.out);
    let both = server.run("get rollout guestbook --color always --no-color").await;
    assert_eq!(both, outcome);
}

#[tokio::test]
async fn versions() {
    let short = run("kubectl-argo-rollouts version --short").await;
    assert!(short.success);
    assert_eq!(short.out.lines().count(), 1);
    assert!(short.out.starts_with("kubectl-argo-rollouts: v"), "{}", short.out);
    let long = run("serin version surplus words").await;
    let labels: Vec<_> = long
        .out
        .lines()
        .skip(1)
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        labels,
        [
            "  BuildDate",
            "  GitCommit",
            "  GitTreeState",
            "  GoVersion",
            "  Compiler",
            "  Platform"
        ]
    );
}

#[tokio::test]
async fn errors_exit_with_1() {
    let unknown = run("kubectl-argo-rollouts nope").await;
    let text = "Error: unknown command \"nope\" for \"kubectl-argo-rollouts\"\nRun 'kubectl-argo-rollouts --help' for usage.\n";
    assert_eq!(unknown, Outcome::failure("", text));
    let config = run("serin status x --kubeconfig /does/not/exist").await;
    assert!(!config.success && config.out.is_empty(), "{config:?}");
    assert!(
        config.err.starts_with("Error: ") && config.err.lines().count() == 1,
        "{config:?}"
    );
    assert!(config.err.contains("/does/not/exist"), "{config:?}");
    let usage = run("serin promote").await;
    let text = "Error: ROLLOUT_NAME is missing\nUsage: serin promote ROLLOUT_NAME [flags]\n\
                Run 'serin promote --help' for its flags.\n";
    assert_eq!(usage, Outcome::failure("", text));
    // As upstream: the usage alone.
    let usage = run("kubectl-argo-rollouts promote").await;
    assert!(
        !usage.success
            && usage
                .err
                .contains("Usage:\n  kubectl-argo-rollouts promote ROLLOUT_NAME"),
        "{usage:?}"
    );
    assert!(!usage.err.contains("Error:"), "{usage:?}");
    let unauthorized = Server::start(&[(GUESTBOOK, 401, json!({"kind": "Status", "code": 401, "message": "x"}))]).await;
    assert_eq!(
        unauthorized.run("status guestbook").await,
        Outcome::failure("", "Error: Unauthorized\n")
    );
}

/// The same commands against the sandbox, over HTTP and through a kubeconfig.
#[tokio::test]
async fn commands_against_the_sandbox() {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::Api;
    use kube::api::{ApiResource, DynamicObject, PostParams};
    use serin_core::api::Rollout;

    let api = serin_sandbox::ApiServer::new();
    let served = api.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let kubeconfig = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands.kubeconfig");
    std::fs::write(&kubeconfig, served.kubeconfig()).unwrap();
    let client = api.client();
    let definition = serde_saphyr::from_str::<Value>(include_str!("../../crds/rollouts.yaml")).unwrap();
    let definition: CustomResourceDefinition = serde_json::from_value(definition).unwrap();
    Api::all(client.clone())
        .create(&PostParams::default(), &definition)
        .await
        .unwrap();
    let example = serde_saphyr::from_str::<Value>(include_str!("../../examples/canary.yaml")).unwrap();
    let rollouts: Api<Rollout> = Api::namespaced(client.clone(), "default");
    let example: DynamicObject = serde_json::from_value(example).unwrap();
    let any: Api<DynamicObject> = Api::namespaced_with(client, "default", &ApiResource::erase::<Rollout>(&()));
    any.create(&PostParams::default(), &example).await.unwrap();
    let go = async |line: &str| run(&format!("serin {line} --kubeconfig {}", kubeconfig.display())).await;

    let outcome = go("get rollout canary-demo --no-color").await;
    assert!(outcome.success, "{outcome:?}");
    assert!(
        outcome
            .out
            .contains("\nMessage:         more replicas need to be updated\n"),
        "{}",
        outcome.out
    );
    assert!(
        outcome.out.contains("\n⟳ canary-demo  Rollout  ◌ Progressing  "),
        "{}",
        outcome.out
    );
    let waiting = "Progressing - more replicas need to be updated\n";
    assert_eq!(go("status canary-demo --watch=false").await, Outcome::success(waiting));
    let timeout = Outcome::failure(waiting, "Error: Rollout status watch exceeded timeout\n");
    assert_eq!(go("status canary-demo --timeout 300ms").await, timeout);
    assert_eq!(
        go("abort canary-demo").await,
        Outcome::success("rollout 'canary-demo' aborted\n")
    );
    assert!(rollouts.get("canary-demo").await.unwrap().status.abort);
    assert_eq!(
        go("retry rollout canary-demo").await,
        Outcome::success("rollout 'canary-demo' retried\n")
    );
    assert!(!rollouts.get("canary-demo").await.unwrap().status.abort);
    assert_eq!(
        go("promote canary-demo").await,
        Outcome::success("rollout 'canary-demo' promoted\n")
    );
    assert_eq!(
        rollouts.get("canary-demo").await.unwrap().status.current_step_index,
        Some(1)
    );
    let missing = Outcome::failure("", "Error: rollouts.argoproj.io \"nope\" not found\n");
    assert_eq!(go("promote nope").await, missing);
    assert_eq!(go("abort nope").await, missing);
    assert_eq!(
        go("status nope").await,
        Outcome::failure("", "Error: rollout.argoproj.io \"nope\" not found\n")
    );
    served.stop().await;
}
