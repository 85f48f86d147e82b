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
const FOLDERS: [&str; 14] = [
    "expr",
    "core",
    "world",
    "lua",
    "argocd",
    "plugin",
    "controller",
    "sandbox",
    "cli",
    "e2e",
    "docs",
    "examples",
    "crds",
    "deploy",
];
const FILES: [&str; 7] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Cargo.toml",
    "deny.toml",
    ".ci/run",
    ".ci/tools",
];

fn all() -> Vec<File> {
    let exists = |folder: &&str| crate::workspace::root().join(folder).exists();
    let below = FOLDERS.into_iter().filter(exists).flat_map(files);
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
    let mut anchors = 0;
    for file in all().iter().filter(|file| file.path.ends_with(".md")) {
        let page = crate::workspace::root().join(&file.path);
        let folder = page.parent().expect("a folder");
        for link in file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() {
                page.clone()
            } else {
                folder.join(target)
            };
            if link.contains("://") {
                continue;
            }
            anchors += usize::from(!anchor.is_empty());
            let text = || std::fs::read_to_string(&target).unwrap_or_default();
            if !target.exists() || !(anchor.is_empty() || anchors_of(&text()).contains(&anchor.to_owned())) {
                findings.push(format!("{}: {link}", file.path));
            }
        }
    }
    assert!(anchors > 8, "the walk found {anchors} links to headings only");
    crate::none(&findings);
}

/// The names that a page's headings have in links.
fn anchors_of(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    headings.map(name).collect()
}

#[test]
fn headings_are_named_as_links_name_them() {
    let page = "# Two replicas\n\n## `Refused`, and why: 03 §7\ntext";
    assert_eq!(anchors_of(page), ["two-replicas", "refused-and-why-03-7"]);
}
