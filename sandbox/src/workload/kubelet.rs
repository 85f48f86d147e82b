//! A fake kubelet (and scheduler): binds pods to one fake node and writes the status a real kubelet would.
//!
//! It is slow on purpose: see [`KubeletOptions::cluster`]. It honours readiness gates (but never sets their conditions),
//! a readiness probe's `initialDelaySeconds`, `sleep N` in postStart and preStop, images that cannot be pulled and commands that
//! cannot start. Of pods that run to an end (Jobs) it interprets a few commands, or runs all of them as processes of this machine
//! ([`JobCommands`]). It does not probe, mount, log or exec, and knows no init containers, resource limits or liveness.
//!
//! One watch on all pods; each look at a pod yields at most one step (`step::Step`) and the time of the next look. A pod has
//! at most one request under way, and every patch carries the uid and the resourceVersion it was computed from: somebody else's
//! write to the status is never lost, ours is computed again.

mod container;
mod node;
mod options;
mod process;
mod requests;
mod script;
mod status;
mod step;
mod tracker;

pub use options::{JobCommands, KubeletOptions, NodeObject};
pub use status::address;

use super::{Clock, Error};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracker::{News, Tracker};

/// Runs the fake kubelet until `shutdown`. Requests that fail are tried again; processes it started end with it.
///
/// # Errors
/// [`Error::Kube`] when the node cannot be registered, [`Error::WatchEnded`] if the watch on pods ends.
pub async fn run(client: Client, options: KubeletOptions, shutdown: CancellationToken) -> Result<(), Error> {
    let clock = Clock::new();
    if options.node == NodeObject::Register {
        node::register(&client, &options.node_name, clock).await?;
    }
    let heartbeat = node::heartbeat(&client, &options, clock);
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = heartbeat => ended,
        ended = pods(&client, &options, clock) => ended,
    }
}

/// The loop: watch events, finished requests and processes, and the clock.
async fn pods(client: &Client, options: &KubeletOptions, clock: Clock) -> Result<(), Error> {
    let (news, mut inbox) = mpsc::unbounded_channel();
    let mut tracker = Tracker::new(client.clone(), options.clone(), clock, news);
    let pods = Api::<Pod>::all(client.clone());
    let mut events = watch(pods, watcher::Config::default())
        .modify(|pod| pod.metadata.managed_fields = None)
        .default_backoff()
        .boxed();
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => on_event(&mut tracker, event),
                Some(Err(error)) => tracing::debug!(%error, "the watch on pods restarts"),
                None => return Err(Error::WatchEnded("pods")),
            },
            Some(news) = inbox.recv() => tracker.on_news(news),
            () = tracker.sleep() => tracker.on_time(),
        }
    }
}

fn on_event(tracker: &mut Tracker, event: Event<Pod>) {
    match event {
        Event::Init => tracker.begin_list(),
        Event::InitApply(pod) | Event::Apply(pod) => tracker.on_news(News::Seen(Box::new(pod))),
        Event::InitDone => tracker.end_list(),
        Event::Delete(pod) => tracker.on_deleted(&pod),
    }
}
