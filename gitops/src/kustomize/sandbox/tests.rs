#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

fn limits(milliseconds: u64) -> Limits {
    Limits {
        time: Duration::from_millis(milliseconds),
        memory: 1 << 30,
    }
}

fn shell(script: &str, milliseconds: u64) -> Result<Output, Box<Problem>> {
    Sandbox::new()
        .unwrap()
        .run(Path::new("/bin/sh"), &["-c", script], limits(milliseconds))
}

/// Only what the sandbox sets, and PATH leads to no program.
#[test]
fn the_environment_is_its_own() {
    let script = "set; command -v git || command -v sh || echo none; ls / 2>/dev/null || echo no ls; pwd";
    let output = shell(script, 10_000).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.is_success, "{text}");
    assert!(text.contains("none\n") && text.contains("no ls\n"), "{text}");
    assert!(text.trim_end().ends_with("/tree"), "{text}");
    for name in ["CARGO", "USER=", "SSH_AUTH_SOCK", "KUBECONFIG"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[test]
fn who_takes_too_long_is_stopped() {
    // The loop has no end of its own.
    let problem = shell("while :; do :; done", 200).unwrap_err();
    assert!(problem.message.contains("0.2 s"), "{problem}");
}

#[test]
fn the_address_space_is_limited() {
    let output = shell("ulimit -v", 10_000).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1048576\n");
}

/// Where the system allows it, there is no network but a loopback that is down.
#[test]
fn there_is_no_network() {
    if without_network().is_empty() {
        return;
    }
    let output = shell("while read -r line; do echo \"$line\"; done </proc/net/dev", 10_000).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let devices = text.lines().skip(2).collect::<Vec<_>>();
    assert_eq!(devices.len(), 1, "{text}");
    assert!(devices[0].trim_start().starts_with("lo:"), "{text}");
}

#[test]
fn a_program_that_is_not_there() {
    let problem = Sandbox::new()
        .unwrap()
        .run(Path::new("/no/such/program"), &[], limits(5_000));
    // A shell in between says so itself.
    assert!(problem.is_err() || !problem.unwrap().is_success);
}
