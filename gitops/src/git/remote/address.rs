//! Addresses of repositories.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::error::{FetchError, Result};
use super::secret::{Credentials, Secret};

/// Where a repository is. Printed, it has neither user, password nor query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(pub(super) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `https://` or `http://`, without its user and password.
    Http { url: Url, credentials: Option<Credentials> },
    /// `ssh://user@host:port/path` or `user@host:path`.
    Ssh {
        /// `user@host` or `host`.
        host: String,
        port: Option<u16>,
        path: String,
    },
}

impl Address {
    /// Whether a text is an address of a server; anything else is a folder.
    #[must_use]
    pub fn is_remote(text: &str) -> bool {
        text.contains("://") || scp(text).is_some()
    }
}

impl FromStr for Address {
    type Err = FetchError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why| FetchError::Address {
            address: harmless(text),
            why,
        };
        if !text.contains("://") {
            let (host, path) = scp(text).ok_or_else(|| wrong("it is no address"))?;
            return ssh(host, None, path).map_err(wrong);
        }
        let mut url = Url::parse(text).map_err(|_| wrong("it is no address"))?;
        match url.scheme() {
            "http" | "https" => {
                let password = url.password().map(decoded);
                let user = decoded(url.username());
                let credentials = match (user.is_empty(), password) {
                    (true, None) => None,
                    (false, None) => Some(Credentials {
                        user: "git".into(),
                        password: Secret::new(user),
                    }),
                    (_, Some(password)) => Some(Credentials {
                        user,
                        password: Secret::new(password),
                    }),
                };
                let cleared = url.set_username("").and_then(|()| url.set_password(None));
                cleared.map_err(|()| wrong("it has no host"))?;
                url.set_query(None);
                url.set_fragment(None);
                let path = url.path().trim_end_matches('/').to_owned();
                url.set_path(&path);
                Ok(Self(Kind::Http { url, credentials }))
            }
            "ssh" | "git+ssh" | "ssh+git" => {
                let host = url.host_str().ok_or_else(|| wrong("it has no host"))?;
                let user = decoded(url.username());
                let host = if user.is_empty() {
                    host.to_owned()
                } else {
                    format!("{user}@{host}")
                };
                let path = decoded(url.path());
                let path = path.strip_prefix("/~").map_or(path.clone(), |home| format!("~{home}"));
                ssh(&host, url.port(), &path).map_err(wrong)
            }
            "git" => Err(wrong("git:// is neither encrypted nor does it tell who answers")),
            _ => Err(wrong("its scheme is not fetched from")),
        }
    }
}

/// An address over SSH, if its parts cannot be taken for options of the program or of its far end.
fn ssh(host: &str, port: Option<u16>, path: &str) -> std::result::Result<Address, &'static str> {
    let (user, name) = host.rsplit_once('@').unwrap_or(("", host));
    let odd = |text: &str| text.starts_with('-') || text.chars().any(|c| c.is_whitespace() || c.is_control());
    if name.is_empty() || odd(user) || odd(name) {
        return Err("its host cannot be one");
    }
    if path.is_empty() || path.starts_with('-') || path.chars().any(char::is_control) {
        return Err("its path cannot be one");
    }
    Ok(Address(Kind::Ssh {
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    }))
}

/// The host and path of `user@host:path`: a colon before any slash (git-clone, "Git URLs").
fn scp(text: &str) -> Option<(&str, &str)> {
    let (host, path) = text.split_once(':')?;
    (!host.contains('/') && host.len() > 1 && !path.is_empty() && !path.starts_with(':')).then_some((host, path))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Http { url, .. } => url.fmt(f),
            Kind::Ssh { host, port, path } => {
                let port = port.map_or(String::new(), |port| format!(":{port}"));
                let slash = if path.starts_with('/') { "" } else { "/" };
                write!(f, "ssh://{host}{port}{slash}{path}")
            }
        }
    }
}

/// A text that was no address, without what can be a password.
fn harmless(text: &str) -> String {
    let (scheme, rest) = text
        .split_once("://")
        .map_or(("", text), |(scheme, rest)| (scheme, rest));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let clean: String = rest.chars().filter(|c| !c.is_control()).collect();
    if scheme.is_empty() {
        clean
    } else {
        format!("{scheme}://{clean}")
    }
}

/// A part of an address without its `%` escapes.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|two| std::str::from_utf8(two).ok());
        match escaped.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn addresses_are_read_and_printed_without_credentials() {
        for (text, printed) in [
            ("https://example.com/a/b.git", "https://example.com/a/b.git"),
            (
                "https://user:canary@example.com/a/b.git/?token=canary#canary",
                "https://example.com/a/b.git",
            ),
            ("https://canary@example.com/a", "https://example.com/a"),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("git@example.com:team/app.git", "ssh://git@example.com/team/app.git"),
            (
                "ssh://git@example.com:2222/team/app.git",
                "ssh://git@example.com:2222/team/app.git",
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), printed);
            assert!(!format!("{address:?}").contains("canary"), "{text}");
            assert!(Address::is_remote(text));
        }
        for text in ["/srv/repo", ".", "../repo", "overlays/prod", "c:/x"] {
            assert!(!Address::is_remote(text), "{text}");
        }
    }

    #[test]
    fn credentials_of_an_address_are_kept() {
        let Kind::Http { credentials, .. } = "https://a%40b:p%3Aw@example.com/x".parse::<Address>().unwrap().0 else {
            panic!()
        };
        let credentials = credentials.unwrap();
        assert_eq!(
            (credentials.user.as_str(), credentials.password.reveal()),
            ("a@b", "p:w")
        );
    }

    #[test]
    fn what_could_be_an_option_or_is_not_encrypted_is_refused() {
        for text in [
            "-oProxyCommand=x:path",
            "ssh://-oProxyCommand=x/path",
            "git@-x:path",
            "git@example.com:-x",
            "git://example.com/x",
            "ftp://u:canary@example.com/x",
            "ext::sh -c x",
            "https://",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(
                error.starts_with("cannot fetch from") && !error.contains("canary"),
                "{text}: {error}"
            );
        }
    }
}
