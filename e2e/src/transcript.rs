//! What kubectl prints, command by command, as a real API server makes it print; the sandbox must make it print the same.
//!
//! A transcript is a text file: `$ ` before a command for the shell, `> ` before the further lines of a command, and then
//! what it prints. `$~ ` is a command that is repeated until it prints that. `#` begins a remark. Ages, UIDs, times, addresses
//! and generated names are replaced by words before texts are compared.
//!
//! With `SERIN_E2E_RECORD=1` a run on a real control plane writes what it sees into the files.

use crate::world::World;
use anyhow::{Context, Result, bail};
use regex::Regex;
use serin_sandbox::control_plane::Assets;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// How long a `$~` command may print something else.
const PATIENCE: Duration = Duration::from_secs(30);

/// One command of a transcript.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// Remarks and empty lines above it.
    above: String,
    command: String,
    repeated: bool,
    expected: String,
}

/// Whether there is a kubectl to play with.
///
/// # Errors
/// If not.
pub fn kubectl() -> Result<(), &'static str> {
    Assets::kubectl()
        .map(|_| ())
        .ok_or("needs the kubectl that e2e/controlplane/build makes")
}

/// Plays the transcript of this name.
///
/// # Errors
/// If a command prints something else, the transcript cannot be read, or there is no [`kubectl`].
pub async fn play(world: &mut World, name: &str) -> Result<()> {
    let kubectl = Assets::kubectl().context("there is no kubectl")?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/kubectl/{name}.txt"));
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let stage = Stage::set(world, &kubectl, name).await?;
    let record = world.sandbox().is_none() && std::env::var("SERIN_E2E_RECORD").is_ok_and(|it| it == "1");
    let (mut differences, mut recorded) = (Vec::new(), String::new());
    for step in parse(&text)? {
        let printed = stage.print(&step, record).await?;
        let _ = write!(recorded, "{}", step.written(&printed));
        if printed != step.expected {
            differences.push(format!("$ {}\n{}", step.command, difference(&step.expected, &printed)));
        }
    }
    if record {
        std::fs::write(&file, recorded)?;
        return Ok(());
    }
    if differences.is_empty() {
        return Ok(());
    }
    bail!(
        "{} commands print something else:\n{}",
        differences.len(),
        differences.join("\n")
    )
}

/// Where the commands run.
struct Stage {
    folder: PathBuf,
    path: String,
    namespace: String,
}

impl Stage {
    async fn set(world: &mut World, kubectl: &Path, name: &str) -> Result<Self> {
        let (kubeconfig, namespace) = world.for_kubectl().await?;
        let folder = std::env::temp_dir().join(format!("{namespace}-kubectl-{name}"));
        std::fs::create_dir_all(&folder)?;
        crate::cluster::write_private(&folder.join("kubeconfig"), &kubeconfig)?;
        let programs = kubectl.parent().unwrap_or(Path::new("/"));
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        let stage = Self {
            folder,
            path,
            namespace,
        };
        let chosen = format!("kubectl config set-context --current --namespace={}", stage.namespace);
        stage.run(&chosen).await?;
        Ok(stage)
    }

    /// Runs a command, again and again if it may take its time; a recording waits for it to settle.
    async fn print(&self, step: &Step, record: bool) -> Result<String> {
        let began = Instant::now();
        if record && step.repeated {
            sleep(Duration::from_secs(6)).await;
        }
        loop {
            let printed = self.normal(&self.run(&step.command).await?)?;
            let waits = step.repeated && !record && printed != step.expected && began.elapsed() < PATIENCE;
            if !waits {
                return Ok(printed);
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn run(&self, command: &str) -> Result<String> {
        let script = format!("{{ {command}\n}} 2>&1");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .env("PATH", &self.path)
            .env("KUBECONFIG", self.folder.join("kubeconfig"))
            .env("KUBECACHEDIR", self.folder.join("cache"))
            .env("HOME", &self.folder)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(90), shell.output());
        let output = output.await.with_context(|| format!("{command}: not finished"))??;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            let _ = writeln!(text, "[exit {}]", output.status.code().unwrap_or(-1));
        }
        Ok(text)
    }

    /// The text without what differs from run to run.
    fn normal(&self, text: &str) -> Result<String> {
        let mut text = text.replace(&self.namespace, "NAMESPACE");
        for (pattern, word) in RULES {
            text = Regex::new(pattern)?.replace_all(&text, *word).into_owned();
        }
        let mut lines: Vec<String> = text.lines().map(evenly_spaced).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Ok(lines.into_iter().map(|line| line + "\n").collect())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "the folder of a transcript stays behind");
        }
    }
}

/// What is replaced by what, in this order.
const RULES: &[(&str, &str)] = &[
    ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (
        r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}",
        "TIME",
    ),
    (r#"(resourceVersion"?: ?)"\d+""#, "${1}\"VERSION\""),
    (r"(Resource Version: +)\d+", "${1}VERSION"),
    (r"\b10\.\d+\.\d+\.\d+\b", "ADDRESS"),
    (r"(-[0-9a-z]{6,10})-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "${1}-RANDOM"),
    (r"(-|hash[=:] ?)[bcdfghjklmnpqrstvwxz2456789]{8,10}\b", "${1}HASH"),
    (r"\b([a-z]+)-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "${1}-RANDOM"),
    (r"\b(\d+[dhms]){1,2}\b", "AGE"),
    (r"AGE \(x\d+ over AGE\)", "AGE"),
];

/// Columns without their widths; indentation stays.
fn evenly_spaced(line: &str) -> String {
    let indented = line.len() - line.trim_start().len();
    let (indentation, rest) = line.split_at(indented);
    let words: Vec<&str> = rest
        .split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("{indentation}{}", words.join("  "))
    }
}

fn parse(text: &str) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut above = String::new();
    for line in text.lines() {
        let command = line
            .strip_prefix("$ ")
            .map(|it| (it, false))
            .or(line.strip_prefix("$~ ").map(|it| (it, true)));
        if let Some((command, repeated)) = command {
            let above = std::mem::take(&mut above);
            steps.push(Step {
                above,
                command: command.to_owned(),
                repeated,
                expected: String::new(),
            });
        } else if line.starts_with('#') {
            let _ = writeln!(above, "{line}");
        } else {
            let step = steps
                .last_mut()
                .with_context(|| format!("a transcript begins with a command, not with {line:?}"))?;
            match line
                .strip_prefix("> ")
                .or(line.strip_prefix(">").filter(|it| it.is_empty()))
            {
                Some(more) if step.expected.is_empty() => {
                    let _ = write!(step.command, "\n{more}");
                }
                _ => {
                    let _ = writeln!(step.expected, "{line}");
                }
            }
        }
    }
    Ok(steps)
}

impl Step {
    fn written(&self, printed: &str) -> String {
        let sign = if self.repeated { "$~" } else { "$" };
        format!("{}{sign} {}\n{printed}", self.above, self.command.replace('\n', "\n> "))
    }
}

/// The lines that differ, in their place.
fn difference(expected: &str, printed: &str) -> String {
    let (expected, printed): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), printed.lines().collect());
    let same = expected
        .iter()
        .zip(&printed)
        .take_while(|(one, other)| one == other)
        .count();
    let mut text = format!("    the same to line {same}, then\n");
    for line in expected.iter().skip(same).take(25) {
        let _ = writeln!(text, "    - {line}");
    }
    for line in printed.iter().skip(same).take(25) {
        let _ = writeln!(text, "    + {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_transcript_survives_being_recorded() {
        let text = "# a remark\n$ cat <<EOF\n> a: b\n> EOF\na: b\n$~ date\nnow\n";
        let steps = parse(text).unwrap();
        assert_eq!(steps[0].command, "cat <<EOF\na: b\nEOF");
        assert!(steps[1].repeated);
        let again: String = steps.iter().map(|step| step.written(&step.expected)).collect();
        assert_eq!(again, text);
        assert!(parse("output first\n").is_err());
    }

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        let stage = Stage {
            folder: PathBuf::new(),
            path: String::new(),
            namespace: "n-1".to_owned(),
        };
        let text = "NAME                 READY   AGE\nweb-5d4f8c7b9d-x7k2p   1/1     2m15s\n  uid: 0f8fad5b-d9cb-469f-a165-70867728950e in n-1\n\n";
        assert_eq!(
            stage.normal(text).unwrap(),
            "NAME  READY  AGE\nweb-HASH-RANDOM  1/1  AGE\n  uid: UID in NAMESPACE\n"
        );
        std::mem::forget(stage);
    }
}
