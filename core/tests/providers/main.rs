//! What providers are asked, and what their answers mean (contract 08). Requests and answers are those of the contract's
//! fixtures (§14) and of each provider's published API reference, whose page stands beside them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod cloudwatch;
mod datadog;
mod job;
mod others;
mod prometheus;
mod shape;
mod talk;
mod web;
