//! The files that describe cases.

use super::find::KindFolder;
use super::report::Problem;
use crate::host::FoundAction;
use serde_json::Value;
use serin_core::notation::yaml::{Document, YamlError, parse_docs};
use std::collections::BTreeMap;
use std::path::Path;

/// A case of `health_test.yaml`.
pub(super) struct HealthCase {
    pub(super) line: usize,
    pub(super) input: String,
    pub(super) status: String,
    pub(super) message: String,
}

/// A case under `discoveryTests` of `action_test.yaml`.
pub(super) struct DiscoveryCase {
    pub(super) line: usize,
    pub(super) input: String,
    pub(super) expected: Vec<FoundAction>,
}

/// A case under `actionTests` of `action_test.yaml`.
pub(super) struct ActionCase {
    pub(super) line: usize,
    pub(super) action: String,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) error: String,
    pub(super) parameters: BTreeMap<String, String>,
}

/// A file's first document, empty where it has none.
pub(super) fn document(folder: &KindFolder, file: &Path) -> Result<Document, Problem> {
    let problem = |line, message| Problem {
        file: file.to_path_buf(),
        line,
        message,
    };
    let text = folder.text(file).map_err(|message| problem(None, message))?;
    let documents = parse_docs(&text).map_err(|error| match error {
        YamlError::Read { line, column, message } => {
            problem(Some(line), format!("not YAML at column {column}: {message}"))
        }
        YamlError::Write(message) => problem(None, message),
    })?;
    let first = documents.into_iter().next();
    first.ok_or_else(|| problem(None, "is empty; it must hold a YAML document".to_owned()))
}

/// A file of cases while it is read, which gathers what is wrong in it.
pub(super) struct File<'a> {
    path: &'a Path,
    document: &'a Document,
    pub(super) problems: Vec<Problem>,
}

impl<'a> File<'a> {
    pub(super) fn new(path: &'a Path, document: &'a Document) -> Self {
        Self {
            path,
            document,
            problems: Vec::new(),
        }
    }

    pub(super) fn health_cases(&mut self) -> Vec<HealthCase> {
        self.allow("", &self.document.value, &["tests"]);
        let read = |file: &mut Self, at: String, case: &Value| {
            file.allow(&at, case, &["inputPath", "healthStatus"]);
            let health = get(case, "healthStatus").unwrap_or(&Value::Null);
            let below = format!("{at}.healthStatus");
            file.allow(&below, health, &["status", "message"]);
            Some(HealthCase {
                line: file.document.line_of(&at),
                input: file.required(&at, case, "inputPath")?,
                status: file.text(&below, health, "status")?,
                message: file.text(&below, health, "message")?,
            })
        };
        self.each("tests", read)
    }

    pub(super) fn discovery_cases(&mut self) -> Vec<DiscoveryCase> {
        self.allow("", &self.document.value, &["discoveryTests", "actionTests"]);
        self.each("discoveryTests", |file, at, case| {
            file.allow(&at, case, &["inputPath", "result"]);
            let line = file.document.line_of(&at);
            let input = file.required(&at, case, "inputPath")?;
            let items = file.items(&format!("{at}.result"), get(case, "result"));
            let mut expected = Vec::new();
            for (index, item) in items.iter().enumerate() {
                expected.push(file.action(&format!("{at}.result[{index}]"), item)?);
            }
            expected.sort();
            Some(DiscoveryCase { line, input, expected })
        })
    }

    pub(super) fn action_cases(&mut self) -> Vec<ActionCase> {
        self.each("actionTests", |file, at, case| {
            let fields = [
                "action",
                "inputPath",
                "expectedOutputPath",
                "expectedErrorMessage",
                "parameters",
                "input",
            ];
            file.allow(&at, case, &fields);
            let mut parameters = BTreeMap::new();
            let below = format!("{at}.parameters");
            match get(case, "parameters") {
                None | Some(Value::Null) => {}
                Some(given @ Value::Object(members)) => {
                    for name in members.keys() {
                        let value = file.text(&below, given, name)?;
                        parameters.insert(name.clone(), value);
                    }
                }
                Some(_) => return file.wrong(&below, "must be a mapping of names to texts"),
            }
            let case = ActionCase {
                line: file.document.line_of(&at),
                action: file.required(&at, case, "action")?,
                input: file.required(&at, case, "inputPath")?,
                output: file.text(&at, case, "expectedOutputPath")?,
                error: file.text(&at, case, "expectedErrorMessage")?,
                parameters,
            };
            if case.output.is_empty() && case.error.is_empty() {
                return file.wrong(&at, "needs expectedOutputPath or expectedErrorMessage");
            }
            Some(case)
        })
    }

    fn action(&mut self, at: &str, item: &'a Value) -> Option<FoundAction> {
        self.allow(at, item, &["name", "disabled", "iconClass", "displayName", "params"]);
        let disabled = match get(item, "disabled") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(disabled)) => *disabled,
            Some(_) => return self.wrong(&format!("{at}.disabled"), "must be true or false"),
        };
        let mut parameters = Vec::new();
        for (index, parameter) in self
            .items(&format!("{at}.params"), get(item, "params"))
            .iter()
            .enumerate()
        {
            parameters.push(self.text(&format!("{at}.params[{index}]"), parameter, "name")?);
        }
        Some(FoundAction {
            name: self.required(at, item, "name")?,
            disabled,
            icon_class: self.text(at, item, "iconClass")?,
            display_name: self.text(at, item, "displayName")?,
            parameters,
        })
    }

    /// The cases of a list; those that cannot be read are left out, and the problem is noted.
    fn each<T>(&mut self, list: &str, read: impl Fn(&mut Self, String, &'a Value) -> Option<T>) -> Vec<T> {
        let document = self.document;
        let items = self.items(list, get(&document.value, list));
        let cases = items.iter().enumerate();
        cases
            .filter_map(|(index, case)| read(self, format!("{list}[{index}]"), case))
            .collect()
    }

    fn items(&mut self, at: &str, value: Option<&'a Value>) -> &'a [Value] {
        match value {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong::<()>(at, "must be a list");
                &[]
            }
        }
    }

    fn required(&mut self, at: &str, value: &Value, key: &str) -> Option<String> {
        match self.text(at, value, key)? {
            text if text.is_empty() => self.wrong(at, &format!("{key} is missing")),
            text => Some(text),
        }
    }

    /// A text, empty where there is none.
    fn text(&mut self, at: &str, value: &Value, key: &str) -> Option<String> {
        match get(value, key) {
            None | Some(Value::Null) => Some(String::new()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => self.wrong(&format!("{at}.{key}"), "must be a text: put it in quotes"),
        }
    }

    /// Notes keys that no test runner reads: mostly misspelt ones, which would test nothing.
    fn allow(&mut self, at: &str, value: &Value, keys: &[&str]) {
        for key in value.as_object().into_iter().flat_map(|members| members.keys()) {
            if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                let path = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                self.wrong::<()>(&path, &format!("unknown key; known here: {}", keys.join(", ")));
            }
        }
    }

    fn wrong<T>(&mut self, at: &str, message: &str) -> Option<T> {
        self.problems.push(Problem {
            file: self.path.to_path_buf(),
            line: Some(self.document.line_of(at)),
            message: format!("{at}: {message}"),
        });
        None
    }
}

/// A member by name: exactly, else in any case, as Go reads it.
fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(key).or_else(|| {
        let mut others = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        others.next().map(|(_, value)| value)
    })
}
