//! Rust and the host on one object.

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::hooks::{self, Action, Door, HealthStatus, Rules};
use serin_lua::customization::Customization;
use serin_lua::generate::{self, Options};
use serin_lua::host::Host;
use std::collections::BTreeMap;
use std::time::Duration;

/// Rules and what is generated from them.
pub(crate) struct Kind {
    pub(crate) rules: Rules,
    pub(crate) scripts: Customization,
}

/// Actions that do another thing when they are run again: the next step is another one.
const NOT_TWICE: [&str; 2] = ["skip-current-step", "promote"];

/// Argo CD's limits, but for the time: many tests at once on a busy machine are no endless loop.
pub(crate) fn host() -> Host {
    Host::argocd().with_deadline(Duration::from_secs(60))
}

/// All kinds, with all there is to choose.
pub(crate) fn kinds() -> Vec<Kind> {
    let options = hooks::Options {
        extras: true,
        ..hooks::Options::default()
    };
    kinds_with(&options)
}

/// All kinds, with what is chosen.
pub(crate) fn kinds_with(options: &hooks::Options) -> Vec<Kind> {
    hooks::all(options).into_iter().map(Kind::of).collect()
}

/// The time of asking.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

impl Kind {
    pub(crate) fn of(rules: Rules) -> Self {
        let scripts = generate::customization(&rules, &Options::default());
        Self { rules, scripts }
    }

    pub(crate) fn script(&self, action: &Action) -> &str {
        let actions = self.scripts.actions.as_ref().unwrap();
        let found = actions.definitions.iter().find(|(name, _)| name == action.name);
        &found.unwrap().1
    }

    /// What Rust and the host say differently, and what either says that nobody may say.
    pub(crate) fn differences(&self, host: &Host, object: &Value) -> Vec<String> {
        let mut found = self.health_differs(host, object);
        let Some(actions) = &self.scripts.actions else {
            return found;
        };
        let mut meant: Vec<_> = self
            .rules
            .actions
            .iter()
            .map(|action| (action.name.to_owned(), action.is_disabled(object)))
            .collect();
        meant.sort();
        match host.discover(&actions.discovery, object) {
            Ok(said) => {
                let said: Vec<_> = said.into_iter().map(|action| (action.name, action.disabled)).collect();
                if said != meant {
                    found.push(format!("discovery: {meant:?} in Rust, {said:?} in Lua"));
                }
            }
            Err(error) => found.push(format!("discovery: {error}")),
        }
        found
    }

    pub(crate) fn health_differs(&self, host: &Host, object: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let meant = self.rules.health(object);
        match host.health(self.scripts.health.as_ref().unwrap(), object) {
            Ok(said) if said.status == meant.status.as_str() && said.message == meant.message => {}
            said => found.push(format!("health: {meant:?} in Rust, {said:?} in Lua")),
        }
        let of_argo_cd = object.pointer("/status/phase") == Some(&json!("Unknown"));
        if meant.status == HealthStatus::Unknown && meant.message.is_empty() && !of_argo_cd {
            found.push("health: Unknown, and nothing is said of it".to_owned());
        }
        found
    }

    /// What Rust and the host do differently for one action.
    pub(crate) fn actions_differ(&self, host: &Host, object: &Value) -> Vec<String> {
        let actions = self.rules.actions.iter();
        actions
            .filter_map(|action| self.action_differs(host, action, object))
            .collect()
    }

    pub(crate) fn action_differs(&self, host: &Host, action: &Action, object: &Value) -> Option<String> {
        let script = self.script(action);
        let meant = patched(action, object);
        let run = |object: &Value| host.act(script, object, &BTreeMap::new(), now());
        let acted = match run(object) {
            Ok(acted) => acted,
            Err(error) => return Some(format!("{}: {error}", action.name)),
        };
        if plain(&acted.object) != meant {
            return Some(format!("{}: {meant:#} in Rust, {:#} in Lua", action.name, acted.object));
        }
        if NOT_TWICE.contains(&action.name) {
            return None;
        }
        match run(&acted.object) {
            Ok(again) if plain(&again.object) == meant => None,
            again => Some(format!("{}: run again it does something else: {again:?}", action.name)),
        }
    }
}

/// The object after an action, by Rust.
pub(crate) fn patched(action: &Action, object: &Value) -> Value {
    let patches = action.patches(object, Door::ArgoCd, now());
    let mut object = plain(object);
    for patch in [patches.status, patches.spec].into_iter().flatten() {
        json_patch::merge(&mut object, &patch);
    }
    plain(&object)
}

/// Without what the way through Lua does not keep: null is missing, a number is a float, an empty object an empty list.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: serde_json::Map<_, _> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect();
            if fields.is_empty() {
                json!([])
            } else {
                Value::Object(fields)
            }
        }
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(plain).collect(),
        // Minus zero is written as zero.
        Value::Number(number) => json!(number.as_f64().unwrap() + 0.0),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
