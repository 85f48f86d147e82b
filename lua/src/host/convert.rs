//! JSON to Lua as Argo CD does it, Lua to JSON as gopher-json does it (contract 13 §1.2).

use super::error::{HostError, ResultError};
use super::number;
use mlua::{IntoLua, Lua, Table, Value as LuaValue};
use serde_json::{Map, Number, Value};
use std::collections::HashSet;
use std::ffi::c_void;

/// How deep returned tables may lie. Kubernetes itself takes no object that deep.
const DEPTH_LIMIT: usize = 500;

/// A JSON value in Lua: all numbers are floats, null members are missing, null items are left out of lists.
pub(super) fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(boolean) => LuaValue::Boolean(*boolean),
        Value::Number(number) => number.as_f64().map_or(LuaValue::Nil, LuaValue::Number),
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (index, item) in items.iter().filter(|item| !item.is_null()).enumerate() {
                put(lua, &table, index + 1, item)?;
            }
            LuaValue::Table(table)
        }
        Value::Object(members) => {
            let table = lua.create_table_with_capacity(0, members.len())?;
            for (key, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                put(lua, &table, key.as_str(), member)?;
            }
            LuaValue::Table(table)
        }
    })
}

/// Texts, most of all values, go straight into the table: a handle of each would cost more than the text.
fn put(lua: &Lua, table: &Table, key: impl IntoLua, value: &Value) -> mlua::Result<()> {
    match value {
        Value::String(text) => table.raw_set(key, text.as_str()),
        other => table.raw_set(key, to_lua(lua, other)?),
    }
}

/// A returned table as JSON.
pub(super) fn to_json(table: &Table) -> Result<Value, HostError> {
    let mut encoder = Encoder {
        seen: HashSet::new(),
        path: Vec::new(),
    };
    encoder.table(table)
}

struct Encoder {
    seen: HashSet<*const c_void>,
    path: Vec<String>,
}

impl Encoder {
    fn at(&self) -> String {
        self.path.iter().map(|part| format!("/{part}")).collect()
    }

    fn value(&mut self, value: &LuaValue) -> Result<Value, HostError> {
        Ok(match value {
            LuaValue::Nil => Value::Null,
            LuaValue::Boolean(boolean) => Value::Bool(*boolean),
            LuaValue::Integer(integer) => Value::from(*integer),
            LuaValue::Number(float) => self.number(*float)?,
            LuaValue::String(text) => Value::String(go_text(&text.as_bytes())),
            LuaValue::Table(table) => self.table(table)?,
            other => {
                return Err(self.not_json(other.type_name()).into());
            }
        })
    }

    fn number(&self, number: f64) -> Result<Value, HostError> {
        let json = match number::integral(number) {
            Some(integer) => Some(Number::from(integer)),
            None => Number::from_f64(number),
        };
        let json = json.ok_or_else(|| self.not_json(&format!("the number {}", number::text(number))))?;
        Ok(Value::Number(json))
    }

    fn not_json(&self, found: &str) -> ResultError {
        ResultError::NotJson {
            at: self.at(),
            found: found.to_owned(),
        }
    }

    fn table(&mut self, table: &Table) -> Result<Value, HostError> {
        if !self.seen.insert(table.to_pointer()) {
            return Err(ResultError::Shared { at: self.at() }.into());
        }
        if self.path.len() >= DEPTH_LIMIT {
            let at = self.at();
            return Err(ResultError::Depth { at, limit: DEPTH_LIMIT }.into());
        }
        let mut list: Vec<(f64, LuaValue)> = Vec::new();
        let mut object: Vec<(String, LuaValue)> = Vec::new();
        let mut others = false;
        let read = table.for_each(|key: LuaValue, value: LuaValue| {
            match key {
                #[expect(clippy::cast_precision_loss, reason = "keys of Lua are floats")]
                LuaValue::Integer(index) => list.push((index as f64, value)),
                LuaValue::Number(index) => list.push((index, value)),
                LuaValue::String(key) => object.push((go_text(&key.as_bytes()), value)),
                _ => others = true,
            }
            Ok(())
        });
        read.map_err(|error| HostError::Machine {
            message: error.to_string(),
        })?;
        if others {
            return Err(ResultError::Keys { at: self.at() }.into());
        }
        match (list.is_empty(), object.is_empty()) {
            (false, false) => Err(ResultError::Keys { at: self.at() }.into()),
            (_, true) => self.list(list),
            (true, false) => self.object(object),
        }
    }

    fn list(&mut self, mut entries: Vec<(f64, LuaValue)>) -> Result<Value, HostError> {
        entries.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let mut expected = 1.0;
        let mut items = Vec::with_capacity(entries.len());
        for (index, value) in &entries {
            #[expect(clippy::float_cmp, reason = "keys of a list are whole numbers")]
            if *index != expected {
                return Err(ResultError::Sparse { at: self.at() }.into());
            }
            expected += 1.0;
            self.path.push(items.len().to_string());
            items.push(self.value(value)?);
            self.path.pop();
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, mut entries: Vec<(String, LuaValue)>) -> Result<Value, HostError> {
        // In order, so that of two faults the same one is named each time.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut members = Map::new();
        for (key, value) in entries {
            self.path.push(key);
            let value = self.value(&value)?;
            if let Some(key) = self.path.pop() {
                members.insert(key, value);
            }
        }
        Ok(Value::Object(members))
    }
}

/// Text as Go's JSON writes it: each byte that is not UTF-8 becomes U+FFFD.
fn go_text(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        match std::str::from_utf8(bytes) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                text.push('\u{fffd}');
                bytes = rest.get(1..).unwrap_or_default();
            }
        }
    }
}
