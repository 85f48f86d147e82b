//! The completion script of bash, played by bash on a server with names (contract 10 §1).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod support;

use serde_json::json;
use support::{Outcome, Server, run};

const ROLLOUTS: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-argo-rollouts");

/// What bash offers for words, of which the last is being typed.
async fn offered(server: &Server, words: &[&str]) -> Vec<String> {
    let script = run("kubectl-argo-rollouts completion bash").await.out;
    let typed: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let play = format!(
        "{script}\nCOMP_WORDS=('{PLUGIN}' --server='{}' {}); COMP_CWORD={}\n__kubectl-argo-rollouts_complete 2>/dev/null\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        server.url(),
        typed.join(" "),
        words.len() + 1
    );
    let output = tokio::process::Command::new("bash")
        .arg("-c")
        .arg(play)
        .output()
        .await
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    out.lines()
        .filter(|line| !line.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test]
async fn bash_offers_commands_flags_and_names() {
    let item =
        |name: &str| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}});
    let list = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "RolloutList", "metadata": {},
        "items": [item("web"), item("wide"), item("api")]});
    let server = Server::start(&[(ROLLOUTS, 200, list)]).await;
    for (words, expected) in [
        (&["prom"][..], &["promote"][..]),
        (&["promote", "w"], &["web", "wide"]),
        (&["promote", ""], &["web", "wide", "api"]),
        (&["promote", "--fu"], &["--full"]),
        (&["promote", "web", ""], &[]),
    ] {
        assert_eq!(offered(&server, words).await, expected, "{words:?}");
    }
}

#[tokio::test]
async fn each_shell_has_a_script_and_others_are_refused() {
    for (shell, begin) in [
        ("bash", "# Completion of kubectl-argo-rollouts for bash."),
        ("zsh", "#compdef kubectl-argo-rollouts\n"),
        ("fish", "# Completion of kubectl-argo-rollouts for fish."),
        ("powershell", "# Completion of kubectl-argo-rollouts for PowerShell."),
    ] {
        let outcome = run(&format!("kubectl-argo-rollouts completion {shell}")).await;
        assert!(
            outcome.success && outcome.out.starts_with(begin),
            "{shell}: {outcome:?}"
        );
        assert!(outcome.out.contains("__complete"), "{shell}");
    }
    let refused = Outcome::failure(
        "",
        "Error: invalid argument \"tcsh\" for \"kubectl-argo-rollouts completion\"\n",
    );
    assert_eq!(run("kubectl-argo-rollouts completion tcsh").await, refused);
    let none = Outcome::failure("", "Error: accepts 1 arg(s), received 0\n");
    assert_eq!(run("kubectl-argo-rollouts completion").await, none);
}
