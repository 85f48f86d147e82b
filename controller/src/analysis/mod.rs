//! AnalysisRuns: watch → store → decide (core) → measure → record.
//!
//! A worker never waits for a provider: it puts the questions of a plan, and what is answered starts the next reconcile
//! ([`desk`]). Secrets are read when something is measured, and are known to that measurement only ([`secrets`]).

mod alone;
mod compiled;
mod desk;
mod engine;
mod fetched;
mod jobs;
mod measure;
mod measuring;
mod plugged;
mod reconcile;
mod secrets;
mod series;
mod watch;

pub use alone::Alone;
pub use compiled::Compiled;
pub(crate) use engine::Engine;
pub use fetched::Fetched;
pub use measure::{JobsAt, OfRun, Provider, Taken, Task};
