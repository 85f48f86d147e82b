//! From kubectl's flags to a client: kubeconfig, context, overrides (contract 10 §1).
//!
//! A configuration that cannot be used is a clear error (contract 10 §9; upstream panics).

mod requests;

use crate::cluster::flags::Global;
use crate::duration;
use crate::show::failure::{Failure, chain};
use kube::client::ClientBuilder;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use kube::{Client, Config};
pub(crate) use requests::Answers;
use requests::RequestsLayer;
use rustls::crypto::{CryptoProvider, ring};
use serde_json::json;
use serin_controller::{Target, Unusable, default_files, found_in, read_kubeconfig};
use std::time::Duration;

/// The server that kubectl uses without any configuration.
const NO_CONFIGURATION: &str = "http://localhost:8080";
/// Name of the context, cluster and user made of flags alone.
const FLAGS_ONLY: &str = "flags";

/// A client and the namespace of the call.
#[derive(Clone)]
pub(crate) struct Connection {
    /// The client.
    pub client: Client,
    /// From `--namespace`, else from the context, else `default`.
    pub namespace: String,
    /// Which server that is, for errors.
    pub target: Target,
    /// What it has answered so far.
    pub answers: Answers,
}

impl Connection {
    /// A connection by a configuration.
    ///
    /// # Errors
    /// Credentials cannot be had, or certificates cannot be read.
    pub(crate) fn new(mut config: Config, namespace: String, target: Target) -> Result<Self, Failure> {
        config.default_retry = false;
        let requests = RequestsLayer::default();
        let builder = ClientBuilder::try_from(config).map_err(|error| Failure::from(error).at(&target))?;
        Ok(Self {
            answers: requests.answers.clone(),
            client: builder.with_layer(&requests).build(),
            namespace,
            target,
        })
    }

    /// Names the server in what failed with it.
    ///
    /// # Errors
    /// The failure that it was given.
    pub(crate) fn name_in<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| failure.at(&self.target))
    }
}

/// Connects as the flags say; nothing is sent yet.
///
/// # Errors
/// If the configuration cannot be read, or its parts do not fit together.
pub(crate) async fn connect(flags: &Global) -> Result<Connection, Failure> {
    install_tls();
    let (config, target) = config(flags).await?;
    let namespace = flags
        .namespace
        .clone()
        .filter(|it| !it.is_empty())
        .unwrap_or(config.default_namespace.clone());
    Connection::new(config, namespace, target)
}

/// Chooses the one TLS provider that is compiled in.
pub fn install_tls() {
    if CryptoProvider::get_default().is_none() {
        // The only error is that another thread has installed one meanwhile, which is as good.
        let _ = ring::default_provider().install_default();
    }
}

async fn config(flags: &Global) -> Result<(Config, Target), Failure> {
    let timeout = flags
        .request_timeout
        .as_deref()
        .map(request_timeout)
        .transpose()?
        .flatten();
    let named = flags.kubeconfig.clone().filter(|path| !path.as_os_str().is_empty());
    let must_exist = named.is_some();
    let files = named.map_or_else(default_files, |file| vec![file]);
    let mut found = Vec::new();
    let mut user = None;
    let mut config = match read_kubeconfig(&files, must_exist)? {
        Some(mut kubeconfig) => {
            let context = flags.context.clone().or_else(|| kubeconfig.current_context.clone());
            found = found_in(&files, context.as_deref());
            let options = override_entries(&mut kubeconfig, flags, &found)?;
            user = user_of(&kubeconfig, context.as_deref(), &options);
            let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options).await;
            config.map_err(|error| Unusable::entries(&error, &kubeconfig, &found, context.as_deref()))?
        }
        None if has_overrides(flags) => {
            let mut kubeconfig = of_flags_alone(flags);
            let options = override_entries(&mut kubeconfig, flags, &[])?;
            let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options).await;
            config.map_err(|error| Unusable::entries(&error, &kubeconfig, &found, None))?
        }
        None => match Config::incluster() {
            Ok(config) => {
                found.push("the service account of this pod".to_owned());
                config
            }
            Err(_) => Config::new(
                NO_CONFIGURATION
                    .parse()
                    .map_err(|error| Failure::message(chain(&error)))?,
            ),
        },
    };
    if flags.server.is_some() {
        found.insert(0, "--server".to_owned());
    }
    if timeout.is_some() {
        config.read_timeout = timeout;
    }
    let target = Target::new(&config, found, user);
    Ok((config, target))
}

/// The name of the user whose credentials are taken.
fn user_of(kubeconfig: &Kubeconfig, context: Option<&str>, options: &KubeConfigOptions) -> Option<String> {
    let entry = kubeconfig.contexts.iter().find(|it| Some(it.name.as_str()) == context);
    options.user.clone().or_else(|| entry?.context.as_ref()?.user.clone())
}

fn has_overrides(flags: &Global) -> bool {
    flags.server.is_some() || flags.context.is_some() || flags.cluster.is_some() || flags.user.is_some()
}

/// A kubeconfig with one empty cluster and user, for calls that say everything with flags.
fn of_flags_alone(flags: &Global) -> Kubeconfig {
    let named = |name: &Option<String>| name.is_none().then(|| FLAGS_ONLY.to_owned());
    Kubeconfig {
        current_context: named(&flags.context),
        contexts: vec![NamedContext {
            name: FLAGS_ONLY.to_owned(),
            context: Some(Context {
                cluster: FLAGS_ONLY.to_owned(),
                user: Some(FLAGS_ONLY.to_owned()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        clusters: vec![NamedCluster {
            name: FLAGS_ONLY.to_owned(),
            cluster: Some(Cluster {
                server: Some(NO_CONFIGURATION.to_owned()),
                ..Cluster::default()
            }),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: FLAGS_ONLY.to_owned(),
            auth_info: Some(AuthInfo::default()),
            ..NamedAuthInfo::default()
        }],
        ..Kubeconfig::default()
    }
}

/// Lays the flags over the entries that the call uses, and says which entries those are.
fn override_entries(
    kubeconfig: &mut Kubeconfig,
    flags: &Global,
    found: &[String],
) -> Result<KubeConfigOptions, Failure> {
    let context_name = flags.context.clone().or_else(|| kubeconfig.current_context.clone());
    let context = context_name.as_ref().and_then(|name| {
        kubeconfig
            .contexts
            .iter()
            .find(|context| context.name == *name)
            .and_then(|context| context.context.clone())
    });
    if let (Some(name), None) = (&flags.context, &context) {
        let error = KubeconfigError::LoadContext(name.clone());
        return Err(Unusable::entries(&error, kubeconfig, found, None).into());
    }
    let cluster = flags
        .cluster
        .clone()
        .or_else(|| context.as_ref().map(|context| context.cluster.clone()));
    let user = flags
        .user
        .clone()
        .or_else(|| context.as_ref().and_then(|context| context.user.clone()));
    for named in kubeconfig
        .clusters
        .iter_mut()
        .filter(|named| Some(&named.name) == cluster.as_ref())
    {
        override_cluster(named.cluster.get_or_insert_with(Cluster::default), flags);
    }
    if let Some(name) = flags
        .cluster
        .as_ref()
        .filter(|name| !kubeconfig.clusters.iter().any(|it| it.name == **name))
    {
        return Err(missing("cluster", name, found));
    }
    for named in kubeconfig
        .auth_infos
        .iter_mut()
        .filter(|named| Some(&named.name) == user.as_ref())
    {
        override_user(named.auth_info.get_or_insert_with(AuthInfo::default), flags)?;
    }
    if let Some(name) = flags
        .user
        .as_ref()
        .filter(|name| !kubeconfig.auth_infos.iter().any(|it| it.name == **name))
    {
        return Err(missing("user", name, found));
    }
    Ok(KubeConfigOptions {
        context: flags.context.clone(),
        cluster: flags.cluster.clone(),
        user: flags.user.clone(),
    })
}

fn missing(what: &str, name: &str, found: &[String]) -> Failure {
    Failure::message(format!("{what} {name:?} does not exist ({})", found.join(", ")))
}

fn override_cluster(cluster: &mut Cluster, flags: &Global) {
    if flags.server.is_some() {
        cluster.server.clone_from(&flags.server);
    }
    if flags.certificate_authority.is_some() {
        cluster.certificate_authority.clone_from(&flags.certificate_authority);
        cluster.certificate_authority_data = None;
    }
    if flags.insecure_skip_tls_verify.is_some() {
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify;
    }
    if flags.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&flags.tls_server_name);
    }
    if flags.disable_compression.is_some() {
        cluster.disable_compression = flags.disable_compression;
    }
}

fn override_user(user: &mut AuthInfo, flags: &Global) -> Result<(), Failure> {
    if let Some(token) = &flags.token {
        // The type of a secret is private to kube; its wire form is a string.
        let made: AuthInfo = serde_json::from_value(json!({"token": token}))
            .map_err(|error| Failure::message(format!("--token: {error}")))?;
        user.token = made.token;
        user.token_file = None;
        user.exec = None;
    }
    if flags.client_certificate.is_some() {
        user.client_certificate.clone_from(&flags.client_certificate);
        user.client_certificate_data = None;
    }
    if flags.client_key.is_some() {
        user.client_key.clone_from(&flags.client_key);
        user.client_key_data = None;
    }
    if flags.impersonate.is_some() {
        user.impersonate.clone_from(&flags.impersonate);
    }
    if flags.impersonate_uid.is_some() {
        user.impersonate_uid.clone_from(&flags.impersonate_uid);
    }
    if !flags.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    Ok(())
}

/// `--request-timeout`: seconds, or a Go duration; zero means none.
fn request_timeout(text: &str) -> Result<Option<Duration>, Failure> {
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration::parse_go(text).map(duration::as_wait).map_err(|_| {
            Failure::message(format!(
                "invalid --request-timeout {text:?}: it must be a number of seconds or a number with a unit (1s, 2m, 3h)"
            ))
        })?,
    };
    Ok((!wait.is_zero()).then_some(wait))
}

#[cfg(test)]
mod tests;
