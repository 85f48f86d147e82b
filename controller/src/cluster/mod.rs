//! The API server: the connection to it, how many calls it gets, and how a call fails.

pub(crate) mod budget;
pub(crate) mod chain;
pub(crate) mod client;
pub(crate) mod refusal;
pub(crate) mod target;
pub(crate) mod trouble;

/// Objects per page of a list: the peak of a cold start is what a memory limit sees.
pub(crate) const PAGE: u32 = 100;
