//! One program of the control plane, tied to the life of this process.

use super::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// Runs `"$@"` until it ends or until standard input is closed, which happens when the starting process drops its end or
/// dies, however it dies. Then TERM, and KILL ten seconds later. The status is the program's.
const SUPERVISOR: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & program=$!
(read -r _ <&3; kill -TERM $program; sleep 10; kill -KILL $program) 2>/dev/null & watcher=$!
wait $program; status=$?
kill $watcher 2>/dev/null
exit $status"#;

/// A little longer than the supervisor takes to kill.
const GONE_WITHIN: Duration = Duration::from_secs(12);

/// How much of a log an error shows.
const TAIL_LINES: usize = 15;

/// A running program whose output goes to `NAME.log`. Dropping it stops it and waits.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Process {
    pub(super) fn start(name: &'static str, program: &Path, flags: &[String], folder: &Path) -> Result<Self, Error> {
        use std::os::unix::process::CommandExt;
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).map_err(Error::file(&log))?;
        let errors = output.try_clone().map_err(Error::file(&log))?;
        let child = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, name])
            .arg(program)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // A Ctrl-C at the terminal is for us; we stop the programs in order.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn { program: name, source })?;
        Ok(Self { name, log, child })
    }

    /// An error if the program has ended or `until` has passed.
    pub(super) fn check(&mut self, until: Instant) -> Result<(), Error> {
        let program = self.name;
        let ended = self
            .child
            .try_wait()
            .map_err(|source| Error::Spawn { program, source })?;
        if ended.is_some() {
            return Err(Error::Ended {
                program,
                log: self.tail(),
            });
        }
        if Instant::now() >= until {
            return Err(Error::NotReady {
                program,
                log: self.tail(),
            });
        }
        Ok(())
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_else(|error| format!("({}: {error})", self.log.display()));
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // tells the supervisor to stop the program
        let until = std::time::Instant::now() + GONE_WITHIN;
        loop {
            match self.child.try_wait() {
                Ok(Some(_)) => return,
                Ok(None) if std::time::Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
                Ok(None) => return tracing::warn!(program = self.name, "did not end"),
                Err(error) => return tracing::warn!(program = self.name, %error, "cannot be waited for"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn shell(script: &str, folder: &Path) -> Process {
        Process::start("shell", Path::new("/bin/sh"), &["-c".into(), script.into()], folder).unwrap()
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("serin-process-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn dropping_ends_the_program() {
        let folder = scratch("drop");
        let said = folder.join("shell.log");
        let process = shell(
            "trap 'echo stopped; exit 0' TERM; echo began; while :; do sleep 0.05; done",
            &folder,
        );
        while fs::read_to_string(&said).unwrap() != "began\n" {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(process);
        assert_eq!(fs::read_to_string(&said).unwrap(), "began\nstopped\n");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_program_that_ended_is_reported_with_its_last_lines() {
        let folder = scratch("ended");
        let mut process = shell("echo address already in use >&2; exit 3", &folder);
        let until = Instant::now() + Duration::from_secs(10);
        let error = loop {
            match process.check(until) {
                Ok(()) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => break error,
            }
        };
        assert!(error.is_taken_port(), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
