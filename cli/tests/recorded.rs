//! The plugin gives the answers of Argo Rollouts' own plugin: standard output, standard error, exit code, the requests
//! sent, and the objects afterwards. `tests/recorded/*.txt` are transcripts of Argo Rollouts' program; each begins with a
//! state of the cluster, from `tests/recorded/states/`. Each command runs on a fresh API server of the sandbox, over HTTP,
//! without any controller.
//!
//! To record anew, name the program to record with:
//!
//! ```text
//! SERIN_RECORD_WITH=path/to/kubectl-argo-rollouts cargo test --workspace --test recorded
//! ```
//!
//! This rewrites the answers and keeps comments, commands and the answers after `differs:`, which are Serin's own on
//! purpose; each names its reason. `tests/support/transcript.rs` explains the lines. The transcripts were recorded with
//! Argo Rollouts' plugin, built from commit 9f8d111d (August 2026, after v1.9.1), and hold nothing but what it printed and did.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/transcript.rs"]
mod transcript;

use cluster::Cluster;
use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use transcript::{Answer, Transcript};

/// Serin under the plugin's name.
const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-argo-rollouts");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let recorder = std::env::var_os("SERIN_RECORD_WITH").map(PathBuf::from);
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "txt"))
        .collect();
    files.sort();
    let trials = files.into_iter().map(|file| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let recorder = recorder.clone();
        Trial::test(name, move || match recorder {
            Some(program) => record(&file, &program),
            None => play(&file),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// Runs each command with Serin and compares.
fn play(file: &Path) -> Result<(), Failed> {
    let transcript = Transcript::parse(&fs::read_to_string(file)?);
    let answers = run_all(&transcript, Path::new(PLUGIN));
    let mut wrong = String::new();
    for (entry, answer) in transcript.entries.iter().zip(answers) {
        let expected = entry.differs.as_ref().map_or(&entry.answer, |(_, own)| own);
        if *expected != answer {
            wrong += &format!("\n$ {}\n--- recorded\n{expected}--- serin\n{answer}", entry.command);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Runs each command with another program and writes its answers down.
fn record(file: &Path, program: &Path) -> Result<(), Failed> {
    let mut transcript = Transcript::parse(&fs::read_to_string(file)?);
    let answers = run_all(&transcript, program);
    for (entry, answer) in transcript.entries.iter_mut().zip(answers) {
        entry.answer = answer;
    }
    fs::write(file, transcript.to_string())?;
    Ok(())
}

fn run_all(transcript: &Transcript, program: &Path) -> Vec<Answer> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut cluster = Cluster::start(&transcript.state).await;
        let mut answers = Vec::new();
        for entry in &transcript.entries {
            let answer = cluster.run(program, &entry.command).await;
            answers.push(answer);
            if cluster.is_changed() {
                cluster = Cluster::start(&transcript.state).await;
            }
        }
        answers
    })
}
