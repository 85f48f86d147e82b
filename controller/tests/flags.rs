//! Every flag of contract 09 §1 is known, and has an effect or a row in docs/differences.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use clap::{Args, Command};
use serin_controller::Options;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The flags that the section names between backticks, without dashes. `-x` after `--a-b` stands for another ending.
fn flags_of_the_contract() -> Vec<String> {
    let text = read(&root().join("docs/contract/09-controller.md"));
    let section = text.split("\n## ").find(|it| it.starts_with("1. Flags")).unwrap();
    let mut flags = Vec::new();
    for word in section.split('`').skip(1).step_by(2) {
        if let Some(name) = word.strip_prefix("--") {
            flags.push(name.to_owned());
        } else if let Some(ending) = word.strip_prefix('-') {
            let long: &String = flags.last().unwrap();
            let common = long.find("-lease-").or_else(|| long.find("-renew-")).unwrap();
            flags.push(format!("{}-{ending}", &long[..common]));
        }
    }
    assert!(flags.len() > 40, "{flags:?}");
    flags
}

/// All of the controller but for the list of flags without effect.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if !path.ends_with("args/idle.rs") {
            text.push_str(&read(&path));
        }
    }
    text
}

#[test]
fn each_has_an_effect_or_a_row() {
    let definition = Options::augment_args(Command::new("serin-controller"));
    let sources = sources(&root().join("controller/src"));
    let differences = read(&root().join("docs/differences.md"));
    for flag in flags_of_the_contract() {
        // clap's own; see below.
        if flag == "version" {
            continue;
        }
        let known = definition.get_arguments().find(|it| {
            it.get_long() == Some(&flag) || it.get_all_aliases().into_iter().flatten().any(|alias| alias == flag)
        });
        let field = known.unwrap_or_else(|| panic!("--{flag} is unknown")).get_id();
        let reads = [format!("options.{field}"), format!("self.{field}")];
        let has_effect = reads.iter().any(|it| sources.contains(it));
        let has_row = differences.contains(&format!("`--{flag}`"));
        assert!(
            has_effect || has_row,
            "--{flag} has neither an effect nor a row in docs/differences.md"
        );
        assert!(
            !(has_effect && has_row && differences.contains(&format!("`--{flag}` has no effect"))),
            "--{flag} has an effect, against docs/differences.md"
        );
    }
}

fn run(words: &[&str]) -> Output {
    let mut process = Process::new(env!("CARGO_BIN_EXE_serin-controller"));
    process.args(words).env_remove("KUBECONFIG").env("HOME", "/nonexistent");
    process.output().unwrap()
}

#[test]
fn the_version_is_printed() {
    let output = run(&["--version"]);
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("serin-controller {}\n", env!("CARGO_PKG_VERSION"))
    );
}

/// Upstream ends with 1 whatever is wrong.
#[test]
fn a_wrong_start_ends_with_one_and_says_what_to_do() {
    let broken = std::env::temp_dir().join(format!("serin-broken-{}.yaml", std::process::id()));
    std::fs::write(&broken, "clusters: [\n").unwrap();
    let broken = broken.to_str().unwrap();
    for (words, said) in [
        (
            &["--qqs=1"][..],
            "Error: unknown flag: --qqs\n`serin-controller --help` lists the flags.\n",
        ),
        (
            &["--kubeconfig=/nonexistent/config"],
            "Error: the kubeconfig /nonexistent/config cannot be read: ",
        ),
        (
            &["--kubeconfig", broken],
            &format!("Error: the kubeconfig {broken} is not a kubeconfig: "),
        ),
        (
            &[],
            "Error: no cluster to connect to: there is no kubeconfig (/nonexistent/.kube/config), and this is not a pod",
        ),
        (
            &["--server=nowhere here", "--token=x"],
            "Error: --server \"nowhere here\" is not a URL",
        ),
        (
            &["--server=http://localhost:1", "--token=x", "--controllers=foo"],
            "Error: unsupported controller: foo",
        ),
        (
            &[
                "--server=http://localhost:1",
                "--token=x",
                "--certificate-authority=/nonexistent/ca",
            ],
            "Error: the certificate authority /nonexistent/ca cannot be read: ",
        ),
        (
            &["replay", "/nonexistent/file"],
            "Error: cannot replay /nonexistent/file: ",
        ),
        (
            &["--takeover-report", "--server=http://localhost:1", "--token=x"],
            "Error: cannot reach the API server http://localhost:1",
        ),
        (
            &["--leave-report", "--server=http://localhost:1", "--token=x"],
            "Error: cannot reach the API server http://localhost:1",
        ),
    ] {
        let output = run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        // The log may come before.
        let error = text.find("Error: ").map_or(text.as_str(), |at| &text[at..]);
        assert!(error.starts_with(said), "{words:?}: {text}");
        assert_eq!(output.status.code(), Some(1), "{words:?}: {text}");
        assert!(error.lines().count() <= 2, "{words:?}: {text}");
    }
}
