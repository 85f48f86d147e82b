//! What can go wrong while a repository is fetched. No text has a credential in it.

use std::path::PathBuf;

use crate::git::GitError;

pub(super) type Result<T> = std::result::Result<T, FetchError>;

/// Why a repository could not be fetched.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// An address that is not understood.
    #[error("cannot fetch from `{address}`: {why}; write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH")]
    Address {
        /// The address without its user and password.
        address: String,
        /// Why.
        why: &'static str,
    },
    /// Credentials that everybody on the way could read.
    #[error("{address} is not encrypted, and credentials are not sent in the clear; use https")]
    Unencrypted {
        /// The address.
        address: String,
    },
    /// No connection, or one that broke.
    #[error("cannot reach {address}: {why}")]
    Unreachable {
        /// The address.
        address: String,
        /// Why.
        why: String,
    },
    /// The server wants other credentials.
    #[error(
        "{address} refused: {why}; give a token that can read the repository in SERIN_GIT_TOKEN, or check that it may"
    )]
    Denied {
        /// The address.
        address: String,
        /// What the server said.
        why: String,
    },
    /// The server has no such repository, or does not tell those who may not read it.
    #[error("{address} does not exist, or the credentials do not allow to see it")]
    NotFound {
        /// The address.
        address: String,
    },
    /// No Git server.
    #[error("{address} does not speak Git's protocol: {why}")]
    Protocol {
        /// The address.
        address: String,
        /// What was wrong.
        why: String,
    },
    /// A repository without commits.
    #[error("{address} has no branch and no tag")]
    Empty {
        /// The address.
        address: String,
    },
    /// A revision that the server does not have.
    #[error("{address} has no branch or tag `{revision}`")]
    NoRevision {
        /// The address.
        address: String,
        /// The revision as written.
        revision: String,
    },
    /// A server that gives out no part of the history.
    #[error("{address} cannot {what}; fetch the whole history, or use a local clone")]
    Unable {
        /// The address.
        address: String,
        /// What was asked.
        what: &'static str,
    },
    /// More bytes than the limit.
    #[error("{address} sends more than {limit} bytes; fetch fewer commits, or use a local clone")]
    TooLarge {
        /// The address.
        address: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// More time than the limit.
    #[error("{address} did not answer in full within {seconds} s; fetch fewer commits, or use a local clone")]
    TooSlow {
        /// The address.
        address: String,
        /// The limit in seconds.
        seconds: u64,
    },
    /// A folder that holds something else.
    #[error("{} is not empty and was not written by an earlier fetch; name an empty folder", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
    },
    /// A pack that libgit2 refused.
    #[error("the objects that arrived are broken: {why}")]
    Pack {
        /// Why.
        why: String,
    },
    /// The cache could not be read or written.
    #[error(transparent)]
    Git(#[from] GitError),
}
