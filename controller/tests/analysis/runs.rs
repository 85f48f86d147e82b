//! How runs are measured, and how they end.

use crate::support;
use crate::world::{World, answers, seconds, spec, taken, web};
use futures::FutureExt;
use jiff::Timestamp;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use serin_controller::Options;
use serin_core::wire::analysis::Phase;
use serin_core::{Observed, Plan};
use serin_sandbox::{ApiError, FaultResponse};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[tokio::test(start_paused = true)]
async fn runs_end_as_they_were_measured() {
    for (answered, phase, message, events) in [
        (
            "Successful",
            "Successful",
            Value::Null,
            ["Normal MetricSuccessful", "Normal AnalysisRunSuccessful"],
        ),
        (
            "Failed",
            "Failed",
            json!(r#"Metric "m" assessed Failed due to failed (1) > failureLimit (0)"#),
            ["Warning MetricFailed", "Warning AnalysisRunFailed"],
        ),
        (
            "Inconclusive",
            "Inconclusive",
            json!(r#"Metric "m" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)"#),
            ["Normal MetricInconclusive", "Normal AnalysisRunInconclusive"],
        ),
        (
            "Error",
            "Error",
            json!(r#"Metric "m" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0)"#),
            ["Warning MetricError", "Warning AnalysisRunError"],
        ),
    ] {
        let world = World::start(answers(answered)).await;
        world
            .create("run", spec(&json!([web("m", &json!({"consecutiveErrorLimit": 0}))])))
            .await;
        seconds(2).await;
        let status = world.status("run").await;
        assert_eq!((&status["phase"], &status["message"]), (&json!(phase), &message));
        assert_eq!(
            status["metricResults"][0]["count"].as_i64().unwrap_or(0),
            i64::from(answered != "Error")
        );
        assert!(status["completedAt"].is_string() && status["startedAt"].is_string());
        let told = world.events().await;
        assert_eq!(told.len(), 2, "{told:?}");
        for (event, begin) in told.iter().zip(events) {
            assert!(event.starts_with(&format!("AnalysisRun {begin} ")), "{event}");
        }
        // One write, and then rest.
        assert_eq!((world.writes(), world.asked()), (1, vec!["run m 1".to_owned()]));
        seconds(600).await;
        assert_eq!(world.writes(), 1);
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_measures_until_it_is_asked_to_end() {
    let world = World::start(answers("Successful")).await;
    let metrics = json!([
        web("a", &json!({"interval": "10s"})),
        web("b", &json!({"interval": "10s"}))
    ]);
    world.create("run", spec(&metrics)).await;
    seconds(125).await;
    let status = world.status("run").await;
    assert_eq!(status["phase"], "Running");
    assert_eq!(status["metricResults"][0]["count"], 13);
    assert_eq!(status["metricResults"][0]["measurements"].as_array().unwrap().len(), 10);
    // Both metrics of one moment are one write.
    assert_eq!(world.writes(), 13);
    assert_eq!(world.fake.collected.lock().unwrap().len(), 6);
    world.terminate("run").await;
    seconds(1).await;
    let status = world.status("run").await;
    assert_eq!(
        (&status["phase"], &status["message"]),
        (&json!("Successful"), &json!("Run Terminated"))
    );
    assert_eq!(world.asked().len(), 26);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_holds_only_its_metric() {
    let world = World::start(Box::new(|task| match task.question.metric.as_str() {
        "hangs" => std::future::pending().boxed(),
        "panics" => async { panic!("the provider's own fault") }.boxed(),
        _ => async { taken("Failed") }.boxed(),
    }))
    .await;
    let metrics = json!([
        web("hangs", &json!({})),
        web("panics", &json!({})),
        web("m", &json!({"interval": "10s", "failureLimit": 2}))
    ]);
    world.create("run", spec(&metrics)).await;
    seconds(12).await;
    let status = world.status("run").await;
    let result = |name: &str| {
        let results = status["metricResults"].as_array().unwrap().iter();
        results
            .clone()
            .find(|result| result["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!((&result("m")["failed"], &result("hangs")), (&json!(2), &Value::Null));
    let message = result("panics")["measurements"][0]["message"].clone();
    assert_eq!(message, "the provider panicked: please report it");
    seconds(12).await;
    assert_eq!(world.status("run").await["phase"], "Failed");
    // Nothing is left of it, and other runs are served.
    world.create("other", spec(&json!([web("m", &json!({}))]))).await;
    seconds(2).await;
    assert_eq!(world.status("other").await["phase"], "Failed");
    assert!(
        support::get(world.metrics, "/metrics")
            .await
            .contains("serin_entries{of=\"measured_runs\"} 0")
    );
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_made_anew_has_nothing_of_the_old_one() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let world = World::start(Box::new(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) > 0 {
            return async { taken("Successful") }.boxed();
        }
        async {
            seconds(20).await;
            taken("Failed")
        }
        .boxed()
    }))
    .await;
    world.create("run", spec(&json!([web("m", &json!({}))]))).await;
    seconds(5).await;
    world.runs().delete("run", &DeleteParams::default()).await.unwrap();
    world.create("run", spec(&json!([web("m", &json!({}))]))).await;
    seconds(30).await;
    let status = world.status("run").await;
    assert_eq!(
        (&status["phase"], &status["metricResults"][0]["failed"]),
        (&json!("Successful"), &Value::Null)
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_costs_no_measurement_and_counts_none_twice() {
    let world = World::start(answers("Successful")).await;
    let refusals = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refusals);
    world.api.intercept(Box::new(move |request| {
        let write = request.verb == "patch" && request.resource == "analysisruns";
        let codes = [(500, "InternalError"), (409, "Conflict"), (429, "TooManyRequests")];
        let (code, reason) = *codes.get(count.load(Ordering::SeqCst)).filter(|_| write)?;
        count.fetch_add(1, Ordering::SeqCst);
        Some(FaultResponse::Refuse(ApiError::new(code, reason, "not now")))
    }));
    world
        .create("run", spec(&json!([web("m", &json!({"count": 2, "interval": "30s"}))])))
        .await;
    seconds(60).await;
    let status = world.status("run").await;
    assert_eq!(
        (&status["phase"], &status["metricResults"][0]["count"]),
        (&json!("Successful"), &json!(2))
    );
    assert_eq!((world.asked().len(), refusals.load(Ordering::SeqCst)), (2, 3));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_is_deleted_when_its_time_is_over() {
    let world = World::start(answers("Successful")).await;
    let mut spec = spec(&json!([web("m", &json!({}))]));
    spec["ttlStrategy"] = json!({"secondsAfterSuccess": 30});
    world.create("run", spec).await;
    seconds(29).await;
    assert!(world.runs().get_opt("run").await.unwrap().is_some());
    seconds(4).await;
    assert!(world.runs().get_opt("run").await.unwrap().is_none());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn metrics_of_runs() {
    let world = World::start(answers("Successful")).await;
    let mut spec = spec(&json!([
        web("webmetric", &json!({"interval": "10s"})),
        web("dry", &json!({}))
    ]));
    spec["dryRun"] = json!([{"metricName": "dry"}]);
    world.create("run", spec).await;
    seconds(3).await;
    let text = support::get(world.metrics, "/metrics").await;
    for line in [
        r#"analysis_run_info{name="run",namespace="default",phase="Running"} 1"#,
        r#"analysis_run_phase{name="run",namespace="default",phase="Running"} 1"#,
        r#"analysis_run_phase{name="run",namespace="default",phase="Pending"} 0"#,
        r#"analysis_run_metric_type{metric="webmetric",name="run",namespace="default",type="Web"} 1"#,
        r#"analysis_run_metric_phase{dry_run="false",metric="webmetric",name="run",namespace="default",phase="Running",type="Web"} 1"#,
        r#"analysis_run_metric_phase{dry_run="true",metric="dry",name="run",namespace="default",phase="Successful",type="Web"} 1"#,
        r#"analysis_run_metric_phase{dry_run="true",metric="dry",name="run",namespace="default",phase="Error",type="Web"} 0"#,
        r#"analysis_run_reconcile_bucket{name="run",namespace="default",le="+Inf"}"#,
        r#"workqueue_depth{name="AnalysisRuns"} 0"#,
        r#"workqueue_depth{name="Rollouts"} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        !text.contains("rollout_events_total"),
        "events of runs do not count there"
    );
    world.runs().delete("run", &DeleteParams::default()).await.unwrap();
    seconds(3).await;
    assert!(
        support::get(world.metrics, "/metrics")
            .await
            .contains("analysis_run_reconcile_count")
    );
    seconds(70).await;
    let text = support::get(world.metrics, "/metrics").await;
    assert!(!text.contains("name=\"run\""), "{text}");
    world.stop().await;
}

/// Verdicts that the last decision about the rollout saw.
static SEEN: Mutex<Vec<Phase>> = Mutex::new(Vec::new());

fn watcher(seen: &Observed, _: Timestamp) -> Plan {
    *SEEN.lock().unwrap() = seen.analysis_runs.iter().map(|run| run.phase).collect();
    Plan::default()
}

/// What the controller wrote is in its store before the watch tells of it: that is no reason not to look.
#[tokio::test(start_paused = true)]
async fn a_rollout_is_looked_at_when_its_run_ends() {
    let world = World::start_with(answers("Successful"), Options::default(), watcher).await;
    let rollout = support::web(1, &json!({"canary": {}}));
    support::create(&world.client, &rollout).await;
    let uid = support::rollouts(&world.client).get("web").await.unwrap().metadata.uid;
    seconds(120).await;
    let owner = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": uid, "controller": true}]);
    let metric = web("m", &json!({"count": 2, "interval": "30s"}));
    world.create_owned("web-1", &owner, spec(&json!([metric]))).await;
    seconds(20).await;
    assert_eq!(*SEEN.lock().unwrap(), [Phase::Running]);
    seconds(20).await;
    assert_eq!(world.status("web-1").await["phase"], "Successful");
    assert_eq!(*SEEN.lock().unwrap(), [Phase::Successful]);
    world.stop().await;
}

/// Runs as Argo Rollouts leaves them: one in flight is gone on with, one that has ended is left alone.
#[tokio::test(start_paused = true)]
async fn runs_of_another_controller_are_taken_over() {
    let world = World::start(answers("Successful")).await;
    let spec = spec(&json!([web("m", &json!({"interval": "30s", "failureLimit": 3}))]));
    let measurement =
        json!({"phase": "Failed", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"});
    let in_flight = json!({"phase": "Running", "startedAt": "2026-01-01T00:00:00Z", "metricResults": [{"name": "m",
        "phase": "Running", "count": 20, "successful": 18, "failed": 2, "error": 1, "measurements": [measurement]}]});
    let ended = json!({"phase": "Failed", "message": "as it was", "completedAt": "2026-01-01T00:00:02Z"});
    for (name, status) in [("in-flight", in_flight), ("ended", ended.clone())] {
        let run = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": name},
            "spec": spec, "status": status});
        let run = serde_json::from_value(run).unwrap();
        world.runs().create(&PostParams::default(), &run).await.unwrap();
    }
    seconds(20).await;
    assert_eq!(world.asked(), ["run m 22"]);
    let result = world.status("in-flight").await["metricResults"][0].clone();
    let counters = ["count", "successful", "failed", "error"].map(|counter| result[counter].as_i64().unwrap());
    assert_eq!(counters, [21, 19, 2, 1]);
    assert_eq!(result["measurements"].as_array().unwrap().len(), 2);
    assert_eq!(world.status("ended").await, ended);
    assert_eq!(world.writes(), 1);
    assert!(world.events().await.is_empty());
}
