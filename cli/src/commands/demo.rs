//! `demo`: a canary or blue-green update rolls out before your eyes, on a cluster in this process.

use crate::local::demo::file::{self, Play};
use crate::local::demo::{Script, play};
use crate::local::manifest;
use crate::local::sandbox::Cluster;
use crate::show::coloring::Coloring;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use std::slice;
use std::time::Duration;

/// `demo`.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// File with a Rollout and its Services to play instead of the example; - reads standard input
    #[arg(long, short)]
    pub file: Option<PathBuf>,
    /// Name of the Rollout to play if the file has several
    #[arg(long, value_name = "NAME")]
    pub rollout: Option<String>,
    /// Image to update to; the default is the next tag of the image in the file
    #[arg(long)]
    pub image: Option<String>,
    /// Keep the cluster running after the play, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Colours.
    #[command(flatten)]
    pub coloring: Coloring,
}

/// The canary that the demo plays without a file.
const EXAMPLE: &str = include_str!("../../../examples/canary.yaml");
/// Slow enough to see, quick enough not to bore.
const READY_AFTER: Duration = Duration::from_millis(1_500);

/// Starts the cluster, plays the story, and ends.
pub(crate) async fn run(arguments: &Demo, console: &mut Console) -> Result<(), Failure> {
    let manifests = match &arguments.file {
        Some(path) => manifest::read(slice::from_ref(path)),
        None => manifest::parse("examples/canary.yaml", EXAMPLE),
    };
    let Play {
        rollout,
        services,
        notes,
    } = file::choose(manifests, arguments.rollout.as_deref())?;
    for note in notes {
        console.line(&note)?;
    }
    let script = Script {
        rollout,
        services,
        image: arguments.image.clone(),
        coloring: arguments.coloring.choice(),
    };
    let mut cluster = Cluster::start(0, READY_AFTER).await?;
    console.line(&format!(
        "A Kubernetes API runs at {} in this process, with Serin's controller.",
        cluster.url()
    ))?;
    let connection = cluster.connection()?;
    let played = tokio::select! {
        played = play(&connection, &script, console) => connection.name_in(played),
        failure = cluster.broken() => Err(failure),
    };
    if arguments.keep && played.is_ok() {
        console.line("The cluster stays up.")?;
        return super::sandbox::stay(cluster, console, &["kubectl get rollouts,replicasets,pods"]).await;
    }
    cluster.stop().await;
    played
}
