//! Lists and maps.

use super::Builtin;
use crate::budget::Budget;
use crate::go::format::{text, type_name};
use crate::go::sort;
use crate::run::{deref, equal, fetch, is_unhashable, kind_name, length, less, lookup, to_int};
use crate::value::{Key, List, Map, Type, Value, method};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep lists may be nested.
const DEPTH: usize = 200;

pub(super) fn call(which: Builtin, arguments: &[Value], budget: &mut Budget) -> Result<Value, String> {
    let nil = Value::Nil;
    let first = arguments.first().unwrap_or(&nil);
    let second = arguments.get(1);
    match which {
        // What cannot be had is nil.
        Builtin::First => Ok(fetch(first, &Value::int(0)).unwrap_or_default()),
        Builtin::Last => Ok(fetch(first, &Value::int(-1)).unwrap_or_default()),
        Builtin::Get => get(first, second.unwrap_or(&nil)),
        Builtin::Take => take(first, second.unwrap_or(&nil)),
        Builtin::Keys => {
            let map = as_map(first, "cannot get keys from")?;
            Ok(Value::values(map.entries.keys().map(|it| it.0.clone())))
        }
        Builtin::Values => {
            let map = as_map(first, "cannot get values from")?;
            Ok(Value::values(map.entries.values().cloned()))
        }
        Builtin::ToPairs => to_pairs(first),
        Builtin::FromPairs => from_pairs(first),
        Builtin::Reverse => {
            let list = as_list(first, "cannot reverse")?;
            budget.make(list.items.len())?;
            Ok(Value::values(list.items.iter().rev().cloned()))
        }
        Builtin::Uniq => uniq(as_list(first, "cannot uniq")?, budget),
        Builtin::Concat => {
            let mut items = Vec::new();
            for argument in arguments {
                items.extend(as_list(argument, "cannot concat")?.items.iter().cloned());
            }
            budget.make(items.len())?;
            Ok(Value::values(items))
        }
        Builtin::Flatten => {
            let mut items = Vec::new();
            flatten(as_list(first, "cannot flatten")?, &mut items, 0)?;
            budget.make(items.len())?;
            Ok(Value::values(items))
        }
        _ => sorted(first, second, budget),
    }
}

/// `len(x)`: of a text, its characters.
pub(super) fn count(value: &Value) -> Result<Value, String> {
    let count = match value {
        Value::String(text) | Value::StatusCode(text) => text.chars().count(),
        other => length(other)?,
    };
    Ok(Value::int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn as_list<'v>(value: &'v Value, wrong: &str) -> Result<&'v List, String> {
    match value {
        Value::List(list) => Ok(list),
        other => Err(format!("{wrong} {}", kind_name(other))),
    }
}

fn as_map<'v>(value: &'v Value, wrong: &str) -> Result<&'v Map, String> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(format!("{wrong} {}", kind_name(other))),
    }
}

/// A member, or nil where there is none.
fn get(from: &Value, what: &Value) -> Result<Value, String> {
    if let Value::String(name) = what
        && let Some(method) = method::bind(from, name)
    {
        return Ok(method);
    }
    match from {
        Value::List(_) | Value::String(_) | Value::StatusCode(_) => {
            to_int(what)?;
            Ok(fetch(from, what).unwrap_or_default())
        }
        Value::Map(map) => Ok(lookup(map, what)?.cloned().unwrap_or_default()),
        Value::Struct(_) => match what {
            Value::String(_) => Ok(fetch(from, what).unwrap_or_default()),
            other => Err(crate::run::wrong_type(other, "string")),
        },
        _ => Ok(Value::Nil),
    }
}

fn take(from: &Value, count: &Value) -> Result<Value, String> {
    let list = as_list(from, "cannot take from")?;
    let wanted = match count {
        Value::Integer(integer) if !integer.kind.is_unsigned() => integer.bits,
        Value::Duration(bits) | Value::Month(bits) | Value::Weekday(bits) => *bits,
        other => return Err(format!("cannot take {} elements", kind_name(other))),
    };
    let length = list.items.len();
    let wanted = usize::try_from(wanted).map_err(|_| "reflect.Value.Slice: slice index out of bounds")?;
    let items = list.items.get(..wanted.min(length)).unwrap_or_default().to_vec();
    Ok(Value::List(Arc::new(List {
        element: list.element.clone(),
        items,
        is_array: false,
        is_nil: list.is_nil,
    })))
}

fn to_pairs(value: &Value) -> Result<Value, String> {
    let map = match value {
        Value::Map(map) => map,
        other => return Err(format!("cannot transform {} to pairs", kind_name(other))),
    };
    let pair = |(key, value): (&Key, &Value)| {
        Value::List(Arc::new(List {
            element: Type::Any,
            items: vec![key.0.clone(), value.clone()],
            is_array: true,
            is_nil: false,
        }))
    };
    let element = Type::Array(2, Arc::new(Type::Any));
    Ok(Value::list(element, map.entries.iter().map(pair).collect()))
}

fn from_pairs(value: &Value) -> Result<Value, String> {
    let Value::List(list) = value else {
        return Err(format!("cannot transform {} from pairs", text(value)));
    };
    let mut entries = BTreeMap::new();
    for item in &list.items {
        let pair = deref(item.clone());
        let Value::List(pair) = &pair else {
            return Err(format!("invalid pair {}", text(&pair)));
        };
        let [key, value] = pair.items.as_slice() else {
            return Err(format!("invalid pair length {}", text(&Value::List(pair.clone()))));
        };
        if is_unhashable(key) {
            return Err(format!("hash of unhashable type: {}", type_name(key)));
        }
        entries.insert(Key(key.clone()), value.clone());
    }
    Ok(Value::Map(Arc::new(Map {
        key: Type::Any,
        value: Type::Any,
        entries,
        is_new_relic: false,
    })))
}

fn uniq(list: &List, budget: &mut Budget) -> Result<Value, String> {
    let mut kept: Vec<Value> = Vec::new();
    for item in &list.items {
        budget.steps(1 + kept.len())?;
        if !kept.iter().any(|it| equal(item, it)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::values(kept))
}

fn flatten(list: &List, items: &mut Vec<Value>, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err("recursion depth exceeded".to_owned());
    }
    for item in &list.items {
        match deref(item.clone()) {
            Value::List(nested) => flatten(&nested, items, depth + 1)?,
            other => items.push(other),
        }
    }
    Ok(())
}

/// Whether an order is descending.
pub(crate) fn is_descending(order: &str) -> Option<bool> {
    match order {
        "asc" => Some(false),
        "desc" => Some(true),
        _ => None,
    }
}

fn sorted(value: &Value, order: Option<&Value>, budget: &mut Budget) -> Result<Value, String> {
    let is_sortable = |it: &List| {
        let is_element = matches!(it.element, Type::Any | Type::Float | Type::String) || it.element == Type::INT;
        is_element && !it.is_array
    };
    let mut items = match value {
        Value::List(list) if is_sortable(list) => list.items.clone(),
        // The library takes what it does not know for an empty list.
        _ => Vec::new(),
    };
    let descending = match order {
        None => false,
        Some(Value::String(order)) => {
            is_descending(order).ok_or_else(|| format!("invalid order {order}, expected asc or desc"))?
        }
        Some(other) => {
            let found = type_name(other);
            return Err(format!("sort order argument must be a string (got {found})"));
        }
    };
    sort::sort(&mut items, &mut |a, b| {
        budget.step()?;
        if descending { less(b, a) } else { less(a, b) }
    })?;
    budget.make(items.len())?;
    Ok(Value::values(items))
}
