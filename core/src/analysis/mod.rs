//! Analyses: what templates say, and the AnalysisRuns that are made of them (contract 06).

pub mod template;
