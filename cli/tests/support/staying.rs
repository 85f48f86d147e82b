//! Processes that keep a cluster up: `sandbox` and `demo --keep`.

#![allow(dead_code, reason = "each test binary uses its own part of these")]

use kube::{Client, Config};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A play with one pod and one short pause, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// A cluster that stays.
pub(crate) struct Staying {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Staying {
    pub(crate) fn start(arguments: &[&str]) -> Self {
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
    pub(crate) async fn ready(&mut self) -> (String, PathBuf) {
        let mut printed = String::new();
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line = line
                .unwrap_or_else(|_| panic!("nothing more after\n{printed}"))
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended after\n{printed}"));
            printed.push_str(&line);
            printed.push('\n');
            if line.starts_with("Press Ctrl-C") {
                let named = printed
                    .lines()
                    .find_map(|it| it.trim().strip_prefix("export KUBECONFIG="));
                let kubeconfig = named.unwrap_or_else(|| panic!("no KUBECONFIG in\n{printed}")).into();
                return (printed, kubeconfig);
            }
        }
    }

    pub(crate) async fn ended_by(&mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await.unwrap();
        assert!(sent.success());
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

/// What the command line does with that kubeconfig.
pub(crate) async fn serin(kubeconfig: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin"));
    command
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .output()
        .await
        .unwrap()
}

/// A client of the cluster of a kubeconfig.
pub(crate) async fn client(kubeconfig: &Path) -> Client {
    serin::install_tls();
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    Client::try_from(config).unwrap()
}
