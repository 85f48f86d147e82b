//! A server of Git over HTTP: `git http-backend` behind a small HTTP server. It counts what asks to push.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What the server does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It serves everybody.
    Open,
    /// It serves user `ann` with password `canary` only.
    Password,
    /// It sends every request to the same path below `/moved`.
    Moves,
    /// It answers a web page.
    Page,
    /// It never answers.
    Silent,
    /// It cuts every answer to a POST short.
    Cuts,
}

/// A server that stops with the test.
pub(crate) struct GitServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl GitServer {
    /// Serves the repositories below a folder.
    pub(crate) fn start(root: &Path, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (root, seen) = (root.to_path_buf(), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, seen) = (root.clone(), Arc::clone(&seen));
                std::thread::spawn(move || serve(&stream, &root, manner, &seen));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Method, path and query of all requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many requests were attempts to push, or to write by any other method.
    pub(crate) fn pushes(&self) -> usize {
        let writes = |request: &&String| {
            request.contains("receive-pack") || !(request.starts_with("GET ") || request.ends_with("/git-upload-pack"))
        };
        self.requests().iter().filter(writes).count()
    }
}

fn serve(stream: &TcpStream, root: &Path, manner: Manner, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let header = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    seen.lock().unwrap().push(format!("{method} {target}"));
    let answer = match manner {
        Manner::Silent => {
            std::thread::sleep(std::time::Duration::from_secs(20));
            return;
        }
        Manner::Page => {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>log in</html>".to_vec()
        }
        Manner::Moves if !target.starts_with("/moved") => {
            format!("HTTP/1.1 301 Moved\r\nLocation: /moved{target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .into_bytes()
        }
        Manner::Password if header("authorization").as_deref() != Some("Basic YW5uOmNhbmFyeQ==") => {
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .to_vec()
        }
        Manner::Open | Manner::Password | Manner::Moves | Manner::Cuts => {
            let target = target.strip_prefix("/moved").unwrap_or(target);
            backend(root, method, target, header("content-type"), &body)
        }
    };
    let end = if manner == Manner::Cuts && method == "POST" {
        answer.len() - 30
    } else {
        answer.len()
    };
    let mut stream = stream;
    let _ = stream.write_all(&answer[..end]);
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

fn backend(root: &Path, method: &str, target: &str, content_type: Option<String>, body: &[u8]) -> Vec<u8> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", content_type.unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK")
        .to_owned();
    let rest: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status: ")).collect();
    let length = output.len() - end - 4;
    let mut answer = format!(
        "HTTP/1.1 {status}\r\n{}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
        rest.join("\r\n")
    )
    .into_bytes();
    answer.extend(&output[end + 4..]);
    answer
}

/// TLS in front of a server of this machine, with a certificate that nobody knows: the port, and the certificate in PEM.
pub(crate) fn with_tls(port: u16) -> (u16, String) {
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let outer = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut front) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut back = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
                });
            }
        });
    });
    (outer, made.cert.pem())
}

/// A program in the place of `ssh`: it notes its words and runs the last one here.
pub(crate) fn fake_ssh(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("fake-ssh");
    let words = folder.join("words");
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\nfor last; do :; done\n\
         case \"$last\" in *denied*) echo 'git@example.com: Permission denied (publickey).' >&2; exit 255;; esac\n\
         GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' exec sh -c \"$last\"\n",
        words.display()
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}
