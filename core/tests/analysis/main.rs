//! Analyses: the tables of contract 06 §12 and 11 G, and properties of random runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod compare;
mod counters;
mod data;
mod expressions;
mod lives;
mod play;
mod runs;
mod takeover;
mod times;
mod validation;
mod weather;
