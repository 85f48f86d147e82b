//! What an action sends.

use super::eval::Scope;
use super::{Action, Change, To, Unified};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Who sends it: both lead to the same state, their patches differ where upstream's do (decision 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A script in Argo CD's server.
    ArgoCd,
    /// The command line, and the dashboard.
    CommandLine,
}

/// Merge patches of one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patches {
    /// For the `status` subresource; sent first.
    pub status: Option<Value>,
    /// For the main object; sent after `status`.
    pub spec: Option<Value>,
    /// For the main object in place of both, where the server has no `status` subresource.
    pub unified: Option<Value>,
}

impl Action {
    /// What it sends for an object; nothing where there is nothing to do. A door's guard is the door's own: the command
    /// line sends what it is asked for, an Argo CD script looks at `guard` first.
    #[must_use]
    pub fn patches(&self, object: &Value, door: Door, now: Timestamp) -> Patches {
        let scope = Scope::of(object);
        if door == Door::ArgoCd && !scope.test(&self.guard) {
            return Patches::default();
        }
        let mut patches = Patches::default();
        for change in self.changes_by(door) {
            let holds = scope.test(&change.when);
            let Some(value) = value(change, scope, door, now) else {
                continue;
            };
            if holds {
                let patch = if change.is_status() {
                    &mut patches.status
                } else {
                    &mut patches.spec
                };
                put(patch, change, &value);
            }
            let unified = match &change.unified {
                Unified::Same => holds,
                Unified::Always => true,
                Unified::Never => false,
            };
            if unified {
                put(&mut patches.unified, change, &value);
            }
        }
        patches
    }

    /// The changes that a door makes.
    pub fn changes_by(&self, door: Door) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(move |change| change.door.is_none_or(|only| only == door))
    }
}

fn value(change: &Change, scope: Scope<'_>, door: Door, now: Timestamp) -> Option<Value> {
    match &change.to {
        To::Absent => Some(Value::Null),
        To::NoLonger => Some(match door {
            Door::ArgoCd => Value::Null,
            Door::CommandLine => json!(false),
        }),
        To::Boolean(value) => Some(json!(value)),
        To::Number(number) => scope.number(number).map(json_number),
        To::Now => Some(json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
    }
}

/// Whole numbers are written without a fraction, as both Lua machines do.
fn json_number(number: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "whole and within the range of i64")]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        json!(number as i64)
    } else {
        json!(number)
    }
}

fn put(patch: &mut Option<Value>, change: &Change, value: &Value) {
    let mut place = patch.get_or_insert_with(|| Value::Object(Map::new()));
    for key in change.field {
        place = &mut place[*key];
    }
    *place = value.clone();
}
