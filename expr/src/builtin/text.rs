//! Texts.

use super::Builtin;
use super::call::as_text;
use crate::budget::Budget;
use crate::go::format::type_name;
use crate::run::to_int;
use crate::value::{Type, Value};
use std::sync::Arc;

/// The largest number of repetitions.
const REPEAT: i64 = 1_000_000;

pub(super) fn call(which: Builtin, arguments: &[Value], budget: &mut Budget) -> Result<Value, String> {
    let nil = Value::Nil;
    let first = arguments.first().unwrap_or(&nil);
    if which == Builtin::Join {
        return join(first, arguments.get(1), budget);
    }
    let text = as_text(first)?;
    budget.steps(text.len() / 64)?;
    let second = || as_text(arguments.get(1).unwrap_or(&nil));
    let or_space = || arguments.get(1).map_or(Ok(" "), as_text);
    let found = |at: Option<usize>| {
        let at = at.and_then(|it| i64::try_from(it).ok());
        Value::int(at.unwrap_or(-1))
    };
    Ok(match which {
        Builtin::Trim => match arguments.get(1) {
            None => Value::string(text.trim()),
            Some(set) => {
                let set = as_text(set)?;
                Value::string(text.trim_matches(|it| set.contains(it)))
            }
        },
        Builtin::TrimPrefix => Value::string(text.strip_prefix(or_space()?).unwrap_or(text)),
        Builtin::TrimSuffix => Value::string(text.strip_suffix(or_space()?).unwrap_or(text)),
        Builtin::Upper => Value::string(&cased(text, budget, char::to_uppercase)?),
        Builtin::Lower => Value::string(&cased(text, budget, char::to_lowercase)?),
        Builtin::Split | Builtin::SplitAfter => {
            let limit = arguments.get(2).map_or(Ok(-1), to_int)?;
            split(text, second()?, limit, which == Builtin::SplitAfter, budget)?
        }
        Builtin::Replace => {
            let new = as_text(arguments.get(2).unwrap_or(&nil))?;
            let limit = arguments.get(3).map_or(Ok(-1), to_int)?;
            replace(text, second()?, new, limit, budget)?
        }
        Builtin::Repeat => repeat(text, arguments.get(1).unwrap_or(&nil), budget)?,
        Builtin::IndexOf => found(text.find(second()?)),
        Builtin::LastIndexOf => found(text.rfind(second()?)),
        Builtin::HasPrefix => Value::Bool(text.starts_with(second()?)),
        _ => Value::Bool(text.ends_with(second()?)),
    })
}

/// In another case. Go maps each character to one.
fn cased<I: Iterator<Item = char>>(text: &str, budget: &mut Budget, how: fn(char) -> I) -> Result<String, String> {
    budget.write(text.len())?;
    let one = |char: char| {
        let mut mapped = how(char);
        match (mapped.next(), mapped.next()) {
            (Some(only), None) => only,
            _ => char,
        }
    };
    Ok(text.chars().map(one).collect())
}

fn split(text: &str, by: &str, limit: i64, keeps: bool, budget: &mut Budget) -> Result<Value, String> {
    let Some(most) = usize::try_from(limit).map_or(Some(usize::MAX), |it| (it > 0).then_some(it)) else {
        return Ok(Value::nil_list(Type::String));
    };
    budget.write(text.len())?;
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    if by.is_empty() {
        while parts.len() + 1 < most {
            let Some(first) = rest.chars().next() else { break };
            let (one, after) = rest.split_at(first.len_utf8());
            parts.push(one);
            rest = after;
        }
        parts.extend((!rest.is_empty()).then_some(rest));
    } else {
        while parts.len() + 1 < most {
            let Some(at) = rest.find(by) else { break };
            let end = if keeps { at + by.len() } else { at };
            parts.push(rest.get(..end).unwrap_or_default());
            rest = rest.get(at + by.len()..).unwrap_or_default();
        }
        parts.push(rest);
    }
    budget.steps(parts.len())?;
    Ok(Value::list(
        Type::String,
        parts.into_iter().map(Value::string).collect(),
    ))
}

fn replace(text: &str, old: &str, new: &str, limit: i64, budget: &mut Budget) -> Result<Value, String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let hits = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).count()
    };
    let grown = hits
        .min(limit)
        .checked_mul(new.len())
        .and_then(|it| it.checked_add(text.len()));
    budget.write(grown.unwrap_or(usize::MAX))?;
    Ok(Value::string(&text.replacen(old, new, limit)))
}

fn repeat(text: &str, count: &Value, budget: &mut Budget) -> Result<Value, String> {
    let count = to_int(count)?;
    let times = usize::try_from(count)
        .map_err(|_| format!("invalid argument for repeat (expected positive integer, got {count})"))?;
    if count > REPEAT {
        return Err("memory budget exceeded".to_owned());
    }
    let length = text.len().checked_mul(times).ok_or("memory budget exceeded")?;
    budget.make(length)?;
    Ok(Value::String(Arc::from(text.repeat(times))))
}

fn join(list: &Value, glue: Option<&Value>, budget: &mut Budget) -> Result<Value, String> {
    let glue = glue.map_or(Ok(""), as_text)?;
    let Value::List(list) = list else {
        return Err(format!("invalid argument for join (type {})", type_name(list)));
    };
    if !matches!(list.element, Type::Any | Type::String) || list.is_array {
        let found = type_name(&Value::List(list.clone()));
        return Err(format!("invalid argument for join (type {found})"));
    }
    let mut parts = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let part = as_text(item)?;
        budget.write(part.len() + glue.len())?;
        parts.push(part);
    }
    Ok(Value::string(&parts.join(glue)))
}
