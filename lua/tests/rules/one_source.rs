//! A rule that is changed in one place changes what Rust says, what the command line sends, and the Lua.

use crate::compare::{Kind, now};
use serde_json::{Value, json};
use serin_core::hooks::request::by_command_line;
use serin_core::hooks::{self, HealthStatus, Rules, Test, Text, To};
use std::collections::BTreeMap;

fn rollout() -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"generation": 3}, "spec": {},
        "status": {"observedGeneration": "3", "phase": "Degraded", "message": "why", "currentPodHash": "a", "stableRS": "b"}})
}

fn rules() -> Rules {
    hooks::all(&hooks::Options::default()).remove(0)
}

/// By Rust, by the host.
fn health(rules: &Rules) -> [(String, String); 2] {
    let by_rust = rules.health(&rollout());
    let kind = Kind::of(rules.clone());
    let by_lua = crate::compare::host()
        .health(kind.scripts.health.as_ref().unwrap(), &rollout())
        .unwrap();
    [
        (by_rust.status.as_str().to_owned(), by_rust.message),
        (by_lua.status, by_lua.message),
    ]
}

#[test]
fn of_health() {
    let mut rules = rules();
    let before = health(&rules);
    assert_eq!(before[0], ("Degraded".to_owned(), "why".to_owned()));
    let row = rules
        .health
        .iter_mut()
        .find(|row| row.status == HealthStatus::Degraded)
        .unwrap();
    row.status = HealthStatus::Missing;
    row.message = Text::words("changed");
    let after = health(&rules);
    assert_eq!(
        after,
        [
            ("Missing".to_owned(), "changed".to_owned()),
            ("Missing".to_owned(), "changed".to_owned())
        ]
    );
}

/// The patch of the command line, whether Rust and Lua call the action disabled, and the object after the script.
fn abort(rules: &Rules) -> (Option<Value>, [bool; 2], Value) {
    let kind = Kind::of(rules.clone());
    let action = kind.rules.action("abort").unwrap();
    let sent = by_command_line(action, &rollout(), now()).status;
    let host = crate::compare::host();
    let discovery = &kind.scripts.actions.as_ref().unwrap().discovery;
    let offered = host.discover(discovery, &rollout()).unwrap();
    let disabled = offered.iter().find(|offered| offered.name == "abort").unwrap().disabled;
    let acted = host
        .act(kind.script(action), &rollout(), &BTreeMap::new(), now())
        .unwrap();
    (sent, [action.is_disabled(&rollout()), disabled], acted.object)
}

#[test]
fn of_an_action() {
    let mut rules = rules();
    let (sent, disabled, after) = abort(&rules);
    assert_eq!(sent, Some(json!({"status": {"abort": true}})));
    assert_eq!(disabled, [false, false]);
    assert_eq!(after["status"]["abort"], json!(true));

    let action = rules.actions.iter_mut().find(|action| action.name == "abort").unwrap();
    action.changes[0].field = &["status", "stopped"];
    action.changes[0].to = To::Boolean(false);
    action.disabled = Test::Always;
    let (sent, disabled, after) = abort(&rules);
    assert_eq!(sent, Some(json!({"status": {"stopped": false}})));
    assert_eq!(disabled, [true, true]);
    assert_eq!(
        (&after["status"]["abort"], &after["status"]["stopped"]),
        (&Value::Null, &json!(false))
    );
}

#[test]
fn every_row_can_be_reached() {
    // A row that nothing reaches would be a rule that does nothing.
    let objects: Vec<(String, Value)> = [
        "Rollout",
        "AnalysisRun",
        "Experiment",
        "AnalysisTemplate",
        "ClusterAnalysisTemplate",
    ]
    .iter()
    .flat_map(|kind| crate::files::objects(kind))
    .map(|(path, object)| (path.display().to_string(), object))
    .collect();
    let kinds = hooks::all(&hooks::Options::default());
    for rules in &kinds {
        for number in 0..rules.health.len() {
            let mut changed = rules.clone();
            changed.health[number].message = Text::words("reached");
            let reached = objects
                .iter()
                .any(|(_, object)| object["kind"] == json!(rules.kind) && changed.health(object).message == "reached");
            assert!(
                reached,
                "{} row {number} ({}): no fixture reaches it",
                rules.kind, rules.health[number].note
            );
        }
    }
}
