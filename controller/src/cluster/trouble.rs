//! What can go wrong between a client and the API server, by kind, with texts for people.
//!
//! The libraries report it as a chain of causes of many types ([`kube::Error`], hyper's, rustls', the system's). This
//! module classifies them for the command line and for the controller.

use crate::cluster::chain::chain;
use crate::cluster::target::Target;
use kube::client::AuthError;
use kube::core::Status;
use kube::runtime::watcher;
use rustls::{CertificateError, InvalidMessage};
use std::error::Error as StdError;
use std::io;

/// One kind of trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens there.
    Refused,
    /// The name of the server is unknown. What the system says.
    Unresolved(String),
    /// No answer in time.
    TimedOut,
    /// The connection broke or could not be made, for another reason.
    Broken(String),
    /// The server's certificate is not signed by an authority that we trust.
    Untrusted,
    /// The server's certificate is for other names. These, if known.
    WrongName(Vec<String>),
    /// The server's certificate cannot be used for another reason, such as its date.
    BadCertificate(String),
    /// `https://` is written, and the server does not speak TLS.
    NoTls,
    /// `http://` is written, and the server speaks TLS.
    NeedsTls,
    /// The proxy does not lead to the server. Why.
    Proxy(String),
    /// No credentials: a plugin fails, or a file is missing. Why.
    Credentials(String),
    /// 401.
    Unauthorized,
    /// 403, in the server's words.
    Forbidden(String),
    /// 404 for the kind, not for one object: its CRD is missing.
    UnknownKind,
    /// 429: too many requests. The server's words.
    Busy(String),
    /// 500, 502, 503, 504: the code and the server's words.
    Failing(u16, String),
    /// Any other refusal, in the server's words.
    Refusal(String),
    /// An answer that does not decode. Why.
    Unreadable(String),
    /// Anything else.
    Other(String),
}

impl From<&kube::Error> for Trouble {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => of_status(status),
            kube::Error::Auth(error) => of_credentials(error),
            kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
                Self::Proxy("its protocol is not served; use http:// or https://".to_owned())
            }
            kube::Error::SerdeError(error) => Self::Unreadable(error.to_string()),
            kube::Error::FromUtf8(error) => Self::Unreadable(error.to_string()),
            other => of_causes(other),
        }
    }
}

impl Trouble {
    /// Why a watch broke or could not begin.
    #[must_use]
    pub fn of_watch(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::from(error),
            watcher::Error::WatchError(status) => of_status(status),
            watcher::Error::NoResourceVersion => Self::Other(chain(error)),
        }
    }

    /// What happened, with the server named.
    #[must_use]
    pub fn what(&self, target: &Target) -> String {
        let brief = self.brief();
        match self {
            Self::Refused | Self::Unresolved(_) | Self::TimedOut | Self::Broken(_) | Self::NoTls | Self::NeedsTls => {
                format!("cannot reach {target}: {brief}")
            }
            Self::Untrusted | Self::WrongName(_) | Self::BadCertificate(_) => {
                format!("cannot trust {target}: {brief}")
            }
            Self::Proxy(_) => match &target.proxy {
                Some(proxy) => format!("cannot reach {target} through the proxy {proxy}: {brief}"),
                None => format!("cannot reach {target} through its proxy: {brief}"),
            },
            Self::Credentials(_) => match &target.plugin {
                Some(plugin) => format!("no credentials for {target} from the plugin {plugin:?}: {brief}"),
                None => format!("no credentials for {target}: {brief}"),
            },
            Self::Unreadable(_) => format!("the answer of {target} cannot be read: {brief}"),
            Self::Unauthorized => format!("{target} does not accept the credentials{}", of_user(target)),
            Self::UnknownKind => format!("{target} does not know this kind of object: {brief}"),
            Self::Busy(_) => format!("{target} is overloaded: {brief}"),
            Self::Failing(code, _) => format!("{target} fails with {code}: {brief}"),
            Self::Forbidden(_) | Self::Refusal(_) | Self::Other(_) => brief,
        }
    }

    /// What happened, in a few words without the server.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Refused => "connection refused".to_owned(),
            Self::Unresolved(why) => format!("its name is unknown: {why}"),
            Self::TimedOut => "no answer in time".to_owned(),
            Self::Untrusted => "its certificate is signed by an unknown authority".to_owned(),
            Self::WrongName(names) if names.is_empty() => "its certificate is for another name".to_owned(),
            Self::WrongName(names) => format!("its certificate is for {}", names.join(", ")),
            Self::NoTls => "it does not speak TLS".to_owned(),
            Self::NeedsTls => "it speaks TLS only".to_owned(),
            Self::Unauthorized => "it does not accept the credentials".to_owned(),
            Self::UnknownKind => "its CRD is not installed there".to_owned(),
            Self::Broken(text)
            | Self::BadCertificate(text)
            | Self::Proxy(text)
            | Self::Credentials(text)
            | Self::Forbidden(text)
            | Self::Busy(text)
            | Self::Failing(_, text)
            | Self::Refusal(text)
            | Self::Unreadable(text)
            | Self::Other(text) => text.clone(),
        }
    }

    /// What the reader can do.
    #[must_use]
    pub fn remedy(&self, target: &Target) -> Option<String> {
        let text = match self {
            Self::Refused | Self::Unresolved(_) | Self::TimedOut if target.found.is_empty() => {
                "No kubeconfig was found. Name one with --kubeconfig or KUBECONFIG, or a server with --server."
            }
            Self::Refused => "Is the cluster running, and are address and port right?",
            Self::Unresolved(_) => "Check the address. Is a VPN needed?",
            Self::TimedOut => "Check the address. Is a VPN, a proxy or a firewall in between?",
            Self::Broken(_) => return None,
            Self::Untrusted => {
                "Check the address. If it is right, the cluster's entry in the kubeconfig needs the authority: \
                 certificate-authority-data."
            }
            Self::WrongName(_) => {
                "Check the address. If it is right, give a name of the certificate as tls-server-name of the cluster in the \
                 kubeconfig."
            }
            Self::BadCertificate(_) => {
                "Check the address and the clock of this machine, or renew the server's certificate."
            }
            Self::NoTls => "Check the port, or write http:// if it is meant.",
            Self::NeedsTls => "Write https:// in place of http://.",
            Self::Proxy(_) => {
                "Check proxy-url in the kubeconfig and HTTPS_PROXY; NO_PROXY names the servers that need no proxy."
            }
            Self::Credentials(_) => "Does `kubectl get namespaces` work? Log in again as for kubectl.",
            Self::Unauthorized => {
                "Log in again: a token or certificate may have expired, or belongs to another cluster."
            }
            Self::Forbidden(_) => {
                return Some(format!(
                    "Ask for a role that allows it, or use another context. This was {target}{}.",
                    of_user(target)
                ));
            }
            Self::UnknownKind => "Is this the right cluster? Install the CRDs: kubectl apply --server-side -f crds/",
            Self::Busy(_) => "Try again later.",
            Self::Failing(..) => "Try again later; the log of the API server says more.",
            Self::Unreadable(_) => "Is it an API server of Kubernetes? Are the CRDs of this version installed?",
            Self::Refusal(_) | Self::Other(_) => return None,
        };
        Some(text.to_owned())
    }

    /// Whether it can pass by itself, so that waiting helps.
    #[must_use]
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

fn of_user(target: &Target) -> String {
    target
        .user
        .as_ref()
        .map(|user| format!(" of user {user:?}"))
        .unwrap_or_default()
}

fn of_status(status: &Status) -> Trouble {
    let message = match status.message.trim() {
        "" => format!("the API server answered {} {}", status.code, status.reason),
        message => message.to_owned(),
    };
    match status.code {
        401 => Trouble::Unauthorized,
        403 => Trouble::Forbidden(message),
        404 if is_of_kind(&message) => Trouble::UnknownKind,
        429 => Trouble::Busy(message),
        400 if message.contains("HTTP request to an HTTPS server") => Trouble::NeedsTls,
        code @ (500 | 502 | 503 | 504) => Trouble::Failing(code, message),
        _ => Trouble::Refusal(message),
    }
}

/// Whether a 404 is about a path that nobody serves; about one object the answer says which.
fn is_of_kind(message: &str) -> bool {
    message.starts_with("404 page not found") || message.starts_with("the server could not find the requested resource")
}

fn of_credentials(error: &AuthError) -> Trouble {
    let why = match error {
        // The command itself is not shown: there may be secrets among its arguments.
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said: Vec<_> = said.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
            match said.as_slice() {
                [] => format!("it failed with {}", out.status),
                said => format!("it failed with {}: {}", out.status, said.join("; ")),
            }
        }
        AuthError::AuthExecStart(error) => format!("it cannot be started: {error}"),
        AuthError::ExecPluginFailed => "it gave none".to_owned(),
        AuthError::AuthExecParse(error) => {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            format!("its answer cannot be read: {first}")
        }
        AuthError::ReadTokenFile(error, path) => {
            format!("the token file {} cannot be read: {error}", path.display())
        }
        other => chain(other),
    };
    Trouble::Credentials(why)
}

/// Walks the chain of causes to the one that says most.
fn of_causes(error: &(dyn StdError + 'static)) -> Trouble {
    let causes = causes(error);
    let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
    let last = texts.last().cloned().unwrap_or_default();
    // First of all, since its own causes look like those of a direct connection.
    if let Some(at) = texts.iter().position(|it| it.starts_with("tunnel error: ")) {
        let reason = texts[at].trim_start_matches("tunnel error: ");
        return Trouble::Proxy(match reason {
            "proxy authorization required" => "it wants a user and a password".to_owned(),
            "unsuccessful" => "it refuses to connect to that server".to_owned(),
            _ if at + 1 < texts.len() => last,
            other => other.to_owned(),
        });
    }
    if let Some(auth) = causes.iter().find_map(|it| it.downcast_ref::<AuthError>()) {
        return of_credentials(auth);
    }
    if let Some(tls) = causes.iter().find_map(|it| it.downcast_ref::<rustls::Error>()) {
        return of_tls(tls);
    }
    if texts
        .iter()
        .any(|it| it == "dns error" || it.starts_with("failed to lookup address"))
    {
        return Trouble::Unresolved(
            last.trim_start_matches("failed to lookup address information: ")
                .to_owned(),
        );
    }
    let kinds = causes
        .iter()
        .filter_map(|it| it.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    for kind in kinds {
        match kind {
            io::ErrorKind::ConnectionRefused => return Trouble::Refused,
            io::ErrorKind::TimedOut => return Trouble::TimedOut,
            _ => {}
        }
    }
    if texts.iter().any(|it| it.starts_with("invalid HTTP")) {
        return Trouble::Broken("it does not speak HTTP".to_owned());
    }
    Trouble::Broken(match last.as_str() {
        "tls handshake eof" => "it ended the connection before TLS was agreed on".to_owned(),
        "connection closed before message completed" => "it ended the connection without an answer".to_owned(),
        _ => last,
    })
}

fn of_tls(error: &rustls::Error) -> Trouble {
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            // The latter if an authority was replaced by another of the same name, as local clusters do.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Trouble::Untrusted,
            CertificateError::NotValidForName => Trouble::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Trouble::WrongName(presented.iter().map(|it| plain_name(it)).collect())
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Trouble::BadCertificate("its certificate has expired".to_owned())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Trouble::BadCertificate("its certificate is not valid yet".to_owned())
            }
            other => Trouble::BadCertificate(format!("its certificate is refused: {other}")),
        },
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Trouble::NoTls,
        other => Trouble::BadCertificate(other.to_string()),
    }
}

/// `elsewhere.example` for rustls' `DnsName("elsewhere.example")`.
fn plain_name(presented: &str) -> String {
    match presented.split_once('(') {
        Some((_, name)) => name.trim_end_matches(')').trim_matches('"').to_owned(),
        None => presented.to_owned(),
    }
}

/// An error and all its causes. Errors of the system hide what they wrap from `source`.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        found.push(error);
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found
}
