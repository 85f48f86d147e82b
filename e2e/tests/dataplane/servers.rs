//! A small HTTP server for each pod, which answers with the hash of its pod template.
//!
//! It answers before the pod is ready, as behind a readiness probe, and for five seconds after the pod's deletion, as a
//! program with a preStop hook does. Then its port is closed.

use crate::journal::Journal;
use anyhow::{Context, Result};
use bytes::Bytes;
use futures::{StreamExt, pin_mut};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, ResourceExt};
use serin_core::wire;
use serin_sandbox::workload::kubelet;
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long a pod answers after its deletion.
const ANSWERS_FOR: Duration = Duration::from_secs(5);
/// Where it listens.
pub(crate) const PORT: u16 = 8080;

struct Server {
    dying: bool,
    stop: CancellationToken,
}

/// Runs them until it is aborted.
pub(crate) async fn run(client: Client, journal: Journal) -> Result<()> {
    let events = watch(Api::<Pod>::all(client), watcher::Config::default()).default_backoff();
    pin_mut!(events);
    let mut servers: HashMap<String, Server> = HashMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::InitApply(pod) | Event::Apply(pod)) => {
                let uid = pod.uid().unwrap_or_default();
                if !servers.contains_key(&uid) {
                    let stop = start(&pod, &uid, &journal).await?;
                    servers.insert(uid.clone(), Server { dying: false, stop });
                }
                if pod.metadata.deletion_timestamp.is_some() {
                    end(&mut servers, &pod, &journal);
                }
            }
            Ok(Event::Delete(pod)) => {
                end(&mut servers, &pod, &journal);
                servers.remove(&pod.uid().unwrap_or_default());
            }
            Ok(Event::Init | Event::InitDone) => {}
            Err(error) => tracing::debug!(%error, "the watch on pods restarts"),
        }
    }
    Ok(())
}

async fn start(pod: &Pod, uid: &str, journal: &Journal) -> Result<CancellationToken> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let address = kubelet::address(uid);
    let listener = TcpListener::bind((address.as_str(), PORT))
        .await
        .with_context(|| format!("the server of {name} at {address}"))?;
    let hash = pod.labels().get(wire::HASH_LABEL).cloned().unwrap_or_default();
    let stop = CancellationToken::new();
    journal.note(&namespace, format!("{name} ({address}) begins to answer"));
    tokio::spawn(serve(listener, Bytes::from(hash), stop.clone()));
    Ok(stop)
}

fn end(servers: &mut HashMap<String, Server>, pod: &Pod, journal: &Journal) {
    let Some(server) = servers.get_mut(&pod.uid().unwrap_or_default()) else {
        return;
    };
    if std::mem::replace(&mut server.dying, true) {
        return;
    }
    let (namespace, name, journal) = (pod.namespace().unwrap_or_default(), pod.name_any(), journal.clone());
    journal.note(&namespace, format!("{name} is deleted"));
    let stop = server.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(ANSWERS_FOR).await;
        stop.cancel();
        journal.note(&namespace, format!("{name} answers no more"));
    });
}

async fn serve(listener: TcpListener, hash: Bytes, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, hash.clone(), stop.clone()));
                }
                Err(error) => tracing::warn!(%error, "a pod's server"),
            },
        }
    }
}

async fn connection(stream: TcpStream, hash: Bytes, stop: CancellationToken) {
    let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
        let hash = hash.clone();
        async move { Ok::<_, Infallible>(http::Response::new(Full::new(hash))) }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    pin_mut!(served);
    tokio::select! {
        _ = served.as_mut() => {} // its peer has gone
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await; // as above
        }
    }
}
