//! Where kustomize runs: a folder of its own, without a network, and with limits.
//!
//! It sees no variable of the caller, an empty HOME, and a PATH without programs, so that it finds neither `git` nor `helm`.
//! Where the system lets a process give up its network (`unshare` of Linux), it does; elsewhere all proxies lead nowhere.

use super::problem::{Problem, ProblemKind};
use super::program::on_path;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The most bytes that are read of what a program writes.
const MOST_OUTPUT: u64 = 256 << 20;

/// How long, and with how much memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Bytes of address space.
    pub(super) memory: u64,
}

/// What a program answered.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) is_success: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) took: Duration,
}

/// A folder for one run, which goes when it is dropped.
pub(super) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub(super) fn new() -> Result<Self, Box<Problem>> {
        let folder = tempfile::Builder::new()
            .prefix("serin-")
            .tempdir()
            .map_err(|error| no_folder(&error))?;
        for name in ["tree", "home", "empty", "tmp"] {
            fs::create_dir(folder.path().join(name)).map_err(|error| no_folder(&error))?;
        }
        Ok(Self { folder })
    }

    /// The folder that the program starts in.
    pub(super) fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// Runs a program to its end.
    pub(super) fn run(&self, program: &Path, arguments: &[&str], limits: Limits) -> Result<Output, Box<Problem>> {
        let started = Instant::now();
        let fault = |error: &io::Error| {
            let message = format!("{} cannot be run: {error}", program.display());
            Box::new(program_problem(message, "install kustomize, or make it executable"))
        };
        let mut command = self.command(program, arguments, limits);
        let mut child = command.spawn().map_err(|error| fault(&error))?;
        let stdout = reader(child.stdout.take());
        let stderr = reader(child.stderr.take());
        let status = wait(&mut child, started + limits.time).map_err(|error| fault(&error))?;
        let output = |reader: thread::JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
        let Some(status) = status else {
            let seconds = limits.time.as_secs_f64();
            let message = format!("{} did not end within {seconds} s and was stopped", program.display());
            return Err(Box::new(program_problem(
                message,
                "look for what makes the build large",
            )));
        };
        Ok(Output {
            is_success: status,
            stdout: output(stdout),
            stderr: output(stderr),
            took: started.elapsed(),
        })
    }

    fn command(&self, program: &Path, arguments: &[&str], limits: Limits) -> Command {
        let mut words: Vec<&OsStr> = Vec::new();
        let kibibytes = (limits.memory / 1024).to_string();
        let shell = Path::new("/bin/sh");
        if shell.is_file() {
            let script = "ulimit -v \"$0\" 2>/dev/null; ulimit -c 0 2>/dev/null; exec \"$@\"";
            words.extend([
                shell.as_os_str(),
                OsStr::new("-c"),
                OsStr::new(script),
                OsStr::new(&kibibytes),
            ]);
        }
        words.extend(without_network().iter().map(|word| OsStr::new(word.as_str())));
        words.push(program.as_os_str());
        words.extend(arguments.iter().map(OsStr::new));
        let folder = self.folder.path();
        let nowhere = "http://127.0.0.1:9";
        let mut command = Command::new(words.first().copied().unwrap_or_default());
        command
            .args(words.iter().skip(1))
            .current_dir(folder.join("tree"))
            .env_clear()
            .env("PATH", folder.join("empty"))
            .env("HOME", folder.join("home"))
            .env("XDG_CONFIG_HOME", folder.join("home"))
            .env("TMPDIR", folder.join("tmp"))
            .envs(["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, nowhere)))
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_SSH_COMMAND", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// The words before a command that take its network away; none where the system does not allow it.
fn without_network() -> &'static [String] {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let Some(unshare) = on_path("unshare") else {
            return Vec::new();
        };
        let ways: [&[&str]; 2] = [&["--user", "--map-root-user", "--net", "--"], &["--net", "--"]];
        for way in ways {
            let mut probe = Command::new(&unshare);
            probe.args(way).args(["/bin/sh", "-c", ":"]);
            probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if probe.status().is_ok_and(|status| status.success()) {
                let words = way.iter().map(|word| (*word).to_owned());
                return std::iter::once(unshare.to_string_lossy().into_owned())
                    .chain(words)
                    .collect();
            }
        }
        Vec::new()
    })
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What cannot be read is not there; the program's status says whether it is complete.
            let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Whether the program succeeded; `None` if it was stopped at the deadline.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<bool>> {
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

fn program_problem(message: String, action: &str) -> Problem {
    Problem::of_file(ProblemKind::Program, Path::new(""), message, action)
}

fn no_folder(error: &io::Error) -> Box<Problem> {
    let message = format!("no temporary folder can be made: {error}");
    Box::new(program_problem(
        message,
        "free room there, or let TMPDIR name another folder",
    ))
}

#[cfg(all(test, unix))]
mod tests;
