//! The connection to the API server.

use crate::args::Options;
use crate::error::Error;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::time::Duration;

/// Longer than a watch is asked to last (290 s), so that only dead connections are cut.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// Connects as the flags say: kubeconfig, else the service account of the pod.
///
/// The client never retries by itself: kube would do so 15 times, up to 1,000 s, for every method;
/// waits are named and ours. The rustls provider must be installed before ([`install_tls`]).
///
/// # Errors
/// If there is no usable configuration.
pub async fn connect(options: &Options) -> Result<Client, Error> {
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let chosen = choice.context.is_some() || choice.cluster.is_some() || choice.user.is_some();
    let mut config = match (&options.kubeconfig, &options.server) {
        (Some(path), _) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &choice).await?,
        (None, Some(server)) if options.token.is_some() && !chosen => Config::new(url(server)?),
        (None, _) if chosen => Config::from_kubeconfig(&choice).await?,
        (None, _) => Config::infer().await?,
    };
    if let Some(server) = &options.server {
        config.cluster_url = url(server)?;
    }
    if let Some(token) = &options.token {
        config.auth_info.token = Some(token.clone().into());
    }
    if let Some(namespace) = &options.namespace {
        config.default_namespace.clone_from(namespace);
    }
    config.accept_invalid_certs |= options.insecure_skip_tls_verify;
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(READ_TIMEOUT);
    config.reset_reader_on_write = true;
    Ok(Client::try_from(config)?)
}

fn url(server: &str) -> Result<http::Uri, Error> {
    server.parse().map_err(|_| Error::Server(server.to_owned()))
}

/// Chooses ring for TLS; without a choice every client would panic.
pub fn install_tls() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the process has chosen its TLS provider already");
    }
}
