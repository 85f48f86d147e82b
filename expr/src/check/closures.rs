//! Built-in functions with a closure.

use super::{Checker, Nature, Scope};
use crate::builtin::Builtin;
use crate::syntax::Node;
use crate::value::Type;
use std::sync::Arc;

impl Checker<'_> {
    pub(super) fn builtin(&mut self, which: Builtin, arguments: &mut [Node]) -> Result<Nature, String> {
        if which == Builtin::Get {
            return self.get(arguments);
        }
        if which.closure().is_none() {
            return self.function(which, arguments);
        }
        let Some((first, rest)) = arguments.split_first_mut() else {
            return Err(format!("not enough arguments to call {}", which.name()));
        };
        let collection = self.visit(first)?.deref();
        if !collection.is_array() && !collection.is_unknown() {
            return Err(format!("builtin {} takes only array (got {collection})", which.name()));
        }
        let Some((body, rest)) = rest.split_first_mut() else {
            return Ok(match which {
                Builtin::Count => Type::INT.into(),
                _ if collection.is_unknown() => Nature::default(),
                _ => collection.element(),
            });
        };
        self.scopes.push(Scope {
            collection: collection.clone(),
            has_index: matches!(which, Builtin::Map | Builtin::Reduce),
            has_accumulator: which == Builtin::Reduce,
        });
        let closure = self.visit(body);
        self.scopes.pop();
        let closure = closure?;
        if which == Builtin::Sum && closure.signature().is_none_or(|it| it.results.is_empty()) {
            return self.sum_of_nil(body, &collection);
        }
        if let Some(last) = rest.first_mut() {
            let last = self.visit(last)?;
            if which == Builtin::SortBy && !last.is_string() && !last.is_unknown() {
                return Err(format!("sortBy order argument must be a string (got {last})"));
            }
        }
        given(which, &collection, &closure)
    }

    /// `sum(x, nil)`: the library checks it as any function, where the closure is none any more.
    fn sum_of_nil(&mut self, body: &mut Node, collection: &Nature) -> Result<Nature, String> {
        let values = Nature::from(Type::slice(Type::Any));
        if !collection.is_unknown() && !collection.is_assignable_to(&values) {
            return Err(format!(
                "cannot use {collection} as argument (type {values}) to call sum "
            ));
        }
        self.visit(body)?;
        Err("cannot use func(interface {}) as argument (type func(interface {}) bool) to call sum ".to_owned())
    }

    fn get(&mut self, arguments: &mut [Node]) -> Result<Nature, String> {
        let count = arguments.len();
        let [base, property] = arguments else {
            return Err(format!("invalid number of arguments (expected 2, got {count})"));
        };
        let owner = self.visit(base)?;
        let key = self.visit(property)?.deref();
        if owner.is_unknown() {
            return Ok(Nature::default());
        }
        if owner.is_array() {
            if !key.is_integer() && !key.is_unknown() {
                return Err(format!("non-integer slice index {key}"));
            }
            return Ok(owner.element());
        }
        if owner.is_map() {
            if !key.is_assignable_to(&owner.key()) && !key.is_unknown() {
                return Err(format!("cannot use {key} to get an element from {owner}"));
            }
            return Ok(owner.element());
        }
        Err(format!("type {owner} does not support indexing"))
    }
}

/// What a function gives for a collection and a closure.
fn given(which: Builtin, collection: &Nature, closure: &Nature) -> Result<Nature, String> {
    let result = closure.signature().and_then(|it| it.results.first());
    let Some(result) = result.map(|it| Nature::from(it.clone())) else {
        let parameters = if which == Builtin::Reduce { "two" } else { "one" };
        return Err(format!("predicate should has {parameters} input and one output param"));
    };
    let must_be_bool = matches!(
        which,
        Builtin::All
            | Builtin::None
            | Builtin::Any
            | Builtin::One
            | Builtin::Filter
            | Builtin::Count
            | Builtin::Find
            | Builtin::FindIndex
            | Builtin::FindLast
            | Builtin::FindLastIndex
    );
    if must_be_bool && !result.is_bool() && !result.is_unknown() {
        return Err(format!("predicate should return boolean (got {result})"));
    }
    let body = || closure.below.as_deref().cloned().unwrap_or_default();
    Ok(match which {
        Builtin::All | Builtin::None | Builtin::Any | Builtin::One => Type::Bool.into(),
        Builtin::Filter if collection.is_unknown() => Type::slice(Type::Any).into(),
        Builtin::Filter => collection.element().in_array(),
        Builtin::Map => body().in_array(),
        Builtin::Count | Builtin::FindIndex | Builtin::FindLastIndex => Type::INT.into(),
        Builtin::Sum => result,
        Builtin::Find | Builtin::FindLast if collection.is_unknown() => Nature::default(),
        Builtin::Find | Builtin::FindLast => collection.element(),
        Builtin::GroupBy => Type::Map(Arc::new(Type::Any), Arc::new(Type::slice(Type::Any))).into(),
        Builtin::SortBy => collection.clone(),
        _ => body(),
    })
}
