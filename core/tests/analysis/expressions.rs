//! Conditions as providers ask for them (contract 06 §10, the second table of §12).

use crate::play::begin;
use serde_json::json;
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::Expressions;
use serin_core::api::analysis_template::Metric;
use serin_expr::Value;

#[test]
fn outcomes() {
    for (success, failure, outcome) in [
        ("", "", Ok("Successful")),
        ("result > 1", "", Ok("Successful")),
        ("result > 9", "", Ok("Failed")),
        ("", "result > 1", Ok("Failed")),
        ("", "result > 9", Ok("Successful")),
        ("result > 1", "result > 1", Ok("Failed")),
        ("result > 1", "result > 9", Ok("Successful")),
        ("result > 9", "result > 9", Ok("Inconclusive")),
        (
            "result",
            "",
            Err("could not evaluate successCondition \"result\": expected bool, but got float64"),
        ),
    ] {
        let metric: Metric =
            serde_json::from_value(json!({"successCondition": success, "failureCondition": failure})).unwrap();
        let judged = Compiling.judge(&metric, &Value::Float(2.0), begin());
        assert_eq!(
            judged,
            outcome.map(str::to_owned).map_err(str::to_owned),
            "{success} {failure}"
        );
    }
}

#[test]
fn times() {
    let five_minutes_ago = begin().checked_sub(jiff::SignedDuration::from_mins(5)).unwrap();
    assert_eq!(
        Compiling.time("now() - duration(\"5m\")", begin()),
        Ok(five_minutes_ago)
    );
    assert_eq!(
        Compiling.time("1", begin()),
        Err("expected time.Time, but got int".to_owned())
    );
}
