//! AnalysisRuns: what is measured next, and what the measurements amount to (contract 06 §1–7).
//!
//! [`decide()`] is given a run, what is being measured, and what was answered ([`Observed`]). It asks for measurements
//! ([`Question`]) and says what to write. An answer counts once, however often it is seen: it names the measurement that it
//! answers, and one that the status already has, or no longer waits for, is passed over. So the shell keeps each answer
//! until the status has it, and a crash costs a measurement, never a wrong count.

mod assess;
mod decide;
mod fold;
mod limits;
mod observed;
mod plan;
mod retention;
mod rules;
mod schedule;
mod status;
mod time;
mod validate;

pub use decide::decide;
pub(crate) use limits::number;
pub use observed::{Answer, Asked, Observed, Question, SeenJob, Step};
pub use plan::{Collect, Plan};
pub use rules::{RuleError, dry_run, retention};
pub use validate::{MetricError, additions, validate};
