//! The comparisons of filters. Values of different types cannot be compared, and a whole number of a template is another type
//! than a number of the data.

use super::{Error, Found};
use serde_json::Value;
use std::cmp::Ordering;

/// What can be compared.
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

impl Basic<'_> {
    /// The order of two values of one type, where there is one; none where the types differ.
    fn order(&self, other: &Self) -> Option<Option<Ordering>> {
        if let (Self::Bool(left), Self::Bool(right)) = (self, other) {
            return Some(left.partial_cmp(right));
        }
        if let (Self::Int(left), Self::Int(right)) = (self, other) {
            return Some(left.partial_cmp(right));
        }
        if let (Self::Float(left), Self::Float(right)) = (self, other) {
            return Some(left.partial_cmp(right));
        }
        if let (Self::Text(left), Self::Text(right)) = (self, other) {
            return Some(left.partial_cmp(right));
        }
        None
    }
}

/// Whether `left operator right` holds.
pub(super) fn holds(left: Found<'_>, operator: &str, right: Found<'_>) -> Result<bool, Error> {
    let known = ["<", ">", "==", "!=", "<=", ">="].contains(&operator);
    if !known {
        return Err(Error::new(format_args!("unrecognized filter operator {operator}")));
    }
    let (left, right) = (basic(left)?, basic(right)?);
    let equality = matches!(operator, "==" | "!=");
    if !equality && matches!((&left, &right), (Basic::Bool(_), Basic::Bool(_))) {
        return Err(Error::new(NOT_COMPARABLE));
    }
    let order = left
        .order(&right)
        .ok_or_else(|| Error::new("incompatible types for comparison"))?;
    Ok(match operator {
        "<" => order == Some(Ordering::Less),
        ">" => order == Some(Ordering::Greater),
        "==" => order == Some(Ordering::Equal),
        "!=" => order != Some(Ordering::Equal),
        "<=" => order.is_some_and(Ordering::is_le),
        _ => order.is_some_and(Ordering::is_ge),
    })
}

const NOT_COMPARABLE: &str = "invalid type for comparison";

fn basic(found: Found<'_>) -> Result<Basic<'_>, Error> {
    match found {
        Found::Data(Value::Bool(is)) => Ok(Basic::Bool(*is)),
        Found::Data(Value::Number(number)) => Ok(Basic::Float(number.as_f64().unwrap_or(f64::NAN))),
        Found::Data(Value::String(text)) => Ok(Basic::Text(text)),
        Found::Data(Value::Null | Value::Array(_) | Value::Object(_)) | Found::Nothing => {
            Err(Error::new(NOT_COMPARABLE))
        }
        Found::Text(text) => Ok(Basic::Text(text)),
        Found::Int(number) => Ok(Basic::Int(number)),
        Found::Float(number) => Ok(Basic::Float(number)),
        Found::Bool(is) => Ok(Basic::Bool(is)),
        Found::Byte(byte) => Ok(Basic::Int(i64::from(byte))),
    }
}
