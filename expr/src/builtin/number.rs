//! Numbers: rounding, conversion, bits.

use super::Builtin;
use crate::go::format::type_name;
use crate::go::number::{parse_float, parse_int, truncate};
use crate::value::{Integer, Value};

pub(super) fn call(which: Builtin, arguments: &[Value]) -> Result<Value, String> {
    let nil = Value::Nil;
    let first = arguments.first().unwrap_or(&nil);
    match which {
        Builtin::Abs => abs(first),
        Builtin::Ceil => rounded(which, first, f64::ceil),
        Builtin::Floor => rounded(which, first, f64::floor),
        Builtin::Round => rounded(which, first, f64::round),
        Builtin::Int => int(first),
        Builtin::Float => float(first),
        Builtin::BitNot => Ok(Value::int(!bits(which, first)?)),
        _ => {
            let second = arguments.get(1).unwrap_or(&nil);
            two_bits(which, bits(which, first)?, bits(which, second)?).map(Value::int)
        }
    }
}

fn wrong(which: Builtin, value: &Value) -> String {
    format!("invalid argument for {} (type {})", which.name(), type_name(value))
}

fn abs(value: &Value) -> Result<Value, String> {
    match value {
        Value::Float(number) if *number < 0.0 => Ok(Value::Float(-number)),
        Value::Integer(integer) if integer.number() < 0 => Ok(Value::Integer(integer.negated())),
        Value::Float(_) | Value::Integer(_) => Ok(value.clone()),
        other => Err(wrong(Builtin::Abs, other)),
    }
}

fn rounded(which: Builtin, value: &Value, how: fn(f64) -> f64) -> Result<Value, String> {
    match value {
        Value::Float(number) => Ok(Value::Float(how(*number))),
        Value::Integer(integer) => Ok(Value::Float(integer.float())),
        other => Err(wrong(which, other)),
    }
}

fn int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Integer(Integer { bits, .. }) | Value::Duration(bits) | Value::Month(bits) | Value::Weekday(bits) => {
            Ok(Value::int(*bits))
        }
        Value::Float(number) => Ok(Value::int(truncate(*number))),
        Value::String(text) => {
            let number = parse_int(text).map_err(|_| format!("invalid operation: int({text})"))?;
            Ok(Value::int(number))
        }
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        other => Err(format!("invalid operation: int({})", type_name(other))),
    }
}

fn float(value: &Value) -> Result<Value, String> {
    match value {
        Value::Integer(integer) => Ok(Value::Float(integer.float())),
        Value::Float(number) => Ok(Value::Float(*number)),
        Value::String(text) => {
            let number = parse_float(text).map_err(|_| format!("invalid operation: float({text})"))?;
            Ok(Value::Float(number))
        }
        other => Err(format!("invalid operation: float({})", type_name(other))),
    }
}

fn bits(which: Builtin, value: &Value) -> Result<i64, String> {
    match value {
        Value::Integer(integer) => Ok(integer.bits),
        other => {
            let found = type_name(other);
            Err(format!(
                "cannot use {found} as argument (type int) to call {}",
                which.name()
            ))
        }
    }
}

fn two_bits(which: Builtin, x: i64, y: i64) -> Result<i64, String> {
    let is_shift = matches!(which, Builtin::BitShl | Builtin::BitShr | Builtin::BitUshr);
    if is_shift && y < 0 {
        return Err(format!("invalid operation: negative shift count {y} (type int)"));
    }
    // A shift by more than all bits leaves none of them.
    let by = u32::try_from(y).unwrap_or(u32::MAX);
    Ok(match which {
        Builtin::BitAnd => x & y,
        Builtin::BitOr => x | y,
        Builtin::BitXor => x ^ y,
        Builtin::BitNand => x & !y,
        Builtin::BitShl => x.checked_shl(by).unwrap_or_default(),
        Builtin::BitShr => x.checked_shr(by).unwrap_or(if x < 0 { -1 } else { 0 }),
        _ => x.cast_unsigned().checked_shr(by).unwrap_or_default().cast_signed(),
    })
}
