//! AnalysisRuns from their creation to their end, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod jobs;
mod runs;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod world;
