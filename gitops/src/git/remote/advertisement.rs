//! What a server offers: names with hashes, and what it can do (gitprotocol-pack, "Reference Discovery").

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::address::Address;
use super::error::{FetchError, Result};
use crate::git::refs;

/// What a server offers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Advertisement {
    pub(super) refs: BTreeMap<String, Oid>,
    pub(super) abilities: BTreeSet<String>,
}

impl Advertisement {
    /// Takes a line: a hash, a name, and in the first line what the server can do behind a zero byte.
    pub(super) fn take(&mut self, line: &[u8]) -> std::result::Result<(), String> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\n');
        if let Some(message) = text.strip_prefix("ERR ") {
            return Err(format!("the server says: {}", printable(message)));
        }
        if text.starts_with("version 1") || text.starts_with("shallow ") {
            return Ok(());
        }
        let (text, abilities) = text.split_once('\0').unwrap_or((text, ""));
        self.abilities
            .extend(abilities.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        let parsed = text.split_once(' ').and_then(|(hash, name)| Some((whole(hash)?, name)));
        let (id, name) = parsed.ok_or_else(|| format!("`{}` is no hash with a name", printable(text)))?;
        if refs::is_name(name) {
            self.refs.insert(name.to_owned(), id);
        }
        Ok(())
    }

    /// Whether the server can do something.
    pub(super) fn can(&self, ability: &str) -> bool {
        self.abilities.contains(ability)
    }

    /// The branch that `HEAD` stands for.
    pub(super) fn head(&self) -> Option<&str> {
        self.abilities.iter().find_map(|word| word.strip_prefix("symref=HEAD:"))
    }

    /// The names and hashes of what is wanted; all branches and tags if nothing is named.
    pub(super) fn targets(&self, address: &Address, revisions: &[String]) -> Result<BTreeMap<String, Oid>> {
        if revisions.is_empty() {
            let kept = |name: &str| name == "HEAD" || name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
            return Ok(self
                .refs
                .iter()
                .filter(|(name, _)| kept(name))
                .map(|(name, id)| (name.clone(), *id))
                .collect());
        }
        let mut targets = BTreeMap::new();
        for revision in revisions {
            let none = || FetchError::NoRevision {
                address: address.to_string(),
                revision: printable(revision),
            };
            let (name, id) = self.target(revision).ok_or_else(none)?;
            targets.insert(name, id);
        }
        if let (Some(id), Some(name)) = (targets.get("HEAD").copied(), self.head()) {
            targets.insert(name.to_owned(), id);
        }
        Ok(targets)
    }

    fn target(&self, revision: &str) -> Option<(String, Oid)> {
        let revision = revision.strip_prefix("origin/").unwrap_or(revision);
        let names = ["", "refs/", "refs/tags/", "refs/heads/"].map(|before| format!("{before}{revision}"));
        let named = names
            .into_iter()
            .find_map(|name| self.refs.get(&name).map(|id| (name, *id)));
        named.or_else(|| whole(revision).map(|id| (format!("refs/serin/{id}"), id)))
    }
}

/// A hash of 40 digits.
pub(super) fn whole(text: &str) -> Option<Oid> {
    (text.len() == 40).then(|| Oid::from_str(text).ok()).flatten()
}

/// Text of a server without control characters, cut where it is long.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
