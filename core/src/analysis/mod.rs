//! Analyses: what templates say, what metrics ask, when they are measured, and what their answers mean (contract 06).

pub mod arguments;
pub mod condition;
pub mod expressions;
pub mod provider;
pub mod run;
pub mod template;
