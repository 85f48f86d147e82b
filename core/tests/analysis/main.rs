//! Analyses: the tables of contract 06 §12 and 11 G.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
