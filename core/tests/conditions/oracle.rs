//! The program of `e2e/goexpr`.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The folder that has it.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os("SERIN_GOEXPR").map(PathBuf::from)
}

/// The program while it runs.
pub(crate) struct Oracle {
    child: Child,
    asked: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        let program = folder().expect("SERIN_GOEXPR").join("goexpr");
        let mut child = Command::new(&program)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let asked = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, asked, answers }
    }

    /// The answer to a case.
    pub(crate) fn ask(&mut self, case: &Value) -> Value {
        let asked = self.asked.as_mut().expect("it runs");
        asked.write_all(format!("{case}\n").as_bytes()).expect("it reads");
        asked.flush().expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?} to {case}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.asked.take());
        let _ = self.child.wait();
    }
}
