//! Which API server a client talks to and where that is written, for errors.

use crate::cluster::trouble::Trouble;
use http::Uri;
use kube::Config;
use kube::config::{Kubeconfig, KubeconfigError, LoadDataError};
use std::fmt;
use std::path::{Path, PathBuf};

/// The API server of a client.
///
/// Displayed, for instance, as `the API server https://10.0.0.1:6443 (kubeconfig ~/.kube/config, context "dev")`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and port.
    pub server: String,
    /// Where that and the credentials are written: kubeconfig, context, flags.
    pub found: Vec<String>,
    /// The user of the kubeconfig, if one is named.
    pub user: Option<String>,
    /// The command that gives credentials, if there is one.
    pub plugin: Option<String>,
    /// The proxy in between, without its password.
    pub proxy: Option<String>,
}

impl Target {
    /// The server of a configuration; `found` says where the configuration comes from.
    #[must_use]
    pub fn new(config: &Config, found: Vec<String>, user: Option<String>) -> Self {
        Self {
            server: without_password(&config.cluster_url),
            found,
            user,
            plugin: config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone()),
            proxy: config.proxy_url.as_ref().map(without_password),
        }
    }

    /// What went wrong with this server, and on a second line what to do about it.
    #[must_use]
    pub fn explain(&self, trouble: &Trouble) -> String {
        let what = trouble.what(self);
        match trouble.remedy(self) {
            Some(remedy) => format!("{what}\n{remedy}"),
            None => what,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the API server {}", self.server)?;
        if self.found.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.found.join(", "))
    }
}

/// The words for files of a kubeconfig and for the context in use.
#[must_use]
pub fn found_in(files: &[PathBuf], context: Option<&str>) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let mut found = vec![format!("kubeconfig {}", files.join(":"))];
    found.extend(context.map(|context| format!("context {context:?}")));
    found
}

/// The files of `KUBECONFIG`, else the one in the home folder; they need not exist.
#[must_use]
pub fn default_files() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG") {
        Some(list) if !list.is_empty() => std::env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        Some(_) | None => std::env::home_dir()
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    }
}

/// The kubeconfig of all these files together; `None` if there are none. Files that `must_exist` were named by a flag; others
/// are passed over where they do not exist, as kubectl does with those in `KUBECONFIG`.
///
/// # Errors
/// A file cannot be read, or does not go together with those before it.
pub fn read_kubeconfig(files: &[PathBuf], must_exist: bool) -> Result<Option<Kubeconfig>, Unusable> {
    let mut merged: Option<Kubeconfig> = None;
    for file in files.iter().filter(|file| must_exist || file.exists()) {
        let next = Kubeconfig::read_from(file).map_err(|error| Unusable::file(file, &error))?;
        merged = Some(match merged {
            Some(before) => before.merge(next).map_err(|error| Unusable::file(file, &error))?,
            None => next,
        });
    }
    Ok(merged)
}

/// Why there is no configuration of a cluster, and on a second line what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

impl Unusable {
    /// A file that cannot be read as a kubeconfig.
    #[must_use]
    pub fn file(path: &Path, error: &KubeconfigError) -> Self {
        let why = match error {
            KubeconfigError::ReadConfig(error, _) => format!("cannot be read: {error}"),
            KubeconfigError::Parse(error) => format!("is not a kubeconfig: {}", one_line(&error.to_string())),
            other => one_line(&other.to_string()),
        };
        Self(format!("the kubeconfig {} {why}", path.display()))
    }

    /// Entries of a kubeconfig that do not fit together or point nowhere. `context` is the one asked for.
    #[must_use]
    pub fn entries(error: &KubeconfigError, kubeconfig: &Kubeconfig, found: &[String], context: Option<&str>) -> Self {
        let place = if found.is_empty() {
            "flags".to_owned()
        } else {
            found.join(", ")
        };
        let text = match error {
            KubeconfigError::CurrentContextNotSet => {
                format!("no context is chosen ({place})\n{}", contexts_of(kubeconfig))
            }
            KubeconfigError::LoadContext(name) => {
                format!("context {name:?} does not exist ({place})\n{}", contexts_of(kubeconfig))
            }
            KubeconfigError::LoadClusterOfContext(name) => match context {
                Some(context) => {
                    format!("context {context:?} names the cluster {name:?}, which does not exist ({place})")
                }
                None => format!("cluster {name:?} does not exist ({place})"),
            },
            KubeconfigError::MissingClusterUrl => format!("the cluster has no server ({place})"),
            KubeconfigError::ParseClusterUrl(error) => format!("the server is not a URL: {error} ({place})"),
            KubeconfigError::ParseProxyUrl(error) => format!("the proxy-url is not a URL: {error} ({place})"),
            KubeconfigError::LoadCertificateAuthority(error) => unloaded("certificate authority", error, &place),
            KubeconfigError::LoadClientCertificate(error) => unloaded("client certificate", error, &place),
            KubeconfigError::LoadClientKey(error) => unloaded("client key", error, &place),
            other => format!("{} ({place})", one_line(&crate::cluster::chain::chain(other))),
        };
        Self(text)
    }
}

/// A part of the credentials that is not where the kubeconfig says.
fn unloaded(what: &str, error: &LoadDataError, place: &str) -> String {
    let why = match error {
        LoadDataError::ReadFile(error, path) => format!("{} cannot be read: {error}", path.display()),
        LoadDataError::DecodeBase64(error) => format!("is not base64: {error}"),
        LoadDataError::NoBase64DataOrFile => "is empty".to_owned(),
    };
    format!("the {what} {why} ({place})")
}

/// The contexts that there are, as advice.
fn contexts_of(kubeconfig: &Kubeconfig) -> String {
    let names: Vec<_> = kubeconfig.contexts.iter().map(|it| format!("{:?}", it.name)).collect();
    if names.is_empty() {
        return "The kubeconfig has no contexts. Is it the right file?".to_owned();
    }
    format!(
        "Choose one with --context or with `kubectl config use-context`; there are: {}",
        names.join(", ")
    )
}

fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A URL without user and password, without a slash at its end.
fn without_password(url: &Uri) -> String {
    let text = url.to_string();
    let plain = match (url.authority(), text.split_once("://")) {
        (Some(authority), Some((scheme, rest))) => {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            let path = rest.strip_prefix(authority.as_str()).unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        (Some(_) | None, Some(_) | None) => text,
    };
    plain.trim_end_matches('/').to_owned()
}
