//! Analyses: what metrics ask, when they are measured, and what their answers mean (contract 06).

pub mod condition;
