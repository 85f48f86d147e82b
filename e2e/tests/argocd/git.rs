//! A Git repository on this machine, as a team keeps its manifests: a base and an overlay.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A bare repository and a checkout that is pushed to it.
pub(crate) struct Repository {
    checkout: PathBuf,
    bare: PathBuf,
}

impl Repository {
    /// An empty one below `folder`.
    pub(crate) async fn create(folder: &Path) -> Result<Self> {
        let (checkout, bare) = (folder.join("checkout"), folder.join("repository.git"));
        let it = Self { checkout, bare };
        std::fs::create_dir_all(&it.checkout)?;
        it.git(&["init", "-q", "--bare", "-b", "main", path(&it.bare)?]).await?;
        it.git(&["init", "-q", "-b", "main"]).await?;
        Ok(it)
    }

    /// The folder that Argo CD clones from.
    pub(crate) fn bare(&self) -> &Path {
        &self.bare
    }

    /// As an Application names it.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.bare.display())
    }

    /// Writes a file of the checkout.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<()> {
        let file = self.checkout.join(file);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }

    /// Replaces a text that is in a file.
    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.checkout.join(file)).with_context(|| file.to_owned())?;
        ensure!(text.contains(from), "{file} has no {from:?}");
        self.write(file, &text.replace(from, to))
    }

    /// Commits all there is and pushes it; the commit.
    pub(crate) async fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "-A"]).await?;
        self.git(&["commit", "-q", "-m", message]).await?;
        self.git(&["push", "-q", path(&self.bare)?, "main"]).await?;
        Ok(self.git(&["rev-parse", "HEAD"]).await?.trim().to_owned())
    }

    /// Git without the settings of this machine.
    async fn git(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command.args(words).current_dir(&self.checkout);
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Team"),
            ("GIT_AUTHOR_EMAIL", "team@example.invalid"),
            ("GIT_COMMITTER_NAME", "Team"),
            ("GIT_COMMITTER_EMAIL", "team@example.invalid"),
        ] {
            command.env(name, value);
        }
        let output = command.output().await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {}: {errors}", words.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
