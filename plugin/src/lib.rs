//! Runs the compiled plugins of Argo Rollouts as they are (contract 07 §9 and §10).

#[allow(dead_code)]
mod types;
pub mod gob;
