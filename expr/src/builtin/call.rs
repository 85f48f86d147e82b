//! Running a built-in function.

use super::{Builtin, aggregate, data, list, number, text, when};
use crate::budget::Budget;
use crate::go::format;
use crate::run::wrong_type;
use crate::value::Value;
use jiff::Timestamp;
use std::sync::Arc;

/// What a function may use besides its arguments.
pub(crate) struct Context<'c> {
    /// What `now()` is.
    pub(crate) now: Timestamp,
    /// What the run may still use.
    pub(crate) budget: &'c mut Budget,
}

/// What a function without a closure gives. The arguments are as many as the checker let through.
pub(crate) fn call(which: Builtin, arguments: &[Value], context: &mut Context<'_>) -> Result<Value, String> {
    let nil = Value::Nil;
    let first = arguments.first().unwrap_or(&nil);
    match which {
        Builtin::Len => list::count(first),
        Builtin::Type => Ok(Value::string(&type_of(first))),
        Builtin::String => string(first, context),
        Builtin::Abs
        | Builtin::Ceil
        | Builtin::Floor
        | Builtin::Round
        | Builtin::Int
        | Builtin::Float
        | Builtin::BitAnd
        | Builtin::BitOr
        | Builtin::BitXor
        | Builtin::BitNand
        | Builtin::BitShl
        | Builtin::BitShr
        | Builtin::BitUshr
        | Builtin::BitNot => number::call(which, arguments),
        Builtin::Trim
        | Builtin::TrimPrefix
        | Builtin::TrimSuffix
        | Builtin::Upper
        | Builtin::Lower
        | Builtin::Split
        | Builtin::SplitAfter
        | Builtin::Replace
        | Builtin::Repeat
        | Builtin::Join
        | Builtin::IndexOf
        | Builtin::LastIndexOf
        | Builtin::HasPrefix
        | Builtin::HasSuffix => text::call(which, arguments, context.budget),
        Builtin::Max | Builtin::Min | Builtin::Mean | Builtin::Median => {
            aggregate::call(which, arguments, context.budget)
        }
        Builtin::ToJson | Builtin::FromJson | Builtin::ToBase64 | Builtin::FromBase64 => {
            data::call(which, first, context.budget)
        }
        Builtin::Now | Builtin::Duration | Builtin::Date | Builtin::Timezone => {
            when::call(which, arguments, context.now)
        }
        Builtin::First
        | Builtin::Last
        | Builtin::Get
        | Builtin::Take
        | Builtin::Keys
        | Builtin::Values
        | Builtin::ToPairs
        | Builtin::FromPairs
        | Builtin::Reverse
        | Builtin::Uniq
        | Builtin::Concat
        | Builtin::Flatten
        | Builtin::Sort => list::call(which, arguments, context.budget),
        Builtin::All
        | Builtin::None
        | Builtin::Any
        | Builtin::One
        | Builtin::Filter
        | Builtin::Map
        | Builtin::Find
        | Builtin::FindIndex
        | Builtin::FindLast
        | Builtin::FindLastIndex
        | Builtin::Count
        | Builtin::Sum
        | Builtin::GroupBy
        | Builtin::SortBy
        | Builtin::Reduce => Err(format!("{} takes a closure", which.name())),
    }
}

/// A text that a function must have.
pub(super) fn as_text(value: &Value) -> Result<&str, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(other, "string")),
    }
}

/// `type(x)`.
fn type_of(value: &Value) -> String {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Integer(integer) if integer.kind.is_unsigned() => "uint",
        Value::Integer(_) => "int",
        Value::Float(_) => "float",
        Value::String(_) => "string",
        Value::StatusCode(_) => "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types.StatusCode",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::Month(_) => "time.Month",
        Value::Weekday(_) => "time.Weekday",
        Value::Location(_) => "time.Location",
        Value::List(_) => "array",
        Value::Map(map) if map.is_new_relic => "github.com/newrelic/newrelic-client-go/v2/pkg/nrdb.NRDBResult",
        Value::Map(_) => "map",
        Value::Struct(it) => {
            let name = it.kind.name();
            return format!("github.com/aws/aws-sdk-go-v2/service/cloudwatch/{name}");
        }
        Value::Pointer(_) | Value::NilPointer(_) => "unknown",
        Value::Function(_) => "func",
    }
    .to_owned()
}

fn string(value: &Value, context: &mut Context<'_>) -> Result<Value, String> {
    let text = format::text(value);
    context.budget.write(text.len())?;
    Ok(Value::String(Arc::from(text)))
}
