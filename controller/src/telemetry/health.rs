//! `/metrics` and `/healthz`.

use crate::error::Error;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on a port of all addresses, IPv6 and IPv4; 0 chooses a free port.
///
/// # Errors
/// If the port is taken or not allowed.
pub(crate) fn listen(port: u16) -> Result<TcpListener, Error> {
    let both = bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    let listener = both.or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        // The machine has no IPv6.
        _ => bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
    });
    listener.map_err(|source| Error::Listen { port, source })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// `GET /metrics`.
pub(crate) fn metrics<S>(scrape: S) -> Router
where
    S: Fn() -> Result<String, prometheus::Error> + Clone + Send + Sync + 'static,
{
    let answer = move || {
        let text = scrape();
        async move { text.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())) }
    };
    Router::new().route("/metrics", get(answer))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::net::{IpAddr, TcpStream};

    fn reaches(address: IpAddr, port: u16) -> bool {
        TcpStream::connect((address, port)).is_ok()
    }

    #[tokio::test]
    async fn a_port_is_open_for_ipv4_and_where_the_machine_has_it_for_ipv6() {
        let listener = listen(0).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(reaches(Ipv4Addr::LOCALHOST.into(), port));
        let has_ipv6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        assert_eq!(reaches(Ipv6Addr::LOCALHOST.into(), port), has_ipv6);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_in_either_is_named() {
        let other = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let error = listen(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on port {port}: ")), "{error}");
    }
}
