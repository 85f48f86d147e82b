//! Transcripts of a command line: what was typed, and the answers.
//!
//! ```text
//! state: canary                 the file in states/ that fills the cluster
//! # a comment of the next command
//! $ undo web --to-revision 9    what was typed, after the program's name; '…' and "…" quote
//! out: …                        a line of standard output
//! out\ …                        its last line, without a line feed
//! err: …                        a line of standard error
//! exit: 1                       the exit code; 0 is left out
//! ask: patch rollouts/web {…}   a request, with its code where it is not 2xx, and the body of a merge patch
//! now: Rollout/web {…}          how an object has changed: a merge patch; of a new object all of it
//! differs: why                  Serin answers on purpose as the following lines say
//! ```

use std::fmt;

/// A file of commands and answers.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// The name of the state of the cluster.
    pub(crate) state: String,
    /// Comments at the beginning.
    pub(crate) head: Vec<String>,
    /// The commands in order.
    pub(crate) entries: Vec<Entry>,
}

/// A command and its answers.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Comments above it.
    pub(crate) comments: Vec<String>,
    /// What was typed, after the program's name.
    pub(crate) command: String,
    /// The answer of Argo Rollouts.
    pub(crate) answer: Answer,
    /// Why Serin answers otherwise, and how.
    pub(crate) differs: Option<(String, Answer)>,
}

/// What a command printed and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) exit: i32,
    /// Requests in order.
    pub(crate) asked: Vec<String>,
    /// Changes of objects, sorted.
    pub(crate) changed: Vec<String>,
}

impl Transcript {
    pub(crate) fn parse(text: &str) -> Self {
        let mut transcript = Self::default();
        let mut comments = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(state) = line.strip_prefix("state: ") {
                transcript.state = state.to_owned();
                transcript.head = std::mem::take(&mut comments);
            } else if line.starts_with('#') {
                comments.push(line.to_owned());
            } else if let Some(command) = line.strip_prefix('$') {
                transcript.entries.push(Entry {
                    comments: std::mem::take(&mut comments),
                    command: command.trim_start().to_owned(),
                    ..Entry::default()
                });
            } else {
                let entry = transcript.entries.last_mut().expect("an answer follows a command");
                entry.read(line);
            }
        }
        transcript
    }
}

impl Entry {
    fn read(&mut self, line: &str) {
        if let Some(why) = line.strip_prefix("differs: ") {
            self.differs = Some((why.to_owned(), Answer::default()));
            return;
        }
        let answer = self.differs.as_mut().map_or(&mut self.answer, |(_, own)| own);
        let (label, rest) = line.split_once(' ').unwrap_or((line, ""));
        match label {
            "out:" => answer.out += &format!("{rest}\n"),
            "out\\" => answer.out += rest,
            "err:" => answer.err += &format!("{rest}\n"),
            "err\\" => answer.err += rest,
            "exit:" => answer.exit = rest.parse().unwrap(),
            "ask:" => answer.asked.push(rest.to_owned()),
            "now:" => answer.changed.push(rest.to_owned()),
            _ => panic!("unknown line: {line}"),
        }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "state: {}", self.state)?;
        for entry in &self.entries {
            writeln!(f)?;
            for line in &entry.comments {
                writeln!(f, "{line}")?;
            }
            write!(f, "{}\n{}", format!("$ {}", entry.command).trim_end(), entry.answer)?;
            if let Some((why, own)) = &entry.differs {
                write!(f, "differs: {why}\n{own}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (label, text) in [("out", &self.out), ("err", &self.err)] {
            for line in text.split_inclusive('\n') {
                match line.strip_suffix('\n') {
                    Some("") => writeln!(f, "{label}:")?,
                    Some(line) => writeln!(f, "{label}: {line}")?,
                    None => writeln!(f, "{label}\\ {line}")?,
                }
            }
        }
        if self.exit != 0 {
            writeln!(f, "exit: {}", self.exit)?;
        }
        for request in &self.asked {
            writeln!(f, "ask: {request}")?;
        }
        for object in &self.changed {
            writeln!(f, "now: {object}")?;
        }
        Ok(())
    }
}
