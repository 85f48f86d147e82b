//! The second opinion: programs that run Lua in gopher-lua as Argo CD does (`e2e/gopherlua`), asked from tests.

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_lua::host::{FoundAction, Health, Host, HostError, Impacted, Operation};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Objects that are taken at a time.
const PIECE: usize = 500;
/// Seconds that a script may run in either machine.
const DEADLINE_SECONDS: u64 = 5;
/// How many answers may be outstanding. More only costs memory.
const OUTSTANDING: usize = 256;

/// What a script is run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Health,
    Discovery,
    Action,
}

/// A script and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) text: String,
}

/// One call of a script.
#[derive(Clone, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) script: &'a Script,
    pub(crate) object: &'a Value,
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) now: Timestamp,
}

/// What came of a call. Texts of errors differ between machines.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Health(Health),
    Actions(Vec<FoundAction>),
    Impacted(Vec<Impacted>, Option<Value>),
    Error(String),
}

impl Answer {
    /// What Serin's own host says.
    pub(crate) fn of_host(task: &Task<'_>) -> Self {
        // More than Argo CD's second: a busy machine is no endless loop. The programs wait as long.
        let host = Host::argocd().with_deadline(Duration::from_secs(DEADLINE_SECONDS));
        let (script, object) = (task.script.text.as_str(), task.object);
        let answer: Result<Self, HostError> = match task.script.mode {
            Mode::Health => host.health(script, object).map(Self::Health),
            Mode::Discovery => host.discover(script, object).map(Self::Actions),
            Mode::Action => host
                .act(script, object, task.parameters, task.now)
                .map(|acted| Self::Impacted(acted.impacted, acted.patch)),
        };
        answer.unwrap_or_else(|error| Self::Error(error.to_string()))
    }

    /// Whether both say the same: of errors only that there is one, of objects with null equal to missing.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Health(one), Self::Health(other)) => one == other,
            (Self::Actions(one), Self::Actions(other)) => one == other,
            (Self::Impacted(one, patch), Self::Impacted(other, other_patch)) => {
                same(&json!(patch), &json!(other_patch))
                    && one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| {
                        one.operation == other.operation
                            && same(&without_nulls(&one.resource), &without_nulls(&other.resource))
                    })
            }
            (Self::Error(_), Self::Error(_)) => true,
            _ => false,
        }
    }

    fn read(line: &Value) -> Self {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
        if let Some(error) = line["error"].as_str() {
            return Self::Error(error.to_owned());
        }
        if line["health"].is_object() {
            let health = &line["health"];
            return Self::Health(Health {
                status: text(health, "status"),
                message: text(health, "message"),
            });
        }
        if let Some(actions) = line["actions"].as_array() {
            let action = |action: &Value| FoundAction {
                name: text(action, "name"),
                disabled: action["disabled"].as_bool().unwrap(),
                icon_class: text(action, "iconClass"),
                display_name: text(action, "displayName"),
                parameters: action["params"]
                    .as_array()
                    .iter()
                    .flat_map(|all| all.iter())
                    .map(|one| text(one, "name"))
                    .collect(),
            };
            return Self::Actions(actions.iter().map(action).collect());
        }
        let impacted = line["impacted"]
            .as_array()
            .unwrap_or_else(|| panic!("no answer: {line}"));
        let patches = impacted.iter().rev().find(|one| one["operation"] == "patch");
        let patch = patches.map(|one| one["patch"].clone()).filter(|patch| !patch.is_null());
        let one = |one: &Value| Impacted {
            operation: if one["operation"] == "create" {
                Operation::Create
            } else {
                Operation::Patch
            },
            resource: one["resource"].clone(),
        };
        Self::Impacted(impacted.iter().map(one).collect(), patch)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Health(health) => write!(f, "{health:?}"),
            Self::Actions(actions) => write!(f, "{actions:?}"),
            Self::Impacted(impacted, patch) => {
                let resources: Vec<String> = impacted
                    .iter()
                    .map(|one| format!("{:?} {}", one.operation, one.resource))
                    .collect();
                write!(f, "{}; patch {}", resources.join(", "), json!(patch))
            }
            Self::Error(text) => write!(f, "error: {text}"),
        }
    }
}

/// Equality in which `1` and `1.0` are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            kept.map(|(key, member)| (key.clone(), without_nulls(member))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// One version of gopher-lua.
pub(crate) struct SecondOpinion {
    /// `gopherlua-1.1.2`.
    pub(crate) name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl SecondOpinion {
    /// The folder that `SERIN_GOPHERLUA` names.
    pub(crate) fn folder() -> Option<PathBuf> {
        std::env::var_os("SERIN_GOPHERLUA").map(PathBuf::from)
    }

    /// All versions in that folder, with these scripts.
    pub(crate) fn all(scripts: &[Script]) -> Vec<Self> {
        let folder = Self::folder().expect("SERIN_GOPHERLUA names a folder; e2e/gopherlua/build makes one");
        let mut programs: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("SERIN_GOPHERLUA: {}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("gopherlua-"))
            .collect();
        programs.sort();
        assert!(
            !programs.is_empty(),
            "SERIN_GOPHERLUA: {}: no gopherlua-VERSION there",
            folder.display()
        );
        programs.iter().map(|program| Self::start(program, scripts)).collect()
    }

    fn start(program: &Path, scripts: &[Script]) -> Self {
        let mut child = Command::new(program)
            .arg(format!("-deadline={DEADLINE_SECONDS}s"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut input = child.stdin.take().unwrap();
        for script in scripts {
            let line = json!({ "script": script.name, "text": script.text });
            writeln!(input, "{line}").unwrap();
        }
        Self {
            name: program.file_name().unwrap().to_string_lossy().into_owned(),
            input: Some(input),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Asks all tasks and gives each answer in order, while the next ones are still being sent.
    pub(crate) fn ask<'a>(&mut self, tasks: &[Task<'a>], mut each: impl FnMut(&Task<'a>, Answer)) {
        let (sent, outstanding) = sync_channel(OUTSTANDING);
        let input = self.input.as_mut().unwrap();
        let output = &mut self.output;
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut writer = BufWriter::new(input);
                for (id, task) in tasks.iter().enumerate() {
                    // The other side can only answer what has left the buffer.
                    if let Err(TrySendError::Full(())) = sent.try_send(()) {
                        writer.flush().unwrap();
                        sent.send(()).unwrap();
                    }
                    writeln!(writer, "{}", line(id, task)).unwrap();
                }
                writer.flush().unwrap();
            });
            for (id, task) in tasks.iter().enumerate() {
                let mut text = String::new();
                output.read_line(&mut text).unwrap();
                let line: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
                assert_eq!(line["id"], id, "answers come in order");
                outstanding.recv().unwrap();
                each(task, Answer::read(&line));
            }
        });
    }
}

fn line(id: usize, task: &Task<'_>) -> Value {
    let mode = match task.script.mode {
        Mode::Health => "health",
        Mode::Discovery => "discovery",
        Mode::Action => "action",
    };
    json!({
        "id": id, "run": task.script.name, "mode": mode, "object": task.object,
        "params": task.parameters, "now": task.now.as_second(),
    })
}

impl Drop for SecondOpinion {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Runs every script on every object in Serin's host and in each version of gopher-lua, and tells where they disagree
/// (at most ten times) and how many calls were compared. Objects may come from a generator: they are taken in pieces.
/// The newest version is asked of all of them, the older ones of the first piece and every tenth one after it.
pub(crate) fn disagreements(
    scripts: &[Script],
    objects: impl IntoIterator<Item = Value>,
    now: Timestamp,
) -> (Vec<String>, usize) {
    let mut opinions = SecondOpinion::all(scripts);
    let (mut found, mut compared) = (Vec::new(), 0);
    let parameters = BTreeMap::new();
    let mut objects = objects.into_iter();
    let newest = opinions.len() - 1;
    for number in 0.. {
        let piece: Vec<Value> = objects.by_ref().take(PIECE).collect();
        if piece.is_empty() || found.len() >= 10 {
            break;
        }
        let task = |(object, script)| Task {
            script,
            object,
            parameters: &parameters,
            now,
        };
        let pairs = piece
            .iter()
            .flat_map(|object| scripts.iter().map(move |script| (object, script)));
        let tasks: Vec<Task<'_>> = pairs.map(task).collect();
        let ours: Vec<Answer> = tasks.iter().map(Answer::of_host).collect();
        let asked = |version: usize| version == newest || number % 10 == 0;
        for (_, opinion) in opinions.iter_mut().enumerate().filter(|(version, _)| asked(*version)) {
            let name = opinion.name.clone();
            let mut ours = ours.iter();
            opinion.ask(&tasks, |task, theirs| {
                let ours = ours.next().unwrap();
                compared += 1;
                if found.len() < 10 && !ours.agrees(&theirs) {
                    let (script, object) = (&task.script.name, task.object);
                    found.push(format!("{script} on {object}\n  host: {ours}\n  {name}: {theirs}"));
                }
            });
        }
    }
    (found, compared)
}
