//! HTTP clients with one provider of TLS, the system's certificates and the user's proxy.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// A client that trusts the certificates of the system, and of a file in PEM if one is given. The proxy is that of the
/// user's environment (`HTTPS_PROXY`, `NO_PROXY`).
pub(crate) fn client(certificates: Option<&Path>) -> Result<ClientBuilder, String> {
    // Another part of the program may have installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("serin/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT);
    if let Some(path) = certificates {
        let wrong = |why: String| format!("cannot read the certificates of {}: {why}", path.display());
        let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let read = Certificate::from_pem_bundle(&text).map_err(|error| wrong(reason(error)))?;
        builder = read.into_iter().fold(builder, ClientBuilder::add_root_certificate);
    }
    Ok(builder)
}

/// Whether an address is of this machine, where nobody listens on the way.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Why a request failed, down to the first reason and without the address, which can have secrets in it.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
