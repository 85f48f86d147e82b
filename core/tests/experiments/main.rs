//! Experiments (contract 05 §8, §11): each rule as a short play in a tiny cluster, and random lives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analyses;
mod cluster;
mod failures;
mod lifecycle;
mod lives;
mod services;
mod steps;
mod takeover;
mod validation;
