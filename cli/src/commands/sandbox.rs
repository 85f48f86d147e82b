//! `sandbox`: a cluster in this process that runs until it is interrupted.

use crate::local::sandbox::Cluster;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// `sandbox`.
#[derive(Args, Debug)]
pub(crate) struct Sandbox {
    /// Port on loopback; 0 chooses a free port
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}

/// As slow as test suites for rollouts expect a cluster to be.
const READY_AFTER: Duration = Duration::from_secs(2);

/// Serves, says how to reach it, and waits.
pub(crate) async fn run(arguments: &Sandbox, console: &mut Console) -> Result<(), Failure> {
    let cluster = Cluster::start(arguments.port, READY_AFTER).await?;
    console.line(&format!(
        "A Kubernetes API runs at {}, with Serin's controller.",
        cluster.url()
    ))?;
    let watch = format!("{} get rollout canary-demo --watch", console.program().words());
    let hints = ["kubectl apply -f examples/canary.yaml", &watch];
    stay(cluster, console, &hints).await
}

/// Says how to reach the cluster and what to do with it, and keeps it until somebody interrupts or it breaks.
pub(crate) async fn stay(mut cluster: Cluster, console: &mut Console, hints: &[&str]) -> Result<(), Failure> {
    let path = write_kubeconfig(&cluster)?;
    let told = tell(console, &path, hints);
    let ended = match told {
        Ok(()) => tokio::select! {
            interrupted = interrupted() => {
                interrupted.map_err(|error| Failure::message(format!("waiting for Ctrl-C: {error}")))
            }
            failure = cluster.broken() => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    let removed = std::fs::remove_file(&path)
        .map_err(|error| Failure::message(format!("{}: cannot be removed: {error}", path.display())));
    cluster.stop().await;
    ended.and(removed)
}

/// Ctrl-C, or what scripts and service managers send.
#[cfg(unix)]
async fn interrupted() -> std::io::Result<()> {
    let mut asked = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = asked.recv() => Ok(()),
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
async fn interrupted() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// This file allows everything in the cluster: nobody else can read it, and nobody can have put a file or a link
/// in its place before.
fn write_kubeconfig(cluster: &Cluster) -> Result<PathBuf, Failure> {
    let path = std::env::temp_dir().join(format!("serin-sandbox-{}.kubeconfig", Uuid::new_v4().simple()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&path)
        .and_then(|mut file| file.write_all(cluster.kubeconfig().as_bytes()))
        .map_err(|error| Failure::message(format!("{}: cannot be written: {error}", path.display())))?;
    Ok(path)
}

fn tell(console: &mut Console, path: &std::path::Path, hints: &[&str]) -> Result<(), Failure> {
    console.line("In another terminal:")?;
    console.line(&format!("  export KUBECONFIG={}", path.display()))?;
    for hint in hints {
        console.line(&format!("  {hint}"))?;
    }
    console.line("Press Ctrl-C to stop it. Everything in it is lost then.")
}
