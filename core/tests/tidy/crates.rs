//! Dependencies between our crates point inwards, and only there (docs/architecture.md, "The rooms").

use crate::workspace::{CRATES, file};
use std::collections::{BTreeMap, BTreeSet};

/// Which of our crates each of them may know.
const ARROWS: [(&str, &[&str]); 12] = [
    ("expr", &[]),
    ("core", &["serin-expr"]),
    ("world", &["serin-core"]),
    ("lua", &["serin-core"]),
    ("argocd", &["serin-core", "serin-lua"]),
    ("gitops", &["serin-core"]),
    ("explain", &["serin-core", "serin-gitops"]),
    ("plugin", &["serin-core"]),
    ("sandbox", &[]),
    ("controller", &["serin-core", "serin-plugin"]),
    (
        "cli",
        &[
            "serin-argocd",
            "serin-controller",
            "serin-core",
            "serin-explain",
            "serin-expr",
            "serin-gitops",
            "serin-lua",
            "serin-sandbox",
        ],
    ),
    (
        "e2e",
        &[
            "serin-argocd",
            "serin-controller",
            "serin-core",
            "serin-explain",
            "serin-gitops",
            "serin-lua",
            "serin-sandbox",
        ],
    ),
];

/// What a crate's Cargo.toml says.
pub(crate) struct Manifest {
    /// What it is shipped with.
    pub(crate) dependencies: BTreeSet<String>,
    /// What its tests need.
    pub(crate) dev_dependencies: BTreeSet<String>,
    /// All of it.
    text: String,
}

impl Manifest {
    /// Of the crate in a folder.
    pub(crate) fn of(folder: &str) -> Self {
        let text = file(&format!("{folder}/Cargo.toml")).text;
        Self {
            dependencies: names(&text, "dependencies"),
            dev_dependencies: names(&text, "dev-dependencies"),
            text,
        }
    }
}

/// Keys of the tables of dependencies: `[dependencies]`, `[target.….dependencies]`, `[dependencies.name]`.
fn names(manifest: &str, table: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (last, before) = header
                .rsplit_once('.')
                .map_or((header, ""), |(before, last)| (last, before));
            inside = last == table;
            if before == table {
                names.insert(last.to_owned());
            }
        } else if inside && let Some((key, _)) = line.split_once('=') {
            let key = key.trim();
            names.insert(key.split_once('.').map_or(key, |(name, _)| name).to_owned());
        }
    }
    names
}

#[test]
fn arrows_point_inwards() {
    let ours: BTreeMap<&str, &[&str]> = ARROWS.into();
    let mut findings = Vec::new();
    for folder in CRATES {
        let manifest = Manifest::of(folder);
        assert!(
            !manifest.dependencies.is_empty(),
            "{folder}/Cargo.toml was not understood"
        );
        let allowed = ours[folder];
        for name in manifest.dependencies.iter().filter(|name| name.starts_with("serin")) {
            if !allowed.contains(&name.as_str()) {
                findings.push(format!("{folder} may not know {name}"));
            }
        }
        // A test may use what stands further out, except in core: its tests are to compile without a client.
        for name in manifest
            .dev_dependencies
            .iter()
            .filter(|name| folder == "core" && name.starts_with("serin"))
        {
            findings.push(format!("the tests of core may not know {name}"));
        }
    }
    crate::none(&findings);
}

#[test]
fn every_folder_of_the_workspace_is_known() {
    let manifest = file("Cargo.toml").text;
    let members = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = "))
        .expect("members");
    let listed: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(
        listed,
        BTreeSet::from(CRATES),
        "ARROWS and CRATES list the members of the workspace"
    );
}

#[test]
fn crates_share_lints_and_say_what_they_are() {
    let mut findings = Vec::new();
    for folder in CRATES {
        let manifest = Manifest::of(folder).text;
        for needed in [
            "[lints]\nworkspace = true",
            "license.workspace = true",
            "\ndescription = \"",
        ] {
            if !manifest.contains(needed) {
                findings.push(format!("{folder}/Cargo.toml lacks {needed:?}"));
            }
        }
        let lib = file(&format!("{folder}/src/lib.rs"));
        if !lib.text.starts_with("//! ") {
            findings.push(format!("{}: begins without documentation", lib.path));
        }
    }
    crate::none(&findings);
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = file("Cargo.toml").text;
    let table = manifest.split("[workspace.dependencies]").nth(1).expect("dependencies");
    let table = table.split("\n[").next().unwrap_or_default();
    let foreign = table
        .lines()
        .filter(|line| line.contains(" = ") && !line.contains("path ="));
    let silent = foreign.filter(|line| !line.contains(" # "));
    crate::none(&silent.map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn manifests_are_read() {
    let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = \"1\"\n[target.'cfg(unix)'.dependencies]\nc = \"1\"\n[dependencies.d]\nversion = \"1\"\n[dev-dependencies]\ne = \"1\"\n";
    assert_eq!(
        names(text, "dependencies"),
        ["a", "b", "c", "d"].map(str::to_owned).into()
    );
    assert_eq!(names(text, "dev-dependencies"), ["e".to_owned()].into());
}
