//! Where a repository's parts are: the `.git` folder, what it shares with other work trees, the work tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::commit::CommitId;
use super::error::{GitError, Result};

/// The longest small file (`HEAD`, a reference, `commondir`) that is read.
const SMALL: u64 = 4096;

/// The longest list (`packed-refs`, `shallow`, `config`) that is read.
const LONG: u64 = 64 * 1024 * 1024;

/// The folders of a repository.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder of `HEAD`.
    pub(super) git: PathBuf,
    /// The folder of objects and references, which several work trees can share.
    pub(super) common: PathBuf,
    /// The folder of the checked out files.
    pub(super) work_tree: Option<PathBuf>,
}

impl Place {
    /// The repository of a folder or file, or of the nearest folder above it.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        let start = folder
            .canonicalize()
            .map_err(|error| GitError::unreadable(folder, &error))?;
        for above in start.ancestors() {
            if let Some(git) = marker(&above.join(".git"))? {
                return Self::of(git, Some(above.to_path_buf()));
            }
            if is_repository(above) {
                return Self::of(
                    above.to_path_buf(),
                    above
                        .ends_with(".git")
                        .then(|| above.parent())
                        .flatten()
                        .map(Path::to_path_buf),
                );
            }
        }
        Err(GitError::NoRepository {
            folder: folder.to_path_buf(),
        })
    }

    fn of(git: PathBuf, work_tree: Option<PathBuf>) -> Result<Self> {
        let shared = git.join("commondir");
        let common = match small(&shared)? {
            Some(text) => git
                .join(text.trim())
                .canonicalize()
                .map_err(|error| GitError::unreadable(&shared, &error))?,
            None => git.clone(),
        };
        let place = Self { git, common, work_tree };
        place.check_form()?;
        Ok(place)
    }

    /// Refuses the forms of a repository that would be misread.
    fn check_form(&self) -> Result<()> {
        let unsupported = |what, remedy| {
            Err(GitError::Unsupported {
                path: self.common.clone(),
                what,
                remedy,
            })
        };
        if self.common.join("reftable").is_dir() {
            return unsupported(
                "keeps its references in reftable files, which are not read",
                "convert a copy with `git refs migrate --ref-format=files`",
            );
        }
        let config = long(&self.common.join("config"))?.unwrap_or_default();
        let sha256 = config
            .lines()
            .map(|line| line.replace([' ', '\t', '"'], "").to_lowercase());
        if sha256.into_iter().any(|line| line == "objectformat=sha256") {
            return unsupported(
                "uses SHA-256 hashes, which are not read",
                "use a clone with SHA-1 hashes",
            );
        }
        Ok(())
    }

    /// The folder of the objects.
    pub(super) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// The commits at which a shallow clone ends.
    pub(super) fn shallow(&self) -> Result<BTreeSet<CommitId>> {
        let text = long(&self.common.join("shallow"))?.unwrap_or_default();
        Ok(text.lines().filter_map(|line| line.trim().parse().ok()).collect())
    }

    /// A path of the file system, relative to the work tree.
    pub(super) fn inside(&self, path: &Path) -> Result<PathBuf> {
        let outside = || GitError::Outside {
            path: path.to_path_buf(),
        };
        let full = path
            .canonicalize()
            .map_err(|error| GitError::unreadable(path, &error))?;
        let root = self.work_tree.as_ref().ok_or_else(outside)?;
        full.strip_prefix(root).map(Path::to_path_buf).map_err(|_| outside())
    }
}

/// The repository that a `.git` stands for: itself if it is a folder, else the folder that it names.
fn marker(path: &Path) -> Result<Option<PathBuf>> {
    if is_repository(path) {
        return Ok(Some(path.to_path_buf()));
    }
    if !path.is_file() {
        return Ok(None);
    }
    let text = small(path)?.unwrap_or_default();
    let Some(target) = text.trim().strip_prefix("gitdir:") else {
        return Ok(None);
    };
    let folder = path.parent().unwrap_or(path).join(target.trim());
    folder
        .canonicalize()
        .map(Some)
        .map_err(|error| GitError::unreadable(&folder, &error))
}

fn is_repository(folder: &Path) -> bool {
    folder.join("HEAD").exists() && (folder.join("objects").is_dir() || folder.join("commondir").is_file())
}

/// The text of a small file; `None` where there is none, and the beginning of one that is longer.
pub(super) fn small(path: &Path) -> Result<Option<String>> {
    read(path, SMALL)
}

/// The text of a list; `None` where there is none.
pub(super) fn long(path: &Path) -> Result<Option<String>> {
    read(path, LONG)
}

fn read(path: &Path, limit: u64) -> Result<Option<String>> {
    use std::io::Read as _;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(GitError::unreadable(path, &error)),
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| GitError::unreadable(path, &error))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
