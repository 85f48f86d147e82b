//! Values that are YAML themselves, read as Argo CD reads them: YAML to JSON, then Go's JSON decoder, which takes field names
//! in any case, passes over unknown fields and null, and turns down a wrong type. A number or a boolean where a text is
//! wanted becomes text.

use super::{ActionsSetting, IgnoreRules, Severity};
use serde_json::{Map, Value};
use serin_core::notation::yaml::{self, Document, YamlError};

/// Something wrong in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) severity: Severity,
    /// Way to the field inside the value, empty for the whole.
    pub(crate) path: String,
    /// Line in the value's text, from 1.
    pub(crate) line: usize,
    pub(crate) problem: String,
    /// What Argo CD does, where that is not what it does with every fault of this severity in this value.
    pub(crate) effect: Option<&'static str>,
    pub(crate) remedy: String,
}

/// A YAML text and what was found wrong in it so far.
pub(crate) struct Reading {
    pub(crate) value: Value,
    document: Option<Document>,
    text: String,
    pub(crate) faults: Vec<Fault>,
}

impl Reading {
    /// Reads the first document, as Argo CD does.
    pub(crate) fn of(text: &str) -> Self {
        let (document, error) = match yaml::parse_docs(text) {
            Ok(documents) => (documents.into_iter().next(), None),
            Err(error) => (None, Some(error)),
        };
        let mut reading = Self {
            value: document.as_ref().map_or(Value::Null, |it| it.value.clone()),
            document,
            text: text.to_owned(),
            faults: Vec::new(),
        };
        if let Some(YamlError::Read { line, column, message }) = error {
            reading.faults.push(Fault {
                severity: Severity::Error,
                path: String::new(),
                line,
                problem: format!("not YAML: {message} (line {line}, column {column} of the value)"),
                effect: None,
                remedy: "correct the YAML".to_owned(),
            });
        }
        reading
    }

    /// Line of the value's text on which a field stands.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        self.document.as_ref().map_or(1, |it| it.line_of(path))
    }

    /// Whether the value of the field on a line begins below it, as a literal block.
    pub(crate) fn is_literal_block(&self, line: usize) -> bool {
        let written = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let value = written.split_once(": ").map_or("", |(_, value)| value.trim_start());
        value.starts_with('|')
    }

    pub(crate) fn error(&mut self, path: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.fault(Severity::Error, path, problem.into(), None, remedy.into());
    }

    pub(crate) fn warn(&mut self, path: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.fault(Severity::Warning, path, problem.into(), None, remedy.into());
    }

    /// A warning about what is not passed over but does something unexpected.
    fn warn_that(&mut self, path: &str, problem: impl Into<String>, effect: &'static str, remedy: impl Into<String>) {
        self.fault(Severity::Warning, path, problem.into(), Some(effect), remedy.into());
    }

    fn fault(&mut self, severity: Severity, path: &str, problem: String, effect: Option<&'static str>, remedy: String) {
        self.faults.push(Fault {
            severity,
            path: path.to_owned(),
            line: self.line_of(path),
            problem,
            effect,
            remedy,
        });
    }

    /// The fields of an object by their proper names; unknown ones are warned about.
    pub(crate) fn fields(&mut self, path: &str, value: &Value, known: &[&'static str]) -> Vec<(&'static str, Value)> {
        let entries = match value {
            Value::Null => return Vec::new(),
            Value::Object(entries) => entries.clone(),
            other => {
                self.error(
                    path,
                    format!("{}, not a map", kind_of(other)),
                    format!("write a map with {}", known.join(", ")),
                );
                Map::new()
            }
        };
        let mut found = Vec::new();
        for (name, value) in entries {
            match known.iter().find(|it| it.eq_ignore_ascii_case(&name)) {
                Some(known) => found.push((*known, value)),
                None => self.warn(
                    &join(path, &name),
                    format!("unknown field {name:?}"),
                    format!("remove it or correct it; known are {}", known.join(", ")),
                ),
            }
        }
        found
    }

    /// A text, where numbers and booleans count as such.
    fn text(&mut self, path: &str, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                self.error(path, format!("{}, not a text", kind_of(value)), "write a text");
                String::new()
            }
        }
    }

    fn texts(&mut self, path: &str, value: &Value) -> Vec<String> {
        let items = self.items(path, value);
        let text = |(index, item): (usize, &Value)| self.text(&format!("{path}[{index}]"), item);
        items.iter().enumerate().map(text).collect()
    }

    pub(crate) fn items(&mut self, path: &str, value: &Value) -> Vec<Value> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.clone(),
            other => {
                self.error(
                    path,
                    format!("{}, not a list", kind_of(other)),
                    "write a list, one `- …` a line",
                );
                Vec::new()
            }
        }
    }

    pub(crate) fn boolean(&mut self, path: &str, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(value) => *value,
            other => {
                self.error(
                    path,
                    format!("{}, not a boolean", kind_of(other)),
                    "write true or false, without quotes",
                );
                false
            }
        }
    }
}

/// `ignoreDifferences` and `ignoreResourceUpdates`.
pub(crate) fn decode_ignore_rules(text: &str) -> (IgnoreRules, Vec<Fault>) {
    let mut reading = Reading::of(text);
    let mut rules = IgnoreRules::default();
    let known = ["jsonPointers", "jqPathExpressions", "managedFieldsManagers"];
    for (name, value) in reading.fields("", &reading.value.clone(), &known) {
        let texts = reading.texts(name, &value);
        match name {
            "jsonPointers" => rules.json_pointers = texts,
            "jqPathExpressions" => rules.jq_path_expressions = texts,
            _ => rules.managed_fields_managers = texts,
        }
    }
    (rules, reading.faults)
}

/// `knownTypeFields`: a list of field and type.
pub(crate) fn check_known_types(text: &str) -> Vec<Fault> {
    let mut reading = Reading::of(text);
    let list = reading.value.clone();
    check_known_type_list(&mut reading, "", &list);
    reading.faults
}

/// The same, where it stands inside the map.
pub(crate) fn check_known_type_list(reading: &mut Reading, path: &str, value: &Value) {
    for (index, item) in reading.items(path, value).iter().enumerate() {
        let path = format!("{path}[{index}]");
        for (name, value) in reading.fields(&path, item, &["field", "type"]) {
            reading.text(&join(&path, name), &value);
        }
    }
}

/// `actions`: the discovery script and the definitions.
pub(crate) fn decode_actions(text: &str) -> (ActionsSetting, Vec<Fault>) {
    let mut reading = Reading::of(text);
    let mut setting = ActionsSetting {
        text: text.to_owned(),
        ..ActionsSetting::default()
    };
    let known = ["discovery.lua", "definitions", "mergeBuiltinActions"];
    for (name, value) in reading.fields("", &reading.value.clone(), &known) {
        match name {
            "discovery.lua" => setting.scripts.discovery = reading.text(name, &value),
            "definitions" => setting.scripts.definitions = definitions(&mut reading, name, &value),
            _ => setting.merge_builtin = reading.boolean(name, &value),
        }
    }
    if reading.faults.iter().all(|it| it.severity != Severity::Error) {
        check_actions(&mut reading, &setting);
    }
    (setting, reading.faults)
}

fn definitions(reading: &mut Reading, path: &str, value: &Value) -> Vec<(String, String)> {
    let mut definitions: Vec<(String, String)> = Vec::new();
    for (index, item) in reading.items(path, value).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let (mut name, mut script) = (String::new(), String::new());
        for (field, value) in reading.fields(&path, item, &["name", "action.lua"]) {
            let text = reading.text(&join(&path, field), &value);
            if field == "name" { name = text } else { script = text }
        }
        if name.is_empty() {
            let remedy = "give it the name that discovery.lua lists";
            reading.warn_that(&path, "an action without a name", "never runs it", remedy);
        }
        if script.is_empty() {
            let problem = format!("action {name:?} has no script");
            reading.warn_that(
                &path,
                problem,
                "fails whenever somebody runs it",
                "write its action.lua",
            );
        }
        if definitions.iter().any(|(other, _)| *other == name) {
            let problem = format!("action {name:?} is defined twice");
            reading.warn_that(&path, problem, "runs the first one", "remove one of them");
        }
        definitions.push((name, script));
    }
    definitions
}

fn check_actions(reading: &mut Reading, setting: &ActionsSetting) {
    if setting.text.is_empty() {
        return;
    }
    if setting.scripts.definitions.is_empty() {
        reading.warn_that(
            "definitions",
            "no definitions",
            "lists what discovery.lua names, and can run only what is built in",
            "add definitions, each with name and action.lua",
        );
    }
    if setting.scripts.discovery.is_empty() {
        reading.warn_that(
            "discovery.lua",
            "no discovery.lua",
            "fails to list the actions: an empty script returns no table",
            "add a script that returns a table of action names",
        );
    }
}

/// `resource.links`: the links, one JSON object each.
pub(crate) fn decode_links(text: &str) -> (Vec<Value>, Vec<Fault>) {
    let mut reading = Reading::of(text);
    let items = reading.items("", &reading.value.clone());
    let known = ["url", "title", "description", "icon.class", "if"];
    for (index, item) in items.iter().enumerate() {
        let path = format!("[{index}]");
        let fields = reading.fields(&path, item, &known);
        for wanted in ["url", "title"] {
            if item.is_object() && !fields.iter().any(|(name, _)| *name == wanted) {
                reading.warn_that(
                    &path,
                    format!("a link without {wanted}"),
                    "shows a link that leads nowhere or says nothing",
                    format!("add its {wanted}"),
                );
            }
        }
        for (name, value) in fields {
            reading.text(&join(&path, name), &value);
        }
    }
    (items, reading.faults)
}

/// `resource.compareoptions`.
pub(crate) fn check_compare_options(text: &str) -> Vec<Fault> {
    let mut reading = Reading::of(text);
    let known = [
        "ignoreAggregatedRoles",
        "ignoreResourceStatusField",
        "ignoreDifferencesOnResourceUpdates",
    ];
    for (name, value) in reading.fields("", &reading.value.clone(), &known) {
        if name == "ignoreResourceStatusField" {
            reading.text(name, &value);
        } else {
            reading.boolean(name, &value);
        }
    }
    reading.faults
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// What stands there, in a person's words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
