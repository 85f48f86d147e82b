//! The walk through `argocd-cm`, key by key.

use super::keys::{self, CustomizationType, Key, PREFIX};
use super::values::{
    self, Fault, Reading, check_compare_options, check_known_type_list, check_known_types, decode_actions,
    decode_ignore_rules, decode_links, join, kind_of,
};
use super::{ArgocdCm, Finding, Glob, Keyed, Override, Overrides, Severity};
use serde_json::Value;

const LOAD_FAILS: &str =
    "fails to load every customization: sync and health of all applications become Unknown, and only its log says why";
const ACTIONS_FAIL: &str = "lists and runs no action of this kind: every attempt ends with this error";
const PASSES_OVER: &str = "passes over it in silence";
const LINKS_FAIL: &str = "shows no link on any resource: every attempt ends with this error";

/// Reads all customizations, and says what is wrong with them.
pub(super) fn read(cm: &ArgocdCm) -> (Overrides, Vec<Finding>) {
    let mut reader = Reader {
        cm,
        overrides: Overrides::default(),
        findings: Vec::new(),
    };
    for key in &cm.not_strings {
        reader.find(
            Severity::Error,
            key,
            "the value is not a text",
            "never sees it: the API server turns the ConfigMap down",
            "put the value in quotes, or write it as a block after `|`",
        );
    }
    // The map comes first, whatever its place: split keys are laid over it.
    if let Some(text) = cm.data.get(PREFIX) {
        reader.map(text);
    }
    for (key, text) in &cm.data {
        reader.key(key, text);
    }
    reader.competing_patterns();
    reader.unused_actions();
    let options = cm.data.get("resource.compareoptions");
    reader.faults(
        "resource.compareoptions",
        options.map(|it| check_compare_options(it)).unwrap_or_default(),
        LOAD_FAILS,
    );
    let links = cm.data.get("resource.links");
    reader.faults(
        "resource.links",
        links.map(|it| decode_links(it).1).unwrap_or_default(),
        LINKS_FAIL,
    );
    (reader.overrides, reader.findings)
}

struct Reader<'a> {
    cm: &'a ArgocdCm,
    overrides: Overrides,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn find(&mut self, severity: Severity, key: &str, problem: &str, consequence: &str, remedy: &str) {
        self.findings.push(Finding {
            severity,
            source: self.cm.source.clone(),
            line: self.cm.line(key, None),
            key: key.to_owned(),
            problem: problem.to_owned(),
            consequence: consequence.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    /// Faults inside the value of a key; `consequence` is that of an error.
    fn faults(&mut self, key: &str, faults: Vec<Fault>, consequence: &str) {
        for fault in faults {
            self.findings.push(Finding {
                severity: fault.severity,
                source: self.cm.source.clone(),
                line: self.cm.line(key, Some(fault.line)),
                key: if fault.path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{key} → {}", fault.path)
                },
                problem: fault.problem,
                consequence: match (fault.effect, fault.severity) {
                    (Some(effect), _) => effect.to_owned(),
                    (None, Severity::Error) => consequence.to_owned(),
                    (None, Severity::Warning) => PASSES_OVER.to_owned(),
                },
                remedy: fault.remedy,
            });
        }
    }

    fn key(&mut self, key: &str, text: &str) {
        match keys::parse(key) {
            None | Some(Key::Map) => {}
            Some(Key::Ignored) => self.find(
                Severity::Warning,
                key,
                "too few parts for a customization",
                PASSES_OVER,
                &format!("name it {PREFIX}.<type>.<group>_<Kind>, or remove it"),
            ),
            Some(Key::Wrong { problem, remedy }) => self.find(Severity::Error, key, &problem, LOAD_FAILS, &remedy),
            Some(Key::Split(split)) => {
                if let Some((problem, remedy)) = never_matches(&split.group_kind) {
                    self.find(Severity::Warning, key, &problem, PASSES_OVER, &remedy);
                }
                self.split(key, split.customization, &split.group_kind, text);
            }
        }
    }

    fn split(&mut self, key: &str, customization: CustomizationType, group_kind: &str, text: &str) {
        let keyed = key.to_owned();
        let (faults, consequence) = match customization {
            CustomizationType::Health => {
                // An empty script hides the map's and is none itself.
                let health = (!text.is_empty()).then(|| Keyed {
                    value: text.to_owned(),
                    key: keyed,
                });
                self.kind(group_kind).health = health;
                return;
            }
            CustomizationType::UseOpenLibs => return self.use_open_libs(key, group_kind, text),
            CustomizationType::Actions => {
                let (setting, faults) = decode_actions(text);
                let actions = (!text.is_empty()).then_some(Keyed {
                    value: setting,
                    key: keyed,
                });
                self.kind(group_kind).actions = actions;
                (faults, ACTIONS_FAIL)
            }
            CustomizationType::IgnoreDifferences => {
                let (value, faults) = decode_ignore_rules(text);
                self.kind(group_kind).ignore_differences = Some(Keyed { value, key: keyed });
                (faults, LOAD_FAILS)
            }
            CustomizationType::IgnoreResourceUpdates => {
                let (value, faults) = decode_ignore_rules(text);
                self.kind(group_kind).ignore_resource_updates = Some(Keyed { value, key: keyed });
                (faults, LOAD_FAILS)
            }
            CustomizationType::KnownTypeFields => (check_known_types(text), LOAD_FAILS),
        };
        self.faults(key, faults, consequence);
    }

    fn use_open_libs(&mut self, key: &str, group_kind: &str, text: &str) {
        // The words of Go's strconv.ParseBool.
        let value = match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            other => {
                let problem = format!("{:?} is not a boolean", other.trim_end_matches('\n'));
                return self.find(
                    Severity::Error,
                    key,
                    &problem,
                    LOAD_FAILS,
                    "write \"true\" or \"false\", without a line end",
                );
            }
        };
        self.kind(group_kind).use_open_libs = Some(Keyed {
            value,
            key: key.to_owned(),
        });
    }

    fn kind(&mut self, group_kind: &str) -> &mut Override {
        self.overrides.kinds.entry(group_kind.to_owned()).or_default()
    }

    /// The value of `resource.customizations`: a map of kinds.
    fn map(&mut self, text: &str) {
        let mut reading = Reading::of(text);
        let kinds = match reading.value.clone() {
            Value::Null => serde_json::Map::new(),
            Value::Object(kinds) => kinds,
            other => {
                reading.error(
                    "",
                    format!("{}, not a map of kinds", kind_of(&other)),
                    "write `group/Kind:` and its fields below",
                );
                serde_json::Map::new()
            }
        };
        for (group_kind, fields) in &kinds {
            if let Some((problem, remedy)) = never_matches(group_kind) {
                reading.warn(group_kind, problem, remedy);
            }
            if fields.is_null() {
                // Seen with 3.6: a nil pointer in the decoder of one kind.
                reading.error(
                    group_kind,
                    "nothing is set for this kind; Argo CD crashes on that",
                    "remove the line, or set something",
                );
                continue;
            }
            self.kind_of_map(&mut reading, group_kind, fields);
        }
        self.faults(PREFIX, reading.faults, LOAD_FAILS);
    }

    fn kind_of_map(&mut self, reading: &mut Reading, group_kind: &str, fields: &Value) {
        let known = CustomizationType::ALL.map(CustomizationType::field);
        for (field, value) in reading.fields(group_kind, fields, &known) {
            let path = join(group_kind, field);
            let key = format!("{PREFIX} → {path}");
            if field == "health.lua.useOpenLibs" {
                let value = reading.boolean(&path, &value);
                self.kind(group_kind).use_open_libs = Some(Keyed { value, key });
                continue;
            }
            if field == "knownTypeFields" {
                check_known_type_list(reading, &path, &value);
                continue;
            }
            // Unlike in split keys, a number or a boolean is no text here.
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                other => {
                    let problem = format!("{}, not a text", kind_of(&other));
                    reading.error(
                        &path,
                        problem,
                        "write it as a text: `|` after the colon, the value indented below",
                    );
                    continue;
                }
            };
            match field {
                "health.lua" if text.is_empty() => {}
                "health.lua" => self.kind(group_kind).health = Some(Keyed { value: text, key }),
                "actions" => {
                    let (value, faults) = decode_actions(&text);
                    // Not part of the load: told with its own consequence.
                    self.faults(PREFIX, within(reading, &path, faults), ACTIONS_FAIL);
                    let actions = (!text.is_empty()).then_some(Keyed { value, key });
                    self.kind(group_kind).actions = actions;
                }
                _ => {
                    let (value, faults) = decode_ignore_rules(&text);
                    let faults = within(reading, &path, faults);
                    reading.faults.extend(faults);
                    let rules = Some(Keyed { value, key });
                    if field == "ignoreDifferences" {
                        self.kind(group_kind).ignore_differences = rules;
                    } else {
                        self.kind(group_kind).ignore_resource_updates = rules;
                    }
                }
            }
        }
    }

    /// Two patterns with a health script that match one kind: Argo CD takes whichever its map yields first.
    fn competing_patterns(&mut self) {
        let patterns: Vec<_> = self
            .overrides
            .with_health_pattern()
            .map(|(pattern, health)| (pattern.to_owned(), health.key.clone()))
            .collect();
        for (index, (one, _)) in patterns.iter().enumerate() {
            for (other, key) in &patterns[index + 1..] {
                if Glob::new(one).meets(&Glob::new(other)) {
                    let problem = format!("the health scripts of {one:?} and {other:?} match the same kinds");
                    self.found_in(
                        key,
                        &problem,
                        "chooses one of them anew each time, at random, for kinds that have no script of their own",
                        "make the patterns exclude each other, or name the kinds",
                    );
                }
            }
        }
    }

    /// Actions are looked up by exact key.
    fn unused_actions(&mut self) {
        let patterns = self.overrides.kinds.iter().filter(|(key, _)| Glob::is_pattern(key));
        let keys: Vec<_> = patterns
            .filter_map(|(_, set)| Some(set.actions.as_ref()?.key.clone()))
            .collect();
        for key in keys {
            self.found_in(
                &key,
                "actions of a pattern are never looked up",
                PASSES_OVER,
                "set them for each kind by name",
            );
        }
    }

    /// A warning about a key as [`Keyed`] holds it.
    fn found_in(&mut self, key: &str, problem: &str, consequence: &str, remedy: &str) {
        let (outer, path) = key.split_once(" → ").unwrap_or((key, ""));
        let inner = self.cm.data.get(outer).filter(|_| !path.is_empty());
        let inner = inner.map(|text| Reading::of(text).line_of(path));
        self.findings.push(Finding {
            severity: Severity::Warning,
            source: self.cm.source.clone(),
            line: self.cm.line(outer, inner),
            key: key.to_owned(),
            problem: problem.to_owned(),
            consequence: consequence.to_owned(),
            remedy: remedy.to_owned(),
        });
    }
}

/// Faults of a text inside a text: told at the field that holds it.
fn within(reading: &Reading, path: &str, faults: Vec<values::Fault>) -> Vec<values::Fault> {
    let line = reading.line_of(path);
    let place = |fault: Fault| Fault {
        line: line + if reading.is_literal_block(line) { fault.line } else { 0 },
        path: join(path, &fault.path).trim_end_matches('.').to_owned(),
        ..fault
    };
    faults.into_iter().map(place).collect()
}

/// Names that no kind can have, and what was probably meant.
fn never_matches(group_kind: &str) -> Option<(String, String)> {
    if Glob::is_pattern(group_kind) {
        return None;
    }
    let remedy = "name the kind as it is written in manifests: group/Kind here, <group>_<Kind> in a split key";
    let told = |problem: String| Some((problem, remedy.to_owned()));
    match group_kind.split('/').collect::<Vec<_>>()[..] {
        ["all"] => told("\"all\" means every kind in split keys only; here it is \"*/*\"".to_owned()),
        [kind] if kind.contains('_') => told(format!("{kind:?} has an underscore where a slash belongs")),
        [kind] if kind.contains('.') => told(format!("{kind:?} names a group and no kind")),
        ["", kind] => told(format!(
            "{kind:?} has an empty group; a kind of the core group stands alone"
        )),
        [_, ""] | [""] => told(format!("{group_kind:?} names no kind")),
        [.., kind] if kind.starts_with(|first: char| first.is_ascii_lowercase()) => {
            told(format!("kinds begin with a capital letter; {kind:?} matches none"))
        }
        [_] | [_, _] => None,
        _ => told(format!("{group_kind:?} has more than one slash")),
    }
}
