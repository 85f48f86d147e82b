//! The fixtures of `lua/fixtures`, and each of them with any part missing, null or of another type.

use crate::compare::{Kind, kinds, kinds_with, now, patched, plain};
use crate::files::{folder, objects, read};
use serde_json::{Value, json};
use serin_core::hooks;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

fn list<'a>(cases: &'a Value, key: &str) -> &'a Vec<Value> {
    cases[key].as_array().unwrap_or_else(|| panic!("no {key}"))
}

fn word<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("no {key} in {case}"))
}

#[test]
fn health_is_what_the_fixtures_say_in_rust_and_in_lua() {
    let host = crate::compare::host();
    for kind in kinds() {
        let folder = folder(kind.rules.kind);
        let cases = read(&folder.join("health_test.yaml"));
        for case in list(&cases, "tests") {
            let path = word(case, "inputPath");
            let object = read(&folder.join(path));
            let meant = (
                word(&case["healthStatus"], "status"),
                case["healthStatus"]["message"].as_str().unwrap_or_default(),
            );
            let by_rust = hooks::health(&object, &hooks::Options::default()).unwrap();
            assert_eq!((by_rust.status.as_str(), &*by_rust.message), meant, "{path} in Rust");
            let by_lua = host.health(kind.scripts.health.as_ref().unwrap(), &object).unwrap();
            assert_eq!((&*by_lua.status, &*by_lua.message), meant, "{path} in Lua");
        }
    }
}

#[test]
fn actions_are_what_the_fixtures_say_in_rust_and_in_lua() {
    let host = crate::compare::host();
    let mut tried = BTreeSet::new();
    for kind in kinds().iter().filter(|kind| !kind.rules.actions.is_empty()) {
        let folder = folder(kind.rules.kind).join("actions");
        let cases = read(&folder.join("action_test.yaml"));
        for case in list(&cases, "discoveryTests") {
            let path = word(case, "inputPath");
            let object = read(&folder.join(path));
            for meant in list(case, "result") {
                let action = kind.rules.action(word(meant, "name")).unwrap();
                assert_eq!(
                    json!(action.is_disabled(&object)),
                    meant["disabled"],
                    "{path} {}",
                    action.name
                );
            }
            assert_eq!(kind.differences(&host, &object), Vec::<String>::new(), "{path}");
            assert_eq!(kind.actions_differ(&host, &object), Vec::<String>::new(), "{path}");
        }
        for case in list(&cases, "actionTests") {
            let (name, input) = (word(case, "action"), word(case, "inputPath"));
            let object = read(&folder.join(input));
            let meant = plain(&read(&folder.join(word(case, "expectedOutputPath"))));
            let action = kind.rules.action(name).unwrap();
            assert_eq!(patched(action, &object), meant, "{input} {name} in Rust");
            let acted = host.act(kind.script(action), &object, &BTreeMap::new(), now()).unwrap();
            assert_eq!(plain(&acted.object), meant, "{input} {name} in Lua");
            tried.insert((kind.rules.kind, name.to_owned()));
        }
    }
    let all = hooks::all(&hooks::Options::default());
    for (rules, action) in all
        .iter()
        .flat_map(|rules| rules.actions.iter().map(move |action| (rules, action)))
    {
        assert!(
            tried.contains(&(rules.kind, action.name.to_owned())),
            "no fixture tries {} of {}",
            action.name,
            rules.kind
        );
    }
}

#[test]
fn any_part_may_be_missing_null_or_of_another_type() {
    let every = hooks::Options {
        healthy_pauses: hooks::Pause::ALL.to_vec(),
        experiment_messages: true,
        extras: true,
    };
    for (kind, with_choices) in kinds().iter().zip(&kinds_with(&every)) {
        let files: Vec<(PathBuf, Value)> = objects(kind.rules.kind).into_iter().collect();
        let tried: usize = thread::scope(|scope| {
            let halves = files.chunks(files.len().div_ceil(2));
            let work = |files| scope.spawn(move || check_all(kind, with_choices, files));
            let running: Vec<_> = halves.map(work).collect();
            running.into_iter().map(|half| half.join().unwrap()).sum()
        });
        assert!(tried > 100, "{}: {tried} objects only", kind.rules.kind);
    }
}

/// How many objects were tried.
fn check_all(kind: &Kind, with_choices: &Kind, files: &[(PathBuf, Value)]) -> usize {
    let mut tried = 0;
    for (path, object) in files {
        for place in places(object, String::new()) {
            for changed in changed(object, &place) {
                tried += 1;
                check(kind, with_choices, path, &changed, tried);
            }
        }
    }
    tried
}

/// One action each: they take turns.
fn check(kind: &Kind, with_choices: &Kind, path: &Path, object: &Value, turn: usize) {
    let host = crate::compare::host();
    let mut found = kind.differences(&host, object);
    found.extend(with_choices.health_differs(&host, object));
    let actions = &kind.rules.actions;
    let action = turn.checked_rem(actions.len()).map(|turn| &actions[turn]);
    found.extend(action.and_then(|action| kind.action_differs(&host, action, object)));
    assert_eq!(found, Vec::<String>::new(), "{}\n{object:#}", path.display());
}

/// Pointers to all that stands below.
fn places(value: &Value, at: String) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| places(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(number, value)| places(value, format!("{at}/{number}")))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    // The rules of a kind are chosen by these two.
    let kept = ["", "/apiVersion", "/kind"].contains(&&*at);
    if kept { below } else { [vec![at], below].concat() }
}

/// The object with other things at a place, and with nothing.
fn changed(object: &Value, place: &str) -> Vec<Value> {
    let others = [
        json!(null),
        json!(true),
        json!(7),
        json!("word"),
        json!([]),
        json!({}),
        json!(["a", {"b": 1}]),
    ];
    let mut changed: Vec<Value> = others
        .into_iter()
        .map(|other| {
            let mut copy = object.clone();
            *copy.pointer_mut(place).unwrap() = other;
            copy
        })
        .collect();
    let mut without = object.clone();
    let removal: json_patch::Patch = serde_json::from_value(json!([{"op": "remove", "path": place}])).unwrap();
    json_patch::patch(&mut without, &removal).unwrap();
    changed.push(without);
    changed
}
