//! What makes pods come and go: controllers for the sandbox, and a fake kubelet for the sandbox and for a real API server.
//!
//! Everything here is an ordinary client of the API. All waiting goes through `tokio::time`, and the time in what is written
//! comes from [`Clock`], so that paused time makes a whole life instant.

mod clock;
pub mod deployment;
mod events;
pub mod job;
pub mod kubelet;
pub mod replica_set;
mod seen;

pub use clock::Clock;

/// Why a part of the workload simulation stopped. Failed requests are retried and logged, they end nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused something without which there is nothing to do.
    #[error("{doing}: {source}")]
    Kube {
        /// What was being done.
        doing: &'static str,
        /// The API server's answer.
        source: kube::Error,
    },
    /// A watch ended although watches restart for ever.
    #[error("the watch on {0} ended")]
    WatchEnded(&'static str),
}
