//! The server over HTTP, for clients in other processes.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::api::{self, ApiServer};
use crate::web_pages;

/// A server that listens. Dropping it stops it without waiting; [`Served::stop`] waits.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Served {
    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig (YAML) whose only context points here, with the namespace `default`.
    pub fn kubeconfig(&self) -> String {
        let url = self.url();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: serin-sandbox\nclusters:\n- name: serin-sandbox\n  cluster:\n    \
             server: {url}\ncontexts:\n- name: serin-sandbox\n  context:\n    cluster: serin-sandbox\n    namespace: \
             default\n    user: serin-sandbox\nusers:\n- name: serin-sandbox\n  user: {{}}\n"
        )
    }

    /// Stops listening, closes all connections (watches too) and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the sandbox's HTTP server ended badly");
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl ApiServer {
    /// Serves HTTP/1.1 on an address; port 0 picks a free one.
    ///
    /// There is no authentication: listen on loopback only. Web pages are refused: requests whose `Host` is neither `localhost`
    /// nor an address (DNS rebinding), and those with another `Origin` than this server.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn serve(&self, address: SocketAddr) -> impl Future<Output = io::Result<Served>> + Send + use<> {
        let api = self.clone();
        async move {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            let stop = CancellationToken::new();
            let task = tokio::spawn(accept(api, listener, stop.clone()));
            Ok(Served {
                address,
                stop,
                task: Some(task),
            })
        }
    }
}

/// Accepts connections until told to stop; then drops them all.
async fn accept(api: ApiServer, listener: TcpListener, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            // Reaps finished connections, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(api.clone(), stream));
            }
            Err(error) => {
                tracing::warn!(%error, "the sandbox could not accept a connection");
                // Out of file descriptors, most likely: let others close some.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    connections.shutdown().await;
}

async fn connection(api: ApiServer, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let api = api.clone();
        async move {
            let (parts, body) = request.into_parts();
            Ok::<_, Infallible>(match web_pages::check(&parts) {
                Ok(()) => api.handle(http::Request::from_parts(parts, body)).await,
                Err(error) => api::error_response(&error),
            })
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        // Clients that go away in the middle of a watch are everyday life.
        tracing::debug!(%error, "a sandbox connection ended");
    }
}
