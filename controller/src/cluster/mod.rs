//! The API server: the connection to it, how many calls it gets, and how a call fails.

pub(crate) mod budget;
pub(crate) mod chain;
pub(crate) mod client;
pub(crate) mod refusal;
pub(crate) mod target;
pub(crate) mod trouble;
