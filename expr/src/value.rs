//! Values as a condition sees them: each has the dynamic type of Go that it has in Argo Rollouts (contract 08 §13), because
//! types decide what an expression means and whether it compiles.

mod cloudwatch;
mod function;
mod integer;
mod key;
pub(crate) mod method;
mod time;
mod types;

pub use cloudwatch::{Message, MetricDataResult};
pub use function::{Call, Function};
pub use integer::{Integer, IntegerKind};
pub use key::Key;
pub use time::{Time, Zone};
pub use types::{Signature, StructKind, Type};

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value of Go. Clones are cheap: what is large is shared.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `nil` without a type.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// An integer of one of Go's sizes; `int` unless it comes from elsewhere.
    Integer(Integer),
    /// `float64`, which every number of JSON is.
    Float(f64),
    /// `string`.
    String(Arc<str>),
    /// `types.StatusCode` of CloudWatch, a string with a name of its own.
    StatusCode(Arc<str>),
    /// `time.Time`.
    Time(Arc<Time>),
    /// `time.Duration`, in nanoseconds.
    Duration(i64),
    /// `time.Month`, from 1.
    Month(i64),
    /// `time.Weekday`, from 0, which is Sunday.
    Weekday(i64),
    /// `*time.Location`.
    Location(Arc<Zone>),
    /// A slice or an array.
    List(Arc<List>),
    /// A map.
    Map(Arc<Map>),
    /// A struct.
    Struct(Arc<Struct>),
    /// A pointer that is not nil, except `*time.Location`.
    Pointer(Arc<Value>),
    /// A nil pointer to a type.
    NilPointer(Arc<Type>),
    /// A function.
    Function(Arc<Function>),
}

/// A slice, or an array where `length` fixes its size.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The type of the elements; [`Type::Any`] in `[]any`.
    pub element: Type,
    /// The elements.
    pub items: Vec<Value>,
    /// Whether it is an array (`[2]any`), not a slice.
    pub is_array: bool,
    /// Whether it is a nil slice, which has no elements.
    pub is_nil: bool,
}

/// A map.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// The type of the keys.
    pub key: Type,
    /// The type of the values.
    pub value: Type,
    /// What it holds.
    pub entries: BTreeMap<Key, Value>,
    /// Whether it is `nrdb.NRDBResult`, a `map[string]any` with a name of its own.
    pub is_new_relic: bool,
}

/// A struct: its type, and a value for each of [`StructKind::fields`].
#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    /// Which struct it is.
    pub kind: StructKind,
    /// The values of the fields, in their order.
    pub fields: Vec<Value>,
}

impl Value {
    /// Decoded JSON as Go's `encoding/json` decodes it into `any`: numbers are `float64`, lists `[]any`, objects
    /// `map[string]any`.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(is) => Self::Bool(*is),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::string(text),
            serde_json::Value::Array(items) => Self::values(items.iter().map(Self::from_json)),
            serde_json::Value::Object(fields) => Self::string_map(fields, false),
        }
    }

    /// `string`.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::String(Arc::from(text))
    }

    /// `int`.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self::Integer(Integer::int(number))
    }

    /// `int64`, as InfluxDB gives it.
    #[must_use]
    pub fn int64(number: i64) -> Self {
        Self::Integer(Integer::of(IntegerKind::Int64, number))
    }

    /// `uint64`, as InfluxDB gives it.
    #[must_use]
    pub fn uint64(number: u64) -> Self {
        Self::Integer(Integer::of_unsigned(IntegerKind::Uint64, number))
    }

    /// `time.Time` in UTC.
    #[must_use]
    pub fn time(at: Timestamp) -> Self {
        Self::Time(Arc::new(Time { at, zone: Zone::Utc }))
    }

    /// `[]float64`: what Prometheus, Graphite, Wavefront and a grouped query of Datadog give.
    #[must_use]
    pub fn floats(numbers: impl IntoIterator<Item = f64>) -> Self {
        Self::list(Type::Float, numbers.into_iter().map(Self::Float).collect())
    }

    /// `[]any`: lists of JSON, and what InfluxDB gives.
    #[must_use]
    pub fn values(items: impl IntoIterator<Item = Self>) -> Self {
        Self::list(Type::Any, items.into_iter().collect())
    }

    /// `nrdb.NRDBResult`: one result of New Relic. An object of JSON is what [`Value::from_json`] makes of it.
    #[must_use]
    pub fn map(fields: &serde_json::Map<String, serde_json::Value>) -> Self {
        Self::string_map(fields, true)
    }

    fn string_map(fields: &serde_json::Map<String, serde_json::Value>, is_new_relic: bool) -> Self {
        let entries = fields
            .iter()
            .map(|(key, value)| (Key::string(key), Self::from_json(value)));
        Self::Map(Arc::new(Map {
            key: Type::String,
            value: Type::Any,
            entries: entries.collect(),
            is_new_relic,
        }))
    }

    /// `[]nrdb.NRDBResult`: several results of New Relic.
    #[must_use]
    pub fn maps<'m>(items: impl IntoIterator<Item = &'m serde_json::Map<String, serde_json::Value>>) -> Self {
        Self::list(Type::NewRelicResult, items.into_iter().map(Self::map).collect())
    }

    /// `*float64` that is nil: Datadog without data.
    #[must_use]
    pub fn nil_float() -> Self {
        Self::NilPointer(Arc::new(Type::Float))
    }

    /// `[]types.MetricDataResult`: what CloudWatch gives.
    #[must_use]
    pub fn cloudwatch(results: impl IntoIterator<Item = MetricDataResult>) -> Self {
        let items = results.into_iter().map(MetricDataResult::into_value).collect();
        Self::list(Type::Struct(StructKind::MetricDataResult), items)
    }

    /// `[]byte`.
    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        let byte = |it: &u8| Self::Integer(Integer::of(IntegerKind::Uint8, i64::from(*it)));
        Self::list(Type::Integer(IntegerKind::Uint8), bytes.iter().map(byte).collect())
    }

    /// A slice with a type.
    pub(crate) fn list(element: Type, items: Vec<Self>) -> Self {
        Self::List(Arc::new(List {
            element,
            items,
            is_array: false,
            is_nil: false,
        }))
    }

    /// A nil slice.
    pub(crate) fn nil_list(element: Type) -> Self {
        Self::List(Arc::new(List {
            element,
            items: Vec::new(),
            is_array: false,
            is_nil: true,
        }))
    }

    /// Whether it is nil, with or without a type.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Nil | Self::NilPointer(_) => true,
            Self::List(list) => list.is_nil,
            _ => false,
        }
    }

    /// Whether it is nil or a list without elements: what a provider gives when there is no data.
    #[must_use]
    pub fn is_nil_or_empty(&self) -> bool {
        self.is_nil() || matches!(self, Self::List(list) if list.items.is_empty())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}
