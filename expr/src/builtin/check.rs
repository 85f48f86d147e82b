//! What the built-in functions take and give, before they run.

use super::Builtin;
use crate::check::Nature;
use crate::value::{Signature, Type};
use std::sync::Arc;

/// How the arguments of a function are checked.
pub(crate) enum Checked {
    /// One of these signatures must fit.
    Signatures(Vec<Signature>),
    /// By [`check`].
    ByRule,
}

fn signature(parameters: &[Type], gives: Type) -> Signature {
    Signature {
        parameters: parameters.to_vec(),
        is_variadic: false,
        results: vec![gives],
    }
}

/// How the arguments of a function without a closure are checked.
pub(crate) fn signatures(which: Builtin) -> Checked {
    let text = Type::String;
    let int = Type::INT;
    let texts = || Type::slice(Type::String);
    let values = || Type::slice(Type::Any);
    let one = |takes: Type, gives: Type| vec![signature(&[takes], gives)];
    let found = match which {
        Builtin::Type | Builtin::String | Builtin::ToJson => one(Type::Any, text),
        Builtin::Trim | Builtin::TrimPrefix | Builtin::TrimSuffix => {
            let single = signature(std::slice::from_ref(&text), Type::String);
            let pair = signature(&[text.clone(), text], Type::String);
            // The error is that of the last.
            if which == Builtin::Trim {
                vec![single, pair]
            } else {
                vec![pair, single]
            }
        }
        Builtin::Upper | Builtin::Lower | Builtin::ToBase64 | Builtin::FromBase64 => one(text, Type::String),
        Builtin::Split | Builtin::SplitAfter => vec![
            signature(&[text.clone(), text.clone()], texts()),
            signature(&[text.clone(), text, int], texts()),
        ],
        Builtin::Replace => vec![
            signature(&[text.clone(), text.clone(), text.clone(), int], Type::String),
            signature(&[text.clone(), text.clone(), text], Type::String),
        ],
        Builtin::Repeat => vec![signature(&[text, int], Type::String)],
        Builtin::Join => vec![
            signature(&[texts(), text.clone()], Type::String),
            signature(&[values(), text.clone()], Type::String),
            signature(&[values()], Type::String),
            signature(&[texts(), text], Type::String),
            signature(&[texts()], Type::String),
        ],
        Builtin::IndexOf | Builtin::LastIndexOf => vec![signature(&[text.clone(), text], int)],
        Builtin::HasPrefix | Builtin::HasSuffix => vec![signature(&[text.clone(), text], Type::Bool)],
        Builtin::FromJson => one(text, Type::Any),
        Builtin::Duration => one(text, Type::Duration),
        Builtin::Timezone => one(text, Type::Pointer(Arc::new(Type::Location))),
        Builtin::Sort => {
            let lists = [Type::Any, int, Type::Float, Type::String].map(Type::slice);
            let ordered = lists
                .iter()
                .map(|list| signature(&[list.clone(), Type::String], values()));
            let [any, ints, floats, strings] = lists.clone();
            let plain = [any, floats, strings, ints].map(|list| signature(&[list], values()));
            ordered.chain(plain).collect()
        }
        Builtin::BitAnd
        | Builtin::BitOr
        | Builtin::BitXor
        | Builtin::BitNand
        | Builtin::BitShl
        | Builtin::BitShr
        | Builtin::BitUshr => vec![signature(&[int.clone(), int], Type::INT)],
        Builtin::BitNot => one(int, Type::INT),
        _ => return Checked::ByRule,
    };
    Checked::Signatures(found)
}

/// The sort that a rule asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Any,
    List,
    Map,
    Number,
    SignedInteger,
    Text,
    Other,
}

fn is(nature: &Nature) -> Is {
    use crate::check::Sort;
    if nature.is_unknown() {
        return Is::Any;
    }
    match nature.deref().sort() {
        Some(Sort::Slice | Sort::Array) => Is::List,
        Some(Sort::Map) => Is::Map,
        Some(Sort::Float) => Is::Number,
        Some(Sort::Integer(kind)) if kind.is_unsigned() => Is::Number,
        Some(Sort::Integer(_)) => Is::SignedInteger,
        Some(Sort::String) => Is::Text,
        Some(Sort::Interface) => Is::Any,
        Some(Sort::Bool | Sort::Struct | Sort::Pointer | Sort::Function) | None => Is::Other,
    }
}

/// A type as the messages of these rules show it: nil is `%!s(<nil>)`.
fn shown(nature: &Nature) -> String {
    match &nature.of {
        Some(of) => of.to_string(),
        None if nature.is_nil => "%!s(<nil>)".to_owned(),
        None => "interface {}".to_owned(),
    }
}

fn exactly(wanted: usize, arguments: &[Nature]) -> Result<(), String> {
    let count = arguments.len();
    if count == wanted {
        Ok(())
    } else {
        Err(format!("invalid number of arguments (expected {wanted}, got {count})"))
    }
}

/// What a function gives for arguments of these natures, where a rule of its own decides.
pub(crate) fn check(which: Builtin, arguments: &[Nature]) -> Result<Nature, String> {
    let values = || Type::slice(Type::Any);
    match which {
        Builtin::Len => single(
            arguments,
            &[Is::List, Is::Map, Is::Text],
            "invalid argument for len (type {})",
        )
        .map(|_| Type::INT.into()),
        Builtin::Abs => single(
            arguments,
            &[Is::Number, Is::SignedInteger],
            "invalid argument for abs (type {})",
        )
        .map(own_type),
        Builtin::Ceil | Builtin::Floor | Builtin::Round => {
            let message = format!("invalid argument for {} (type {{}})", which.name());
            single(arguments, &[Is::Number, Is::SignedInteger], &message).map(|_| Type::Float.into())
        }
        Builtin::Int | Builtin::Float => {
            let message = format!("invalid argument for {} (type {{}})", which.name());
            let gives = if which == Builtin::Int { Type::INT } else { Type::Float };
            single(arguments, &[Is::Number, Is::SignedInteger, Is::Text], &message).map(|_| gives.into())
        }
        Builtin::Max | Builtin::Min | Builtin::Mean | Builtin::Median => aggregate(which, arguments),
        Builtin::Now => now(arguments),
        Builtin::Date => date(arguments),
        Builtin::First => list_element(arguments, "cannot get first element from {}"),
        Builtin::Last => list_element(arguments, "cannot get last element from {}"),
        Builtin::Take => take(arguments),
        Builtin::Keys => single(arguments, &[Is::Map], "cannot get keys from {}").map(|_| values().into()),
        Builtin::Values => single(arguments, &[Is::Map], "cannot get values from {}").map(|_| values().into()),
        Builtin::ToPairs => single(arguments, &[Is::Map], "cannot transform {} to pairs").map(|_| values().into()),
        Builtin::FromPairs => single(arguments, &[Is::List], "cannot transform {} from pairs")
            .map(|_| Type::Map(Arc::new(Type::Any), Arc::new(Type::Any)).into()),
        Builtin::Reverse => single(arguments, &[Is::List], "cannot reverse {}").map(|_| values().into()),
        Builtin::Uniq => single(arguments, &[Is::List], "cannot uniq {}").map(|_| values().into()),
        Builtin::Flatten => single(arguments, &[Is::List], "cannot flatten {}").map(|_| values().into()),
        Builtin::Concat => concat(arguments),
        _ => Ok(Nature::default()),
    }
}

/// The one argument, if it is one of these or may be.
fn single<'n>(arguments: &'n [Nature], fits: &[Is], message: &str) -> Result<&'n Nature, String> {
    exactly(1, arguments)?;
    let Some(argument) = arguments.first() else {
        return Err(message.to_owned());
    };
    let found = is(argument);
    if found == Is::Any || fits.contains(&found) {
        return Ok(argument);
    }
    Err(message.replace("{}", &shown(argument)))
}

/// The type of an argument as it was given, without what is known beyond it.
fn own_type(argument: &Nature) -> Nature {
    match &argument.of {
        Some(of) => of.clone().into(),
        None => Type::Any.into(),
    }
}

fn aggregate(which: Builtin, arguments: &[Nature]) -> Result<Nature, String> {
    let Some(first) = arguments.first() else {
        return Err(format!("not enough arguments to call {}", which.name()));
    };
    for argument in arguments {
        match is(argument) {
            Is::Any | Is::List => return Ok(Type::Any.into()),
            Is::Number | Is::SignedInteger => {}
            Is::Map | Is::Text | Is::Other => {
                return Err(format!(
                    "invalid argument for {} (type {})",
                    which.name(),
                    shown(argument)
                ));
            }
        }
    }
    Ok(own_type(first))
}

fn is_location(nature: &Nature) -> bool {
    matches!(&nature.of, Some(Type::Pointer(to)) if **to == Type::Location)
}

fn now(arguments: &[Nature]) -> Result<Nature, String> {
    match arguments {
        [] => Ok(Type::Time.into()),
        [zone] if is_location(zone) => Ok(Type::Time.into()),
        _ => Err(format!(
            "invalid number of arguments (expected 0, got {})",
            arguments.len()
        )),
    }
}

fn date(arguments: &[Nature]) -> Result<Nature, String> {
    let Some((first, rest)) = arguments.split_first() else {
        return Err("invalid number of arguments (expected at least 1, got 0)".to_owned());
    };
    let count = rest.len() + usize::from(!is_location(first));
    if count > 3 {
        return Err(format!("invalid number of arguments (expected at most 3, got {count})"));
    }
    Ok(Type::Time.into())
}

fn list_element(arguments: &[Nature], message: &str) -> Result<Nature, String> {
    let argument = single(arguments, &[Is::List], message)?;
    Ok(match &argument.of {
        Some(Type::Slice(element) | Type::Array(_, element)) => Type::clone(element).into(),
        _ => Type::Any.into(),
    })
}

fn take(arguments: &[Nature]) -> Result<Nature, String> {
    exactly(2, arguments)?;
    let (Some(list), Some(count)) = (arguments.first(), arguments.get(1)) else {
        return Ok(Nature::default());
    };
    if !matches!(is(list), Is::Any | Is::List) {
        return Err(format!("cannot take from {}", shown(list)));
    }
    if !matches!(is(count), Is::Any | Is::SignedInteger) {
        return Err(format!("cannot take {} elements", shown(count)));
    }
    Ok(own_type(list))
}

fn concat(arguments: &[Nature]) -> Result<Nature, String> {
    if arguments.is_empty() {
        return Err("invalid number of arguments (expected at least 1, got 0)".to_owned());
    }
    match arguments.iter().find(|it| !matches!(is(it), Is::Any | Is::List)) {
        Some(wrong) => Err(format!("cannot concat {}", shown(wrong))),
        None => Ok(Type::slice(Type::Any).into()),
    }
}
