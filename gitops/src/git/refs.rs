//! References: names of commits. On disk they are files, one each or all in `packed-refs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::error::Result;
use super::place;

/// The names of commits that a repository has.
#[derive(Debug)]
pub(super) enum Refs {
    /// A repository on disk.
    Disk {
        /// The folder of `HEAD`.
        git: PathBuf,
        /// The folder of the shared references.
        common: PathBuf,
    },
}

/// The places in which Git looks for a short name, in its order (gitrevisions).
const PLACES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

/// How many symbolic references are followed, one after the other.
const LONGEST_CHAIN: usize = 5;

impl Refs {
    pub(super) fn on_disk(git: PathBuf, common: PathBuf) -> Self {
        Self::Disk { git, common }
    }

    /// The object that a name stands for; `None` where it stands for nothing.
    pub(super) fn find(&self, name: &str) -> Result<Option<Oid>> {
        if !is_name(name) {
            return Ok(None);
        }
        for (before, after) in PLACES {
            if let Some(id) = self.exact(&format!("{before}{name}{after}"))? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn exact(&self, name: &str) -> Result<Option<Oid>> {
        match self {
            Self::Disk { git, common } => on_disk(git, common, name),
        }
    }
}

fn on_disk(git: &Path, common: &Path, name: &str) -> Result<Option<Oid>> {
    let mut name = name.to_owned();
    for _ in 0..LONGEST_CHAIN {
        let loose = match place::small(&git.join(&name))? {
            Some(text) => Some(text),
            None => place::small(&common.join(&name))?,
        };
        let Some(text) = loose else {
            return Ok(packed(common)?.get(&name).copied());
        };
        match text.trim().strip_prefix("ref:") {
            Some(target) if is_name(target.trim()) => target.trim().clone_into(&mut name),
            Some(_) => return Ok(None),
            None => {
                return Ok((text.trim().len() == 40)
                    .then(|| Oid::from_str(text.trim()).ok())
                    .flatten());
            }
        }
    }
    Ok(None)
}

fn packed(common: &Path) -> Result<BTreeMap<String, Oid>> {
    let text = place::long(&common.join("packed-refs"))?.unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with(['#', '^']));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    Ok(pairs
        .filter_map(|(hash, name)| Some((name.to_owned(), Oid::from_str(hash).ok()?)))
        .collect())
}

/// Whether a name can be one of a reference, and thus of a file below the repository (git check-ref-format).
pub(super) fn is_name(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let clean = |c: char| !c.is_control() && !" ~^:?*[\\".contains(c);
    name.split('/').all(plain) && name.chars().all(clean) && !name.contains("..") && !name.contains("@{")
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_that_leave_the_repository_are_no_names() {
        for name in [
            "../HEAD",
            "/etc/passwd",
            "a/../b",
            "refs//x",
            "a..b",
            "",
            ".git",
            "x.lock",
            "a b",
            "HEAD@{1}",
            "c:\\x",
        ] {
            assert!(!is_name(name), "{name}");
        }
        for name in ["HEAD", "main", "origin/main", "feature/a-b_c", "v1.2.3", "refs/heads/x"] {
            assert!(is_name(name), "{name}");
        }
    }
}
