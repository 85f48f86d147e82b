//! Which Argo CD is asked, and with which token: options, the environment, the configuration of `argocd`.

use std::path::{Path, PathBuf};

use reqwest::Url;
use serde_json::Value;
use serin_core::notation::yaml;

use super::application::{list, text};
use crate::git::remote::Secret;

/// An Argo CD, and how to ask it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its address, with the root path, without a slash at the end.
    pub(super) url: Url,
    pub(super) token: Option<Secret>,
    pub(super) insecure: bool,
    pub(super) certificates: Option<PathBuf>,
}

/// What a person gives on the command line; what is absent comes from the environment, then from the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `argocd.example.com`, with `https://`, a port or a root path if it has them.
    pub server: Option<String>,
    /// The token.
    pub token: Option<Secret>,
    /// A file of certificates in PEM that are trusted beside those of the system.
    pub certificates: Option<PathBuf>,
    /// The file that `argocd login` writes; it is only read.
    pub configuration: Option<PathBuf>,
}

/// Why no Argo CD can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// A server's name that is none.
    #[error("`{server}` is no server; write a name like argocd.example.com, with a port or https:// if needed")]
    Server {
        /// As given, without credentials.
        server: String,
    },
    /// A configuration that cannot be read.
    #[error("cannot read {}: {why}; run `argocd login` again, or give ARGOCD_SERVER and ARGOCD_AUTH_TOKEN", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The longest configuration that is read, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

impl Connection {
    /// Finds the server and the token: options, then `ARGOCD_SERVER` and `ARGOCD_AUTH_TOKEN`, then the current context of
    /// the configuration (`~/.config/argocd/config`, or what `ARGOCD_CONFIG_DIR` says). The token of the configuration is
    /// used for its own server only. `None` where no server is named.
    ///
    /// # Errors
    /// If the server's name or the configuration cannot be understood.
    pub fn find(
        options: &ConnectionOptions,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConnectionError> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = options.configuration.clone().or_else(|| usual_configuration(&given));
        let configured = path.map_or(Ok(Vec::new()), |path| contexts(&path))?;
        let server = options.server.clone().or_else(|| given("ARGOCD_SERVER"));
        let token = options
            .token
            .clone()
            .or_else(|| given("ARGOCD_AUTH_TOKEN").map(Secret::new));
        let known = match &server {
            Some(server) => configured.iter().find(|context| context.server == *server),
            None => configured.iter().find(|context| context.current),
        };
        let Some(server) = server.or_else(|| known.map(|context| context.server.clone())) else {
            return Ok(None);
        };
        let plain = known.is_some_and(|context| context.plain_text);
        let root = known.map(|context| context.root_path.as_str()).unwrap_or_default();
        Ok(Some(Self {
            url: address(&server, plain, root)?,
            token: token.or_else(|| known.and_then(|context| context.token.clone())),
            insecure: known.is_some_and(|context| context.insecure),
            certificates: options.certificates.clone(),
        }))
    }

    /// The server, as errors name it.
    #[must_use]
    pub fn server(&self) -> String {
        self.url.to_string().trim_end_matches('/').to_owned()
    }
}

/// A context of the configuration.
#[derive(Debug)]
struct Context {
    server: String,
    token: Option<Secret>,
    current: bool,
    insecure: bool,
    plain_text: bool,
    root_path: String,
}

fn usual_configuration(given: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(folder) = given("ARGOCD_CONFIG_DIR") {
        return Some(Path::new(&folder).join("config"));
    }
    let home = given("HOME").map(PathBuf::from)?;
    let configuration = given("XDG_CONFIG_HOME")
        .map_or_else(|| home.join(".config"), PathBuf::from)
        .join("argocd/config");
    // Older versions wrote to the home folder.
    let old = home.join(".argocd/config");
    Some(if old.is_file() { old } else { configuration })
}

fn contexts(path: &Path) -> Result<Vec<Context>, ConnectionError> {
    use std::io::Read as _;
    let wrong = |why: String| ConnectionError::Configuration {
        path: path.to_path_buf(),
        why,
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let mut content = String::new();
    file.take(LONGEST)
        .read_to_string(&mut content)
        .map_err(|error| wrong(error.to_string()))?;
    // The words of the YAML error are left out: they can quote a token.
    let documents = yaml::parse_docs(&content).map_err(|error| match error {
        yaml::YamlError::Read { line, .. } => wrong(format!("line {line} is not YAML")),
        yaml::YamlError::Write(_) => wrong("it is not YAML".to_owned()),
    })?;
    let root = documents.first().map_or(&Value::Null, |document| &document.value);
    let named = |pointer: &str, key: &str, name: &str| {
        list(root, pointer)
            .iter()
            .find(|entry| text(entry, key) == name)
            .cloned()
            .unwrap_or_default()
    };
    let context = |entry: &Value| {
        let server = named("/servers", "/server", text(entry, "/server"));
        let user = named("/users", "/name", text(entry, "/user"));
        let token = text(&user, "/auth-token");
        let flag = |pointer: &str| server.pointer(pointer).and_then(Value::as_bool).unwrap_or_default();
        Context {
            server: text(entry, "/server").to_owned(),
            token: (!token.is_empty()).then(|| Secret::new(token.to_owned())),
            current: text(entry, "/name") == text(root, "/current-context"),
            insecure: flag("/insecure"),
            plain_text: flag("/plain-text"),
            root_path: text(&server, "/grpc-web-root-path").to_owned(),
        }
    };
    Ok(list(root, "/contexts")
        .iter()
        .map(context)
        .filter(|context| !context.server.is_empty())
        .collect())
}

fn address(server: &str, plain: bool, root: &str) -> Result<Url, ConnectionError> {
    let shown = server.rsplit_once('@').map_or(server, |(_, host)| host).to_owned();
    let wrong = || ConnectionError::Server { server: shown.clone() };
    let scheme = if plain { "http" } else { "https" };
    let whole = if server.contains("://") {
        server.to_owned()
    } else {
        format!("{scheme}://{server}")
    };
    let mut url = Url::parse(&whole).map_err(|_| wrong())?;
    let web = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if !web || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    let path = format!("{}/{}", url.path().trim_end_matches('/'), root.trim_matches('/'));
    url.set_path(path.trim_end_matches('/'));
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const CONFIGURATION: &str = "contexts:\n- {name: here, server: argocd.example.com, user: here}\n\
        - {name: other, server: 'localhost:8080', user: other}\ncurrent-context: here\n\
        servers:\n- {server: argocd.example.com, grpc-web-root-path: cd}\n- {server: 'localhost:8080', plain-text: true, insecure: true}\n\
        users:\n- {name: here, auth-token: canary-one}\n- {name: other, auth-token: canary-two}\n";

    fn find(options: &ConnectionOptions, variables: &[(&str, &str)]) -> Option<Connection> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Connection::find(options, variable).unwrap()
    }

    fn shown(connection: Option<Connection>) -> (String, Option<String>) {
        let connection = connection.unwrap();
        assert!(!format!("{connection:?}").contains("canary"));
        (
            connection.server(),
            connection.token.map(|token| token.reveal().to_owned()),
        )
    }

    #[test]
    fn options_come_before_the_environment_and_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, CONFIGURATION).unwrap();
        let configured = ConnectionOptions {
            configuration: Some(path),
            ..ConnectionOptions::default()
        };
        let none = ConnectionOptions::default();
        assert_eq!(find(&none, &[]), None);
        let token = |text: &str| Some(text.to_owned());
        assert_eq!(
            shown(find(&configured, &[])),
            ("https://argocd.example.com/cd".into(), token("canary-one"))
        );
        let other = find(&configured, &[("ARGOCD_SERVER", "localhost:8080")]);
        assert!(other.as_ref().unwrap().insecure);
        assert_eq!(shown(other), ("http://localhost:8080".into(), token("canary-two")));
        let foreign = find(&configured, &[("ARGOCD_SERVER", "evil.example.com")]);
        assert_eq!(
            shown(foreign),
            ("https://evil.example.com".into(), None),
            "a token stays with its server"
        );
        let environment = [
            ("ARGOCD_SERVER", "a.example.com"),
            ("ARGOCD_AUTH_TOKEN", "canary-three"),
        ];
        assert_eq!(
            shown(find(&none, &environment)),
            ("https://a.example.com".into(), token("canary-three"))
        );
        let option = ConnectionOptions {
            server: Some("http://b.example.com/root/".into()),
            ..none
        };
        assert_eq!(shown(find(&option, &environment)).0, "http://b.example.com/root");
    }

    #[test]
    fn a_broken_configuration_does_not_show_its_tokens() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config"), "users: [{auth-token: canary\n").unwrap();
        let directory = folder.path().to_str().unwrap().to_owned();
        let error = Connection::find(&ConnectionOptions::default(), |name| {
            (name == "ARGOCD_CONFIG_DIR").then(|| directory.clone())
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains("argocd login") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn what_is_no_server_is_an_error() {
        for server in ["", "ftp://x", "https://", "user:canary@host", "a b"] {
            let options = ConnectionOptions {
                server: Some(server.into()),
                ..ConnectionOptions::default()
            };
            let error = Connection::find(&options, |_| None).unwrap_err().to_string();
            assert!(error.contains("is no server") && !error.contains("canary"), "{error}");
        }
    }
}
