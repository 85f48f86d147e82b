//! The expression language of analysis conditions: what expr-lang/expr v1.17 for Go makes of `successCondition`,
//! `failureCondition` and the times of a range query (contract 06 §10).
//!
//! An expression is parsed once ([`Expression::parse`]), checked and compiled for the types of an environment
//! ([`Expression::compile`]), and run on its values ([`Program::run`]). Every step has limits: none panics, and none runs on
//! for long. Errors are the texts of the library, without the lines that show where in the source.
//!
//! The crate is pure: no clock, no environment, no files. It knows nothing of analyses; `serin_core::analysis::condition`
//! gives it the functions and the result that a condition sees.

mod budget;
mod builtin;
mod check;
mod compile;
mod environment;
pub mod go;
mod optimise;
mod program;
mod run;
mod syntax;
pub mod value;

pub use environment::Environment;
pub use program::{Expression, Program};
pub use value::{MetricDataResult, Value};
