//! Where the tests are.

use super::SuiteError;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "resource_customizations";

/// A folder with the scripts and tests of one kind.
#[derive(Debug)]
pub(super) struct KindFolder {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) path: PathBuf,
    /// Nothing outside of this folder is read.
    root: PathBuf,
}

impl KindFolder {
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of a file, or why there is none. Paths come from files that somebody else may have written: one that
    /// leaves the root, also through a symbolic link, is refused before it is opened.
    pub(super) fn text(&self, file: &Path) -> Result<String, String> {
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        let real = file.canonicalize().map_err(unreadable)?;
        if !real.starts_with(&self.root) {
            return Err(format!(
                "is not read, because it lies outside of {}; copy it into that folder",
                self.root.display()
            ));
        }
        fs::read_to_string(real).map_err(unreadable)
    }
}

/// The kinds at or below a folder, in the order of their paths.
pub(super) fn kinds(folder: &Path) -> Result<Vec<KindFolder>, SuiteError> {
    let folder = folder.canonicalize().map_err(|source| SuiteError::List {
        folder: folder.to_path_buf(),
        source,
    })?;
    let checkout = folder.join(ROOT);
    // A folder for many kinds reads the scripts of others (`Runner::own_script`), which lie beside it.
    let whole = folder.ancestors().find(|it| name(it) == ROOT);
    let mut kinds = Vec::new();
    let start = if checkout.is_dir() { &checkout } else { &folder };
    walk(start, whole.unwrap_or(&folder), &mut kinds)?;
    Ok(kinds)
}

fn walk(folder: &Path, root: &Path, kinds: &mut Vec<KindFolder>) -> Result<(), SuiteError> {
    if folder.join("health.lua").is_file()
        || folder.join("health_test.yaml").is_file()
        || folder.join("actions").is_dir()
    {
        kinds.push(KindFolder {
            group: folder
                .parent()
                .map(name)
                .filter(|group| group != ROOT)
                .unwrap_or_default(),
            kind: name(folder),
            path: folder.to_path_buf(),
            root: root.to_path_buf(),
        });
        return Ok(());
    }
    for below in folders(folder)? {
        walk(&below, root, kinds)?;
    }
    Ok(())
}

/// The folders in a folder, sorted. Links are not followed: they may lead in circles.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let list = || -> std::io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    };
    list().map_err(|source| SuiteError::List {
        folder: folder.to_path_buf(),
        source,
    })
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
