//! JSON of Kubernetes to the fields of Go's structs and back, by the table `types.json`, which `e2e/goplugin/build`
//! generates from the types of Argo Rollouts.
//!
//! gob sends the exported fields of a struct and nothing else, so a `resource.Quantity` reaches a plugin without its
//! amount (contract 07 §10).

#[cfg(test)]
mod tests;
mod to_gob;
mod to_json;

use crate::gob::{Schema, Type};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The types that plugins exchange, by name.
pub(crate) struct Table {
    described: BTreeMap<String, Described>,
    /// The same, for [`crate::gob`].
    pub(crate) schema: Schema,
}

/// An entry of the table.
#[derive(Deserialize)]
struct Described {
    kind: Kind,
    /// The type, where it writes its own JSON.
    #[serde(default)]
    json: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    elem: String,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Struct,
    Slice,
    Map,
    Bytes,
    Binary,
}

#[derive(Deserialize)]
struct Field {
    go: String,
    /// Empty where the fields of a struct stand among those of its owner.
    #[serde(default)]
    json: String,
    #[serde(rename = "type")]
    of: String,
}

/// Types that write their own JSON, and are not what their fields say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    /// RFC 3339; gob has Go's binary form of a time.
    Time,
    /// A number or a string.
    IntOrString,
    /// A string or a number; its one exported field is the notation.
    Quantity,
    /// Any JSON, as its text.
    Raw,
    /// Any JSON, as its text in the field `Raw`.
    FieldsV1,
}

impl Described {
    fn special(&self) -> Option<Special> {
        Some(match self.json.as_str() {
            "apis/meta/v1.Time" => Special::Time,
            "util/intstr.IntOrString" => Special::IntOrString,
            "api/resource.Quantity" => Special::Quantity,
            "encoding/json.RawMessage" => Special::Raw,
            "apis/meta/v1.FieldsV1" => Special::FieldsV1,
            _ => return None,
        })
    }
}

/// Go counts the seconds of a time from the year 1; this many lie before 1970.
const YEAR_ONE: i64 = 62_135_596_800;

static TABLE: LazyLock<Result<Table, String>> = LazyLock::new(|| {
    let described: BTreeMap<String, Described> =
        serde_json::from_str(include_str!("types.json")).map_err(|error| format!("types.json: {error}"))?;
    let mut schema = Schema::new();
    for (name, of) in &described {
        let shape = match of.kind {
            Kind::Struct => {
                let fields = of.fields.iter().map(|field| (field.go.clone(), wire(&field.of)));
                Type::Struct(fields.collect())
            }
            Kind::Slice => Type::Slice(wire(&of.elem)),
            Kind::Map => Type::Map(wire(&of.key), wire(&of.elem)),
            Kind::Binary => Type::Binary,
            Kind::Bytes => continue, // needs no definition
        };
        schema.insert(name.clone(), shape);
    }
    Ok(Table { described, schema })
});

/// The name of a type in the schema: all that is bytes is `bytes`.
fn wire(name: &str) -> String {
    match name {
        "encoding/json.RawMessage" => "bytes".to_owned(),
        _ => name.to_owned(),
    }
}

/// The table, which is part of the program.
///
/// # Errors
/// It cannot be read, which the tests would have found.
pub(crate) fn table() -> Result<&'static Table, String> {
    TABLE.as_ref().map_err(Clone::clone)
}
