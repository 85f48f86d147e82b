//! Go's types, as far as conditions meet them.

use super::{IntegerKind, Value};
use std::fmt;
use std::sync::Arc;

/// A type of Go. `Display` writes it as Go's `%T` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: of an element that may be anything.
    Any,
    /// `error`, the second result of some functions.
    Error,
    /// `bool`.
    Bool,
    /// An integer.
    Integer(IntegerKind),
    /// `float64`.
    Float,
    /// `string`.
    String,
    /// `types.StatusCode` of CloudWatch.
    StatusCode,
    /// `time.Time`.
    Time,
    /// `time.Duration`.
    Duration,
    /// `time.Month`.
    Month,
    /// `time.Weekday`.
    Weekday,
    /// `time.Location`, which is met behind a pointer only.
    Location,
    /// A struct with fields.
    Struct(StructKind),
    /// A slice.
    Slice(Arc<Type>),
    /// An array of so many elements.
    Array(usize, Arc<Type>),
    /// `nrdb.NRDBResult`, a `map[string]any` with a name of its own.
    NewRelicResult,
    /// A map: of keys, to values.
    Map(Arc<Type>, Arc<Type>),
    /// A pointer.
    Pointer(Arc<Type>),
    /// A function.
    Function(Arc<Signature>),
}

/// Parameters and results of a function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// Types of the parameters.
    pub parameters: Vec<Type>,
    /// Whether the last parameter, a slice, takes any number of arguments.
    pub is_variadic: bool,
    /// Types of the results: one, or one and an error.
    pub results: Vec<Type>,
}

/// The structs that conditions see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructKind {
    /// `types.MetricDataResult` of CloudWatch.
    MetricDataResult,
    /// `types.MessageData` of CloudWatch.
    MessageData,
}

impl StructKind {
    /// Its name in Go, with its package.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MetricDataResult => "types.MetricDataResult",
            Self::MessageData => "types.MessageData",
        }
    }

    /// Its fields in their order, with their types.
    #[must_use]
    pub fn fields(self) -> Vec<(&'static str, Type)> {
        let text = || Type::Pointer(Arc::new(Type::String));
        match self {
            Self::MetricDataResult => vec![
                ("Id", text()),
                ("Label", text()),
                ("Messages", Type::slice(Type::Struct(Self::MessageData))),
                ("StatusCode", Type::StatusCode),
                ("Timestamps", Type::slice(Type::Time)),
                ("Values", Type::slice(Type::Float)),
            ],
            Self::MessageData => vec![("Code", text()), ("Value", text())],
        }
    }
}

impl Type {
    /// `int`.
    pub const INT: Self = Self::Integer(IntegerKind::Int);

    /// A slice.
    #[must_use]
    pub fn slice(element: Self) -> Self {
        Self::Slice(Arc::new(element))
    }

    /// `[]byte`.
    #[must_use]
    pub fn bytes() -> Self {
        Self::slice(Self::Integer(IntegerKind::Uint8))
    }

    /// `map[string]any`.
    #[must_use]
    pub fn string_map() -> Self {
        Self::Map(Arc::new(Self::String), Arc::new(Self::Any))
    }

    /// The dynamic type of a value; `None` for `nil` without a type.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Nil => return None,
            Value::Bool(_) => Self::Bool,
            Value::Integer(integer) => Self::Integer(integer.kind),
            Value::Float(_) => Self::Float,
            Value::String(_) => Self::String,
            Value::StatusCode(_) => Self::StatusCode,
            Value::Time(_) => Self::Time,
            Value::Duration(_) => Self::Duration,
            Value::Month(_) => Self::Month,
            Value::Weekday(_) => Self::Weekday,
            Value::Location(_) => Self::Pointer(Arc::new(Self::Location)),
            Value::List(list) if list.is_array => Self::Array(list.items.len(), Arc::new(list.element.clone())),
            Value::List(list) => Self::slice(list.element.clone()),
            Value::Map(map) if map.is_new_relic => Self::NewRelicResult,
            Value::Map(map) => Self::Map(Arc::new(map.key.clone()), Arc::new(map.value.clone())),
            Value::Struct(it) => Self::Struct(it.kind),
            Value::Pointer(to) => Self::Pointer(Arc::new(Self::of(to).unwrap_or(Self::Any))),
            Value::NilPointer(to) => Self::Pointer(to.clone()),
            Value::Function(function) => Self::Function(function.signature.clone()),
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Error => f.write_str("error"),
            Self::Bool => f.write_str("bool"),
            Self::Integer(kind) => f.write_str(kind.name()),
            Self::Float => f.write_str("float64"),
            Self::String => f.write_str("string"),
            Self::StatusCode => f.write_str("types.StatusCode"),
            Self::Time => f.write_str("time.Time"),
            Self::Duration => f.write_str("time.Duration"),
            Self::Month => f.write_str("time.Month"),
            Self::Weekday => f.write_str("time.Weekday"),
            Self::Location => f.write_str("time.Location"),
            Self::Struct(kind) => f.write_str(kind.name()),
            Self::Slice(element) => write!(f, "[]{element}"),
            Self::Array(length, element) => write!(f, "[{length}]{element}"),
            Self::NewRelicResult => f.write_str("nrdb.NRDBResult"),
            Self::Map(key, value) => write!(f, "map[{key}]{value}"),
            Self::Pointer(to) => write!(f, "*{to}"),
            Self::Function(signature) => write!(f, "{signature}"),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.parameters.len().saturating_sub(1);
        let parameter = |(index, parameter): (usize, &Type)| match parameter {
            Type::Slice(element) if self.is_variadic && index == last => format!("...{element}"),
            _ => parameter.to_string(),
        };
        let parameters: Vec<String> = self.parameters.iter().enumerate().map(parameter).collect();
        write!(f, "func({})", parameters.join(", "))?;
        match self.results.as_slice() {
            [] => Ok(()),
            [one] => write!(f, " {one}"),
            [first, rest @ ..] => {
                write!(f, " ({first}")?;
                rest.iter().try_for_each(|it| write!(f, ", {it}"))?;
                f.write_str(")")
            }
        }
    }
}
