//! What the other modules walk over: the files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of our crates.
pub(crate) const CRATES: [&str; 12] = [
    "expr",
    "core",
    "world",
    "lua",
    "argocd",
    "gitops",
    "explain",
    "plugin",
    "controller",
    "sandbox",
    "cli",
    "e2e",
];

/// A file of the workspace.
pub(crate) struct File {
    /// Path from the root, with slashes.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

impl File {
    /// Its syntax tree.
    pub(crate) fn parse(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files of our crates, sorted.
pub(crate) fn rust() -> Vec<File> {
    let found: Vec<File> = CRATES
        .iter()
        .flat_map(|folder| files(folder))
        .filter(|file| file.path.ends_with(".rs"))
        .collect();
    assert!(found.len() > 60, "the walk found {} Rust files only", found.len());
    found
}

/// All text files below a folder of the root, sorted.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root().join(folder), folder, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// One file of the root.
pub(crate) fn file(path: &str) -> File {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    File {
        path: path.to_owned(),
        text,
    }
}

fn walk(folder: &Path, name: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{name}: {error}")) {
        let entry = entry.unwrap();
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            if !path.ends_with("/target") {
                walk(&entry.path(), &path, found);
            }
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            found.push(File { path, text });
        }
    }
}
