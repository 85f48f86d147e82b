//! One program of Argo CD, tied to the life of this one; and a private folder for all of them.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `"$@"` until it ends or standard input is closed, which happens when the test drops its end or dies, however it dies.
const SUPERVISOR: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & program=$!
(read -r _ <&3; kill -TERM $program; sleep 5; kill -KILL $program) 2>/dev/null & watcher=$!
wait $program; status=$?
kill $watcher 2>/dev/null
exit $status"#;
/// A little longer than the supervisor takes to kill.
const GONE_WITHIN: Duration = Duration::from_secs(7);
/// How much of a log an error shows.
const TAIL_LINES: usize = 25;

/// A running program whose output goes to `NAME.log`. Dropping it stops it and waits.
pub(crate) struct Process {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a program with nothing in its environment but these variables.
    pub(crate) fn start(
        name: &'static str,
        command: &[String],
        env: &[(String, String)],
        folder: &Path,
    ) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        let errors = output.try_clone()?;
        let child = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, name])
            .args(command)
            .env_clear()
            .envs(env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // A Ctrl-C at the terminal is for us; we stop the programs in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name, log, child })
    }

    /// An error with the last lines of its log if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended ({status}); its last lines:\n{}", self.name, self.tail());
        }
        Ok(())
    }

    /// The last lines of its log.
    pub(crate) fn tail(&self) -> String {
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

/// A private folder, removed with everything in it on drop.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("serin-argocd-{}", std::process::id()));
        // Tokens lie in it: for its owner alone.
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A folder within.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::env::var_os("SERIN_ARGOCD_KEEP").is_some() {
            return eprintln!("kept: {}", self.0.display());
        }
        // Argo CD leaves checkouts without any permission behind; their owner can give it back.
        let opened = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.0).status();
        if let Err(error) = opened.and_then(|_| fs::remove_dir_all(&self.0)) {
            tracing::warn!(folder = %self.0.display(), %error, "the folder of Argo CD stays behind");
        }
    }
}
