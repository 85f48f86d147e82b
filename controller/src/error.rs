//! Why the controller ends, and how errors are told.

use std::fmt::Write;

/// Why the controller could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken or not allowed: choose another.
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
    /// Metrics could not be set up: a defect of ours.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A task that must run for ever ended: a defect of ours; the process ends so that it is started anew.
    #[error("the essential task {0} ended")]
    TaskEnded(&'static str),
    /// The lease was not renewed in time, or another process took it: whoever goes on must be started anew.
    #[error("the lease is lost: this process no longer leads")]
    LeaseLost,
    /// The periods of the election contradict each other.
    #[error("leader election: {0}")]
    Periods(&'static str),
    /// The kubeconfig cannot be used.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Neither a kubeconfig nor a service account was found.
    #[error("no cluster to connect to: {0}")]
    NoCluster(#[from] kube::config::InferConfigError),
    /// An address, token or certificate cannot be used.
    #[error("client: {0}")]
    Client(#[from] kube::Error),
    /// `--server` is no address.
    #[error("--server {0:?} is not a URL")]
    Server(String),
    /// `--controllers` names something else than `analysis` (contract 09 §1).
    #[error("unsupported controller: {0}")]
    UnsupportedController(String),
}

/// An error and its causes on one line; a cause that the text before already contains is left out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {said}");
        }
        cause = inner.source();
    }
    text.replace('\n', " ")
}
