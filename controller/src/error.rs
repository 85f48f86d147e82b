//! Why the controller ends, and how errors are told.

use crate::cluster::target::{Target, Unusable};
use crate::cluster::trouble::Trouble;
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
    /// No usable configuration of a cluster.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The API server cannot be reached, or refuses.
    #[error("{}", target.explain(trouble))]
    Api {
        /// What happened.
        trouble: Trouble,
        /// Which server.
        target: Box<Target>,
    },
    /// `--server` is no address.
    #[error("--server {0:?} is not a URL")]
    Server(String),
    /// `--controllers` names something else than `analysis` (contract 09 §1).
    #[error("unsupported controller: {0}")]
    UnsupportedController(String),
}

impl Error {
    /// What a request to this server came to.
    #[must_use]
    pub fn api(error: &kube::Error, target: &Target) -> Self {
        Self::Api {
            trouble: Trouble::from(error),
            target: Box::new(target.clone()),
        }
    }
}

/// An error and its causes on one line; a cause that the text before already contains is left out.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = say(error);
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = say(inner);
        if !text.contains(&said) {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {said}");
        }
        cause = inner.source();
    }
    text.replace('\n', " ")
}

/// The text of one error. Where kube prints a whole answer as a Rust value, only what the API server says is kept.
fn say(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if !status.message.is_empty() => status.message.clone(),
        Some(kube::Error::Api(status)) => format!("the API server answered {} {}", status.code, status.reason),
        _ => error.to_string(),
    }
}
