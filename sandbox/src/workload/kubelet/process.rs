//! Commands of Jobs, run as processes of this machine.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Container;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// Where programs are looked for; nothing else of our environment reaches a command.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Nobody and nogroup, and a network namespace of its own: there is no way out.
const AS_NOBODY: [&str; 7] = [
    "unshare",
    "--net",
    "--",
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// The code of a command that could not be started.
const START_ERROR: i32 = 128;

/// Expands `$(NAME)` from the container's own literal variables as a kubelet does: `$$` is a dollar, unknown names stay.
pub(super) fn expand(text: &str, container: &Container) -> String {
    let env = variables(container);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let reference = rest.strip_prefix('(').and_then(|it| it.split_once(')'));
        match reference.and_then(|(name, after)| Some((env.get(name)?, after))) {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out + rest
}

fn variables(container: &Container) -> BTreeMap<&str, &str> {
    let list = container.env.iter().flatten();
    list.filter_map(|it| Some((it.name.as_str(), it.value.as_deref()?)))
        .collect()
}

/// Whether this machine can start `program`.
pub(super) fn is_executable(program: &str) -> bool {
    let can = |path: &Path| {
        path.metadata()
            .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        can(Path::new(program))
    } else {
        PATH.split(':').any(|it| can(&Path::new(it).join(program)))
    }
}

/// Runs the command of `container` to its end, or until `stop`: then the whole process group is killed. Returns the exit code
/// (128 + n for signal n). A container without a command has nothing to do and succeeds.
pub(super) async fn run(container: Container, stop: CancellationToken) -> i32 {
    let words = container
        .command
        .iter()
        .flatten()
        .chain(container.args.iter().flatten());
    let words: Vec<String> = words.map(|it| expand(it, &container)).collect();
    if container.command.is_none() || words.is_empty() {
        return 0;
    }
    let mut child = match command(&words, &container).spawn() {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(command = ?words, %error, "the command of a job cannot be started");
            return START_ERROR;
        }
    };
    tokio::select! {
        code = wait(&mut child) => code,
        () = stop.cancelled() => {
            kill_group(&child).await;
            wait(&mut child).await
        }
    }
}

fn command(words: &[String], container: &Container) -> Command {
    let is_root = Path::new("/proc/self").metadata().is_ok_and(|it| it.uid() == 0);
    let prefix: &[&str] = if is_root { &AS_NOBODY } else { &[] };
    let mut whole = prefix.iter().copied().chain(words.iter().map(String::as_str));
    let mut command = Command::new(whole.next().unwrap_or_default());
    command
        .args(whole)
        .env_clear()
        .env("PATH", PATH)
        .envs(variables(container))
        .current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true);
    command
}

async fn wait(child: &mut Child) -> i32 {
    match child.wait().await {
        Ok(status) => status
            .code()
            .or_else(|| status.signal().map(|it| 128 + it))
            .unwrap_or(START_ERROR),
        Err(error) => {
            tracing::warn!(%error, "a job's process cannot be waited for");
            START_ERROR
        }
    }
}

/// Kills the leader and all it started, by way of the kill program: the system call would be unsafe code.
async fn kill_group(child: &Child) {
    let Some(group) = child.id() else { return };
    let killed = Command::new("kill")
        .args(["-KILL", "--", &format!("-{group}")])
        .stderr(Stdio::null())
        .status()
        .await;
    if !killed.as_ref().is_ok_and(std::process::ExitStatus::success) {
        tracing::warn!(group, ?killed, "a job's processes may be left behind");
    }
}

/// The end of a process, told to the tracker.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) uid: String,
    pub(super) container: String,
    pub(super) code: i32,
    pub(super) at: Timestamp,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn container(command: &[&str]) -> Container {
        let env = json!([{"name": "D", "value": "0s"}, {"name": "N", "value": "3"}]);
        serde_json::from_value(json!({"name": "c", "command": command, "env": env})).unwrap()
    }

    #[test]
    fn references_are_expanded_as_a_kubelet_does() {
        let container = container(&[]);
        let expanded = |text| expand(text, &container);
        assert_eq!(expanded("sleep $(D) && exit $(N)"), "sleep 0s && exit 3");
        assert_eq!(expanded("$$(D) $(UNKNOWN) $x $"), "$(D) $(UNKNOWN) $x $");
    }

    #[test]
    fn the_machine_decides_what_can_start() {
        assert!(is_executable("sh") && is_executable("/bin/sh"));
        assert!(!is_executable("exit") && !is_executable("/bad-command") && !is_executable("/etc"));
    }

    #[tokio::test]
    async fn a_command_runs_and_its_code_comes_back() {
        let run = |words: &[&str]| run(container(words), CancellationToken::new());
        assert_eq!(run(&["sh", "-c", "sleep $(D) && exit $(N)"]).await, 3);
        assert_eq!(run(&["true"]).await, 0);
    }

    #[tokio::test]
    async fn a_stopped_command_takes_its_children_along() {
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(container(&["sh", "-c", "sleep 60; exit 0"]), stop.clone()));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        stop.cancel();
        assert_eq!(running.await.unwrap(), 128 + 9);
    }
}
