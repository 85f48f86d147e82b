//! Compiled plugins: those that the ConfigMap names, and the calls of step plugins and routers (contract 03 §14, 07 §9, §10).
//!
//! A worker never waits for a plugin: each call is a task, and its answer starts the next reconcile of its rollout
//! ([`steps`], [`routers`]). Metric plugins are asked where metrics are measured.

mod configured;
mod routers;
mod steps;

pub use configured::configured_plugins;
pub(crate) use routers::RouterCalls;
pub(crate) use steps::StepCalls;
