//! What no file of the project may contain.

use crate::workspace::{File, file, files};

/// Beginnings of paths that exist on one machine only. Spelt in two parts, so that this file passes.
const MACHINES: [(&str, &str); 5] = [
    ("/ho", "me/"),
    ("/Us", "ers/"),
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("C:\\", "Users"),
];

/// A home within the controller's container, not on somebody's machine.
const IN_THE_CONTAINER: &str = concat!("/ho", "me/argo-rollouts/");

/// Folders and files of the project that people write.
const FOLDERS: [&str; 9] = [
    "core",
    "controller",
    "sandbox",
    "cli",
    "e2e",
    "docs",
    "examples",
    "crds",
    "deploy",
];
const FILES: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Cargo.toml",
    "deny.toml",
    ".ci/run",
];

fn all() -> Vec<File> {
    let exists = |folder: &&str| crate::workspace::root().join(folder).exists();
    let below = FOLDERS.into_iter().filter(exists).flat_map(|folder| files(folder));
    below.chain(FILES.map(file)).collect()
}

#[test]
fn no_path_of_one_machine() {
    let mut findings = Vec::new();
    for file in all() {
        for (number, line) in file.text.lines().enumerate() {
            let line = line.replace(IN_THE_CONTAINER, "");
            if MACHINES.iter().any(|(one, two)| line.contains(&format!("{one}{two}"))) {
                findings.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    crate::none(&findings);
}

#[test]
fn nothing_is_left_to_do_in_silence() {
    let words = [("todo", "!("), ("unimpl", "emented!("), ("FIX", "ME"), ("#[ign", "ore")]
        .map(|(one, two)| format!("{one}{two}"));
    let mut findings = Vec::new();
    for file in crate::workspace::rust() {
        for (number, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                findings.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    crate::none(&findings);
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    let mut findings = Vec::new();
    for file in all().iter().filter(|file| file.path.ends_with(".md")) {
        let folder = crate::workspace::root().join(&file.path);
        let folder = folder.parent().expect("a folder");
        for target in file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                findings.push(format!("{}: {target}", file.path));
            }
        }
    }
    crate::none(&findings);
}
