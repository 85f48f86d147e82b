//! A commit, as it is stored.

use std::fmt;
use std::str::FromStr;

use super::error::{GitError, Result};

/// The hash of a commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub(super) git2::Oid);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CommitId {
    type Err = GitError;

    /// A hash of 40 digits.
    fn from_str(text: &str) -> Result<Self> {
        let whole = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = whole.then(|| git2::Oid::from_str(text).ok()).flatten();
        id.map(Self).ok_or_else(|| GitError::NoRevision {
            revision: text.to_owned(),
            hint: "; a hash has 40 digits".into(),
        })
    }
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub id: CommitId,
    /// The commits before it; a merge has several.
    pub parents: Vec<CommitId>,
    /// The name of who wrote it.
    pub author: String,
    /// The e-mail address of who wrote it.
    pub email: String,
    /// When it was written, in RFC 3339, UTC.
    pub date: String,
    /// Its message, whole.
    pub message: String,
    pub(super) tree: git2::Oid,
    /// When it was committed, in seconds since 1970; the order of history.
    pub(super) committed: i64,
}

impl Commit {
    /// The first line of the message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.trim_start().lines().next().unwrap_or_default()
    }

    /// Reads the stored form: headers, an empty line, the message.
    pub(super) fn parse(id: CommitId, bytes: &[u8]) -> Result<Self> {
        let broken = |why: &str| GitError::Broken {
            id: id.to_string(),
            why: why.to_owned(),
        };
        let text = String::from_utf8_lossy(bytes);
        let (headers, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let (mut tree, mut parents, mut author, mut committer) = (None, Vec::new(), None, None);
        for (key, value) in headers.lines().filter_map(|line| line.split_once(' ')) {
            match key {
                "tree" => tree = git2::Oid::from_str(value).ok(),
                "parent" => parents.push(value.parse::<CommitId>().map_err(|_| broken("a parent is no hash"))?),
                "author" => author = Some(Signature::parse(value)),
                "committer" => committer = Some(Signature::parse(value)),
                _ => {}
            }
        }
        let author = author.unwrap_or_default();
        let committed = committer.map_or(author.seconds, |committer| committer.seconds);
        let date = jiff::Timestamp::from_second(author.seconds)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_string();
        let tree = tree.ok_or_else(|| broken("it has no tree"))?;
        Ok(Self {
            id,
            parents,
            author: author.name,
            email: author.email,
            date,
            message: message.to_owned(),
            tree,
            committed,
        })
    }
}

/// `Name <address> seconds zone`.
#[derive(Debug, Default)]
struct Signature {
    name: String,
    email: String,
    seconds: i64,
}

impl Signature {
    fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('<').unwrap_or((text, ""));
        let (email, when) = rest.rsplit_once('>').unwrap_or((rest, ""));
        let seconds = when
            .split_whitespace()
            .next()
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or_default();
        Self {
            name: name.trim().to_owned(),
            email: email.trim().to_owned(),
            seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_stored_commit_is_read() {
        let stored =
            b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 1111111111111111111111111111111111111111\n\
            author Ann Example <ann@example.com> 1700000000 +0200\ncommitter B <b@example.com> 1700000100 +0000\n\
            gpgsig -----BEGIN\n xx\n -----END\n\nweb: newer image\n\nlonger\n";
        let id = "2222222222222222222222222222222222222222".parse().unwrap();
        let commit = Commit::parse(id, stored).unwrap();
        assert_eq!(
            (commit.author.as_str(), commit.email.as_str()),
            ("Ann Example", "ann@example.com")
        );
        assert_eq!(commit.date, "2023-11-14T22:13:20Z");
        assert_eq!(
            (commit.subject(), commit.committed, commit.parents.len()),
            ("web: newer image", 1_700_000_100, 1)
        );
    }

    #[test]
    fn a_broken_commit_is_an_error() {
        let id: CommitId = "2222222222222222222222222222222222222222".parse().unwrap();
        for stored in [
            &b""[..],
            b"tree x\n\n",
            b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 12\n\n",
        ] {
            assert!(
                matches!(Commit::parse(id, stored), Err(GitError::Broken { .. })),
                "{stored:?}"
            );
        }
    }

    #[test]
    fn a_short_hash_is_no_commit_id() {
        assert!("abc".parse::<CommitId>().is_err());
        assert!("zz11111111111111111111111111111111111111".parse::<CommitId>().is_err());
    }
}
