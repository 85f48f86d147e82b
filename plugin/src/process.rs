//! The process of a plugin: its environment, the line that it prints when it serves, and what it says meanwhile.

use crate::configuration::{Kind, Plugin};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::task::AbortOnDropHandle;

/// The variable by which a plugin knows that a controller started it (contract 07 §10).
const COOKIE: &str = "ARGO_ROLLOUTS_RPC_PLUGIN";
/// The most bytes of a line that a plugin prints; the rest of it begins a new line of the log.
const LINE: u64 = 64 << 10;

/// Where a plugin serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A socket file.
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp:{host}"),
        }
    }
}

/// A plugin that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it has its socket.
    _folder: TempDir,
    _log: [AbortOnDropHandle<()>; 2],
}

impl Process {
    /// Starts the file of a plugin and waits, as long as it takes, for the line that says where it serves.
    ///
    /// # Errors
    /// What is wrong with the file, or what the process printed instead.
    pub(crate) async fn start(plugin: &Plugin, file: &Path, kind: Kind) -> Result<(Self, Address), String> {
        let folder = TempDir::with_prefix("serin-plugin-")
            .map_err(|error| format!("there is no room for its socket: {error}"))?;
        let mut child = Command::new(file)
            .args(&plugin.args)
            .env(COOKIE, kind.cookie())
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("PLUGIN_PROTOCOL_VERSIONS", "1")
            .env("PLUGIN_UNIX_SOCKET_DIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_started(file, &error))?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(format!("{} has no output", file.display()));
        };
        let errors = AbortOnDropHandle::new(tokio::spawn(log_lines(errors, &plugin.name, "stderr")));
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        let read = (&mut output).take(LINE).read_until(b'\n', &mut line).await;
        read.map_err(|error| format!("the output of {} cannot be read: {error}", file.display()))?;
        if line.is_empty() {
            return Err(ended(&mut child, file).await);
        }
        let address = handshake(&String::from_utf8_lossy(&line))?;
        let output = AbortOnDropHandle::new(tokio::spawn(log_lines(output, &plugin.name, "stdout")));
        let process = Self {
            child,
            _folder: folder,
            _log: [output, errors],
        };
        Ok((process, address))
    }

    /// How the process ended, `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn wait(&mut self) {
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "the end of a plugin is not known");
        }
    }

    /// Ends it, and waits until it has ended.
    pub(crate) async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "a plugin cannot be killed");
        }
    }
}

fn not_started(file: &Path, error: &std::io::Error) -> String {
    let hint = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "; make it executable (chmod +x, or defaultMode: 0755 of its volume)",
        std::io::ErrorKind::NotFound => "; mount it into the controller's pod",
        _ => "",
    };
    format!("{} cannot be started: {error}{hint}", file.display())
}

/// The words for a process that printed nothing and closed its output.
async fn ended(child: &mut Child, file: &Path) -> String {
    match child.wait().await {
        Ok(status) => format!(
            "{} ended ({status}) before it said where it serves; the log has what it said",
            file.display()
        ),
        Err(error) => format!("{} said nothing: {error}", file.display()),
    }
}

/// Reads the line `CORE|VERSION|NETWORK|ADDRESS|PROTOCOL`, which may go on.
fn handshake(line: &str) -> Result<Address, String> {
    let parts: Vec<&str> = line.trim().split('|').collect();
    let [core, version, network, address, rest @ ..] = parts.as_slice() else {
        return Err(format!(
            "it is no plugin of Argo Rollouts: the first line that it printed is {:?}, where \
             CORE|VERSION|NETWORK|ADDRESS|PROTOCOL is needed",
            line.trim()
        ));
    };
    if *core != "1" {
        return Err(format!("it speaks version {core} of go-plugin's protocol; 1 is needed"));
    }
    if *version != "1" {
        return Err(format!("it is a plugin of protocol version {version}; 1 is needed"));
    }
    let protocol = rest.first().copied().unwrap_or("netrpc");
    if protocol != "netrpc" {
        return Err(format!("it serves {protocol}; netrpc is needed"));
    }
    match *network {
        "unix" => Ok(Address::Unix(PathBuf::from(address))),
        "tcp" => Ok(Address::Tcp((*address).to_owned())),
        other => Err(format!("it serves on the network {other}; unix or tcp is needed")),
    }
}

/// Compares a file with the digest that its plugin is pinned to.
///
/// # Errors
/// It cannot be read, or is another one.
pub(crate) async fn check_digest(file: &Path, wanted: &str) -> Result<(), String> {
    let failed = |error| format!("{} cannot be read: {error}", file.display());
    let mut reading = tokio::fs::File::open(file).await.map_err(failed)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 256 << 10];
    loop {
        match reading.read(&mut chunk).await.map_err(failed)? {
            0 => break,
            count => digest.update(&chunk[..count]),
        }
    }
    let is: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if is.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(format!(
        "{} is not the file that is pinned: its sha256 is {is}, {wanted} is wanted",
        file.display()
    ))
}

/// Writes what a plugin says into the log, line by line, until it is silent for good.
pub(crate) fn log_lines<R>(from: R, plugin: &str, stream: &'static str) -> impl Future<Output = ()> + use<R>
where
    R: AsyncRead + Unpin,
{
    let plugin = plugin.to_owned();
    async move {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut from).take(LINE).read_until(b'\n', &mut line).await {
                Ok(0) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&line);
                    tracing::info!(plugin, stream, "{}", text.trim_end());
                }
                Err(error) => {
                    tracing::debug!(plugin, stream, %error, "what a plugin says can no longer be read");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::{Address, check_digest, handshake};

    #[test]
    fn the_first_line_is_an_address() {
        let unix = Address::Unix("/tmp/plugin1".into());
        assert_eq!(handshake("1|1|unix|/tmp/plugin1|netrpc|\n"), Ok(unix.clone()));
        assert_eq!(handshake("1|1|unix|/tmp/plugin1"), Ok(unix));
        let tcp = Address::Tcp("127.0.0.1:10000".to_owned());
        assert_eq!(handshake("1|1|tcp|127.0.0.1:10000|netrpc"), Ok(tcp));
        for (line, why) in [
            (
                "2|1|unix|/a|netrpc",
                "it speaks version 2 of go-plugin's protocol; 1 is needed",
            ),
            (
                "1|4|unix|/a|netrpc",
                "it is a plugin of protocol version 4; 1 is needed",
            ),
            ("1|1|unix|/a|grpc", "it serves grpc; netrpc is needed"),
            (
                "1|1|pipe|/a|netrpc",
                "it serves on the network pipe; unix or tcp is needed",
            ),
        ] {
            assert_eq!(handshake(line).unwrap_err(), why);
        }
        let hello = handshake("hello\n").unwrap_err();
        assert!(hello.contains("the first line that it printed is \"hello\""), "{hello}");
    }

    #[tokio::test]
    async fn a_file_is_the_one_that_was_pinned() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plugin");
        tokio::fs::write(&file, "abc").await.unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(check_digest(&file, abc).await, Ok(()));
        assert_eq!(check_digest(&file, &abc.to_uppercase()).await, Ok(()));
        let error = check_digest(&file, &abc.replace('b', "c")).await.unwrap_err();
        assert!(error.contains(&format!("its sha256 is {abc}")), "{error}");
        assert!(check_digest(&folder.path().join("none"), abc).await.is_err());
    }
}
