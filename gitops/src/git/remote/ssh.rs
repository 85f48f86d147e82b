//! `git-upload-pack` over SSH: the user's `ssh` is started, with the user's configuration, keys and known hosts.

use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Access;
use super::advertisement::printable;
use super::error::{FetchError, Result};

/// The most bytes of one piece.
const PIECE: usize = 64 * 1024;

/// The most bytes of what the program says about an error.
const LONGEST_MESSAGE: u64 = 4096;

/// A connection over SSH.
pub(super) struct Ssh {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    address: String,
}

impl Ssh {
    pub(super) fn open(host: &str, port: Option<u16>, path: &str, access: &Access, address: String) -> Result<Self> {
        let unreachable = |why: String| FetchError::Unreachable {
            address: address.clone(),
            why,
        };
        let mut command = Command::new(&access.ssh);
        // The program must not ask: nobody may be there to answer. It checks the host's key as the user has set it.
        command.args(["-o", "BatchMode=yes", "-o", "ClearAllForwardings=yes", "-T"]);
        if let Some(port) = port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", host, &format!("git-upload-pack {}", quoted(path))]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.env_remove("GIT_PROTOCOL");
        let mut child = command
            .spawn()
            .map_err(|error| unreachable(format!("cannot start {}: {error}", access.ssh.display())))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| unreachable("the program has no output".into()))?;
        Ok(Self {
            child,
            input,
            output,
            address,
        })
    }

    pub(super) async fn ask(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = match self.input.as_mut() {
            Some(input) => match input.write_all(bytes).await {
                Ok(()) => input.flush().await,
                Err(error) => Err(error),
            },
            None => return Err(self.ended().await),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(_) => Err(self.ended().await),
        }
    }

    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; PIECE];
        let unreachable = |error: std::io::Error| FetchError::Unreachable {
            address: self.address.clone(),
            why: error.to_string(),
        };
        let length = self.output.read(&mut bytes).await.map_err(unreachable)?;
        bytes.truncate(length);
        Ok((length > 0).then_some(bytes))
    }

    /// Ends the connection: without a request, the far end is told that nothing is wanted.
    pub(super) async fn close(mut self) -> Result<()> {
        if let Some(mut input) = self.input.take() {
            // The far end may be gone already, after it has sent all.
            let _ = input.write_all(b"0000").await;
        }
        let _ = self.child.kill().await;
        Ok(())
    }

    /// The error of a connection that ended too early, in the words of the program.
    pub(super) async fn ended(&mut self) -> FetchError {
        self.input = None;
        let mut message = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            // What cannot be read is not said.
            let _ = errors.take(LONGEST_MESSAGE).read_to_end(&mut message).await;
        }
        let message = String::from_utf8_lossy(&message);
        let lines: Vec<String> = message
            .lines()
            .map(printable)
            .filter(|line| !line.trim().is_empty())
            .collect();
        let why = if lines.is_empty() {
            "ssh ended without an answer".to_owned()
        } else {
            lines.join("; ")
        };
        FetchError::Unreachable {
            address: self.address.clone(),
            why,
        }
    }
}

/// A path in single quotes, for the shell at the far end.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''").replace('!', "'\\!'"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_is_one_word_of_the_shell() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'; touch x; '"), "'a'\\''; touch x; '\\'''");
    }
}
