//! What counters and limits make of a metric (contract 06 §5 and the first table of §12).

use crate::play::Play;
use serde_json::{Value, json};

/// Fields of a metric, its measurements, and the phase and message of the run.
type Row = (Value, &'static str, &'static str, String);

fn check(rows: &[Row]) {
    for (fields, letters, phase, message) in rows {
        let play = Play::metric(fields.clone(), letters);
        assert_eq!(
            (play.phase(), play.message()),
            (*phase, message.as_str()),
            "{fields} {letters}"
        );
        assert_eq!(play.result("m").phase, *phase, "{fields} {letters}");
    }
}

#[test]
fn phase_by_counters() {
    let failed = r#"Metric "m" assessed Failed due to "#;
    let rows: &[Row] = &[
        (json!({"count": 1}), "S", "Successful", String::new()),
        (json!({}), "S", "Successful", String::new()),
        (json!({"count": 3, "interval": "20s"}), "SS", "Running", String::new()),
        (
            json!({"count": 3, "interval": "20s"}),
            "F",
            "Failed",
            format!("{failed}failed (1) > failureLimit (0)"),
        ),
        (
            json!({"count": 3, "interval": "20s", "failureLimit": 1}),
            "FSS",
            "Successful",
            String::new(),
        ),
        (
            json!({"count": 3, "interval": "20s", "failureLimit": "1"}),
            "FF",
            "Failed",
            format!("{failed}failed (2) > failureLimit (1)"),
        ),
        (
            json!({"interval": "20s", "failureLimit": -1, "consecutiveSuccessLimit": 3}),
            "FFSSS",
            "Successful",
            String::new(),
        ),
        (
            json!({"count": 5, "interval": "20s", "failureLimit": -1, "consecutiveSuccessLimit": 3}),
            "SSFSS",
            "Failed",
            String::new(),
        ),
        (
            json!({"count": 5, "interval": "20s", "failureLimit": 2, "consecutiveSuccessLimit": 3}),
            "SFSFS",
            "Inconclusive",
            String::new(),
        ),
    ];
    check(rows);
}

#[test]
fn phase_by_errors_and_other_counters() {
    let rows: &[Row] = &[
        (
            json!({"count": 3, "interval": "20s", "inconclusiveLimit": 0}),
            "I",
            "Inconclusive",
            r#"Metric "m" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)"#.into(),
        ),
        (
            json!({"count": 1, "consecutiveErrorLimit": 4}),
            "EEEE",
            "Running",
            String::new(),
        ),
        (
            json!({"count": 1}),
            "EEEEE",
            "Error",
            concat!(
                r#"Metric "m" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4)"#,
                r#": "Error Message: no route""#
            )
            .into(),
        ),
        (
            json!({"count": 1, "consecutiveErrorLimit": 0}),
            "E",
            "Error",
            concat!(
                r#"Metric "m" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0)"#,
                r#": "Error Message: no route""#
            )
            .into(),
        ),
        (json!({"count": 1}), "EES", "Successful", String::new()),
        (json!({"interval": "20s"}), "SSSSSSSSSSSS", "Running", String::new()),
        // 11 G7: as many as 1, and an error does not count.
        (
            json!({"count": -1, "interval": "20s"}),
            "ES",
            "Successful",
            String::new(),
        ),
        (json!({"count": -1, "interval": "20s"}), "E", "Running", String::new()),
        // What is no number is 0, which is no end.
        (
            json!({"count": "many", "interval": "20s"}),
            "SSS",
            "Running",
            String::new(),
        ),
    ];
    check(rows);
}

#[test]
fn counters_after_errors() {
    let play = Play::metric(json!({"count": 1}), "EES");
    let result = play.result("m");
    assert_eq!((result.count, result.error, result.consecutive_error), (1, 2, 0));
    assert_eq!((result.successful, result.consecutive_success), (1, 1));
    assert_eq!(play.asked, ["run m 1", "run m 2", "run m 3"]);
    let play = Play::metric(
        json!({"interval": "1m", "failureLimit": 5, "inconclusiveLimit": 5}),
        "SSEFISS",
    );
    let result = play.result("m");
    assert_eq!((result.count, result.successful, result.failed), (6, 4, 1));
    assert_eq!((result.inconclusive, result.error), (1, 1));
    assert_eq!((result.consecutive_error, result.consecutive_success), (0, 2));
}

#[test]
fn of_several_limits_an_error_counts_most() {
    let limits = json!({"count": 9, "interval": "20s", "failureLimit": 9, "consecutiveErrorLimit": 0});
    let mut play = Play::metric(limits, "FF");
    play.seen.run.spec.metrics[0].failure_limit = Some(serin_core::api::IntOrString::Int(1));
    play.seen.run.status.metric_results[0].consecutive_error = 1;
    play.seen.run.status.metric_results[0].inconclusive = 1;
    play.look();
    assert_eq!(play.phase(), "Error");
    assert_eq!(
        play.message(),
        r#"Metric "m" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0)"#
    );
}

#[test]
fn of_several_metrics_the_worst_counts() {
    let metric =
        |name: &str| json!({"name": name, "count": 1, "consecutiveErrorLimit": 0, "provider": {"web": {"url": "x"}}});
    for (letters, phase, named) in [
        ("SS", "Successful", None),
        ("IS", "Inconclusive", Some("a")),
        ("IE", "Error", Some("b")),
        ("EF", "Failed", Some("b")),
        ("FE", "Failed", Some("a")),
        ("FF", "Failed", Some("a")),
    ] {
        let (a, b) = letters.split_at(1);
        let mut play = Play::of(json!({"metrics": [metric("a"), metric("b")]}), &[("a", a), ("b", b)]);
        play.look();
        assert_eq!(play.phase(), phase, "{letters}");
        let named = named.map(|name| format!("Metric \"{name}\" assessed {phase} due to "));
        assert!(
            play.message().starts_with(named.as_deref().unwrap_or_default()),
            "{}",
            play.message()
        );
        assert_eq!(play.seen.run.status.run_summary.count, 2);
    }
}

#[test]
fn summaries() {
    let metrics = json!([
        {"name": "good", "provider": {"web": {"url": "x"}}},
        {"name": "bad", "provider": {"web": {"url": "x"}}},
        {"name": "dry-bad", "provider": {"web": {"url": "x"}}},
        {"name": "dry-good", "provider": {"web": {"url": "x"}}},
    ]);
    let spec = json!({"metrics": metrics, "dryRun": [{"metricName": "^dry"}]});
    let mut play = Play::of(spec, &[("bad", "I"), ("dry-bad", "F")]);
    play.look();
    let status = &play.seen.run.status;
    assert_eq!(status.phase, "Inconclusive");
    let summary = serde_json::to_value(&status.run_summary).unwrap();
    assert_eq!(summary, json!({"count": 2, "successful": 1, "inconclusive": 1}));
    let dry = serde_json::to_value(&status.dry_run_summary).unwrap();
    assert_eq!(dry, json!({"count": 2, "successful": 1, "failed": 1}));
    assert!(play.result("dry-bad").dry_run);
    assert_eq!(
        play.result("dry-bad").message,
        "Metric assessed Failed due to failed (1) > failureLimit (0)"
    );
    // A metric that ends by its count, and not by a limit, counts as successful (a quirk of contract 06 §5).
    let quirk = Play::metric(
        json!({"count": 1, "failureLimit": 0, "consecutiveSuccessLimit": 1, "inconclusiveLimit": 1}),
        "I",
    );
    assert_eq!(quirk.phase(), "Inconclusive");
    let summary = serde_json::to_value(&quirk.seen.run.status.run_summary).unwrap();
    assert_eq!(summary, json!({"count": 1, "successful": 1}));
    assert_eq!(
        serde_json::to_value(&quirk.seen.run.status.dry_run_summary).unwrap(),
        json!({})
    );
}

#[test]
fn a_run_of_dry_metrics_only_is_successful() {
    let spec = json!({"metrics": [{"name": "m", "provider": {"web": {"url": "x"}}}], "dryRun": [{"metricName": ".*"}]});
    let mut play = Play::of(spec, &[("m", "F")]);
    play.look();
    assert_eq!((play.phase(), play.message()), ("Successful", ""));
    assert_eq!(play.result("m").phase, "Failed");
    assert_eq!(
        play.events,
        [
            "Warning MetricFailed Metric 'm' Completed. Result: Failed",
            "Normal AnalysisRunSuccessful Analysis Completed. Result: Successful"
        ]
    );
}
