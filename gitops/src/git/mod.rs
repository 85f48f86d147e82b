//! Reading Git: commits, trees and history of a repository on disk, or of one that was fetched.
//!
//! Nothing here writes to a repository, and nothing in a repository is executed. The object database is opened as a pure
//! alternate, to which libgit2 never writes, and neither the repository's configuration nor the user's is loaded: there
//! are no hooks, filters, file system monitors, index or lock files, and `safe.directory` (which guards what a
//! configuration could start) has nothing to guard. References are small files, which are read here.

mod blame;
mod changes;
mod commit;
mod error;
mod history;
mod object;
mod place;
mod refs;
pub mod remote;
mod revision;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use changes::{Change, Changed};
pub use commit::{Commit, CommitId};
pub use error::GitError;
pub use tree::TreeFiles;

use error::Result;
use object::Objects;
use place::Place;
use refs::Refs;

/// A repository that can only be read.
#[derive(Debug, Clone)]
pub struct Repository {
    objects: Objects,
    refs: Arc<Refs>,
    /// The commits whose parents a shallow clone does not have.
    shallow: Arc<BTreeSet<CommitId>>,
    place: Arc<Place>,
}

impl Repository {
    /// Opens the repository that a folder belongs to: a work tree or a folder in it, a bare repository, or a `.git` folder.
    ///
    /// # Errors
    /// If there is none, if it cannot be read, or if its form is not understood.
    pub fn open(folder: &Path) -> Result<Self> {
        let place = Place::find(folder)?;
        let objects = Objects::open(&place.objects())?;
        let shallow = place.shallow()?;
        let refs = Refs::on_disk(place.git.clone(), place.common.clone());
        Ok(Self {
            objects,
            refs: Arc::new(refs),
            shallow: Arc::new(shallow),
            place: Arc::new(place),
        })
    }

    /// The folder that holds the checked out files; `None` for a bare repository.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.place.work_tree.as_deref()
    }

    /// Where a path of the file system stands in the trees of this repository, relative to their root.
    ///
    /// # Errors
    /// If the path is not in the work tree, or the repository is bare.
    pub fn inside(&self, path: &Path) -> Result<PathBuf> {
        self.place.inside(path)
    }

    /// Whether the history was cut: a clone with `--depth`.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// The commit that a revision names: `HEAD`, a branch, a tag, `origin/main`, a hash (seven digits are enough), and each
    /// of them with `~2`, `^`, `^2` or `^{commit}` behind it.
    ///
    /// # Errors
    /// If it names nothing, or nothing that this clone has.
    pub fn resolve(&self, revision: &str) -> Result<CommitId> {
        revision::resolve(self, revision)
    }

    /// A commit.
    ///
    /// # Errors
    /// If it is not there.
    pub fn commit(&self, id: CommitId) -> Result<Commit> {
        self.objects.commit(id)
    }

    /// The files of a commit.
    ///
    /// # Errors
    /// If the commit is not there.
    pub fn files(&self, id: CommitId) -> Result<TreeFiles> {
        Ok(TreeFiles::new(self.objects.clone(), self.commit(id)?.tree))
    }

    /// The commits that lead from one to another, oldest first, without `from` itself: those that are behind `to` and not
    /// behind `from`. With `paths`, only those that change one of them; a merge counts if it differs from all its parents.
    ///
    /// # Errors
    /// If the history between them is not there, as in a shallow clone; the error says how to get it.
    pub fn between(&self, from: CommitId, to: CommitId, paths: &[PathBuf]) -> Result<Vec<Commit>> {
        history::between(self, from, to, paths)
    }

    /// The commits up to one, newest first, that change one of the paths; at most `limit`. They end where a shallow clone ends.
    ///
    /// # Errors
    /// If a commit is not there.
    pub fn last(&self, to: CommitId, paths: &[PathBuf], limit: usize) -> Result<Vec<Commit>> {
        history::last(self, to, paths, limit)
    }

    /// The newest commit that both have behind them; `None` where they share no history.
    ///
    /// # Errors
    /// If the history between them is not there, as in a shallow clone.
    pub fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>> {
        history::merge_base(self, one, other)
    }

    /// The files that differ between two commits, sorted by path.
    ///
    /// # Errors
    /// If one of the commits is not there.
    pub fn changes(&self, from: CommitId, to: CommitId) -> Result<Vec<Change>> {
        changes::between(&self.objects, self.commit(from)?.tree, self.commit(to)?.tree)
    }

    /// The commit that last changed a line (from 1) of a file, as it stands at `at`.
    ///
    /// # Errors
    /// If the file has no such line. Where a shallow clone ends, the oldest commit it has is returned.
    pub fn blame(&self, at: CommitId, file: &Path, line: u32) -> Result<Commit> {
        blame::line(self, at, file, line)
    }

    /// Whether the parents of a commit are here: they are not where a shallow clone ends.
    #[must_use]
    pub fn has_parents(&self, commit: &Commit) -> bool {
        !self.shallow.contains(&commit.id) && commit.parents.iter().all(|parent| self.objects.has(parent.0))
    }

    /// The parents of a commit that this clone has; none behind a shallow clone's end.
    fn parents(&self, commit: &Commit) -> Vec<CommitId> {
        if self.shallow.contains(&commit.id) {
            Vec::new()
        } else {
            commit.parents.clone()
        }
    }
}
