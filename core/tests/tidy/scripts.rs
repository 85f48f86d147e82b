//! Shell scripts are whole: one that an edit has cut checks nothing.

#![allow(clippy::disallowed_types, reason = "bash reads the scripts; core starts nothing")]

use crate::workspace::root;
use std::process::{Command, Stdio};

const SCRIPTS: [&str; 10] = [
    ".ci/run",
    ".ci/tools",
    "e2e/argocd",
    "e2e/controlplane/build",
    "e2e/dataplane",
    "e2e/goexpr/build",
    "e2e/gopherlua/build",
    "e2e/goplugin/build",
    "e2e/real",
    "e2e/traefik/build",
];

/// What bash says of a script that it only reads.
fn said(script: &str, text: &str) -> Vec<String> {
    use std::io::Write as _;
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash is there");
    bash.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    complaints.lines().map(|line| format!("{script}: {line}")).collect()
}

#[test]
fn scripts_are_whole() {
    let findings: Vec<String> = SCRIPTS
        .iter()
        .flat_map(|script| said(script, &std::fs::read_to_string(root().join(script)).expect(script)))
        .collect();
    crate::none(&findings);
}

#[test]
fn a_cut_line_is_found() {
    assert_eq!(
        said("a", "if true; then\n  echo yes\nelX; then\n  echo no\nfi\n").len(),
        2
    );
}
