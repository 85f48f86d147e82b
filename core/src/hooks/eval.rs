//! What rules mean, in Rust. `serin-lua` says the same in Lua, and tests compare the two.

use super::expr::{Keys, Number, Place, Test, Text};
use serde_json::Value;

/// Largest whole number that is read from a text: fourteen digits are written alike everywhere.
const DIGITS: usize = 14;

/// The object, and the element of a list that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) object: &'a Value,
    pub(super) item: Option<&'a Value>,
}

impl<'a> Scope<'a> {
    pub(super) fn of(object: &'a Value) -> Self {
        Self { object, item: None }
    }

    fn item(self, item: &'a Value) -> Self {
        Self {
            item: Some(item),
            ..self
        }
    }

    fn place(self, place: &Place) -> Option<&'a Value> {
        match place {
            Place::Object(keys) => below(self.object, keys),
            Place::Item(keys) => below(self.item?, keys),
            Place::Element { list, number, keys } => {
                let number = self.number(number)?;
                let element = elements(below(self.object, list)).nth(index(number)?)?;
                below(element, keys)
            }
        }
    }

    pub(super) fn number(self, number: &Number) -> Option<f64> {
        match number {
            Number::Literal(number) => Some(f64::from(*number)),
            Number::Or(place, default) => {
                let found = self.place(place).and_then(Value::as_f64);
                Some(found.unwrap_or(f64::from(*default)))
            }
            Number::Whole(place) => whole(self.place(place)?),
            Number::Count(list) => Some(count(elements(below(self.object, list)).count())),
            Number::Next(number, limit) => {
                let (number, limit) = (self.number(number)?, self.number(limit)?);
                Some(if number < limit { number + 1.0 } else { number })
            }
        }
    }

    pub(super) fn text(self, text: &Text) -> Option<String> {
        match text {
            Text::Literal(words) => Some(words.clone()),
            Text::At(place) => self.place(place).and_then(words),
            Text::Written(place) => {
                let value = self.place(place)?;
                words(value).or_else(|| whole(value).map(written))
            }
            Text::FirstOf(texts) => texts.iter().find_map(|text| self.text(text)),
            Text::Join(texts) => texts.iter().map(|text| self.text(text)).collect(),
            Text::Named(_, text) => self.text(text),
            Text::When(test, text) => self.test(test).then(|| self.text(text)).flatten(),
            Text::OfFirst { list, holds, text } => {
                let found = elements(below(self.object, list)).find(|item| self.item(item).test(holds))?;
                below(found, text).and_then(words)
            }
        }
    }

    pub(super) fn test(self, test: &Test) -> bool {
        match test {
            Test::Always => true,
            Test::Present(place) => self.place(place).is_some(),
            Test::True(place) => self.place(place) == Some(&Value::Bool(true)),
            Test::Is(place, text) => self.place(place).and_then(Value::as_str) == Some(text),
            Test::Same(one, other) => same(self.place(one), self.place(other)),
            Test::SameText(one, other) => self.text(one) == self.text(other),
            Test::Less(one, other) => {
                matches!((self.number(one), self.number(other)), (Some(one), Some(other)) if one < other)
            }
            Test::Equal(one, other) => self.number(one) == self.number(other),
            Test::Some(text) => self.text(text).is_some(),
            Test::Known(number) => self.number(number).is_some(),
            Test::Any(list, holds) => elements(below(self.object, list)).any(|item| self.item(item).test(holds)),
            Test::Named(_, test) => self.test(test),
            Test::All(tests) => tests.iter().all(|test| self.test(test)),
            Test::Either(tests) => tests.iter().any(|test| self.test(test)),
            Test::Not(test) => !self.test(test),
        }
    }
}

/// Null is not there.
fn below(value: &Value, keys: Keys) -> Option<&Value> {
    keys.iter()
        .try_fold(value, |value, key| value.get(*key))
        .filter(|value| !value.is_null())
}

/// The elements of a list; Argo CD drops those that are null.
fn elements(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter(|element| !element.is_null())
}

fn words(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn whole(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= DIGITS;
            let padded = text.len() > 1 && text.starts_with('0');
            if !plain || padded {
                return None;
            }
            text.parse().ok()?
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    ((0.0..LIMIT).contains(&number) && number.fract() == 0.0).then_some(number)
}

/// Ten to the number of [`DIGITS`].
const LIMIT: f64 = 1e14;

/// A number of [`whole`] in decimal.
fn written(number: f64) -> String {
    // Minus zero is zero.
    format!("{}", number + 0.0)
}

/// Tables are never the same, booleans, numbers and texts are if they are equal.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(Value::Number(one)), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
        (Some(one @ (Value::Bool(_) | Value::String(_))), Some(other)) => one == other,
        (Some(_), Some(_)) | (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Number of an element, from 0.
fn index(number: f64) -> Option<usize> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small whole number"
    )]
    ((0.0..LIMIT).contains(&number) && number.fract() == 0.0).then_some(number as usize)
}

fn count(elements: usize) -> f64 {
    f64::from(u32::try_from(elements).unwrap_or(u32::MAX))
}
