//! `max`, `min`, `mean` and `median`, over numbers and lists of them, however nested.

use super::Builtin;
use crate::budget::Budget;
use crate::go::format::type_name;
use crate::run::{Comparison, compare, less};
use crate::value::{List, Type, Value};

/// How deep lists may be nested.
const DEPTH: usize = 200;

pub(super) fn call(which: Builtin, arguments: &[Value], budget: &mut Budget) -> Result<Value, String> {
    if matches!(which, Builtin::Max | Builtin::Min) {
        return extreme(which, arguments, 0, budget).map(Option::unwrap_or_default);
    }
    let mut numbers = Vec::new();
    for argument in arguments {
        collect(which, argument, &mut numbers, 0, budget)?;
    }
    let count = numbers.len();
    if count == 0 {
        return Ok(Value::Float(0.0));
    }
    if which == Builtin::Mean {
        #[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
        let mean = numbers.iter().sum::<f64>() / count as f64;
        return Ok(Value::Float(mean));
    }
    // Go puts NaN first.
    numbers.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
    Ok(Value::Float(if count % 2 == 1 {
        at(count / 2)
    } else {
        middle(at(count / 2 - 1), at(count / 2))
    }))
}

/// The middle of two numbers as Go computes it: their sum may be infinite.
#[expect(
    clippy::manual_midpoint,
    reason = "so does Go, with another result at the ends of the range"
)]
fn middle(a: f64, b: f64) -> f64 {
    (a + b) / 2.0
}

fn wrong(which: Builtin, value: &Value) -> String {
    format!("invalid argument for {} (type {})", which.name(), type_name(value))
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Integer(_) | Value::Float(_))
}

/// Whether its kind is that of a number: also what has a name of its own, such as a duration.
fn is_named_number(value: &Value) -> bool {
    matches!(value, Value::Duration(_) | Value::Month(_) | Value::Weekday(_))
}

fn deeper(depth: usize) -> Result<usize, String> {
    if depth >= DEPTH {
        return Err("recursion depth exceeded".to_owned());
    }
    Ok(depth + 1)
}

fn wins(which: Builtin, best: Option<&Value>, other: &Value) -> Result<bool, String> {
    match best {
        None => Ok(true),
        Some(best) if which == Builtin::Max => less(best, other),
        Some(best) => compare(Comparison::More, best, other),
    }
}

fn extreme(which: Builtin, values: &[Value], depth: usize, budget: &mut Budget) -> Result<Option<Value>, String> {
    let mut best: Option<Value> = None;
    for value in values {
        budget.step()?;
        let candidate = match value {
            Value::List(list) => of_list(which, list, depth, budget)?,
            _ if is_number(value) || is_named_number(value) => Some(value.clone()),
            // A single value that is no number is its own extreme.
            _ if values.len() == 1 => return Ok(Some(value.clone())),
            _ => return Err(wrong(which, value)),
        };
        if let Some(candidate) = candidate
            && wins(which, best.as_ref(), &candidate)?
        {
            best = Some(candidate);
        }
    }
    Ok(best)
}

fn of_list(which: Builtin, list: &List, depth: usize, budget: &mut Budget) -> Result<Option<Value>, String> {
    let depth = deeper(depth)?;
    let mut best: Option<Value> = None;
    for item in &list.items {
        budget.step()?;
        let candidate = match item {
            Value::List(nested) => of_list(which, nested, depth, budget)?,
            _ if is_number(item) => Some(item.clone()),
            _ => return Err(wrong(which, item)),
        };
        let Some(candidate) = candidate else {
            // Nothing in a list within a list with another type of elements is an error.
            if list.element == Type::Any || list.is_array {
                continue;
            }
            return Err(wrong(which, &Value::Nil));
        };
        if wins(which, best.as_ref(), &candidate)? {
            best = Some(candidate);
        }
    }
    Ok(best)
}

fn collect(
    which: Builtin,
    value: &Value,
    numbers: &mut Vec<f64>,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), String> {
    budget.step()?;
    #[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
    match value {
        Value::List(list) => {
            let depth = deeper(depth)?;
            for item in &list.items {
                collect(which, item, numbers, depth, budget)?;
            }
        }
        Value::Integer(integer) => numbers.push(integer.float()),
        Value::Float(number) => numbers.push(*number),
        Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => numbers.push(*number as f64),
        other => return Err(wrong(which, other)),
    }
    Ok(())
}
