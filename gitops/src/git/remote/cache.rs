//! The folder of what was fetched: a bare repository of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::advertisement::{Advertisement, whole};
use super::answer::Answer;
use super::error::{FetchError, Result};
use crate::git::{CommitId, GitError, place};

/// The file that tells a folder of ours from a repository of somebody else.
const MARK: &str = "serin-cache";

/// A folder of what was fetched.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens a folder that is absent, empty, or ours.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| GitError::unreadable(folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let empty = fs::read_dir(folder).map_err(failed)?.next().is_none();
        if !empty && !folder.join(MARK).is_file() {
            return Err(FetchError::Folder {
                folder: folder.to_path_buf(),
            });
        }
        let cache = Self {
            folder: folder.to_path_buf(),
        };
        cache.write(MARK, "Objects that Serin fetched. This folder can be removed.\n")?;
        fs::create_dir_all(cache.packs()).map_err(failed)?;
        Ok(cache)
    }

    /// The folder of the packs.
    pub(super) fn packs(&self) -> PathBuf {
        self.folder.join("objects").join("pack")
    }

    /// The commits that are here with what is behind them, up to where the history is cut.
    pub(super) fn tips(&self) -> Result<BTreeSet<Oid>> {
        Ok(self.refs()?.into_values().collect())
    }

    fn refs(&self) -> Result<BTreeMap<String, Oid>> {
        let text = place::long(&self.folder.join("packed-refs"))?.unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs
            .filter_map(|(hash, name)| Some((name.to_owned(), whole(hash)?)))
            .collect())
    }

    /// Where the history is cut.
    pub(super) fn shallow(&self) -> Result<BTreeSet<CommitId>> {
        let text = place::long(&self.folder.join("shallow"))?.unwrap_or_default();
        Ok(text.lines().filter_map(whole).map(CommitId).collect())
    }

    /// Writes where the history is cut now.
    pub(super) fn write_shallow(&self, before: &BTreeSet<CommitId>, answer: &Answer) -> Result<()> {
        let now: BTreeSet<CommitId> = before
            .union(&answer.shallow)
            .filter(|id| !answer.unshallow.contains(id))
            .copied()
            .collect();
        let mut text = String::new();
        for id in now {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{id}");
        }
        self.write("shallow", &text)
    }

    /// Writes the names of what was fetched, beside those of earlier fetches.
    pub(super) fn write_refs(&self, offer: &Advertisement, targets: &BTreeMap<String, Oid>) -> Result<()> {
        let mut refs = self.refs()?;
        refs.extend(
            targets
                .iter()
                .filter(|(name, _)| *name != "HEAD")
                .map(|(name, id)| (name.clone(), *id)),
        );
        let mut text = String::from("# pack-refs with: sorted\n");
        for (name, id) in &refs {
            let _ = writeln!(text, "{id} {name}");
        }
        self.write("packed-refs", &text)?;
        let branch = offer.head().filter(|name| refs.contains_key(*name));
        let first = targets.get("HEAD").or_else(|| targets.values().next());
        match (branch, first) {
            (Some(branch), _) => self.write("HEAD", &format!("ref: {branch}\n")),
            (None, Some(id)) => self.write("HEAD", &format!("{id}\n")),
            (None, None) => Ok(()),
        }
    }

    /// Writes a file as a whole, so that another process reads the old one or the new one.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let failed = |why: String| GitError::Unreadable {
            path: path.clone(),
            why,
        };
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(|error| failed(error.to_string()))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| failed(error.to_string()))?;
        file.persist(&path).map_err(|error| failed(error.to_string()))?;
        Ok(())
    }
}
