//! Fetching from another repository over HTTP or SSH, with Git's own protocol (gitprotocol-pack, version 0).
//!
//! Only the service `git-upload-pack` is spoken, which gives objects out. There is no code for the other one, which takes
//! objects: nothing can be pushed. What arrives is indexed by libgit2 in a cache folder of its own.

mod address;
mod advertisement;
mod answer;
mod cache;
mod channel;
mod error;
mod http;
mod pack;
mod packet;
mod request;
mod secret;
mod ssh;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use address::Address;
pub use error::FetchError;
pub use secret::{Credentials, Secret};

use super::Repository;
use advertisement::Advertisement;
use cache::Cache;
use channel::Channel;
use error::Result;
use request::Request;

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who asks. Credentials are sent to the host of the address only, and only over TLS or to this machine.
    pub credentials: Option<Credentials>,
    /// A file of certificates in PEM that are trusted beside those of the system.
    pub certificates: Option<PathBuf>,
    /// The program that makes SSH connections. It reads its own configuration and known hosts; it never asks.
    pub ssh: PathBuf,
    /// How much is read, and for how long.
    pub limits: Limits,
}

/// How much is read, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that one fetch takes.
    pub bytes: u64,
    /// The longest time that one fetch takes.
    pub time: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            credentials: None,
            certificates: None,
            ssh: "ssh".into(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 * 1024 * 1024,
            time: Duration::from_secs(120),
        }
    }
}

impl Access {
    /// Access with what the environment holds: `SERIN_GIT_TOKEN` (a token or password), `SERIN_GIT_USERNAME`, and
    /// `GIT_SSL_CAINFO`. Use it for addresses that the user typed: the environment's token must not follow an address that
    /// an object of the cluster holds.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let user = given("SERIN_GIT_USERNAME").unwrap_or_else(|| "git".to_owned());
        let credentials = given("SERIN_GIT_TOKEN").map(|token| Credentials {
            user,
            password: Secret::new(token),
        });
        Self {
            credentials,
            certificates: given("GIT_SSL_CAINFO").map(PathBuf::from),
            ..Self::default()
        }
    }
}

/// What is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Branches, tags, hashes of 40 digits, or `HEAD`. All the server's branches and tags if there are none.
    pub revisions: Vec<String>,
    /// So many commits of each; all if there is none.
    pub depth: Option<u32>,
}

/// Fetches into a folder, and opens it. The folder is empty, absent, or was written by an earlier fetch, whose objects are
/// not fetched again. The names of the server's branches and tags that were fetched are those of the repository.
///
/// # Errors
/// If the folder holds anything else, the server cannot be reached, refuses, has no such revision, sends what is not
/// Git's protocol, or more than the limits. No error contains a credential.
pub async fn fetch(address: &Address, access: &Access, wanted: &Wanted, folder: &Path) -> Result<Repository> {
    let limit = access.limits.time;
    let work = fetch_without_limit(address, access, wanted, folder);
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::TooSlow {
            address: address.to_string(),
            seconds: limit.as_secs(),
        }),
    }
}

async fn fetch_without_limit(address: &Address, access: &Access, wanted: &Wanted, folder: &Path) -> Result<Repository> {
    let cache = Cache::open(folder)?;
    let mut channel = Channel::open(address, access).await?;
    let advertisement = channel.advertisement().await?;
    let targets = advertisement.targets(address, &wanted.revisions)?;
    if targets.is_empty() {
        return Err(FetchError::Empty {
            address: address.to_string(),
        });
    }
    let shallow = cache.shallow()?;
    let request = Request::new(
        &advertisement,
        address,
        &targets,
        wanted.depth,
        &cache.tips()?,
        &shallow,
    )?;
    if let Some(request) = request {
        channel.ask(request.bytes()).await?;
        let answer = answer::read(&mut channel, &cache, access.limits.bytes).await?;
        cache.write_shallow(&shallow, &answer)?;
    }
    channel.close().await?;
    cache.write_refs(&advertisement, &targets)?;
    Ok(Repository::open(folder)?)
}

/// The names and hashes that a server offers, without fetching.
///
/// # Errors
/// As [`fetch`].
pub async fn offered(address: &Address, access: &Access) -> Result<Vec<(String, String)>> {
    let work = async {
        let mut channel = Channel::open(address, access).await?;
        let advertisement: Advertisement = channel.advertisement().await?;
        Ok(advertisement
            .refs
            .into_iter()
            .map(|(name, id)| (name, id.to_string()))
            .collect())
    };
    match tokio::time::timeout(access.limits.time, work).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::TooSlow {
            address: address.to_string(),
            seconds: access.limits.time.as_secs(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_gives_a_token_that_is_never_printed() {
        let access = Access::from_environment(|name| (name == "SERIN_GIT_TOKEN").then(|| "canary".to_owned()));
        assert_eq!(
            access.credentials.as_ref().map(|credentials| credentials.user.as_str()),
            Some("git")
        );
        assert!(!format!("{access:?}").contains("canary"));
        assert!(Access::from_environment(|_| Some(String::new())).credentials.is_none());
    }
}
