//! Arguments: what cannot be had, and what must not be seen.

use crate::support;
use crate::world::{Answer, CANARY, World, alone, answers, encoded, seconds, taken, web};
use futures::FutureExt;
use serde_json::{Value, json};
use serin_controller::Options;
use serin_sandbox::{ApiError, FaultResponse};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[tokio::test(start_paused = true)]
async fn what_cannot_be_measured_is_told_and_others_go_on() {
    let world = World::start(answers("Successful")).await;
    world
        .create("argument", json!({"metrics": [web("m", &json!({}))]}))
        .await;
    world
        .create(
            "decoding",
            json!({"metrics": [{"name": "m", "count": true, "provider": {"web": {"url": "x"}}}]}),
        )
        .await;
    let secret = |key: &str| {
        let args = json!([{"name": "path", "valueFrom": {"secretKeyRef": {"name": "keys", "key": key}}}]);
        json!({"metrics": [web("m", &json!({}))], "args": args})
    };
    world.create("no-secret", secret("token")).await;
    seconds(1).await;
    world.secret().await;
    world.create("no-key", secret("password")).await;
    seconds(1).await;
    world.api.intercept(Box::new(|request| {
        let forbidden = || ApiError::new(403, "Forbidden", "secrets \"keys\" is forbidden");
        (request.resource == "secrets").then(|| FaultResponse::Refuse(forbidden()))
    }));
    world.create("no-role", secret("token")).await;
    seconds(2).await;
    for (name, message) in [
        (
            "argument",
            "Unable to resolve metric arguments: failed to resolve {{args.path}}",
        ),
        ("decoding", "Analysis spec invalid: spec.metrics[0].count: "),
        (
            "no-secret",
            "Unable to resolve metric arguments: secrets \"keys\" not found",
        ),
        (
            "no-key",
            "Unable to resolve metric arguments: key 'password' does not exist in secret 'keys'",
        ),
        (
            "no-role",
            "Unable to resolve metric arguments: cannot read Secret 'default/keys': secrets \"keys\" is forbidden; the Role \
             argo-rollouts-analysis-secrets in this namespace would allow it",
        ),
    ] {
        let status = world.status(name).await;
        assert_eq!(status["phase"], "Error", "{name}");
        assert!(status["message"].as_str().unwrap().starts_with(message), "{status}");
        assert_eq!(
            (&status["startedAt"], &status["completedAt"]),
            (&Value::Null, &Value::Null),
            "{name}"
        );
    }
    assert!(world.asked().is_empty(), "measured all the same");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_give_a_secret_now_costs_measurements() {
    let world = World::start(answers("Successful")).await;
    world.secret().await;
    world.api.intercept(Box::new(|request| {
        let busy = || ApiError::new(503, "ServiceUnavailable", "etcd has no leader");
        (request.resource == "secrets").then(|| FaultResponse::Refuse(busy()))
    }));
    let args = json!([{"name": "path", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}]);
    world
        .create("run", json!({"metrics": [web("m", &json!({}))], "args": args}))
        .await;
    seconds(5).await;
    let status = world.status("run").await;
    assert_eq!(
        (&status["phase"], &status["metricResults"][0]["error"]),
        (&json!("Running"), &json!(1))
    );
    let message = &status["metricResults"][0]["measurements"][0]["message"];
    assert_eq!(message, "cannot read Secret 'default/keys': etcd has no leader");
    world.api.clear_intercept();
    seconds(15).await;
    assert_eq!(world.status("run").await["phase"], "Successful");
    world.stop().await;
}

/// All files of a folder, and of those in it.
fn dumped(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&dumped(&path));
        } else {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    text
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_value_of_a_secret_is_seen_by_the_provider_alone() {
    // For the whole process: what a thread without a subscriber meets first is not logged in others either.
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let dumps = tempfile::tempdir().unwrap();
    let options = alone(Options {
        dump_observed: Some(dumps.path().to_owned()),
        ..Options::default()
    });
    let answer: Box<Answer> = Box::new(move |task| {
        let url = task.metric.provider.web.as_ref().unwrap().url.clone();
        sees.lock().unwrap().push(url.clone());
        let phase = if task.question.number == 1 { "Error" } else { "Failed" };
        let json = json!({"url": url}).to_string();
        async move {
            let mut taken = taken(phase);
            taken.measurement.message = format!("cannot connect to {url}");
            taken.measurement.value = json.clone();
            taken.measurement.metadata.insert("request".into(), json);
            taken.metadata.insert("ResolvedQuery".into(), url);
            taken
        }
        .boxed()
    });
    let world = World::start_with(answer, options, serin_core::decide).await;
    world.secret().await;
    let args = json!([{"name": "path", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}]);
    world
        .create("sealed", json!({"metrics": [web("m", &json!({}))], "args": args}))
        .await;
    seconds(30).await;
    let run = serde_json::to_string(&world.runs().get("sealed").await.unwrap()).unwrap();
    let status = world.status("sealed").await;
    assert_eq!(status["phase"], "Failed");
    let hidden = "cannot connect to http://metrics.example/*****";
    assert_eq!(status["metricResults"][0]["measurements"][1]["message"], hidden);
    assert_eq!(
        status["message"],
        format!("Metric \"m\" assessed Failed due to failed (1) > failureLimit (0): \"Error Message: {hidden}\"")
    );
    assert_eq!(
        *seen.lock().unwrap(),
        vec![format!("http://metrics.example/{CANARY}"); 2]
    );
    let events = world.events().await.join("\n");
    let metrics = support::get(world.metrics, "/metrics").await;
    let logs = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logs.contains("name=sealed event_reason=\"AnalysisRunFailed\""),
        "nothing was logged"
    );
    let dumped = dumped(dumps.path());
    assert!(dumped.contains(hidden), "nothing of the answers was dumped: {dumped}");
    for (place, text) in [
        ("dumps", dumped),
        ("status", run),
        ("events", events),
        ("metrics", metrics),
        ("logs", logs),
    ] {
        for form in [CANARY, encoded(), r#"canary-\"of\""#, "canary-"] {
            assert!(!text.contains(form), "{place}: {text}");
        }
    }
    world.stop().await;
}
