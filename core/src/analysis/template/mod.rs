//! From templates to the spec of an AnalysisRun (contract 06 §8).
//!
//! [`gather`] follows the names, [`Gathered::run`] joins what was found with what the caller gives, [`named`] makes the
//! name of a run whose first name is taken, [`of_template`] makes the run of one template by hand, and [`is_same_work`]
//! tells whether a run that exists is the one that is wanted.

mod gather;
mod join;
mod unstructured;

pub use gather::{GatherError, Gathered, gather};
pub use join::{Caller, TemplateError};
pub use unstructured::{Naming, of_template};

use crate::api::analysis_run::AnalysisRunSpec;

/// The name of a run: the base, and after it how many runs before it had the base.
#[must_use]
pub fn named(base: &str, before: usize) -> String {
    match before {
        0 => base.to_owned(),
        before => format!("{base}.{before}"),
    }
}

/// Whether two runs measure the same: metrics, arguments, dry runs and retention. That one is to end does not count.
#[must_use]
pub fn is_same_work(one: &AnalysisRunSpec, other: &AnalysisRunSpec) -> bool {
    one.metrics == other.metrics
        && one.args == other.args
        && one.dry_run == other.dry_run
        && one.measurement_retention == other.measurement_retention
}
