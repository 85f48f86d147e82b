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
mod failures;
mod gone;
mod health;
mod lease;
mod logs;
mod observe;
mod pods;
pub mod program;
mod queue;
mod reconcile;
mod record;
mod refusal;
mod replay;
mod scrape;
mod series;
mod service;
mod shell;
mod standing;
mod store;
mod sync;
mod takeover;
mod telemetry;
mod watch;

pub use act::Gate;
pub use args::Options;
pub use client::{connect, install_tls};
pub use error::{Error, chain};
pub use lease::Election;
pub use logs::install as install_logs;
pub use replay::{Look, replay};
pub use shell::{Bound, Clock, Controller, Decide};
pub use takeover::{takeover_report, takeover_summary};

use kube::Client;
use tokio_util::sync::CancellationToken;

/// Runs the controller until shutdown or until an essential task ends.
///
/// # Errors
/// If a port is taken, or an essential task ended.
pub async fn run(client: Client, options: Options, shutdown: CancellationToken) -> Result<(), Error> {
    Controller::new(client, options).bind().await?.run(shutdown).await
}
