//! An API server that answers by heart and writes down what it was asked: also for servers that the sandbox cannot play,
//! such as one without the `status` subresource.

#![allow(dead_code, reason = "each test binary uses its own part of these")]

#[cfg(unix)]
pub(crate) mod staying;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Answers by method and path; a path without an answer is 404.
#[derive(Clone, Default)]
pub(crate) struct Server {
    answers: Arc<BTreeMap<String, (u16, Value)>>,
    asked: Arc<Mutex<Vec<String>>>,
    url: String,
}

impl Server {
    /// Listens on loopback.
    pub(crate) async fn start(answers: &[(&str, u16, Value)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answers = answers
            .iter()
            .map(|(asked, code, body)| ((*asked).to_owned(), (*code, body.clone())))
            .collect();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            answers: Arc::new(answers),
            asked: Arc::default(),
            url,
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        server
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// What was asked: method, path, and the body of patches.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Runs a command against this server, as the plugin.
    pub(crate) async fn run(&self, line: &str) -> Outcome {
        run(&format!("kubectl-argo-rollouts {line} --server {}", self.url)).await
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((request, watches, body)) = read_request(&mut stream).await {
            if watches {
                // Nothing ever happens.
                let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
                if stream.write_all(head.as_bytes()).await.is_ok() {
                    std::future::pending::<()>().await;
                }
                return;
            }
            let (code, answer) = self
                .answers
                .get(&request)
                .cloned()
                .unwrap_or_else(|| not_found(&request));
            let noted = if request.starts_with("PATCH") {
                format!("{request} {body}")
            } else {
                request
            };
            self.asked.lock().unwrap().push(noted);
            let text = answer.to_string();
            let head = format!(
                "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            if stream.write_all(format!("{head}{text}").as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Method and path without the query, whether it watches, and the body; `None` at the end of the connection.
async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<(String, bool, String)> {
    let mut first = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if first.is_empty() {
            first = line;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let watches = path.contains("watch=true");
    let path = path.split('?').next()?;
    Some((format!("{method} {path}"), watches, String::from_utf8(body).unwrap()))
}

fn not_found(request: &str) -> (u16, Value) {
    let name = request.trim_end_matches("/status").rsplit('/').next().unwrap();
    let message = format!("rollouts.argoproj.io {name:?} not found");
    (
        404,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "NotFound", "code": 404}),
    )
}

/// What a command printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) success: bool,
}

impl Outcome {
    pub(crate) fn success(out: &str) -> Self {
        Self {
            out: out.to_owned(),
            err: String::new(),
            success: true,
        }
    }

    pub(crate) fn failure(out: &str, err: &str) -> Self {
        Self {
            out: out.to_owned(),
            err: err.to_owned(),
            success: false,
        }
    }
}

/// Runs a command line in this process.
pub(crate) async fn run(line: &str) -> Outcome {
    let words: Vec<&str> = line.split(' ').collect();
    run_words(&words).await.0
}

/// Words that may have spaces; the exit code comes beside the outcome.
pub(crate) async fn run_words(words: &[&str]) -> (Outcome, std::process::ExitCode) {
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = serin::Console::new(Box::new(out.clone()), Box::new(err.clone()), serin::Terminal::Lines);
    let code = serin::run_on(words.iter().map(OsString::from), &mut console).await;
    let outcome = Outcome {
        out: out.text(),
        err: err.text(),
        success: is_code(code, 0),
    };
    (outcome, code)
}

/// Exit codes cannot be compared.
pub(crate) fn is_code(code: std::process::ExitCode, number: u8) -> bool {
    format!("{code:?}") == format!("{:?}", std::process::ExitCode::from(number))
}

/// What was written to a stream.
#[derive(Clone, Default)]
pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
