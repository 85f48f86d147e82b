//! `sandbox`: a cluster in this process that stays until it is interrupted.

use crate::args::Sandbox;
use crate::cluster::Cluster;
use crate::console::Console;
use crate::failure::Failure;
use std::time::Duration;

/// As slow as the test suites of this field expect a cluster to be.
const READY_AFTER: Duration = Duration::from_secs(2);

/// Serves, says how to reach it, and waits.
pub(crate) async fn run(arguments: &Sandbox, console: &mut Console) -> Result<(), Failure> {
    let mut cluster = Cluster::start(arguments.port, READY_AFTER).await?;
    let path = std::env::temp_dir().join(format!("serin-sandbox-{}.kubeconfig", std::process::id()));
    std::fs::write(&path, cluster.kubeconfig())
        .map_err(|error| Failure::message(format!("{}: cannot be written: {error}", path.display())))?;
    console.line(&format!(
        "A Kubernetes API runs at {}, with the controller of Serin.",
        cluster.url()
    ))?;
    console.line("In another terminal:")?;
    console.line(&format!("  export KUBECONFIG={}", path.display()))?;
    console.line("  kubectl create --validate=false -f examples/canary.yaml")?;
    console.line("  serin get rollout canary-demo --watch")?;
    console.line("Ctrl-C ends it, and everything in it.")?;
    let ended = tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Failure::message(format!("waiting for Ctrl-C: {error}")))
        }
        failure = cluster.broken() => Err(failure),
    };
    let removed = std::fs::remove_file(&path)
        .map_err(|error| Failure::message(format!("{}: cannot be removed: {error}", path.display())));
    cluster.stop().await;
    ended.and(removed)
}
