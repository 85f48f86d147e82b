//! What is committed under `lua/generated` is what the generator writes now.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serin_lua::generate::{File, Layout, Options, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of all scripts of one kind's health, and of one kind's actions.
const LINES_OF_A_KIND: usize = 200;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("generated")
}

/// What `serin lua generate` writes into `lua/generated`, each layout in its place.
fn files() -> Vec<File> {
    let options = Options::default();
    let mut files = write(Layout::ArgocdCm, &options);
    files.extend(write(Layout::HelmValues, &options));
    for (folder, layout) in [("directory", Layout::Directory), ("upstream", Layout::Upstream)] {
        files.extend(write(layout, &options).into_iter().map(|file| File {
            path: format!("{folder}/{}", file.path),
            text: file.text,
        }));
    }
    files
}

fn committed(folder: &Path, name: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let entry = entry.unwrap();
        let path = format!("{name}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            committed(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

#[test]
fn committed_files_are_those_of_a_fresh_run() {
    let fresh: BTreeMap<String, String> = files().into_iter().map(|file| (file.path, file.text)).collect();
    if std::env::var_os("UPDATE").is_some() {
        fs::remove_dir_all(folder()).ok();
        for (path, text) in &fresh {
            let path = folder().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    committed(&folder(), "", &mut found);
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&fresh), "files of lua/generated");
    for (path, text) in &fresh {
        assert!(
            found[path] == *text,
            "lua/generated/{path} is not what the generator writes now; \
             UPDATE=1 cargo test -p serin-lua --test generated writes it"
        );
    }
}

#[test]
fn scripts_are_short() {
    for file in files().iter().filter(|file| file.path.ends_with(".lua")) {
        let lines = file.text.lines().count();
        assert!(lines < LINES_OF_A_KIND, "{} has {lines} lines", file.path);
    }
}

#[test]
fn text_is_plain() {
    for file in files() {
        assert!(file.text.ends_with('\n'), "{}: no newline at the end", file.path);
        for line in file.text.lines() {
            assert_eq!(line, line.trim_end(), "{}: spaces at the end of a line", file.path);
            assert!(!line.contains('\t'), "{}: a tab", file.path);
        }
    }
}
