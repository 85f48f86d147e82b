//! The expressions of a run: each is compiled once, and goes with the run.

use crate::sync::lock;
use jiff::Timestamp;
use serin_core::analysis::condition::{Conditions, Formula, Moment, Value};
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::Expressions;
use serin_core::api::analysis_template::Metric;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What was compiled of a run, by text. It has no `Debug`, and holds no value of a Secret.
#[derive(Default)]
pub struct Compiled {
    conditions: Kept<(String, String), Mutex<Conditions>>,
    formulas: Kept<String, Mutex<Formula>>,
    moments: Kept<String, Moment>,
}

type Kept<K, V> = Mutex<HashMap<K, Arc<V>>>;

impl Compiled {
    /// The expressions as providers use them. One that contains a value of a Secret is compiled anew each time, so that the
    /// value is not kept.
    pub(super) fn without<'c>(&'c self, hidden: &'c [String]) -> Keeping<'c> {
        Keeping { compiled: self, hidden }
    }
}

/// Expressions that are kept, unless they contain what must not be.
pub(super) struct Keeping<'c> {
    compiled: &'c Compiled,
    hidden: &'c [String],
}

impl Keeping<'_> {
    fn may_keep(&self, text: &str) -> bool {
        !self.hidden.iter().any(|value| text.contains(value.as_str()))
    }
}

impl Expressions for Keeping<'_> {
    fn judge(&self, metric: &Metric, result: &Value, now: Timestamp) -> Result<String, String> {
        let (success, failure) = (&metric.success_condition, &metric.failure_condition);
        if !self.may_keep(success) || !self.may_keep(failure) {
            return Compiling.judge(metric, result, now);
        }
        let make = || Mutex::new(Conditions::new(success, failure));
        let kept = kept(&self.compiled.conditions, (success.clone(), failure.clone()), make);
        let verdict = lock(&kept).judge(result, now);
        verdict.map(|verdict| verdict.phase().to_owned())
    }

    fn number(&self, field: &str, text: &str, result: &Value, now: Timestamp) -> Result<f64, String> {
        if !self.may_keep(text) {
            return Compiling.number(field, text, result, now);
        }
        let kept = kept(&self.compiled.formulas, text.to_owned(), || {
            Mutex::new(Formula::new(text))
        });
        lock(&kept).number(field, text, result, now)
    }

    fn time(&self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        if !self.may_keep(text) {
            return Compiling.time(text, now);
        }
        kept(&self.compiled.moments, text.to_owned(), || Moment::new(text)).at(now)
    }
}

/// What is kept under a key, made if it is not there.
fn kept<K: Eq + std::hash::Hash, V>(all: &Kept<K, V>, key: K, make: impl FnOnce() -> V) -> Arc<V> {
    Arc::clone(lock(all).entry(key).or_insert_with(|| Arc::new(make())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_expression_is_kept_once_and_never_with_a_secret() {
        let compiled = Compiled::default();
        let hidden = ["s3cret".to_owned()];
        let expressions = compiled.without(&hidden);
        let metric = |condition: &str| Metric {
            success_condition: condition.to_owned(),
            ..Metric::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        for value in [Value::Float(2.0), Value::floats([2.0]), Value::Float(0.5)] {
            let judged = |text: &str| expressions.judge(&metric(text), &value, now);
            assert_eq!(
                judged("result > 1"),
                Compiling.judge(&metric("result > 1"), &value, now)
            );
            assert_eq!(judged("\"s3cret\" != \"\"").unwrap(), "Successful");
        }
        assert_eq!(
            expressions.number("samples", "result * 2", &Value::Float(2.0), now),
            Ok(4.0)
        );
        assert_eq!(expressions.time("now()", now), Ok(now));
        assert!(expressions.time("now(\"s3cret\")", now).is_err());
        let texts: Vec<_> = lock(&compiled.conditions)
            .keys()
            .map(|(text, _)| text.clone())
            .collect();
        assert_eq!(texts, ["result > 1"]);
        assert_eq!((lock(&compiled.formulas).len(), lock(&compiled.moments).len()), (1, 1));
    }
}
