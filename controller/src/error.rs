//! Why the controller ends.

use crate::cluster::client::ConnectError;

/// Why the controller could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken or not allowed.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// Port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The metrics or health server failed.
    #[error("a server failed: {0}")]
    Serve(#[source] std::io::Error),
    /// Metrics could not be set up, which is a defect of Serin.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// An essential task ended, which is a defect of Serin. The process exits, so that the kubelet restarts it.
    #[error("the essential task {0} ended")]
    TaskEnded(&'static str),
    /// The lease was not renewed in time, or another process took it. The process exits, so that the kubelet restarts it.
    #[error("the lease is lost: this process no longer leads")]
    LeaseLost,
    /// The periods of the election contradict each other.
    #[error("leader election: {0}")]
    Periods(&'static str),
    /// The API server cannot be reached, or refuses.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// `--controllers` names something else than `analysis` (contract 09 §1).
    #[error("unsupported controller: {0}")]
    UnsupportedController(String),
    /// The ConfigMap of the plugins cannot be read (contract 07 §9).
    #[error("cannot read ConfigMap {name}: {cause}")]
    ConfigMap {
        /// Namespace and name.
        name: String,
        /// Why, and what to do.
        cause: String,
    },
    /// The ConfigMap of the plugins makes no sense (contract 07 §9).
    #[error(transparent)]
    Plugins(#[from] serin_plugin::ConfigurationError),
    /// The file of a plugin is not the one that is pinned (contract 07 §11, "Plugins").
    #[error(transparent)]
    Plugin(#[from] serin_plugin::Error),
}
