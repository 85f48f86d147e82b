//! Functions with a closure.

use super::access::{Elements, elements, is_unhashable};
use super::evaluate::{Machine, Step, Stop, as_bool};
use super::operate::{Arithmetic, calculate, less};
use crate::builtin::{Builtin, is_descending};
use crate::compile::Loop;
use crate::go::format::type_name;
use crate::go::sort;
use crate::value::{Key, Map, Type, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A loop that is open.
pub(crate) struct Scope {
    elements: Elements,
    at: usize,
    pub(super) accumulator: Value,
}

impl Scope {
    pub(super) fn item(&self) -> Result<Value, String> {
        self.elements.get(self.at)
    }

    pub(super) fn index(&self) -> Value {
        Value::int(i64::try_from(self.at).unwrap_or(i64::MAX))
    }
}

impl Machine<'_> {
    pub(super) fn run_loop(&mut self, it: &Loop) -> Step {
        let collection = self.evaluate(&it.collection)?;
        let elements = elements(&collection)?;
        let length = elements.len();
        self.scopes.push(Scope {
            elements,
            at: 0,
            accumulator: Value::Nil,
        });
        let result = self.in_scope(it, length);
        self.scopes.pop();
        result
    }

    fn in_scope(&mut self, it: &Loop, length: usize) -> Step {
        match it.which {
            Builtin::All => self.search(it, length, false).map(|hit| Value::Bool(hit.is_none())),
            Builtin::None => self.search(it, length, true).map(|hit| Value::Bool(hit.is_none())),
            Builtin::Any => self.search(it, length, true).map(|hit| Value::Bool(hit.is_some())),
            Builtin::One => self.count(it, length).map(|hits| Value::Bool(hits == 1)),
            Builtin::Count => self.count(it, length).map(Value::int),
            Builtin::Filter => self.filter(it, length),
            Builtin::Map => {
                let items = self.each(it, length)?;
                self.budget.make(length)?;
                Ok(Value::values(items))
            }
            Builtin::Find | Builtin::FindLast => self.find(it, length),
            Builtin::FindIndex | Builtin::FindLastIndex => {
                let hit = self.hit(it, length)?;
                Ok(hit.map_or(Value::Nil, |_| self.scopes.last().map(Scope::index).unwrap_or_default()))
            }
            Builtin::Sum => self.sum(it, length),
            Builtin::GroupBy => self.group(it, length),
            Builtin::SortBy => self.sort(it, length),
            _ => self.reduce(it, length),
        }
    }

    /// Goes to an element.
    fn go_to(&mut self, at: usize) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.at = at;
        }
    }

    pub(super) fn item(&self) -> Step {
        Ok(self.scopes.last().map(Scope::item).transpose()?.unwrap_or_default())
    }

    fn set_accumulator(&mut self, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.accumulator = value;
        }
    }

    /// What the closure gives of the element, or the element itself.
    fn closure(&mut self, it: &Loop) -> Step {
        match &it.closure {
            Some(closure) => self.evaluate(closure),
            None => self.item(),
        }
    }

    fn holds(&mut self, it: &Loop) -> Result<bool, Stop> {
        let given = self.closure(it)?;
        Ok(as_bool(&given)?)
    }

    /// The first element for which the closure gives what is wanted. The loop stays there.
    fn search(&mut self, it: &Loop, length: usize, wanted: bool) -> Result<Option<usize>, Stop> {
        for at in 0..length {
            self.go_to(at);
            if self.holds(it)? == wanted {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// The hit of a search, from the end it begins at.
    fn hit(&mut self, it: &Loop, length: usize) -> Result<Option<usize>, Stop> {
        if matches!(it.which, Builtin::Find | Builtin::FindIndex) {
            return self.search(it, length, true);
        }
        for at in (0..length).rev() {
            self.go_to(at);
            if self.holds(it)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// What is kept of the element where the loop is.
    fn keep(&mut self, it: &Loop) -> Step {
        match &it.kept {
            Some(kept) => self.evaluate(kept),
            None => self.item(),
        }
    }

    fn find(&mut self, it: &Loop, length: usize) -> Step {
        match self.hit(it, length)? {
            Some(_) => self.keep(it),
            None if it.throws => Err("reflect: slice index out of range".to_owned().into()),
            None => Ok(Value::Nil),
        }
    }

    fn count(&mut self, it: &Loop, length: usize) -> Result<i64, Stop> {
        let mut hits = 0;
        for at in 0..length {
            self.go_to(at);
            if self.holds(it)? {
                hits += 1;
                if it.threshold.is_some_and(|enough| hits >= enough) {
                    break;
                }
            }
        }
        Ok(hits)
    }

    fn filter(&mut self, it: &Loop, length: usize) -> Step {
        let mut items = Vec::new();
        for at in 0..length {
            self.go_to(at);
            if self.holds(it)? {
                items.push(self.keep(it)?);
            }
        }
        self.budget.make(items.len())?;
        Ok(Value::values(items))
    }

    fn each(&mut self, it: &Loop, length: usize) -> Result<Vec<Value>, Stop> {
        let mut items = Vec::with_capacity(length);
        for at in 0..length {
            self.go_to(at);
            items.push(self.closure(it)?);
        }
        Ok(items)
    }

    fn sum(&mut self, it: &Loop, length: usize) -> Step {
        let mut total = Value::int(0);
        for at in 0..length {
            self.go_to(at);
            let item = self.closure(it)?;
            self.budget.step()?;
            total = calculate(Arithmetic::Add, &item, &total)?;
        }
        Ok(total)
    }

    fn group(&mut self, it: &Loop, length: usize) -> Step {
        let mut groups: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for at in 0..length {
            self.go_to(at);
            let key = self.closure(it)?;
            if is_unhashable(&key) {
                return Err(format!("hash of unhashable type: {}", type_name(&key)).into());
            }
            let item = self.item()?;
            groups.entry(Key(key)).or_default().push(item);
        }
        let entries = groups.into_iter().map(|(key, items)| (key, Value::values(items)));
        Ok(Value::Map(Arc::new(Map {
            key: Type::Any,
            value: Type::slice(Type::Any),
            entries: entries.collect(),
            is_new_relic: false,
        })))
    }

    fn sort(&mut self, it: &Loop, length: usize) -> Step {
        let descending = match &it.extra {
            None => false,
            Some(order) => match self.evaluate(order)? {
                Value::String(order) => is_descending(&order).ok_or("unknown order, use asc or desc".to_owned())?,
                _ => return Err("sortBy order argument must be a string".to_owned().into()),
            },
        };
        let mut pairs: Vec<(Value, Value)> = Vec::with_capacity(length);
        for at in 0..length {
            self.go_to(at);
            let key = self.closure(it)?;
            pairs.push((key, self.item()?));
        }
        let budget = &mut self.budget;
        sort::sort(&mut pairs, &mut |(a, _), (b, _)| {
            budget.step()?;
            if descending { less(b, a) } else { less(a, b) }
        })?;
        self.budget.make(length)?;
        Ok(Value::values(pairs.into_iter().map(|(_, item)| item)))
    }

    fn reduce(&mut self, it: &Loop, length: usize) -> Step {
        let first = match &it.extra {
            Some(initial) => {
                let initial = self.evaluate(initial)?;
                self.set_accumulator(initial);
                0
            }
            None if length == 0 => {
                return Err("reduce of empty array with no initial value".to_owned().into());
            }
            None => {
                let item = self.item()?;
                self.set_accumulator(item);
                1
            }
        };
        for at in first..length {
            self.go_to(at);
            let given = self.closure(it)?;
            self.set_accumulator(given);
        }
        Ok(self.scopes.last().map(|it| it.accumulator.clone()).unwrap_or_default())
    }
}
