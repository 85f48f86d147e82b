//! What is wrong with the metrics and rules of a run (contract 06 §2 and §6).

use crate::play::Play;
use serde_json::{Value, json};
use serin_core::analysis::run::{dry_run, retention, validate};
use serin_core::api::analysis_template::Metric;

fn metrics(metrics: Value) -> Vec<Metric> {
    serde_json::from_value(metrics).unwrap()
}

/// Checks a metric with these fields: what is wrong with it.
fn check(rows: &[(Value, Option<&str>)]) {
    for (fields, error) in rows {
        let mut metric = json!({"name": "m", "provider": {"web": {"url": "http://x"}}});
        for (name, value) in fields.as_object().unwrap() {
            metric[name] = value.clone();
        }
        let found = validate(&metrics(json!([metric]))).err().map(|error| error.to_string());
        assert_eq!(found, error.map(|error| format!("metrics[0]: {error}")), "{fields}");
    }
}

#[test]
fn errors_of_limits() {
    check(&[
        (json!({}), None),
        (
            json!({"consecutiveSuccessLimit": -1}),
            Some("consecutiveSuccessLimit must be >= 0"),
        ),
        (
            json!({"failureLimit": -2}),
            Some("failureLimit must be >= 0, or -1 to be disabled"),
        ),
        (
            json!({"failureLimit": -1}),
            Some("failureLimit and consecutiveSuccessLimit cannot both be disabled"),
        ),
        (json!({"failureLimit": -1, "consecutiveSuccessLimit": 1}), None),
        (json!({"inconclusiveLimit": -1}), Some("inconclusiveLimit must be >= 0")),
        (
            json!({"consecutiveErrorLimit": -1}),
            Some("consecutiveErrorLimit must be >= 0"),
        ),
        (
            json!({"count": 1, "failureLimit": 2}),
            Some("count (1) must be >= failureLimit + consecutiveSuccessLimit (2 + 0) if both >= 0"),
        ),
        (
            json!({"count": 2, "interval": "1m", "failureLimit": 1, "consecutiveSuccessLimit": 2}),
            Some("count (2) must be >= failureLimit + consecutiveSuccessLimit (1 + 2) if both >= 0"),
        ),
        (
            json!({"count": 2147483647, "interval": "1m", "failureLimit": 2147483647, "consecutiveSuccessLimit": 2147483647}),
            Some(
                "count (2147483647) must be >= failureLimit + consecutiveSuccessLimit (2147483647 + 2147483647) if both >= 0",
            ),
        ),
        (
            json!({"count": 2, "interval": "1m", "failureLimit": -1, "consecutiveSuccessLimit": 3}),
            Some("count must be >= consecutiveSuccessLimit"),
        ),
        (
            json!({"count": 1, "inconclusiveLimit": 2}),
            Some("count must be >= inconclusiveLimit"),
        ),
    ]);
}

#[test]
fn errors_of_times_and_providers() {
    check(&[
        (json!({"count": 2}), Some("interval must be specified when count > 1")),
        (json!({"count": "2"}), Some("interval must be specified when count > 1")),
        (json!({"count": "two"}), None),
        (json!({"count": -2}), None),
        (
            json!({"interval": "1d"}),
            Some(r#"invalid interval string: time: unknown unit "d" in duration "1d""#),
        ),
        (
            json!({"initialDelay": "soon"}),
            Some(r#"invalid startDelay string: time: invalid duration "soon""#),
        ),
        (json!({"provider": {}}), Some("no provider specified")),
        (json!({"provider": {"plugin": {}}}), Some("no provider specified")),
        (json!({"provider": {"plugin": {"a/b": {}}}}), None),
        (
            json!({"provider": {"plugin": {"a/b": {}, "a/c": {}}}}),
            Some("multiple providers specified"),
        ),
        (
            json!({"provider": {"web": {"url": "x"}, "prometheus": {}}}),
            Some("multiple providers specified"),
        ),
        // Ours: what comes from a Secret is not known where it is judged (11 G7).
        (
            json!({"count": "temp-for-secret", "interval": "1m"}),
            Some("count must not come from a Secret"),
        ),
    ]);
}

#[test]
fn errors_of_all_metrics() {
    let one = json!({"name": "a", "provider": {"web": {"url": "x"}}});
    let bad = json!({"name": "b"});
    for (all, error) in [
        (json!([]), "no metrics specified"),
        (json!([one, one]), "metrics[1]: duplicate name 'a'"),
        (json!([one, bad, one]), "metrics[1]: no provider specified"),
    ] {
        assert_eq!(validate(&metrics(all)).unwrap_err().to_string(), error);
    }
}

#[test]
fn rules_name_metrics_by_expressions() {
    let all = metrics(json!([{"name": "error-rate"}, {"name": "latency-p99"}, {"name": "latency"}]));
    for (pattern, names) in [
        ("latency", &["latency", "latency-p99"][..]),
        ("^latency$", &["latency"]),
        (".*", &["error-rate", "latency", "latency-p99"]),
        ("p[0-9]+", &["latency-p99"]),
        ("(?i)ERROR", &["error-rate"]),
        ("", &["error-rate", "latency", "latency-p99"]),
        ("*", &[]),
        ("(", &[]),
        ("LATENCY", &[]),
    ] {
        let rules: Vec<_> = serde_json::from_value(json!([{"metricName": pattern}])).unwrap();
        match dry_run(&rules, &all) {
            Ok(found) => assert_eq!(found.into_iter().collect::<Vec<_>>(), names, "{pattern}"),
            Err(error) => {
                assert!(names.is_empty(), "{pattern}");
                assert_eq!(error.to_string(), "dryRun[0]: Rule didn't match any metric name(s)");
            }
        }
    }
    let rules: Vec<_> =
        serde_json::from_value(json!([{"metricName": "latency", "limit": 2}, {"metricName": "p99", "limit": 5}]))
            .unwrap();
    let limits = retention(&rules, &all).unwrap();
    assert_eq!((limits["latency"], limits["latency-p99"], limits.len()), (2, 5, 2));
    let rules: Vec<_> =
        serde_json::from_value(json!([{"metricName": "latency", "limit": 2}, {"metricName": "x", "limit": 5}]))
            .unwrap();
    assert_eq!(
        retention(&rules, &all).unwrap_err().to_string(),
        "measurementRetention[1]: Rule didn't match any metric name(s)"
    );
}

#[test]
fn a_run_that_cannot_be_measured_ends_in_error_without_times() {
    let web = json!({"web": {"url": "http://{{args.host}}"}});
    let secret = json!([{"name": "host", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
    for (spec, message) in [
        (
            json!({"metrics": [{"name": "m", "provider": web}]}),
            "Unable to resolve metric arguments: failed to resolve {{args.host}}",
        ),
        (
            json!({"metrics": [{"name": "m", "provider": web}], "args": [{"name": "host"}]}),
            r#"Unable to resolve metric arguments: argument "host" was not supplied"#,
        ),
        (
            json!({"metrics": [{"name": "m", "interval": "{{args.host}}s", "provider": web}], "args": secret}),
            r#"Analysis spec invalid: metrics[0]: invalid interval string: time: invalid duration "temp-for-secrets""#,
        ),
        (
            json!({"metrics": [{"name": "m", "count": "{{args.host}}", "interval": "1m", "provider": web}], "args": secret}),
            "Analysis spec invalid: metrics[0]: count must not come from a Secret",
        ),
        (json!({"metrics": []}), "Analysis spec invalid: no metrics specified"),
        (
            json!({"metrics": [{"name": "m", "provider": {"web": {"url": "x"}}}], "dryRun": [{"metricName": "x"}]}),
            "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)",
        ),
    ] {
        let mut play = Play::of(spec, &[]);
        play.look();
        assert_eq!((play.phase(), play.message()), ("Error", message));
        assert!(play.asked.is_empty(), "measured all the same");
        let status = &play.seen.run.status;
        assert_eq!((&status.started_at, &status.completed_at), (&None, &None));
        assert_eq!(
            play.events,
            ["Warning AnalysisRunError Analysis Completed. Result: Error"]
        );
        assert_eq!(play.last.wake, None);
    }
}

#[test]
fn a_missing_secret_ends_the_run_even_if_no_metric_is_due() {
    let spec = json!({"metrics": [{"name": "m", "initialDelay": "1h", "provider": {"web": {"url": "x"}}}]});
    let mut play = Play::of(spec, &[]);
    play.seen.unresolved = Some("key 'k' does not exist in secret 's'".into());
    play.look();
    assert_eq!(play.phase(), "Error");
    assert_eq!(
        play.message(),
        "Unable to resolve metric arguments: key 'k' does not exist in secret 's'"
    );
    assert!(play.asked.is_empty() && play.seen.run.status.completed_at.is_none());
}

#[test]
fn what_does_not_decode_is_not_measured() {
    let mut play = Play::of(
        json!({"metrics": [{"name": "m", "provider": {"web": {"url": "x"}}}]}),
        &[],
    );
    play.seen.undecodable = Some("spec.metrics[0].count: invalid type".into());
    play.look();
    assert_eq!(
        (play.phase(), play.message()),
        ("Error", "Analysis spec invalid: spec.metrics[0].count: invalid type")
    );
    assert!(play.asked.is_empty());
}
