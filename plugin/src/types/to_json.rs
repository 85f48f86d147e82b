//! Values of gob to JSON.

use super::{Described, Kind, Special, Table, YEAR_ONE};
use crate::gob::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

impl Table {
    /// The JSON of a value that a plugin answered. What the plugin did not send is left out; what the type does not have,
    /// which another version of Argo Rollouts may know, too.
    ///
    /// # Errors
    /// A value of another kind than the type wants, or one that JSON cannot have; the text names the field.
    pub(crate) fn to_json(&self, of: &str, value: &Value) -> Result<Json, String> {
        self.json(of, value).map_err(|Mismatch { path, cause }| {
            let path: Vec<&str> = path.iter().rev().map(String::as_str).collect();
            format!("{}: {cause}", path.join("."))
        })
    }

    fn json(&self, of: &str, value: &Value) -> Result<Json, Mismatch> {
        Ok(match (of, value) {
            ("bool", Value::Bool(is_true)) => Json::from(*is_true),
            ("int", Value::Int(number)) => Json::from(*number),
            ("uint", Value::Uint(number)) => Json::from(*number),
            ("float", Value::Float(number)) if number.is_finite() => Json::from(*number),
            ("string", Value::String(text)) => Json::from(text.as_str()),
            ("bytes", Value::Bytes(bytes)) => Json::from(STANDARD.encode(bytes)),
            ("bool" | "int" | "uint" | "float" | "string" | "bytes", _) => return Err(Mismatch::new(of)),
            _ => {
                let of = self.described.get(of).ok_or_else(|| Mismatch::new(of))?;
                return self.composed_json(of, value);
            }
        })
    }

    fn composed_json(&self, of: &Described, value: &Value) -> Result<Json, Mismatch> {
        if let Some(special) = of.special() {
            return own(special, value).ok_or_else(|| Mismatch::new(&of.json));
        }
        match (of.kind, value) {
            (Kind::Struct, Value::Struct(fields)) => {
                let mut members = Map::new();
                self.members(of, fields, &mut members)?;
                Ok(Json::Object(members))
            }
            (Kind::Slice, Value::Slice(items)) => {
                let items = items.iter().map(|item| self.json(&of.elem, item));
                Ok(Json::Array(items.collect::<Result<_, _>>()?))
            }
            (Kind::Map, Value::Map(entries)) => {
                let mut members = Map::new();
                for (key, item) in entries {
                    let Value::String(key) = key else {
                        return Err(Mismatch::new("map with strings as keys"));
                    };
                    let item = self.json(&of.elem, item).map_err(|error| error.in_field(key))?;
                    members.insert(key.clone(), item);
                }
                Ok(Json::Object(members))
            }
            (Kind::Struct, _) => Err(Mismatch::new("struct")),
            (Kind::Slice, _) => Err(Mismatch::new("slice")),
            (Kind::Map, _) => Err(Mismatch::new("map")),
            (Kind::Bytes | Kind::Binary, _) => Err(Mismatch::new(&of.json)),
        }
    }

    fn members(
        &self,
        of: &Described,
        fields: &BTreeMap<String, Value>,
        members: &mut Map<String, Json>,
    ) -> Result<(), Mismatch> {
        for field in &of.fields {
            let Some(value) = fields.get(&field.go) else {
                continue;
            };
            let json = self.json(&field.of, value).map_err(|error| error.in_field(&field.go))?;
            match json {
                Json::Null => {}
                Json::Object(inlined) if field.json.is_empty() => members.extend(inlined),
                json => drop(members.insert(field.json.clone(), json)),
            }
        }
        Ok(())
    }
}

/// What is wrong with a value, and in which fields it stands, the innermost first.
struct Mismatch {
    path: Vec<String>,
    cause: String,
}

impl Mismatch {
    fn new(wanted: &str) -> Self {
        let cause = format!("it is no {wanted}");
        Self {
            path: Vec::new(),
            cause,
        }
    }

    fn in_field(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }
}

/// The JSON of a type that writes its own; null where it is zero.
fn own(special: Special, value: &Value) -> Option<Json> {
    match (special, value) {
        (Special::Time, Value::Binary(bytes)) => time(bytes),
        (Special::Raw, Value::Bytes(text)) => raw(text),
        (Special::FieldsV1, Value::Struct(fields)) => match fields.get("Raw") {
            Some(Value::Bytes(text)) => raw(text),
            None => Some(Json::Null),
            Some(_) => None,
        },
        (Special::IntOrString, Value::Struct(fields)) => {
            let is_text = fields.get("Type") == Some(&Value::Int(1));
            match (is_text, fields.get(if is_text { "StrVal" } else { "IntVal" })) {
                (true, Some(Value::String(text))) => Some(Json::from(text.as_str())),
                (false, Some(Value::Int(number))) => Some(Json::from(*number)),
                (true, None) => Some(Json::from("")),
                (false, None) => Some(Json::from(0)),
                _ => None,
            }
        }
        (Special::Quantity, Value::Struct(_)) => Some(Json::from("0")),
        _ => None,
    }
}

fn raw(text: &[u8]) -> Option<Json> {
    if text.is_empty() {
        return Some(Json::Null);
    }
    serde_json::from_slice(text).ok()
}

/// Kubernetes has times in whole seconds and in UTC; Go's zero, the year 1, is null.
fn time(bytes: &[u8]) -> Option<Json> {
    let (version, rest) = bytes.split_first()?;
    let (seconds, rest) = rest.split_first_chunk::<8>()?;
    let (_nanoseconds, zone) = rest.split_first_chunk::<4>()?;
    if !matches!((version, zone.len()), (1, 2) | (2, 3)) {
        return None;
    }
    let seconds = i64::from_be_bytes(*seconds);
    if seconds == 0 {
        return Some(Json::Null);
    }
    let at = Timestamp::from_second(seconds.checked_sub(YEAR_ONE)?).ok()?;
    Some(Json::from(at.to_string()))
}
