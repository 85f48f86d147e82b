//! `serin man`: each command has a page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

fn serin(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_serin")).args(words).output().unwrap()
}

/// The commands that a help lists, by their first words.
fn listed(path: &[&str]) -> Vec<String> {
    let words: Vec<_> = path.iter().copied().chain(["--help"]).collect();
    let help = String::from_utf8(serin(&words).stdout).unwrap();
    let Some((_, rest)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    // What is indented more goes on with the line above.
    let block = rest.split("\n\n").next().unwrap().lines();
    let names = block
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

fn check(path: &[&str], folder: &Path) -> usize {
    let name = [&["serin"], path].concat().join("-");
    let page =
        std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{page}");
    let below = listed(path).into_iter().filter(|it| it != "help");
    1 + below
        .map(|it| check(&[path, &[it.as_str()]].concat(), folder))
        .sum::<usize>()
}

#[test]
fn each_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("man1");
    let output = serin(&["man", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let commands = check(&[], &folder);
    assert!(commands > 20, "{commands}");
    // Under the plugin's name, those that upstream's plugin has.
    for command in [
        "",
        "-get-rollout",
        "-get-experiment",
        "-list-rollouts",
        "-set-image",
        "-undo",
        "-lint",
        "-create-analysisrun",
    ] {
        let page = format!("kubectl-argo-rollouts{command}.1");
        assert!(folder.join(&page).is_file(), "{page}");
    }
    let controller = std::fs::read_to_string(folder.join("serin-controller.1")).unwrap();
    assert!(controller.contains("namespaced"), "{controller}");
    let pages = std::fs::read_dir(&folder).unwrap().count();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with(&format!("{pages} pages in ")), "{said}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let output = serin(&["man", "/dev/null/man"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("Error: cannot write /dev/null/man: "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
