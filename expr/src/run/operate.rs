//! Arithmetic and order.

use super::convert::{to_float, to_int};
use crate::go::format::type_name;
use crate::go::number::power;
use crate::value::{Integer, Time, Value};
use jiff::SignedDuration;
use std::cmp::Ordering;
use std::sync::Arc;

/// An operator between two values that are in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

impl Comparison {
    fn text(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::More => ">",
            Self::MoreOrEqual => ">=",
        }
    }

    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::More => order == Some(Ordering::Greater),
            Self::MoreOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// Whether an order holds between two values.
pub(crate) fn compare(how: Comparison, left: &Value, right: &Value) -> Result<bool, String> {
    let order = match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => Some(a.bits.cmp(&b.bits)),
        (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_)) => {
            to_float(left)?.partial_cmp(&to_float(right)?)
        }
        (Value::String(a), Value::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Time(a), Value::Time(b)) => Some(a.at.cmp(&b.at)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => {
            let (left, right) = (type_name(left), type_name(right));
            return Err(format!("invalid operation: {left} {} {right}", how.text()));
        }
    };
    Ok(how.holds(order))
}

/// Whether one value is less than another.
pub(crate) fn less(left: &Value, right: &Value) -> Result<bool, String> {
    compare(Comparison::Less, left, right)
}

/// The result of an operation on two values.
pub(crate) fn calculate(how: Arithmetic, left: &Value, right: &Value) -> Result<Value, String> {
    match how {
        Arithmetic::Add => add(left, right),
        Arithmetic::Subtract => subtract(left, right),
        Arithmetic::Multiply => multiply(left, right),
        Arithmetic::Divide => match (left, right) {
            (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_)) => {
                Ok(Value::Float(to_float(left)? / to_float(right)?))
            }
            _ => Err(impossible(left, "/", right)),
        },
        Arithmetic::Modulo => match (left, right) {
            (Value::Integer(_), Value::Integer(b)) if b.bits == 0 => {
                Err("runtime error: integer divide by zero".to_owned())
            }
            (Value::Integer(a), Value::Integer(b)) => Ok(Value::int(a.bits.wrapping_rem(b.bits))),
            _ => Err(impossible(left, "%", right)),
        },
        Arithmetic::Power => Ok(Value::Float(power(to_float(left)?, to_float(right)?))),
    }
}

fn impossible(left: &Value, operator: &str, right: &Value) -> String {
    format!("invalid operation: {} {operator} {}", type_name(left), type_name(right))
}

/// An operation on two numbers; none where one is no number.
fn numbers(
    left: &Value,
    right: &Value,
    on_integers: fn(i64, i64) -> i64,
    on_floats: fn(f64, f64) -> f64,
) -> Option<Value> {
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => Some(Value::int(on_integers(a.bits, b.bits))),
        (Value::Integer(a), Value::Float(b)) => Some(Value::Float(on_floats(a.float(), *b))),
        (Value::Float(a), Value::Integer(b)) => Some(Value::Float(on_floats(*a, b.float()))),
        (Value::Float(a), Value::Float(b)) => Some(Value::Float(on_floats(*a, *b))),
        _ => None,
    }
}

fn add(left: &Value, right: &Value) -> Result<Value, String> {
    if let Some(sum) = numbers(left, right, i64::wrapping_add, |a, b| a + b) {
        return Ok(sum);
    }
    match (left, right) {
        (Value::String(a), Value::String(b)) => Ok(Value::String(Arc::from([&**a, &**b].concat()))),
        (Value::Time(time), Value::Duration(by)) | (Value::Duration(by), Value::Time(time)) => later(time, *by),
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.wrapping_add(*b))),
        _ => Err(impossible(left, "+", right)),
    }
}

fn subtract(left: &Value, right: &Value) -> Result<Value, String> {
    if let Some(difference) = numbers(left, right, i64::wrapping_sub, |a, b| a - b) {
        return Ok(difference);
    }
    match (left, right) {
        (Value::Time(a), Value::Time(b)) => Ok(Value::Duration(between(a, b))),
        (Value::Time(time), Value::Duration(by)) => later(time, by.wrapping_neg()),
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.wrapping_sub(*b))),
        _ => Err(impossible(left, "-", right)),
    }
}

fn multiply(left: &Value, right: &Value) -> Result<Value, String> {
    if let Some(product) = numbers(left, right, i64::wrapping_mul, |a, b| a * b) {
        return Ok(product);
    }
    // A duration counts in nanoseconds; with a float the product is a plain number.
    let as_number = |value: &Value| match value {
        Value::Duration(nanoseconds) => Value::int(*nanoseconds),
        other => other.clone(),
    };
    let is_duration = matches!(left, Value::Duration(_)) || matches!(right, Value::Duration(_));
    let product = numbers(&as_number(left), &as_number(right), i64::wrapping_mul, |a, b| a * b);
    match product {
        Some(Value::Integer(Integer { bits, .. })) if is_duration => Ok(Value::Duration(bits)),
        Some(product) if is_duration => Ok(product),
        _ => Err(impossible(left, "*", right)),
    }
}

/// A time so many nanoseconds later.
pub(crate) fn later(time: &Time, nanoseconds: i64) -> Result<Value, String> {
    let by = SignedDuration::from_nanos(nanoseconds);
    let at = time.at.checked_add(by).map_err(|_| "time out of range".to_owned())?;
    let zone = time.zone.clone();
    Ok(Value::Time(Arc::new(Time { at, zone })))
}

/// The nanoseconds from one time to another, at most as many as a duration may have.
pub(crate) fn between(to: &Time, from: &Time) -> i64 {
    let nanoseconds = to.at.duration_since(from.at).as_nanos();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// A number with its sign changed.
pub(crate) fn negate(value: &Value) -> Result<Value, String> {
    match value {
        Value::Float(number) => Ok(Value::Float(-number)),
        Value::Integer(integer) => Ok(Value::Integer(integer.negated())),
        other => Err(format!("invalid operation: - {}", type_name(other))),
    }
}

/// The integers from one to another, both included.
pub(crate) fn range(from: i64, to: i64) -> Vec<Value> {
    (from..=to).map(Value::int).collect()
}

/// An index that a value gives, counted from the end where it is negative.
pub(crate) fn index(value: &Value, length: usize) -> Result<i64, String> {
    let index = to_int(value)?;
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    Ok(if index < 0 { length.saturating_add(index) } else { index })
}
