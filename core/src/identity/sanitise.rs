//! What of a pod template can be decoded (decision 7).

use super::encode::{quantity_text, time_text};
use super::fields::{Kind, Struct};
use serde_json::{Map, Value};

/// The list that goes as a whole where one leaf in it cannot be decoded, as it does in Argo Rollouts: no API server takes a pod
/// template with it, so that its siblings would keep the pods from being made (argo-rollouts#1045).
const WHOLE_OR_NOT_AT_ALL: &str = "ephemeralContainers";

/// Takes out what cannot be decoded as `kind`, and notes its path; false if that is the value as a whole.
///
/// Only the leaf goes, its siblings stay. Members that are null go as well: null means absent.
pub(super) fn keep_decodable(value: &mut Value, kind: &Kind, path: &mut Path) -> bool {
    if value.is_null() {
        return true;
    }
    match kind {
        Kind::Pointer(of) => keep_decodable(value, of, path),
        Kind::Object(of) => value.as_object_mut().is_some_and(|members| {
            members.retain(|name, member| keep_member(name, member, of, path));
            true
        }),
        Kind::Map(of) => value.as_object_mut().is_some_and(|members| {
            members
                .retain(|name, member| !member.is_null() && path.within(name, |path| keep_decodable(member, of, path)));
            true
        }),
        Kind::List(of) => value.as_array_mut().is_some_and(|items| {
            let mut index = 0;
            items.retain_mut(|item| {
                let kept = path.at(index, |path| keep_decodable(item, of, path));
                index += 1;
                kept
            });
            true
        }),
        Kind::Text => value.is_string(),
        Kind::Bool => value.is_boolean(),
        Kind::Int32 => keep_integer(value, i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => keep_integer(value, i64::MIN, i64::MAX),
        Kind::IntOrString => value.is_string() || keep_integer(value, i32::MIN.into(), i32::MAX.into()),
        Kind::Quantity => quantity_text(value).is_some(),
        Kind::Time => value.as_str().is_some_and(|text| time_text(text).is_some()),
        Kind::Raw => true,
    }
}

fn keep_member(name: &str, member: &mut Value, of: &Struct, path: &mut Path) -> bool {
    if member.is_null() {
        return false;
    }
    match of.fields.iter().find(|field| field.name == name) {
        Some(field) => path.within(name, |path| {
            let before = path.undecodable.len();
            let kept = keep_decodable(member, &field.kind, path);
            if kept && name == WHOLE_OR_NOT_AT_ALL && path.undecodable.len() > before {
                path.undecodable.truncate(before);
                return false;
            }
            kept
        }),
        None => {
            drop_nulls(member);
            true
        }
    }
}

/// An integer written as `1.0` is one to the API server, but not to Go's decoder.
fn keep_integer(value: &mut Value, least: i64, most: i64) -> bool {
    if let Some(float) = value
        .as_f64()
        .filter(|float| value.is_f64() && float.fract() == 0.0 && float.abs() < 9e15)
    {
        // Exact: integral and below 2^53.
        *value = Value::from(float as i64);
    }
    value.as_i64().is_some_and(|integer| (least..=most).contains(&integer))
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => drop_null_members(members),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn drop_null_members(members: &mut Map<String, Value>) {
    members.retain(|_, member| {
        drop_nulls(member);
        !member.is_null()
    });
}

/// Where in the template, and what could not be decoded so far.
#[derive(Default)]
pub(super) struct Path {
    here: String,
    /// Paths of what could not be decoded.
    pub(super) undecodable: Vec<String>,
}

impl Path {
    /// Looks at the member `name`.
    fn within(&mut self, name: &str, look: impl FnOnce(&mut Self) -> bool) -> bool {
        let outside = self.here.len();
        if name.contains(['.', '/', '[']) {
            self.here.extend(["[", name, "]"]);
        } else {
            if outside > 0 {
                self.here.push('.');
            }
            self.here.push_str(name);
        }
        self.look(outside, look)
    }

    /// Looks at the item `index`.
    fn at(&mut self, index: usize, look: impl FnOnce(&mut Self) -> bool) -> bool {
        let outside = self.here.len();
        self.here.extend(["[", &index.to_string(), "]"]);
        self.look(outside, look)
    }

    fn look(&mut self, outside: usize, look: impl FnOnce(&mut Self) -> bool) -> bool {
        let decodable = look(self);
        if !decodable {
            self.undecodable.push(self.here.clone());
        }
        self.here.truncate(outside);
        decodable
    }
}
