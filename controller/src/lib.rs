//! The shell around [`serin_core::decide()`]: watches, observes, acts, records.
//!
//! ```text
//! watch → store → observe ─→ decide (core) ─→ act → record → queue (sleeps until the wake)
//! ```
//!
//! `reconcile` is the table of contents of one reconcile; `queue` says which rollout is next and why; `store::expectations` keeps
//! decisions from snapshots older than our own writes; only `act` writes.

mod act;
mod analysis;
mod args;
pub mod aws;
mod clock;
mod cluster;
mod controller;
mod error;
mod events;
mod experiment;
pub mod fetch;
#[cfg(any(test, feature = "bench"))]
pub mod growth;
mod lease;
mod offline;
mod plugin;
pub mod program;
mod queue;
mod reconcile;
mod shell;
mod store;
mod sync;
mod telemetry;
mod watch;

pub use act::{Gate, Turn};
pub use analysis::{Alone, Compiled, Fetched, JobsAt, OfRun, Provider, Taken, Task};
pub use args::Options;
pub use clock::Clock;
pub use cluster::chain::chain;
pub use cluster::client::{ConnectError, connect, install_tls};
pub use cluster::istio::{IstioCluster, Unlisted, istio_cluster};
pub use cluster::target::{Target, Unusable, default_files, found_in, read_kubeconfig};
pub use cluster::trouble::Trouble;
pub use controller::{Bound, Controller};
pub use error::Error;
pub use lease::Election;
pub use offline::leave::leave_report;
pub use offline::takeover::takeover_report;
pub use plugin::configured_plugins;
pub use shell::Decide;
pub use telemetry::logs::Format as LogFormat;

use kube::Client;
use tokio_util::sync::CancellationToken;

/// Runs the controller until shutdown or until an essential task ends.
///
/// # Errors
/// If a port is taken, or an essential task ended.
pub async fn run(client: Client, options: Options, shutdown: CancellationToken) -> Result<(), Error> {
    Controller::new(client, options).bind().await?.run(shutdown).await
}
