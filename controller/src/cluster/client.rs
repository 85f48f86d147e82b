//! The connection to the API server.

use crate::args::Options;
use crate::args::connection::of_flags_alone;
use crate::cluster::chain::chain;
use crate::cluster::target::{Target, Unusable, default_files, found_in, read_kubeconfig};
use crate::cluster::trouble::Trouble;
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use std::path::PathBuf;
use std::time::Duration;

/// Longer than a watch is asked to last (290 s), so that only dead connections are cut.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// Why the API server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No usable configuration of a cluster.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The API server cannot be reached, or refuses.
    #[error("{}", target.explain(trouble))]
    Api {
        /// What happened.
        trouble: Trouble,
        /// Which server.
        target: Box<Target>,
    },
    /// `--server` is no address.
    #[error("--server {0:?} is not a URL")]
    Server(String),
}

impl ConnectError {
    /// What a request to this server came to.
    #[must_use]
    pub fn api(error: &kube::Error, target: &Target) -> Self {
        Self::Api {
            trouble: Trouble::from(error),
            target: Box::new(target.clone()),
        }
    }
}

/// Connects as the flags say: kubeconfig, else the service account of the pod.
///
/// The client never retries by itself: kube would do so 15 times, up to 1,000 s, for every method,
/// and each wait needs a name. The rustls provider must be installed before ([`install_tls`]).
///
/// # Errors
/// If there is no usable configuration.
pub async fn connect(options: &Options) -> Result<Client, ConnectError> {
    Ok(connect_to(options).await?.0)
}

/// [`connect`], and which server that is, for errors of requests.
///
/// # Errors
/// If there is no usable configuration.
pub(crate) async fn connect_to(options: &Options) -> Result<(Client, Target), ConnectError> {
    let (mut config, mut found, user) = configuration(options).await?;
    if let Some(server) = &options.server {
        config.cluster_url = url(server)?;
        found.insert(0, "--server".to_owned());
    }
    if let Some(token) = &options.token {
        config.auth_info.token = Some(token.clone().into());
    }
    if let Some(namespace) = &options.namespace {
        config.default_namespace.clone_from(namespace);
    }
    config.accept_invalid_certs |= options.insecure_skip_tls_verify;
    config = finished(config);
    options.connection.finish(&mut config);
    let target = Target::new(&config, found, user);
    let client = Client::try_from(config).map_err(|error| ConnectError::api(&error, &target))?;
    Ok((client, target))
}

/// With what every connection has: time limits, and no retries of its own.
pub(crate) fn finished(config: Config) -> Config {
    let mut config = config;
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(READ_TIMEOUT);
    config.reset_reader_on_write = true;
    config
}

/// The configuration, where it was found, and the name of its user.
async fn configuration(options: &Options) -> Result<(Config, Vec<String>, Option<String>), ConnectError> {
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let chosen = choice.context.is_some() || choice.cluster.is_some() || choice.user.is_some();
    if let (None, Some(server), Some(_), false) = (&options.kubeconfig, &options.server, &options.token, chosen) {
        return of_flags(options, server).await;
    }
    let files = options.kubeconfig.clone().map_or_else(default_files, |file| vec![file]);
    let kubeconfig = read_kubeconfig(&files, options.kubeconfig.is_some())?;
    let Some(mut kubeconfig) = kubeconfig else {
        return match (in_pod(&files), &options.server) {
            (Err(_), Some(server)) => of_flags(options, server).await,
            (found, _) => found,
        };
    };
    options.connection.lay_over(&mut kubeconfig);
    let context = choice.context.clone().or_else(|| kubeconfig.current_context.clone());
    let found = found_in(&files, context.as_deref());
    let entry = kubeconfig.contexts.iter().find(|it| Some(&it.name) == context.as_ref());
    let user = choice.user.clone().or_else(|| entry?.context.as_ref()?.user.clone());
    let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &choice).await;
    match config {
        Ok(config) => Ok((config, found, user)),
        Err(error) => Err(Unusable::entries(&error, &kubeconfig, &found, context.as_deref()).into()),
    }
}

/// A configuration that consists of flags.
async fn of_flags(options: &Options, server: &str) -> Result<(Config, Vec<String>, Option<String>), ConnectError> {
    url(server)?;
    let (mut kubeconfig, choice) = of_flags_alone(server);
    options.connection.lay_over(&mut kubeconfig);
    let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &choice).await;
    let config = config.map_err(|error| Unusable::entries(&error, &kubeconfig, &[], None))?;
    Ok((config, Vec::new(), None))
}

/// The service account of the pod.
fn in_pod(looked_at: &[PathBuf]) -> Result<(Config, Vec<String>, Option<String>), ConnectError> {
    match Config::incluster() {
        Ok(config) => Ok((config, vec!["the service account of this pod".to_owned()], None)),
        Err(error) => {
            let files: Vec<_> = looked_at.iter().map(|file| file.display().to_string()).collect();
            Err(Unusable(format!(
                "no cluster to connect to: there is no kubeconfig ({}), and this is not a pod with a service account: {}\n\
                 Name one with --kubeconfig or KUBECONFIG.",
                files.join(":"),
                chain(&error)
            ))
            .into())
        }
    }
}

fn url(server: &str) -> Result<http::Uri, ConnectError> {
    server.parse().map_err(|_| ConnectError::Server(server.to_owned()))
}

/// Chooses ring for TLS; without a choice every client would panic.
pub fn install_tls() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the process already has a TLS provider");
    }
}
