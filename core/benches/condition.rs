//! How long a condition takes: `cargo bench -p serin-core`.
//!
//! Aim: a judgement in under 5 µs, once the condition is compiled.

#![allow(clippy::expect_used, reason = "a benchmark")]

use divan::{Bencher, black_box};
use jiff::Timestamp;
use serde_json::json;
use serin_core::analysis::condition::Conditions;
use serin_expr::Value;

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a time")
}

fn judge(bencher: Bencher<'_, '_>, condition: &str, value: &Value) {
    let mut conditions = Conditions::new(condition, "");
    let now = now();
    conditions.judge(value, now).expect("a verdict");
    bencher.bench_local(|| conditions.judge(black_box(value), now));
}

/// Two numbers of Prometheus.
#[divan::bench]
fn two_numbers(bencher: Bencher<'_, '_>) {
    let value = Value::floats([0.99, 0.05]);
    judge(bencher, "result[0] >= 0.95 && result[1] < 0.1", &value);
}

/// A number.
#[divan::bench]
fn number(bencher: Bencher<'_, '_>) {
    judge(bencher, "result >= 0.95", &Value::Float(0.99));
}

/// A closure over ten numbers.
#[divan::bench]
fn closure(bencher: Bencher<'_, '_>) {
    let value = Value::floats((0..10).map(f64::from));
    judge(bencher, "all(result, # < 100)", &value);
}

/// An answer of a web service.
#[divan::bench]
fn object(bencher: Bencher<'_, '_>) {
    let value = Value::from_json(&json!({"data": {"ok": true, "rate": "0.97"}}));
    judge(bencher, "result.data.ok && asFloat(result.data.rate) > 0.95", &value);
}

/// The same condition, parsed, checked and compiled each time.
#[divan::bench]
fn compiling(bencher: Bencher<'_, '_>) {
    let value = Value::floats([0.99, 0.05]);
    bencher.bench_local(|| {
        let mut conditions = Conditions::new(black_box("result[0] >= 0.95 && result[1] < 0.1"), "");
        conditions.judge(&value, now())
    });
}
