//! The shell around [`serin_core::decide()`]: watches, observes, acts, records.
//!
//! ```text
//! watch → store → observe ─→ decide (core) ─→ act → record → queue (sleeps until the wake)
//! ```
//!
//! `reconcile` is the table of contents of one look; `queue` says which rollout is next and why; `expectations` keeps
//! decisions from snapshots older than our own writes; only `act` writes.

mod act;
mod args;
mod budget;
mod client;
mod decode;
mod error;
mod events;
mod expectations;
mod expiry;
mod failures;
mod gone;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod growth;
mod health;
mod key;
mod lanes;
mod lease;
mod logs;
mod managers;
mod observe;
mod pods;
pub mod program;
mod queue;
mod reason;
mod reconcile;
mod record;
mod refusal;
mod replay;
mod replica_sets;
mod scrape;
mod series;
mod service;
mod shell;
mod standing;
mod store;
mod sync;
mod takeover;
mod target;
mod telemetry;
mod trouble;
mod watch;

pub use act::Gate;
pub use args::Options;
pub use client::{connect, connect_to, install_tls};
pub use error::{Error, chain};
pub use lease::Election;
pub use logs::{Format as LogFormat, install as install_logs};
pub use replay::{Look, replay};
pub use shell::{Bound, Clock, Controller, Decide};
pub use takeover::{takeover_report, takeover_summary};
pub use target::{Target, Unusable, default_files, found_in, read_kubeconfig};
pub use trouble::Trouble;

use kube::Client;
use tokio_util::sync::CancellationToken;

/// Runs the controller until shutdown or until an essential task ends.
///
/// # Errors
/// If a port is taken, or an essential task ended.
pub async fn run(client: Client, options: Options, shutdown: CancellationToken) -> Result<(), Error> {
    Controller::new(client, options).bind().await?.run(shutdown).await
}
