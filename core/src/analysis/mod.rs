//! Analyses: what templates say, the AnalysisRuns that are made of them, what their metrics ask, when they are measured,
//! and what the answers mean (contract 06).

pub mod arguments;
pub mod compare;
pub mod condition;
pub mod expressions;
pub mod provider;
pub mod run;
pub mod template;
