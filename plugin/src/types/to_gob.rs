//! JSON to values of gob.

use super::{Described, Kind, Special, Table, YEAR_ONE};
use crate::gob::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

impl Table {
    /// The value of a struct whose fields are given one by one, by their names in Go. What JSON does not have, or has as
    /// null, stays zero; what the type does not have is left out, as in Go.
    ///
    /// # Errors
    /// JSON of another kind than the type wants, or a field that the type does not have; the text names the field.
    pub(crate) fn arguments(&self, of: &str, given: &[(&str, &Json)]) -> Result<Value, String> {
        let known = self.described.get(of).map_or(&[][..], |of| &of.fields);
        let mut fields = BTreeMap::new();
        for (name, json) in given {
            let field = known.iter().find(|field| field.go == *name);
            let field = field.ok_or_else(|| format!("{of} has no field {name}"))?;
            if !json.is_null() {
                let value = self.value(&field.of, json, &Place::Member(&Place::Outermost, name))?;
                fields.insert(field.go.clone(), value);
            }
        }
        Ok(Value::Struct(fields))
    }

    /// The value of a type that some JSON has.
    #[cfg(test)]
    pub(crate) fn to_gob(&self, of: &str, json: &Json) -> Result<Value, String> {
        self.value(of, json, &Place::Outermost)
    }

    fn value(&self, of: &str, json: &Json, place: &Place<'_>) -> Result<Value, String> {
        let known = match of {
            "bool" => json.as_bool().map(Value::Bool),
            "int" => json.as_i64().map(Value::Int),
            "uint" => json.as_u64().map(Value::Uint),
            "float" => json.as_f64().map(Value::Float),
            "string" => json.as_str().map(|text| Value::String(text.to_owned())),
            "bytes" => json
                .as_str()
                .and_then(|text| STANDARD.decode(text).ok())
                .map(Value::Bytes),
            _ => {
                let of = self
                    .described
                    .get(of)
                    .ok_or_else(|| format!("the table has no type {of}"))?;
                return self.composed(of, json, place);
            }
        };
        known.ok_or_else(|| place.mismatch(if of == "bytes" { "base64" } else { of }, json))
    }

    fn composed(&self, of: &Described, json: &Json, place: &Place<'_>) -> Result<Value, String> {
        if let Some(special) = of.special() {
            return own(special, json).ok_or_else(|| place.mismatch(wanted(special), json));
        }
        match (of.kind, json) {
            (Kind::Struct, Json::Object(members)) => {
                let mut fields = BTreeMap::new();
                self.fields(of, members, place, &mut fields)?;
                Ok(Value::Struct(fields))
            }
            (Kind::Slice, Json::Array(items)) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let place = Place::Item(place, index);
                    self.element(&of.elem, item, &place)
                });
                Ok(Value::Slice(items.collect::<Result<_, _>>()?))
            }
            (Kind::Map, Json::Object(members)) => {
                let entries = members.iter().map(|(key, item)| {
                    let value = self.element(&of.elem, item, &Place::Member(place, key))?;
                    Ok((Value::String(key.clone()), value))
                });
                Ok(Value::Map(entries.collect::<Result<_, String>>()?))
            }
            (Kind::Slice, _) => Err(place.mismatch("a list", json)),
            (Kind::Struct | Kind::Map | Kind::Bytes | Kind::Binary, _) => Err(place.mismatch("an object", json)),
        }
    }

    fn fields(
        &self,
        of: &Described,
        members: &Map<String, Json>,
        place: &Place<'_>,
        fields: &mut BTreeMap<String, Value>,
    ) -> Result<(), String> {
        for field in &of.fields {
            let value = if field.json.is_empty() {
                let inlined = self.described.get(&field.of);
                let inlined = inlined.ok_or_else(|| format!("the table has no type {}", field.of))?;
                let mut inner = BTreeMap::new();
                self.fields(inlined, members, place, &mut inner)?;
                Value::Struct(inner)
            } else {
                match members.get(&field.json) {
                    None | Some(Json::Null) => continue,
                    Some(json) => self.value(&field.of, json, &Place::Member(place, &field.json))?,
                }
            };
            fields.insert(field.go.clone(), value);
        }
        Ok(())
    }

    /// An element of a list or a map: there null is zero, and is sent.
    fn element(&self, of: &str, json: &Json, place: &Place<'_>) -> Result<Value, String> {
        if !json.is_null() || of == "encoding/json.RawMessage" {
            return self.value(of, json, place);
        }
        Ok(match self.described.get(of).map(|of| of.kind) {
            None if of == "string" => Value::String(String::new()),
            None if of == "bool" => Value::Bool(false),
            None if of == "float" => Value::Float(0.0),
            None if of == "uint" => Value::Uint(0),
            None => Value::Int(0),
            Some(Kind::Struct) => Value::Struct(BTreeMap::new()),
            Some(Kind::Slice) => Value::Slice(Vec::new()),
            Some(Kind::Map) => Value::Map(Vec::new()),
            Some(Kind::Bytes) => Value::Bytes(Vec::new()),
            Some(Kind::Binary) => Value::Binary(Vec::new()),
        })
    }
}

/// The value of a type that reads its own JSON.
fn own(special: Special, json: &Json) -> Option<Value> {
    let field = |name: &str, value| Value::Struct([(name.to_owned(), value)].into());
    Some(match (special, json) {
        (Special::Time, Json::String(text)) => Value::Binary(time(text.parse().ok()?)),
        (Special::IntOrString, Json::Number(number)) => field("IntVal", Value::Int(number.as_i64()?)),
        (Special::IntOrString, Json::String(text)) => Value::Struct(
            [
                ("Type".to_owned(), Value::Int(1)),
                ("StrVal".to_owned(), Value::String(text.clone())),
            ]
            .into(),
        ),
        (Special::Quantity, Json::String(text)) => field("Format", Value::String(notation(text).to_owned())),
        (Special::Quantity, Json::Number(number)) => {
            field("Format", Value::String(notation(&number.to_string()).to_owned()))
        }
        (Special::Raw, json) => Value::Bytes(json.to_string().into_bytes()),
        (Special::FieldsV1, json) => field("Raw", Value::Bytes(json.to_string().into_bytes())),
        (Special::Time | Special::IntOrString | Special::Quantity, _) => return None,
    })
}

fn wanted(special: Special) -> &'static str {
    match special {
        Special::Time => "a time (RFC 3339)",
        Special::IntOrString => "an integer or a string",
        Special::Quantity => "a quantity",
        Special::Raw | Special::FieldsV1 => "JSON",
    }
}

/// Go's binary form of a time in UTC: version, seconds since the year 1, nanoseconds, and -1 for the zone.
fn time(at: Timestamp) -> Vec<u8> {
    let nanoseconds = at.as_nanosecond();
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or_default() + YEAR_ONE;
    let rest = i32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or_default();
    let mut bytes = vec![1];
    bytes.extend(seconds.to_be_bytes());
    bytes.extend(rest.to_be_bytes());
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}

/// The notation of a quantity: with powers of two, with an exponent, or neither.
fn notation(text: &str) -> &'static str {
    let suffix = text.trim_start_matches(|it: char| it.is_ascii_digit() || "+-.".contains(it));
    match suffix.as_bytes() {
        [.., b'i'] => "BinarySI",
        [b'e' | b'E', _, ..] => "DecimalExponent",
        _ => "DecimalSI",
    }
}

/// Where a value stands.
enum Place<'a> {
    Outermost,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn mismatch(&self, wanted: &str, json: &Json) -> String {
        let kind = match json {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        };
        let wanted = match wanted {
            "int" | "uint" => "an integer",
            "float" => "a number",
            "bool" => "a boolean",
            "string" => "a string",
            other => other,
        };
        format!("{}: {wanted} is needed, it is {kind}", self.path())
    }

    fn path(&self) -> String {
        match self {
            Self::Outermost => String::new(),
            Self::Member(Self::Outermost, name) => (*name).to_owned(),
            Self::Member(owner, name) => format!("{}.{name}", owner.path()),
            Self::Item(owner, index) => format!("{}[{index}]", owner.path()),
        }
    }
}
