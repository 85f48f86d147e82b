//! Programs that are tied to the life of this process, and a private folder for what they write.

use super::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
const TAIL_LINES: usize = 25;

/// What stands in the environment of a program.
#[derive(Clone, Copy, Debug)]
pub enum Environment<'a> {
    /// What stands in ours.
    Inherited,
    /// These variables and nothing else.
    Only(&'a [(String, String)]),
}

/// A running program whose output goes to `NAME.log`. Dropping it stops it and waits.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a program; `command` is its file and its arguments. The log goes into the folder.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Spawn`].
    pub fn start(
        name: &'static str,
        command: &[String],
        environment: Environment<'_>,
        folder: &Path,
    ) -> Result<Self, Error> {
        use std::os::unix::process::CommandExt;
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).map_err(Error::file(&log))?;
        let errors = output.try_clone().map_err(Error::file(&log))?;
        let mut supervisor = Command::new("/bin/sh");
        if let Environment::Only(variables) = environment {
            supervisor.env_clear().envs(variables.iter().cloned());
        }
        let child = supervisor
            .args(["-c", SUPERVISOR, name])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // A Ctrl-C at the terminal is for us; we stop the programs in order.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn { program: name, source })?;
        Ok(Self { name, log, child })
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// [`Error::Ended`] with the last lines of its log if it has ended.
    pub fn check(&mut self) -> Result<(), Error> {
        let program = self.name;
        let ended = self
            .child
            .try_wait()
            .map_err(|source| Error::Spawn { program, source })?;
        match ended {
            Some(_) => Err(Error::Ended {
                program,
                log: self.tail(),
            }),
            None => Ok(()),
        }
    }

    /// An error if the program has ended or `until` has passed.
    pub(super) fn check_until(&mut self, until: tokio::time::Instant) -> Result<(), Error> {
        self.check()?;
        if tokio::time::Instant::now() < until {
            return Ok(());
        }
        Err(Error::NotReady {
            program: self.name,
            log: self.tail(),
        })
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_else(|error| format!("({}: {error})", self.log.display()));
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // tells the supervisor to stop the program
        let until = Instant::now() + GONE_WITHIN;
        loop {
            match self.child.try_wait() {
                Ok(Some(_)) => return,
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
                Ok(None) => return tracing::warn!(program = self.name, "did not end"),
                Err(error) => return tracing::warn!(program = self.name, %error, "cannot be waited for"),
            }
        }
    }
}

/// A private folder of the machine's temporary one, removed with everything in it on drop.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// A new one, whose name begins with `name`.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn create(name: &str) -> Result<Self, Error> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("{name}-{}", uuid::Uuid::new_v4().simple()));
        // Keys and tokens lie in it: for its owner alone.
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(Error::file(&path))?;
        Ok(Self { path, keep: false })
    }

    /// Leaves it behind on drop, for whoever wants to read the logs.
    #[must_use]
    pub fn kept(mut self, keep: bool) -> Self {
        self.keep = keep;
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder within.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
        Ok(path)
    }

    /// A file within.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(Error::file(&path))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // Some programs leave folders without any permission behind; their owner can give it back.
        let opened = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.path).status();
        if let Err(error) = opened.and_then(|_| fs::remove_dir_all(&self.path)) {
            tracing::warn!(folder = %self.path.display(), %error, "the folder stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn shell(script: &str, folder: &Folder) -> Process {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        Process::start("shell", &command, Environment::Inherited, folder.path()).unwrap()
    }

    #[test]
    fn dropping_ends_the_program() {
        let folder = Folder::create("serin-process-drop").unwrap();
        let said = folder.path().join("shell.log");
        let process = shell(
            "trap 'echo stopped; exit 0' TERM; echo began; while :; do sleep 0.05; done",
            &folder,
        );
        while fs::read_to_string(&said).unwrap() != "began\n" {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(process);
        assert_eq!(fs::read_to_string(&said).unwrap(), "began\nstopped\n");
    }

    #[test]
    fn a_program_that_ended_is_reported_with_its_last_lines() {
        let folder = Folder::create("serin-process-ended").unwrap();
        let mut process = shell("echo address already in use >&2; exit 3", &folder);
        let error = loop {
            match process.check() {
                Ok(()) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => break error,
            }
        };
        assert!(error.is_taken_port(), "{error}");
    }

    #[test]
    fn a_program_has_the_environment_that_it_is_given() {
        let folder = Folder::create("serin-process-environment").unwrap();
        let command = ["/bin/sh", "-c", "echo \"$ONE-$HOME-\"; sleep 60"].map(str::to_owned);
        let only = [("ONE".to_owned(), "1".to_owned())];
        let process = Process::start("shell", &command, Environment::Only(&only), folder.path()).unwrap();
        while process.tail() != "1--" {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_folder_goes_with_what_nobody_may_read() {
        let folder = Folder::create("serin-process-folder").unwrap();
        let (path, closed) = (folder.path().to_owned(), folder.folder("closed").unwrap());
        fs::write(closed.join("file"), "").unwrap();
        let nothing = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs::set_permissions(closed, nothing).unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
