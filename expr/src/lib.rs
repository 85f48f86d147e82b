//! The expression language of analysis conditions: what expr-lang/expr v1.17 for Go makes of `successCondition`,
//! `failureCondition` and the times of a range query (contract 06 §10).
//!
//! The crate is pure: no clock, no environment, no files. It knows nothing of analyses; `serin_core::analysis::condition`
//! gives it the functions and the result that a condition sees.

pub mod value;

pub use value::{MetricDataResult, Value};
