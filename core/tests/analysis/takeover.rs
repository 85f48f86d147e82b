//! Runs as Argo Rollouts leaves them, in the forms of contract 01 §5 and 06: Serin goes on where they stand, and writes what
//! Argo Rollouts can read, so that the way back is the same.

use crate::play::merge;
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::analysis::run::{Observed, Plan, Step, decide};
use serin_core::api::AnalysisRun;
use serin_core::plan::WakeReason;

/// The fields of a status that Argo Rollouts knows (contract 01 §5).
const KNOWN: [&[&str]; 4] = [
    &[
        "phase",
        "message",
        "metricResults",
        "startedAt",
        "runSummary",
        "dryRunSummary",
        "completedAt",
    ],
    &[
        "name",
        "phase",
        "measurements",
        "message",
        "count",
        "successful",
        "failed",
        "inconclusive",
        "error",
        "consecutiveError",
        "consecutiveSuccess",
        "dryRun",
        "metadata",
    ],
    &[
        "phase",
        "message",
        "startedAt",
        "finishedAt",
        "value",
        "metadata",
        "resumeAt",
    ],
    &["count", "successful", "failed", "inconclusive", "error"],
];

/// A run of a metric that is measured every half minute, and of a Job.
fn run(status: &Value) -> AnalysisRun {
    let web = json!({"name": "rate", "interval": "30s", "failureLimit": 3, "provider": {"web": {"url": "http://x"}}});
    let job = json!({"name": "job", "provider": {"job": {"spec": {}}}});
    let run = json!({
        "metadata": {"name": "shop-5f-2", "namespace": "prod", "uid": "u-1", "resourceVersion": "7"},
        "spec": {"metrics": [web, job]},
        "status": status,
    });
    serde_json::from_value(run).unwrap()
}

/// The tenth of the measurements that are kept ended at 10:00:20; the Job is looked at again at 10:00:45.
fn in_flight() -> Value {
    let measurement = |minute: i64, second: &str| {
        json!({"phase": "Successful", "value": "1", "startedAt": format!("2026-03-02T09:{minute}:{second}Z"),
            "finishedAt": format!("2026-03-02T09:{minute}:{second}Z")})
    };
    let mut kept: Vec<Value> = (50..59).map(|minute| measurement(minute, "20")).collect();
    kept.push(
        json!({"phase": "Failed", "value": "0", "startedAt": "2026-03-02T10:00:20Z",
        "finishedAt": "2026-03-02T10:00:20Z"}),
    );
    json!({
        "phase": "Running",
        "startedAt": "2026-03-02T09:40:00Z",
        "runSummary": {"count": 2},
        "dryRunSummary": {},
        "metricResults": [
            {"name": "rate", "phase": "Running", "count": 20, "successful": 18, "failed": 2, "error": 1, "measurements": kept},
            {"name": "job", "phase": "Running", "measurements": [{"phase": "Running", "startedAt": "2026-03-02T10:00:30Z",
                "resumeAt": "2026-03-02T10:00:45Z", "metadata": {"job-name": "u-1.job.1", "job-namespace": "prod"}}]},
        ],
    })
}

fn plan(status: &Value, now: &str) -> Plan {
    let seen = Observed {
        run: run(status),
        ..Observed::default()
    };
    decide(&seen, now.parse().unwrap())
}

#[test]
fn a_run_in_flight_waits_for_its_next_measurement() {
    let plan = plan(&in_flight(), "2026-03-02T10:00:40Z");
    assert!(plan.is_empty(), "{plan:?}");
    let wake = plan.wake.unwrap();
    let at: Timestamp = "2026-03-02T10:00:45Z".parse().unwrap();
    assert_eq!((wake.at, wake.why), (at, WakeReason::MeasurementResumed));
}

#[test]
fn a_job_that_runs_is_looked_at_and_not_started_again() {
    let plan = plan(&in_flight(), "2026-03-02T10:00:46Z");
    let [question] = plan.questions.as_slice() else {
        panic!("{plan:?}");
    };
    assert_eq!(question.metric, "job");
    let Step::Resume(of) = &question.step else {
        panic!("{question:?}");
    };
    assert_eq!(of.metadata["job-name"], "u-1.job.1");
    let wake = plan.wake.unwrap();
    let due: Timestamp = "2026-03-02T10:00:50Z".parse().unwrap();
    assert!(wake.why == WakeReason::MeasurementDue && wake.at > due && wake.at.duration_since(due).as_secs() == 0);
}

/// Counters go on where they were, also those of measurements that are no longer kept.
#[test]
fn the_next_measurement_has_the_next_number_and_counts() {
    use serin_core::analysis::run::Answer;
    use serin_core::api::analysis_run::Measurement;
    let now: Timestamp = "2026-03-02T10:00:51Z".parse().unwrap();
    let mut seen = Observed {
        run: run(&in_flight()),
        ..Observed::default()
    };
    let asked = decide(&seen, now).questions;
    let rate = asked.iter().find(|question| question.metric == "rate").unwrap();
    assert_eq!((rate.number, &rate.step), (22, &Step::Run));
    seen.answers = vec![Answer {
        question: rate.clone(),
        at: now,
        measurement: Measurement {
            phase: "Failed".into(),
            ..Measurement::default()
        },
        ..Answer::default()
    }];
    let plan = decide(&seen, now.checked_add(jiff::SignedDuration::from_secs(2)).unwrap());
    let patch = plan.status.expect("it counts").patch;
    let mut after = serde_json::to_value(&seen.run).unwrap();
    merge(&mut after, &patch);
    let result = &after["status"]["metricResults"][0];
    assert_eq!(
        (
            &result["count"],
            &result["failed"],
            &result["successful"],
            &result["error"]
        ),
        (&json!(21), &json!(3), &json!(18), &json!(1))
    );
    let kept = result["measurements"].as_array().unwrap();
    assert_eq!(
        (kept.len(), &kept[0]["startedAt"]),
        (10, &json!("2026-03-02T09:51:20Z"))
    );
    only_known(&after["status"]);
}

/// Nothing in a status that Argo Rollouts does not know: its CRD would prune it, and its controller not read it.
fn only_known(status: &Value) {
    fn check(object: &Value, known: &[&str]) {
        for field in object.as_object().into_iter().flatten().map(|(field, _)| field) {
            assert!(known.contains(&field.as_str()), "{field}");
        }
    }
    check(status, KNOWN[0]);
    for summary in ["runSummary", "dryRunSummary"] {
        check(&status[summary], KNOWN[3]);
    }
    for result in status["metricResults"].as_array().into_iter().flatten() {
        check(result, KNOWN[1]);
        for measurement in result["measurements"].as_array().into_iter().flatten() {
            check(measurement, KNOWN[2]);
        }
    }
}

#[test]
fn a_run_that_has_ended_stays() {
    for status in [
        json!({"phase": "Successful", "startedAt": "2026-03-02T09:00:00Z", "completedAt": "2026-03-02T09:10:00Z",
            "runSummary": {"count": 2, "successful": 2}, "dryRunSummary": {},
            "metricResults": [{"name": "rate", "phase": "Successful"}, {"name": "job", "phase": "Successful"}]}),
        json!({"phase": "Failed", "message": "Metric \"rate\" assessed Failed due to failed (4) > failureLimit (3)",
            "completedAt": "2026-03-02T09:10:00Z", "metricResults": [{"name": "rate", "phase": "Failed"}]}),
        // An early error has no times (contract 06 §1).
        json!({"phase": "Error", "message": "Analysis spec invalid: no metrics specified"}),
    ] {
        let plan = plan(&status, "2026-03-03T10:00:00Z");
        assert!(plan.is_empty() && plan.wake.is_none(), "{plan:?}");
    }
}

/// Before v1.0 a status had neither summaries nor counters of successes in a row.
#[test]
fn an_older_status_is_gone_on_with() {
    let old = json!({"phase": "Running", "startedAt": "2026-03-02T09:40:00Z", "metricResults": [
        {"name": "rate", "phase": "Running", "count": 1, "successful": 1, "measurements": [
            {"phase": "Successful", "startedAt": "2026-03-02T10:00:20Z", "finishedAt": "2026-03-02T10:00:20Z"}]},
        {"name": "job", "phase": "Successful", "count": 1, "successful": 1, "measurements": [
            {"phase": "Successful", "startedAt": "2026-03-02T09:40:00Z", "finishedAt": "2026-03-02T09:41:00Z"}]}]});
    let plan = plan(&old, "2026-03-02T10:00:40Z");
    assert!(plan.questions.is_empty() && plan.events.is_empty(), "{plan:?}");
    let patch = plan.status.expect("the summaries").patch;
    assert_eq!(
        patch,
        json!({"status": {"runSummary": {"count": 2, "successful": 1}, "dryRunSummary": {}}})
    );
}
