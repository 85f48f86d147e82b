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
        Ok(Call::Complete(_)) => panic!("a completion"),
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
            " list <rollout|experiment> [flags]\n  kubectl-argo-rollouts list [command]\n\nExamples:\n\t# List rollouts\n\tkubectl argo rollouts list rollouts\n\t\n\t# List experiments\n\tkubectl argo rollouts list",
        ),
        (" list x", " list <rollout|experiment>"),
        (" status", " status"),
        (" promote a b", " promote"),
        (" abort", " abort"),
        (" retry x", " retry"),
        (" retry rollout", " retry rollout"),
        (" undo", " undo"),
        (" undo a b", " undo"),
        (" set image a", " set image"),
        (" set image a b=c=d", " set image"),
        (" set x", " set"),
        (" create", " create"),
        (" lint", " lint"),
    ];
    for (line, usage) in table {
        let Failure::Usage(text) = failure(&format!("kubectl-argo-rollouts{line}")) else {
            panic!("{line} did not show the usage")
        };
        assert!(
            text.contains(&format!("Usage:\n  kubectl-argo-rollouts{usage} ")),
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
        let usage = ["Usage:\n  kubectl-argo-rollouts", "Usage:\n  kubectl argo rollouts"];
        assert!(usage.iter().any(|usage| text.contains(usage)), "{line}:\n{text}");
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

/// The form is that of Go's cobra; `tests/recorded` compares it with Argo Rollouts.
#[test]
fn the_plugin_lists_the_commands_of_argo_rollouts_alone() {
    let Ok(Call::Help(text)) = call("kubectl-argo-rollouts --help") else {
        panic!()
    };
    assert!(text.contains("\n  promote       Promote a rollout\n"), "{text}");
    assert!(text.contains("\n  help          Help about any command\n"), "{text}");
    assert!(!text.contains("explain"), "{text}");
    let Ok(Call::Help(text)) = call("kubectl-argo-rollouts help set image") else {
        panic!()
    };
    let shape = "Update the image of a rollout\n\nUsage:\n  kubectl-argo-rollouts set image ROLLOUT_NAME CONTAINER=IMAGE [flags]\n\n\
                 Examples:\n  # Set rollout image (containers contains 'initContainer', 'container', 'ephemeralContainer')\n  kubectl \
                 argo rollouts set image my-rollout containerName=imageName\n";
    assert!(text.starts_with(shape), "{text}");
    assert!(
        text.contains("\nFlags:\n  -h, --help   help for image\n\nGlobal Flags:\n      --as string "),
        "{text}"
    );
}

fn completion(line: &str) -> complete::Completion {
    let words: Vec<_> = line.split(' ').map(OsString::from).collect();
    match read(&words) {
        Ok(Call::Complete(completion)) => completion,
        Ok(_) => panic!("{line} was not completed"),
        Err(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn words_are_completed() {
    for (line, candidates, directive) in [
        ("__complete pr", "promote", Directive::NoFiles),
        ("__complete terminate ", "analysisrun experiment", Directive::NoFiles),
        ("__complete completion ", "bash zsh fish powershell", Directive::NoFiles),
        ("__complete help term", "terminate", Directive::NoFiles),
        ("__complete undo --to", "--token --to-revision", Directive::NoFiles),
        ("__complete undo --to-revision ", "", Directive::Default),
        ("__complete lint -f ", "", Directive::Default),
        ("__complete get rollout --watch=", "", Directive::Default),
        ("__complete get rollout -h ", "", Directive::NoFiles),
        ("__completeNoDesc lint ", "", Directive::Default),
    ] {
        let found = completion(&format!("kubectl-argo-rollouts {line}"));
        let words: Vec<_> = found.candidates.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(words.join(" "), candidates, "{line}");
        assert_eq!((found.directive, found.names), (directive, None), "{line}");
        assert_eq!(found.described, line.starts_with("__complete "), "{line}");
    }
}

#[test]
fn names_are_completed_as_the_first_word_alone() {
    for (line, of) in [
        ("get ro -w", Some(Named::Rollouts)),
        ("-n shop promote", Some(Named::Rollouts)),
        ("set image --context=dev", Some(Named::Rollouts)),
        ("terminate ar", Some(Named::AnalysisRuns)),
        ("retry exp", Some(Named::Experiments)),
        ("abort web", None),
    ] {
        let found = completion(&format!("kubectl-argo-rollouts __complete {line} x"));
        let names = of.map(|of| complete::Names {
            of,
            prefix: "x".to_owned(),
        });
        assert_eq!(found.names, names, "{line}");
        assert_eq!(found.directive, Directive::NoFiles, "{line}");
    }
    let found = completion("serin __complete -n shop --context dev undo ");
    assert_eq!(found.global.namespace.as_deref(), Some("shop"));
    assert_eq!(found.global.context.as_deref(), Some("dev"));
}

#[test]
fn what_cannot_be_completed_says_why() {
    let found = completion("kubectl-argo-rollouts __complete nope ");
    assert_eq!(
        found.problem.as_deref(),
        Some("unable to find a command for arguments: [nope]")
    );
    let found = completion("kubectl-argo-rollouts __complete get ro --nope ");
    let told = "Error while parsing flags from args [--nope]: unknown flag: --nope";
    assert_eq!(found.problem.as_deref(), Some(told));
}
