//! The flags of kubectl that lay something over a kubeconfig, beside those in [`super::Options`].

use super::{boolean, parse_wait};
use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use std::time::Duration;

/// Name of the context, cluster and user that are made of flags alone.
const FLAGS: &str = "flags";

/// Flags that say how to connect; all are optional.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConnectionFlags {
    /// User to impersonate.
    #[arg(long = "as")]
    pub impersonate: Option<String>,
    /// Group to impersonate; repeat the flag for several.
    #[arg(long = "as-group")]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate.
    #[arg(long = "as-uid")]
    pub impersonate_uid: Option<String>,
    /// File with the certificate of the authority that signed the certificate of the API server.
    #[arg(long)]
    pub certificate_authority: Option<String>,
    /// File with a client certificate.
    #[arg(long)]
    pub client_certificate: Option<String>,
    /// File with the key of the client certificate.
    #[arg(long)]
    pub client_key: Option<String>,
    /// User name for basic authentication.
    #[arg(long)]
    pub username: Option<String>,
    /// Password for basic authentication.
    #[arg(long)]
    pub password: Option<String>,
    /// Name in the certificate of the API server, if it is not that of its address.
    #[arg(long)]
    pub tls_server_name: Option<String>,
    /// URL of a proxy to the API server.
    #[arg(long)]
    pub proxy_url: Option<String>,
    /// How long one request may take (1s, 2m, or seconds); 0 sets no limit.
    #[arg(long, value_parser = parse_wait)]
    pub request_timeout: Option<Duration>,
    /// Accepted; answers are never compressed.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true",
        action = clap::ArgAction::Set, value_parser = boolean)]
    pub disable_compression: bool,
}

impl ConnectionFlags {
    /// Lays the flags over every cluster and user of a kubeconfig: only one of each is used.
    pub(crate) fn lay_over(&self, kubeconfig: &mut Kubeconfig) {
        for cluster in kubeconfig.clusters.iter_mut().filter_map(|it| it.cluster.as_mut()) {
            if self.certificate_authority.is_some() {
                cluster.certificate_authority.clone_from(&self.certificate_authority);
                cluster.certificate_authority_data = None;
            }
            replace(&mut cluster.tls_server_name, &self.tls_server_name);
            replace(&mut cluster.proxy_url, &self.proxy_url);
        }
        for user in kubeconfig.auth_infos.iter_mut().filter_map(|it| it.auth_info.as_mut()) {
            self.lay_over_user(user);
        }
    }

    fn lay_over_user(&self, user: &mut AuthInfo) {
        if self.client_certificate.is_some() {
            user.client_certificate.clone_from(&self.client_certificate);
            user.client_certificate_data = None;
        }
        if self.client_key.is_some() {
            user.client_key.clone_from(&self.client_key);
            user.client_key_data = None;
        }
    }

    /// Lays the rest over a configuration, wherever it comes from.
    pub(crate) fn finish(&self, config: &mut Config) {
        let user = &mut config.auth_info;
        replace(&mut user.impersonate, &self.impersonate);
        replace(&mut user.impersonate_uid, &self.impersonate_uid);
        if !self.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(self.impersonate_groups.clone());
        }
        replace(&mut user.username, &self.username);
        if let Some(password) = &self.password {
            user.password = Some(password.clone().into());
        }
        // A watch is a request that lasts: only what a person asks for is shorter than its limit.
        if let Some(limit) = self.request_timeout.filter(|it| !it.is_zero()) {
            config.read_timeout = Some(limit);
        }
    }
}

fn replace(field: &mut Option<String>, flag: &Option<String>) {
    if flag.is_some() {
        field.clone_from(flag);
    }
}

/// A kubeconfig for a call that says everything with flags.
pub(crate) fn of_flags_alone(server: &str) -> (Kubeconfig, KubeConfigOptions) {
    let kubeconfig = Kubeconfig {
        current_context: Some(FLAGS.to_owned()),
        contexts: vec![NamedContext {
            name: FLAGS.to_owned(),
            context: Some(Context {
                cluster: FLAGS.to_owned(),
                user: Some(FLAGS.to_owned()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        clusters: vec![NamedCluster {
            name: FLAGS.to_owned(),
            cluster: Some(Cluster {
                server: Some(server.to_owned()),
                ..Cluster::default()
            }),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: FLAGS.to_owned(),
            auth_info: Some(AuthInfo::default()),
            ..NamedAuthInfo::default()
        }],
        ..Kubeconfig::default()
    };
    (kubeconfig, KubeConfigOptions::default())
}
