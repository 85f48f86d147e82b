//! A folder on disk.

use super::{Files, FilesError, Kind};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A folder on disk. Links are reported as such and never followed, below the root that is.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The tree below a folder. The root itself may be a link.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn new(root: &Path) -> Result<Self, FilesError> {
        let found = fs::canonicalize(root).map_err(|error| failed(root, &error))?;
        if found.is_dir() {
            return Ok(Self { root: found });
        }
        let why = "it is no folder".to_owned();
        Err(FilesError {
            path: root.to_owned(),
            why,
        })
    }

    /// Where the root is on disk.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path on disk. No part of it leads out of the root: neither `..` nor a link in the place of a folder.
    fn inside(&self, path: &Path) -> Result<PathBuf, FilesError> {
        let mut full = self.root.clone();
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            match part {
                Component::Normal(name) => full.push(name),
                Component::CurDir => continue,
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    let why = "the path leads out of the folder".to_owned();
                    return Err(FilesError {
                        path: path.to_owned(),
                        why,
                    });
                }
            }
            let is_above = parts.peek().is_some();
            if is_above && fs::symlink_metadata(&full).is_ok_and(|found| found.is_symlink()) {
                let why = "it is below a symbolic link".to_owned();
                return Err(FilesError {
                    path: path.to_owned(),
                    why,
                });
            }
        }
        Ok(full)
    }
}

impl Files for Folder {
    fn kind(&self, path: &Path) -> Result<Option<Kind>, FilesError> {
        let full = self.inside(path)?;
        let found = match fs::symlink_metadata(&full) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(path, &error)),
        };
        if found.is_symlink() {
            return fs::read_link(&full)
                .map(|to| Some(Kind::Link(to)))
                .map_err(|error| failed(path, &error));
        }
        if found.is_dir() {
            return Ok(Some(Kind::Folder));
        }
        if found.is_file() {
            return Ok(Some(Kind::File(found.len())));
        }
        let why = "it is neither a file nor a folder".to_owned();
        Err(FilesError {
            path: path.to_owned(),
            why,
        })
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        match self.kind(path)? {
            Some(Kind::File(_)) => fs::read(self.inside(path)?).map_err(|error| failed(path, &error)),
            Some(Kind::Folder) => Err(refused(path, "it is a folder")),
            Some(Kind::Link(_)) => Err(refused(path, "it is a symbolic link")),
            None => Err(refused(path, "there is no such file")),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, FilesError> {
        match self.kind(folder)? {
            Some(Kind::Folder) => {}
            Some(Kind::File(_)) => return Err(refused(folder, "it is a file")),
            Some(Kind::Link(_)) => return Err(refused(folder, "it is a symbolic link")),
            None => return Err(refused(folder, "there is no such folder")),
        }
        let entries = fs::read_dir(self.inside(folder)?).map_err(|error| failed(folder, &error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| failed(folder, &error))?;
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }
}

fn failed(path: &Path, error: &io::Error) -> FilesError {
    FilesError {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

fn refused(path: &Path, why: &str) -> FilesError {
    FilesError {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests;
