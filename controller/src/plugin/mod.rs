//! Compiled plugins: those that the ConfigMap names, and the calls of step plugins (contract 03 §14, 07 §9).
//!
//! A worker never waits for a plugin: each call is a task, and its answer starts the next reconcile of its rollout
//! ([`steps`]). Metric plugins are asked where metrics are measured.

mod configured;
mod steps;

pub use configured::configured_plugins;
pub(crate) use steps::StepCalls;
