//! The kustomize that runs.

use super::problem::{BuildError, Problem, ProblemKind};
use super::sandbox::{Limits, Sandbox};
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    /// `kustomize build`.
    Kustomize,
    /// `kubectl kustomize`.
    Kubectl,
}

/// The user's kustomize.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Which it is.
    pub kind: ProgramKind,
    /// The version of kustomize, such as `v5.5.0`.
    pub version: String,
}

impl Program {
    /// The first `kustomize` of PATH, else the first `kubectl`.
    ///
    /// # Errors
    /// If there is neither, or it does not say its version, or is older than v4.
    pub fn find() -> Result<Self, BuildError> {
        match ["kustomize", "kubectl"].iter().find_map(|name| on_path(name)) {
            Some(path) => Self::at(&path),
            None => Err(problem(
                "there is neither kustomize nor kubectl on PATH".to_owned(),
                "install kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize)",
            )),
        }
    }

    /// The program in a file. It is `kubectl` where its name begins so.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn at(path: &Path) -> Result<Self, BuildError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let path = absolute.as_path();
        if !path.is_file() {
            let message = format!("there is no program {}", path.display());
            return Err(problem(message, "name a file, or install kustomize"));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let kind = if name.starts_with("kubectl") {
            ProgramKind::Kubectl
        } else {
            ProgramKind::Kustomize
        };
        let arguments: &[&str] = match kind {
            ProgramKind::Kustomize => &["version"],
            ProgramKind::Kubectl => &["version", "--client", "--output=json"],
        };
        let limits = Limits {
            time: Duration::from_secs(20),
            memory: 8 << 30,
        };
        let output = Sandbox::new().and_then(|sandbox| sandbox.run(path, arguments, limits));
        let output = output.map_err(|problem| BuildError::from(*problem))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = match kind {
            ProgramKind::Kustomize => version_in(&text),
            ProgramKind::Kubectl => {
                let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                answer["kustomizeVersion"].as_str().and_then(version_in)
            }
        };
        let Some(version) = version else {
            let message = format!("{} does not say which version of kustomize it is", path.display());
            return Err(problem(
                message,
                "install kustomize 4 or later, or kubectl 1.24 or later",
            ));
        };
        let program = Self {
            path: path.to_owned(),
            kind,
            version,
        };
        if program.major() < 4 {
            let message = format!("{} is kustomize {}, which is too old", path.display(), program.version);
            return Err(problem(message, "install kustomize 4 or later"));
        }
        Ok(program)
    }

    /// The number before the first dot of the version.
    #[must_use]
    pub fn major(&self) -> u32 {
        let major = self.version.trim_start_matches('v').split('.').next();
        major.and_then(|major| major.parse().ok()).unwrap_or_default()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ProgramKind::Kustomize => write!(f, "kustomize {}", self.version),
            ProgramKind::Kubectl => write!(f, "kubectl kustomize {}", self.version),
        }
    }
}

fn problem(message: String, action: &str) -> BuildError {
    Problem::of_file(ProblemKind::Program, Path::new(""), message, action).into()
}

/// The first file of that name in a folder of PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION));
    files.find(|file| file.is_file())
}

/// The first `v1.2.3` of a text, with what follows it up to a space.
fn version_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '/' | '{' | '}' | ':' | '"'))
        .find_map(|word| {
            let rest = word.strip_prefix('v')?;
            let is_version = rest.split('.').count() >= 3 && rest.starts_with(|c: char| c.is_ascii_digit());
            is_version.then(|| word.to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn versions() {
        for (text, version) in [
            ("v5.5.0\n", Some("v5.5.0")),
            (
                "{Version:kustomize/v4.5.7 GitCommit:56d82a8 BuildDate:2022-08-02T16:35:54Z}",
                Some("v4.5.7"),
            ),
            ("5.4.1 v5.4.1-0.2023+x", Some("v5.4.1-0.2023+x")),
            ("(devel)", None),
            ("version", None),
        ] {
            assert_eq!(version_in(text).as_deref(), version, "{text}");
        }
    }
}
