//! Experiments: watch → store → decide (core) → act → record.
//!
//! Their ReplicaSets and AnalysisRuns come by the watches of those of rollouts. Their Services are read live when an
//! experiment that has any is reconciled, so that nothing but these few is kept of the Services of a cluster.

mod reconcile;
mod watch;

use crate::queue::reason::Wait;
use crate::queue::{Ended, Reason, Takes};
use crate::shell::Shell;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
pub(crate) use watch::experiments as watch;

/// Takes experiments until shutdown, once the stores are filled and this process leads. A reconcile that has begun is
/// finished.
pub(crate) async fn work(shell: Arc<Shell>, takes: Takes, ready: Vec<CancellationToken>, stop: CancellationToken) {
    for one in &ready {
        if stop.run_until_cancelled(one.cancelled()).await.is_none() {
            return;
        }
    }
    let (queue, budgets) = (&shell.experiments.queue, shell.writer.budgets());
    while let Some(item) = stop.run_until_cancelled(queue.next(takes, budgets)).await {
        let (key, began) = (&item.key, Instant::now());
        let reconcile = AssertUnwindSafe(reconcile::run(&shell, &item)).catch_unwind();
        let ended = reconcile.await.unwrap_or_else(|_| {
            tracing::error!(namespace = %key.namespace, experiment = %key.name, "a reconcile panicked: please report it");
            shell.telemetry.waits(Wait::Panicked);
            let why = Reason::Panicked;
            Ended::Failed { why, at_least: Duration::from_secs(1), wake: None }
        });
        let failed = matches!(ended, Ended::Failed { .. });
        shell.experiments.reconciles.reconciled(key, began.elapsed(), failed);
        queue.ended(key, ended);
    }
}

/// Looks at every experiment from time to time, so that a lost event only delays it.
pub(crate) async fn resync(shell: Arc<Shell>, every: Duration) {
    if every.is_zero() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(every).await;
        for (key, _) in shell.stores.experiments.all() {
            shell.experiments.queue.add(&key, Reason::Resync);
        }
    }
}
