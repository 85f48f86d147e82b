//! The expressions of metrics as providers ask for them: parsed and compiled where they stand.

use crate::analysis::condition::{self, Conditions};
use crate::analysis::provider::Expressions;
use crate::api::analysis_template::Metric;
use jiff::Timestamp;
use serin_expr::Value;

/// Compiles each expression when it is asked for, and keeps nothing of it: a condition may hold the value of a Secret.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compiling;

impl Expressions for Compiling {
    fn judge(&self, metric: &Metric, result: &Value, now: Timestamp) -> Result<String, String> {
        let mut conditions = Conditions::new(&metric.success_condition, &metric.failure_condition);
        conditions.judge(result, now).map(|verdict| verdict.phase().to_owned())
    }

    fn time(&self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        condition::time(text, now)
    }
}
