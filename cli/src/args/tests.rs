#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::commands::get::{GetGroup, GetKind};
use crate::show::console::ColorChoice;

fn call(line: &str) -> Result<Call, Failure> {
    let words: Vec<_> = line.split(' ').map(OsString::from).collect();
    read(&words)
}

#[track_caller]
fn command(line: &str) -> (Box<Global>, Command) {
    match call(line) {
        Ok(Call::Command(global, command)) => (global, command),
        Ok(Call::Help(text)) => panic!("help: {text}"),
        Ok(Call::Manual(_, folder)) => panic!("man pages in {}", folder.display()),
        Err(failure) => panic!("{failure:?}"),
    }
}

#[track_caller]
fn failure(line: &str) -> Failure {
    match call(line) {
        Ok(_) => panic!("{line} was read"),
        Err(failure) => failure,
    }
}

#[test]
fn kubectl_flags_stand_anywhere() {
    for line in [
        "kubectl-argo-rollouts -n shop get ro guestbook --context=dev",
        "kubectl-argo-rollouts get rollouts guestbook --context dev --namespace shop",
        "serin get rollout -n x guestbook -n shop --context dev",
    ] {
        let (global, command) = command(line);
        assert_eq!(
            (global.namespace.as_deref(), global.context.as_deref()),
            (Some("shop"), Some("dev")),
            "{line}"
        );
        let Command::Get(GetGroup {
            kind: Some(GetKind::Rollout(get)),
        }) = command
        else {
            panic!("{line}")
        };
        assert_eq!(get.names, ["guestbook"]);
        assert!(!get.watch);
    }
}

#[test]
fn flags_of_every_kind() {
    let (_, read) = command("serin status guestbook --watch=false --timeout 1m30s");
    let Command::Status(status) = read else { panic!() };
    assert!(!status.watch);
    assert_eq!(status.timeout.as_secs(), 90);
    let (_, read) = command("serin status guestbook");
    let Command::Status(status) = read else { panic!() };
    assert!(status.watch, "watching is the default");
    let (_, read) = command("serin get ro guestbook -w --no-color --timeout-seconds 5");
    let Command::Get(GetGroup {
        kind: Some(GetKind::Rollout(get)),
    }) = read
    else {
        panic!()
    };
    assert!(get.watch);
    assert_eq!(get.coloring.choice(), ColorChoice::Never);
    assert_eq!(get.timeout_seconds, 5);
    let (global, _) = command("serin abort a b --as me --as-group x --as-group y -v 6 --loglevel debug -s http://h:1");
    assert_eq!(global.impersonate_groups, ["x", "y"]);
    assert_eq!(global.kloglevel, 6);
    assert_eq!(global.server.as_deref(), Some("http://h:1"));
}

#[test]
fn errors_are_upstreams() {
    let table = [
        (
            "kubectl-argo-rollouts nope",
            "unknown command \"nope\" for \"kubectl-argo-rollouts\"\nRun 'kubectl-argo-rollouts --help' for usage.",
        ),
        ("kubectl-argo-rollouts get rollout x --nope", "unknown flag: --nope"),
        ("kubectl-argo-rollouts get rollout x --nope=1", "unknown flag: --nope"),
        (
            "kubectl-argo-rollouts get rollout x -q",
            "unknown shorthand flag: 'q' in -q",
        ),
        (
            "kubectl-argo-rollouts get rollout x -wq",
            "unknown shorthand flag: 'q' in -wq",
        ),
        (
            "kubectl-argo-rollouts get rollout x -n",
            "flag needs an argument: 'n' in -n",
        ),
        (
            "kubectl-argo-rollouts get rollout x --namespace",
            "flag needs an argument: --namespace",
        ),
        (
            "kubectl-argo-rollouts status x -t 5",
            r#"invalid argument "5" for "-t, --timeout" flag: time: missing unit in duration "5""#,
        ),
        (
            "kubectl-argo-rollouts get rollout x --timeout-seconds x",
            r#"invalid argument "x" for "--timeout-seconds" flag: strconv.ParseInt: parsing "x": invalid syntax"#,
        ),
        (
            "kubectl-argo-rollouts get rollout x --timeout-seconds 99999999999999999999",
            r#"invalid argument "99999999999999999999" for "--timeout-seconds" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
        ),
        (
            "kubectl-argo-rollouts get rollout x --watch=maybe",
            r#"invalid argument "maybe" for "-w, --watch" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
        ),
        (
            "kubectl-argo-rollouts version --loglevel nope",
            "not a valid logrus Level: \"nope\"",
        ),
        (
            "serin nope",
            "unknown command \"nope\" for \"serin\"\nRun 'serin --help' for usage.",
        ),
    ];
    for (line, text) in table {
        assert_eq!(failure(line), Failure::message(text), "{line}");
    }
}

#[test]
fn under_the_plugins_name_wrong_arguments_show_the_usage() {
    let table = [
        ("", ""),
        (" get", " get <rollout|experiment> RESOURCE_NAME [flags]\n "),
        (" get x", " get"),
        (" get rollout", " get rollout"),
        (" get rollout a b", " get rollout"),
        (" get experiment a b", " get experiment"),
        (
            " list",
            " list <rollout|experiment> [flags]\n  kubectl argo rollouts list [command]\n\nAvailable",
        ),
        (" list x", " list <rollout|experiment>"),
        (" status", " status"),
        (" promote a b", " promote"),
        (" abort", " abort"),
        (" retry x", " retry"),
        (" retry rollout", " retry rollout"),
    ];
    for (line, usage) in table {
        let Failure::Usage(text) = failure(&format!("kubectl-argo-rollouts{line}")) else {
            panic!("{line} did not show the usage")
        };
        assert!(
            text.contains(&format!("Usage:\n  kubectl argo rollouts{usage} ")),
            "{line}:\n{text}"
        );
        let connection = text
            .lines()
            .filter(|line| line.contains("--certificate-authority "))
            .count();
        assert_eq!(connection, 1, "{line}:\n{text}");
    }
    let Failure::Usage(text) = failure("serin") else {
        panic!()
    };
    assert!(text.contains("Usage: serin"), "{text}");
}

#[test]
fn help_is_no_error() {
    for (line, usage) in [
        ("--help", ""),
        ("-h", ""),
        ("help", ""),
        ("help get rollout", " get rollout ROLLOUT_NAME [flags]"),
        ("get ro -h", " get rollout ROLLOUT_NAME [flags]"),
        ("get exp -h", " get experiment EXPERIMENT_NAME [flags]"),
        ("list ro -h", " list rollouts"),
        ("list experiment -h", " list experiments"),
        ("promote -h", " promote ROLLOUT_NAME [flags]"),
        ("promote web --help -n shop", " promote ROLLOUT_NAME [flags]"),
        ("abort --help", " abort ROLLOUT_NAME... [flags]"),
        ("argocd install -h", " argocd install"),
        ("demo -h", " demo"),
    ] {
        let Ok(Call::Help(text)) = call(&format!("serin {line}")) else {
            panic!("{line} gave no help")
        };
        assert!(text.contains(&format!("Usage: serin{usage}")), "{line}:\n{text}");
        // Those of kubectl stand in one place.
        assert!(
            !text.contains("--certificate-authority") && !text.contains("--as-group"),
            "{line}:\n{text}"
        );
        let hint = "Run 'serin options' for the flags that all commands accept.";
        assert!(text.trim_end().ends_with(hint), "{line}:\n{text}");
        let Ok(Call::Help(text)) = call(&format!("kubectl-argo-rollouts {line}")) else {
            panic!("{line} gave no help")
        };
        assert!(text.contains("Usage:\n  kubectl argo rollouts"), "{line}:\n{text}");
        assert!(
            text.contains("      --certificate-authority string "),
            "{line}:\n{text}"
        );
    }
    let Failure::HelpOnNothing(text) = failure("serin help nope") else {
        panic!()
    };
    assert!(text.starts_with("Unknown help topic [`nope`]\n"), "{text}");
    assert!(text.contains("Usage: serin"), "{text}");
}
