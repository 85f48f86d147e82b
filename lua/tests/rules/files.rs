//! The fixtures of `lua/fixtures` as files.

use serde_json::Value;
use serin_core::notation::yaml;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/argoproj.io")
        .join(kind)
}

pub(crate) fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut documents = yaml::parse_docs(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(documents.len(), 1, "{}", path.display());
    documents.remove(0).value
}

/// All objects of a kind's fixtures, by path.
pub(crate) fn objects(kind: &str) -> BTreeMap<PathBuf, Value> {
    let folders = [folder(kind).join("testdata"), folder(kind).join("actions/testdata")];
    let mut found = BTreeMap::new();
    for folder in folders.iter().filter(|folder| folder.exists()) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.insert(path.clone(), read(&path));
        }
    }
    assert!(found.len() > 4, "{kind} has {} fixtures only", found.len());
    found
}
