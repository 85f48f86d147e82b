//! The API server: the connection to it, how many calls it gets, and how a call fails.

pub(crate) mod budget;
pub(crate) mod chain;
pub(crate) mod client;
pub(crate) mod istio;
pub(crate) mod refusal;
pub(crate) mod start;
pub(crate) mod target;
pub(crate) mod trouble;

use std::time::Duration;

/// Longest wait for an answer; watches aside, kube sets none.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Objects per page of a list: the peak of a cold start is what a memory limit sees.
pub(crate) const PAGE: u32 = 100;
