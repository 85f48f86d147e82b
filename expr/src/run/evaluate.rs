//! Evaluation.

use super::access::{fetch, is_in, length, slice};
use super::convert::{deref, wrong_type};
use super::equal::{equal, is_nil};
use super::loops::Scope;
use super::operate::{Comparison, calculate, compare, negate, range};
use super::{access, to_int};
use crate::budget::Budget;
use crate::builtin;
use crate::compile::{Code, Equality, TextTest};
use crate::go::format::type_name;
use crate::go::regex;
use crate::value::{Function, Key, Map, Type, Value};
use ::regex::bytes::Regex;
use jiff::Timestamp;
use std::sync::Arc;

/// What beginning a match costs, in steps.
const MATCHING: usize = 16;

/// Why an evaluation stops.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// It cannot go on.
    Failed(String),
    /// A `?.` met nil: the chain that it stands in is nil.
    Nil,
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// What an evaluation step gives.
pub(crate) type Step = Result<Value, Stop>;

/// A run: values of the environment, variables, open loops, and what it may use.
pub(crate) struct Machine<'m> {
    pub(super) environment: &'m [Value],
    pub(super) variables: Vec<Value>,
    pub(super) scopes: Vec<Scope>,
    pub(super) budget: Budget,
    pub(super) now: Timestamp,
    /// The last regular expression that was no constant.
    pattern: Option<(Arc<str>, Regex)>,
}

/// The value of a program.
pub(crate) fn run(code: &Code, environment: &[Value], variables: usize, now: Timestamp) -> Result<Value, String> {
    let mut machine = Machine {
        environment,
        variables: vec![Value::Nil; variables],
        scopes: Vec::new(),
        budget: Budget::default(),
        now,
        pattern: None,
    };
    machine.evaluate(code).map_err(|stop| match stop {
        Stop::Failed(why) => why,
        Stop::Nil => "a nil chain without its end".to_owned(),
    })
}

/// A bool, or Go's message that it is none.
pub(super) fn as_bool(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(is) => Ok(*is),
        other => Err(wrong_type(other, "bool")),
    }
}

impl Machine<'_> {
    /// The value that a step gives.
    pub(super) fn evaluate(&mut self, code: &Code) -> Step {
        self.budget.step()?;
        match code {
            Code::Value(value) => Ok(value.clone()),
            Code::Name(place) => Ok(self.environment.get(*place).cloned().unwrap_or_default()),
            Code::Variable(place) => Ok(self.variables.get(*place).cloned().unwrap_or_default()),
            Code::Item => self.item(),
            Code::Index => Ok(self.scopes.last().map(Scope::index).unwrap_or_default()),
            Code::Accumulator => Ok(self.scopes.last().map(|it| it.accumulator.clone()).unwrap_or_default()),
            Code::Deref(inner) => Ok(deref(self.evaluate(inner)?)),
            Code::Not(inner) => {
                let is = as_bool(&self.evaluate(inner)?)?;
                Ok(Value::Bool(!is))
            }
            Code::Negate(inner) => Ok(negate(&self.evaluate(inner)?)?),
            Code::And(left, right) => {
                let left = self.evaluate(left)?;
                if as_bool(&left)? {
                    self.evaluate(right)
                } else {
                    Ok(left)
                }
            }
            Code::Or(left, right) => {
                let left = self.evaluate(left)?;
                if as_bool(&left)? {
                    Ok(left)
                } else {
                    self.evaluate(right)
                }
            }
            Code::Coalesce(left, right) => {
                let left = self.evaluate(left)?;
                if is_nil(&left) { self.evaluate(right) } else { Ok(left) }
            }
            Code::Compare(how, left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                Ok(Value::Bool(compare(*how, &left, &right)?))
            }
            Code::At(base, at) => {
                let base = self.evaluate(base)?;
                Ok(fetch(&base, &Value::int(*at))?)
            }
            Code::Chain(inner) => match self.evaluate(inner) {
                Err(Stop::Nil) => Ok(Value::Nil),
                Ok(value) if is_nil(&value) => Ok(Value::Nil),
                other => other,
            },
            Code::Conditional(condition, then, otherwise) => {
                let is = as_bool(&self.evaluate(condition)?)?;
                self.evaluate(if is { then } else { otherwise })
            }
            Code::Call {
                callee,
                arguments,
                is_direct,
            } => self.call(callee, arguments, *is_direct),
            Code::Builtin(which, arguments) => self.builtin(*which, arguments),
            Code::Loop(it) => self.run_loop(it),
            _ => self.evaluate_rarer(code),
        }
    }

    fn evaluate_rarer(&mut self, code: &Code) -> Step {
        match code {
            Code::Equal(how, left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                Ok(Value::Bool(self.equal(*how, &left, &right)?))
            }
            Code::Calculate(how, left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                if let Value::String(text) = &left {
                    self.budget.write(text.len())?;
                }
                let result = calculate(*how, &left, &right)?;
                if let Value::String(text) = &result {
                    self.budget.write(text.len())?;
                }
                Ok(result)
            }
            Code::In(left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                if let Value::List(list) = &right {
                    self.budget.steps(list.items.len())?;
                }
                Ok(Value::Bool(is_in(&left, &right)?))
            }
            Code::InRange(value, from, to) => {
                let value = self.evaluate(value)?;
                let is_in = compare(Comparison::MoreOrEqual, &value, &Value::int(*from))?
                    && compare(Comparison::LessOrEqual, &value, &Value::int(*to))?;
                Ok(Value::Bool(is_in))
            }
            Code::Range(from, to) => {
                let from = self.evaluate(from)?;
                let to = self.evaluate(to)?;
                self.range(&from, &to)
            }
            Code::Matches(text, pattern) => {
                let text = self.evaluate(text)?;
                let pattern = self.evaluate(pattern)?;
                self.matches(&text, &pattern)
            }
            Code::MatchesConstant(text, pattern) => {
                let text = self.evaluate(text)?;
                if is_nil(&text) {
                    return Ok(Value::Bool(false));
                }
                self.is_match(pattern, &text)
            }
            Code::Test(test, text, with) => {
                let text = self.evaluate(text)?;
                let with = self.evaluate(with)?;
                Ok(Value::Bool(self.test(*test, &text, &with)?))
            }
            Code::Member {
                base,
                property,
                is_optional,
            } => {
                let base = self.evaluate(base)?;
                if *is_optional && is_nil(&base) {
                    return Err(Stop::Nil);
                }
                let property = self.evaluate(property)?;
                Ok(fetch(&base, &property)?)
            }
            Code::Slice { base, from, to } => self.slice(base, from.as_deref(), to.as_deref()),
            Code::Let(place, value, body) => {
                let value = self.evaluate(value)?;
                if let Some(variable) = self.variables.get_mut(*place) {
                    *variable = value;
                }
                self.evaluate(body)
            }
            Code::Sequence(codes) => {
                let mut last = Value::Nil;
                for code in codes {
                    last = self.evaluate(code)?;
                }
                Ok(last)
            }
            Code::Array(codes) => {
                let items = self.all(codes)?;
                self.budget.make(items.len())?;
                Ok(Value::values(items))
            }
            Code::Map(pairs) => self.map(pairs),
            Code::Environment(names) => {
                let entries = names.iter().zip(self.environment);
                Ok(string_map(entries.map(|(name, value)| {
                    (Key(Value::String(name.clone())), value.clone())
                })))
            }
            // The others are evaluated above.
            _ => Ok(Value::Nil),
        }
    }

    fn all(&mut self, codes: &[Code]) -> Result<Vec<Value>, Stop> {
        codes.iter().map(|it| self.evaluate(it)).collect()
    }

    fn equal(&mut self, how: Equality, left: &Value, right: &Value) -> Result<bool, String> {
        match how {
            Equality::Any => {
                if let Value::List(list) = left {
                    self.budget.steps(list.items.len())?;
                }
                Ok(equal(left, right))
            }
            Equality::Ints => Ok(strictly_int(left)? == strictly_int(right)?),
            Equality::Texts => Ok(text(left)? == text(right)?),
        }
    }

    fn range(&mut self, from: &Value, to: &Value) -> Step {
        let (from, to) = (to_int(from)?, to_int(to)?);
        let size = to.wrapping_sub(from).wrapping_add(1).max(0);
        self.budget.make(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Value::list(Type::INT, range(from, to)))
    }

    fn matches(&mut self, text: &Value, pattern: &Value) -> Step {
        /// What compiling an expression costs, in steps.
        const COMPILING: usize = 20_000;
        if is_nil(text) || is_nil(pattern) {
            return Ok(Value::Bool(false));
        }
        let Value::String(pattern) = pattern else {
            return Err(wrong_type(pattern, "string").into());
        };
        let pattern = match self.pattern.take() {
            Some((written, compiled)) if written == *pattern => (written, compiled),
            _ => {
                self.budget.steps(COMPILING)?;
                (pattern.clone(), regex::compile(pattern)?)
            }
        };
        let result = self.is_match(&pattern.1, text);
        self.pattern = Some(pattern);
        result
    }

    /// Whether a text matches.
    fn is_match(&mut self, pattern: &Regex, text: &Value) -> Step {
        let bytes: &[u8] = match text {
            Value::String(text) => text.as_bytes(),
            Value::List(list) if list.element == Type::Integer(crate::value::IntegerKind::Uint8) => {
                &crate::go::json::bytes(&list.items)
            }
            other => return Err(wrong_type(other, "[]uint8").into()),
        };
        self.budget.steps(MATCHING + bytes.len())?;
        Ok(Value::Bool(pattern.is_match(bytes)))
    }

    fn test(&mut self, test: TextTest, text: &Value, with: &Value) -> Result<bool, String> {
        if is_nil(text) || is_nil(with) {
            return Ok(false);
        }
        // Go converts the left one first.
        let text = self::text(text)?;
        let with = self::text(with)?;
        self.budget.steps(text.len() / 64)?;
        Ok(match test {
            TextTest::Contains => text.contains(with),
            TextTest::StartsWith => text.starts_with(with),
            TextTest::EndsWith => text.ends_with(with),
        })
    }

    fn slice(&mut self, base: &Code, from: Option<&Code>, to: Option<&Code>) -> Step {
        let base = self.evaluate(base)?;
        let to = match to {
            Some(to) => self.evaluate(to)?,
            None => Value::int(i64::try_from(length(&base)?).unwrap_or(i64::MAX)),
        };
        let from = match from {
            Some(from) => self.evaluate(from)?,
            None => Value::int(0),
        };
        let part = slice(&base, &from, &to)?;
        self.budget.steps(length(&part).unwrap_or_default() / 16)?;
        Ok(part)
    }

    fn map(&mut self, pairs: &[(Code, Code)]) -> Step {
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            entries.push((self.evaluate(key)?, self.evaluate(value)?));
        }
        self.budget.make(entries.len())?;
        let mut keys = Vec::with_capacity(entries.len());
        // The last key is looked at first, and the first of two alike wins.
        for (key, value) in entries.into_iter().rev() {
            match key {
                Value::String(_) => keys.push((Key(key), value)),
                other => return Err(wrong_type(&other, "string").into()),
            }
        }
        Ok(string_map(keys.into_iter()))
    }

    fn builtin(&mut self, which: builtin::Builtin, arguments: &[Code]) -> Step {
        let values = self.all(arguments)?;
        let mut context = builtin::Context {
            now: self.now,
            budget: &mut self.budget,
        };
        Ok(builtin::call(which, &values, &mut context)?)
    }

    fn call(&mut self, callee: &Code, arguments: &[Code], is_direct: bool) -> Step {
        let mut values = self.all(arguments)?;
        let callee = self.evaluate(callee)?;
        let function = match &callee {
            Value::Function(function) => function,
            Value::Nil => return Err("invalid operation: cannot call nil".to_owned().into()),
            other => {
                let found = type_name(other);
                return Err(format!("invalid operation: cannot call non-function of type {found}").into());
            }
        };
        fit(function, &mut values, is_direct)?;
        Ok((function.call)(&values)?)
    }
}

fn string_map(entries: impl Iterator<Item = (Key, Value)>) -> Value {
    Value::Map(Arc::new(Map {
        key: Type::String,
        value: Type::Any,
        entries: entries.collect(),
        is_new_relic: false,
    }))
}

fn strictly_int(value: &Value) -> Result<i64, String> {
    match value {
        Value::Integer(integer) if integer.kind == crate::value::IntegerKind::Int => Ok(integer.bits),
        other => Err(wrong_type(other, "int")),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(other, "string")),
    }
}

/// Gives arguments the types of the parameters, or says which does not fit.
fn fit(function: &Function, values: &mut [Value], is_direct: bool) -> Result<(), String> {
    let parameters = &function.signature.parameters;
    if values.len() != parameters.len() {
        let (wanted, found) = (parameters.len(), values.len());
        return Err(format!("invalid number of arguments: expected {wanted}, got {found}"));
    }
    // A direct call takes its arguments off from the last.
    let mut pairs: Vec<(&mut Value, &Type)> = values.iter_mut().zip(parameters).collect();
    if is_direct {
        pairs.reverse();
    }
    for (value, wanted) in pairs {
        if *wanted == Type::Any || Type::of(value).as_ref() == Some(wanted) {
            continue;
        }
        if is_direct {
            return Err(wrong_type(value, &wanted.to_string()));
        }
        if *value != Value::Nil {
            let found = type_name(value);
            return Err(format!("reflect: Call using {found} as type {wanted}"));
        }
        *value = access::zero(wanted);
    }
    Ok(())
}
