//! Runs the compiled plugins of Argo Rollouts as they are (contract 07 §9 and §10).

pub mod gob;
