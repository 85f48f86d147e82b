//! A server that answers as Argo CD did, from `tests/argocd-rest`, and refuses everything but GET.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The token that the server takes.
pub(crate) const TOKEN: &str = "canary-token";

/// What a request is answered with: the beginning of a path with its query, a status, a file.
pub(crate) type Route = (&'static str, u16, &'static str);

pub(crate) struct ArgoCd {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ArgoCd {
    /// Answers with the first route that fits; `403` and `60` for a wrong token.
    pub(crate) fn start(routes: &'static [Route]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(&stream, routes, &seen);
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Method and target of all requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Requests that are no GET, or that would write although they are one.
    pub(crate) fn writes(&self) -> Vec<String> {
        let harmless = |request: &String| request.starts_with("GET ") && !request.contains("refresh");
        self.requests()
            .into_iter()
            .filter(|request| !harmless(request))
            .collect()
    }
}

/// The text of a recorded answer.
pub(crate) fn recorded(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/argocd-rest");
    std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn serve(stream: &TcpStream, routes: &[Route], seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut authorized = false;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        authorized |= line
            .trim()
            .eq_ignore_ascii_case(&format!("authorization: Bearer {TOKEN}"));
    }
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    seen.lock().unwrap().push(format!("{method} {target}"));
    let route = routes.iter().find(|(start, _, _)| target.starts_with(start));
    let (status, kind, body) = match route {
        _ if method != "GET" => (405, "application/json", String::new()),
        Some((_, status, file)) if file.ends_with(".html") => (*status, "text/html", "<html>log in</html>".to_owned()),
        _ if !authorized && !target.starts_with("/api/version") => {
            (401, "application/json", recorded("60-error-no-token.json"))
        }
        Some((_, status, file)) => (*status, "application/json", recorded(file)),
        None => (404, "text/plain", "404 page not found".to_owned()),
    };
    let length = body.len();
    let mut stream = stream;
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}
