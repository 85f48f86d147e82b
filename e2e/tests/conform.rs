//! The program `conform` on recorded cases (contract 12). Their answers are those of the contract: 06 §12, 08 §13 and §14,
//! 11 part G.
//!
//! Each line of `conform/*.jsonl` is a case with its answer. An answer is a part of what must come, as in
//! `serin_e2e::calls`. `{server}` stands for the address of a server that answers with `http`, one after the other and the
//! last for ever (`hex` in place of `body` where it is no text); `asked` are parts of the requests that it must get. `env` is the environment of the case.
//!
//! `SERIN_GOEXPR` names the folder of `e2e/goexpr/build`: then the same expressions are asked of the Go library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "cases are files")]

use serde::Deserialize;
use serde_json::{Value, json};
use serin_e2e::calls::differences;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    case: Value,
    answer: Value,
    #[serde(default)]
    http: Vec<Http>,
    #[serde(default)]
    asked: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Http {
    status: u16,
    #[serde(default)]
    body: String,
    /// The body in hexadecimal digits, where it is no text.
    #[serde(default)]
    hex: String,
}

impl Http {
    fn bytes(&self) -> Vec<u8> {
        if self.hex.is_empty() {
            return self.body.clone().into_bytes();
        }
        let digits: Vec<&str> = (0..self.hex.len()).step_by(2).map(|at| &self.hex[at..at + 2]).collect();
        digits
            .iter()
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    }
}

fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conform").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("//"));
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    lines.map(read).collect()
}

/// Runs a program on lines; gives a line for each.
async fn ask(program: &Path, words: &[&str], env: &BTreeMap<String, String>, input: &str) -> Vec<Value> {
    let mut child = Command::new(program)
        .args(words)
        .env("TZ", "UTC")
        .env("NO_PROXY", "127.0.0.1")
        .envs(env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let writes = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
    let output = child.wait_with_output().await.unwrap();
    writes.await.unwrap().unwrap();
    assert!(output.status.success(), "{words:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn conform() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_conform"))
}

/// Cases with other answers than the contract's.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn note(&mut self, row: &Row, different: &[String]) {
        if !different.is_empty() {
            self.0.push(format!("{}\n    {}", row.case, different.join("\n    ")));
        }
    }

    fn are_none_of(&self, all: usize) {
        assert!(self.0.is_empty(), "{} of {all}:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// Asks for all cases of a file at once.
async fn check_lines(file: &str) {
    let rows = rows(file);
    let lines: String = rows.iter().map(|row| format!("{}\n", row.case)).collect();
    let answers = ask(conform(), &["--lines"], &BTreeMap::new(), &lines).await;
    assert_eq!(answers.len(), rows.len());
    let mut wrong = Wrong::default();
    for (row, answer) in rows.iter().zip(&answers) {
        let mut different = differences(&row.answer, answer);
        // The clock goes on while a case is asked for.
        if let (Some(wanted), Some(given)) = (
            row.answer["sinceNowSeconds"].as_f64(),
            answer["sinceNowSeconds"].as_f64(),
        ) && (wanted - given).abs() <= 1.0
        {
            different.clear();
        }
        wrong.note(row, &different);
    }
    wrong.are_none_of(rows.len());
}

#[tokio::test]
async fn expressions_are_those_of_the_contract() {
    check_lines("expressions.jsonl").await;
}

#[tokio::test]
async fn templates_and_arguments_are_those_of_the_contract() {
    check_lines("templates.jsonl").await;
}

#[tokio::test]
async fn engines_agree() {
    check_lines("engine.jsonl").await;
}

/// Each in a process of its own, because addresses and credentials may come from the environment.
#[tokio::test]
async fn providers_ask_and_answer_as_the_contract_has_it() {
    let mut wrong = Wrong::default();
    let rows = rows("providers.jsonl");
    for row in &rows {
        let server = Server::start(row.http.clone()).await;
        let fill = |text: &str| text.replace("{server}", &server.url);
        let env = row
            .env
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .collect();
        let answers = ask(conform(), &[], &env, &fill(&row.case.to_string())).await;
        let mut different = differences(&row.answer, &answers[0]);
        let asked = server.asked.lock().unwrap().clone();
        for (index, part) in row.asked.iter().enumerate() {
            let part = part.trim_start_matches('~');
            if !asked.get(index).is_some_and(|request| request.contains(part)) {
                different.push(format!("asked[{index}]: {part:?} is not in {asked:?}"));
            }
        }
        wrong.note(row, &different);
    }
    wrong.are_none_of(rows.len());
}

#[tokio::test]
async fn what_is_no_case_is_told_in_its_place() {
    let lines = [
        "no JSON",
        "[]",
        "{}",
        r#"{"kind":"guess"}"#,
        r#"{"kind":"validate","metrics":[{"name":1}]}"#,
        r#"{"kind":"expression","result":{"type":"float","value":"x"}}"#,
        r#"{"kind":"engine","run":{},"passes":[{"at":"noon"}]}"#,
        r#"{"kind":"text","template":null,"args":null}"#,
    ];
    let answers = ask(conform(), &["--lines"], &BTreeMap::new(), &(lines.join("\n") + "\n")).await;
    for (answer, told) in answers.iter().zip([
        "the case is no JSON",
        "a case is an object",
        "kind: missing",
        "no kind \"guess\"",
        "metrics[0].name",
        "is no number",
        "passes[0]: at: \"noon\"",
    ]) {
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(told), "{told}: {answer}");
    }
    assert_eq!(answers.last(), Some(&json!({"value": ""})));
}

/// The Go library gives the answers of the contract, too, but for the texts that are Argo Rollouts' own.
#[tokio::test]
async fn the_go_library_agrees() {
    let Some(folder) = std::env::var_os("SERIN_GOEXPR").map(PathBuf::from) else {
        return;
    };
    let rows = rows("expressions.jsonl");
    let lines: String = rows.iter().map(|row| format!("{}\n", row.case)).collect();
    let library = ask(&folder.join("goexpr"), &[], &BTreeMap::new(), &lines).await;
    let serin = ask(conform(), &["--lines"], &BTreeMap::new(), &lines).await;
    for ((row, library), serin) in rows.iter().zip(&library).zip(&serin) {
        let class = |answer: &Value| {
            (
                answer["phase"].clone(),
                answer["time"].clone(),
                answer["error"].is_null(),
            )
        };
        assert_eq!(class(library), class(serin), "{}: {library} {serin}", row.case);
    }
}

/// A server on loopback that answers one request a connection.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: Vec<Http>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut next = answers.next();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request);
                let Some(http) = next.clone() else {
                    continue;
                };
                next = answers.next().or(next);
                let (status, body) = (http.status, http.bytes());
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            }
        });
        Self { url, asked }
    }
}

/// A request: its head, and a body of the length that the head tells.
async fn read(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_lowercase();
            let length = lower
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&part[..count]),
            _ => return text,
        }
    }
}
