//! `/metrics` and `/healthz`.

use crate::error::Error;
use crate::shell::Shell;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Listens on a port of all addresses; 0 takes any free one.
pub(crate) async fn listen(port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { port, source })
}

/// `GET /metrics`.
pub(crate) fn metrics(shell: Arc<Shell>) -> Router {
    let scrape = move || {
        let shell = Arc::clone(&shell);
        async move {
            let text = shell.telemetry.scrape(shell.queue.counts());
            text.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
        }
    };
    Router::new().route("/metrics", get(scrape))
}

/// `GET /healthz`: `ok`, whatever happens (contract 09 §2).
pub(crate) fn healthz() -> Router {
    Router::new().route("/healthz", get(|| async { "ok" }))
}

/// Serves until shutdown.
pub(crate) async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> Result<(), Error> {
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
        .map_err(Error::Serve)
}
