//! The flags that every command has: those of kubectl (contract 10 §1).

use crate::values;
use clap::Args;
use std::path::PathBuf;

/// The flags that every command has: those of kubectl.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global flags")]
pub(crate) struct Global {
    /// Path to the kubeconfig file to use for CLI requests
    #[arg(long, global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// The name of the kubeconfig context to use
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub context: Option<String>,
    /// The name of the kubeconfig cluster to use
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub cluster: Option<String>,
    /// The name of the kubeconfig user to use
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub user: Option<String>,
    /// If present, the namespace scope for this CLI request
    #[arg(long, short, global = true, allow_hyphen_values = true)]
    pub namespace: Option<String>,
    /// The address and port of the Kubernetes API server
    #[arg(long, short, global = true, allow_hyphen_values = true)]
    pub server: Option<String>,
    /// Bearer token for authentication to the API server
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub token: Option<String>,
    /// Username to impersonate for the operation
    #[arg(long = "as", global = true, allow_hyphen_values = true)]
    pub impersonate: Option<String>,
    /// Group to impersonate for the operation, this flag can be repeated
    #[arg(long = "as-group", global = true, allow_hyphen_values = true)]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate for the operation
    #[arg(long = "as-uid", global = true, allow_hyphen_values = true)]
    pub impersonate_uid: Option<String>,
    /// Path to a cert file for the certificate authority
    #[arg(long, global = true)]
    pub certificate_authority: Option<String>,
    /// Path to a client certificate file for TLS
    #[arg(long, global = true)]
    pub client_certificate: Option<String>,
    /// Path to a client key file for TLS
    #[arg(long, global = true)]
    pub client_key: Option<String>,
    /// If true, the server's certificate will not be checked for validity
    #[arg(long, global = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Server name to use for server certificate validation
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub tls_server_name: Option<String>,
    /// How long to wait before giving up on a single server request (1s, 2m, 3h); 0 means not to time out
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub request_timeout: Option<String>,
    /// Accepted for compatibility with kubectl; nothing is cached
    #[arg(long, global = true)]
    pub cache_dir: Option<PathBuf>,
    /// If true, opt-out of response compression for all requests to the server
    #[arg(long, global = true, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disable_compression: Option<bool>,
    /// Log level of the Kubernetes client; 6 and higher log its requests
    #[arg(long, short = 'v', global = true, value_parser = values::integer, allow_hyphen_values = true, default_value = "0")]
    pub kloglevel: i64,
    /// Log level: panic, fatal, error, warning, info, debug, trace
    #[arg(long, global = true, allow_hyphen_values = true)]
    pub loglevel: Option<String>,
}
