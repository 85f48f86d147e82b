//! `sandbox` and `demo --keep` as processes: they say how to reach the cluster, stay, and leave nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A play with one pod and one short pause, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(120);
const ROLLOUT: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'app:1'}]}
  strategy: {canary: {steps: [{setWeight: 100}, {pause: {duration: 1s}}]}}
";

/// A cluster that stays.
struct Staying {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Staying {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_serin"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until it says how to end it; gives all it printed, and the kubeconfig that it named.
    async fn ready(&mut self) -> (String, PathBuf) {
        let mut printed = String::new();
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line = line
                .unwrap_or_else(|_| panic!("nothing more after\n{printed}"))
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended after\n{printed}"));
            printed.push_str(&line);
            printed.push('\n');
            if line.starts_with("Ctrl-C ends it") {
                let named = printed
                    .lines()
                    .find_map(|it| it.trim().strip_prefix("export KUBECONFIG="));
                let kubeconfig = named.unwrap_or_else(|| panic!("no KUBECONFIG in\n{printed}")).into();
                return (printed, kubeconfig);
            }
        }
    }

    async fn ended_by(&mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await.unwrap();
        assert!(sent.success());
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

/// What the command line does with that kubeconfig.
async fn serin(kubeconfig: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin"));
    command
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_demo_that_is_kept_can_be_looked_at_and_ends_when_interrupted() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("staying.yaml");
    std::fs::write(&file, ROLLOUT).unwrap();
    let mut demo = Staying::start(&["demo", "--keep", "--file", file.to_str().unwrap()]);
    let (printed, kubeconfig) = demo.ready().await;
    assert!(printed.contains("The cluster stays up."), "{printed}");
    let seen = serin(&kubeconfig, &["get", "rollout", "web", "--no-color"]).await;
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.contains("✔ Healthy") && seen.contains("revision:2"), "{seen}");
    assert!(demo.ended_by("-INT").await.success());
    assert!(!kubeconfig.exists(), "the kubeconfig stays behind");
}

#[tokio::test]
async fn a_sandbox_serves_until_it_is_asked_to_stop() {
    let mut sandbox = Staying::start(&["sandbox"]);
    let (_, kubeconfig) = sandbox.ready().await;
    let mode = std::fs::metadata(&kubeconfig).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others may read the kubeconfig");
    let name = kubeconfig.file_name().unwrap().to_str().unwrap();
    let process = sandbox.child.id().unwrap().to_string();
    assert!(!name.contains(&process) && name.len() > 40, "{name} can be guessed");
    let asked = serin(&kubeconfig, &["status", "web"]).await;
    let answer = String::from_utf8(asked.stderr).unwrap();
    assert!(answer.contains("\"web\" not found"), "{answer}");
    assert!(sandbox.ended_by("-TERM").await.success());
    assert!(!kubeconfig.exists(), "the kubeconfig stays behind");
}
