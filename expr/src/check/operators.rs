//! What binary operators take and give.

use super::nature::Nature;
use crate::go::regex;
use crate::syntax::{Kind, Node, Operator};
use crate::value::Type;

/// A test of a nature.
type Test = fn(&Nature) -> bool;

const NUMBER: Test = Nature::is_number;
const STRING: Test = Nature::is_string;
const TIME: Test = Nature::is_time;
const DURATION: Test = Nature::is_duration;

/// The nature of an operation on two natures. `right` is the right operand itself.
pub(super) fn binary(operator: Operator, left: &Nature, right: &Nature, node: &Node) -> Result<Nature, String> {
    let both = |test: Test| test(left) && test(right);
    // One is unknown, and the other may fit.
    let perhaps = |tests: &[Test]| {
        let fits = |it: &Nature| it.is_unknown() || tests.iter().any(|test| test(it));
        (left.is_unknown() && fits(right)) || (right.is_unknown() && fits(left))
    };
    let given = match operator {
        Operator::Equal | Operator::NotEqual => left.is_comparable_to(right).then(bool),
        Operator::Or | Operator::OrWord | Operator::And | Operator::AndWord => {
            (both(Nature::is_bool) || perhaps(&[Nature::is_bool])).then(bool)
        }
        Operator::Less | Operator::More | Operator::MoreOrEqual | Operator::LessOrEqual => {
            let tests = [NUMBER, STRING, TIME, DURATION];
            (tests.into_iter().any(both) || perhaps(&tests)).then(bool)
        }
        Operator::Add => add(left, right).or_else(|| perhaps(&[NUMBER, STRING, TIME, DURATION]).then(Nature::default)),
        Operator::Subtract => {
            subtract(left, right).or_else(|| perhaps(&[NUMBER, TIME, DURATION]).then(Nature::default))
        }
        Operator::Multiply => multiply(left, right).or_else(|| perhaps(&[NUMBER, DURATION]).then(Nature::default)),
        Operator::Divide | Operator::Power | Operator::PowerCaret => {
            (both(NUMBER) || perhaps(&[NUMBER])).then(|| Type::Float.into())
        }
        Operator::Modulo => (both(Nature::is_integer) || perhaps(&[Nature::is_integer])).then(|| Type::INT.into()),
        Operator::In => is_in(left, right)?.then(bool),
        Operator::Matches => {
            if let Kind::String(pattern) = &node.kind {
                regex::compile(pattern)?;
            }
            let is_bytes = left.of == Some(Type::bytes());
            let fits = both(STRING) || (is_bytes && right.is_string()) || perhaps(&[STRING]);
            fits.then(bool)
        }
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
            (both(STRING) || perhaps(&[STRING])).then(bool)
        }
        Operator::Range => {
            (both(Nature::is_integer) || perhaps(&[Nature::is_integer])).then(|| Nature::from(Type::INT).in_array())
        }
        Operator::Coalesce => Some(coalesce(left, right)),
        Operator::Pipe => None,
    };
    given.ok_or_else(|| {
        let text = operator.text();
        format!("invalid operation: {text} (mismatched types {left} and {right})")
    })
}

fn bool() -> Nature {
    Type::Bool.into()
}

/// What arithmetic of two numbers gives.
fn promoted(left: &Nature, right: &Nature) -> Option<Nature> {
    if !left.is_number() || !right.is_number() {
        return None;
    }
    let is_float = left.is_float() || right.is_float();
    Some(if is_float { Type::Float } else { Type::INT }.into())
}

fn add(left: &Nature, right: &Nature) -> Option<Nature> {
    if left.is_string() && right.is_string() {
        return Some(Type::String.into());
    }
    if (left.is_time() && right.is_duration()) || (left.is_duration() && right.is_time()) {
        return Some(Type::Time.into());
    }
    if left.is_duration() && right.is_duration() {
        return Some(Type::Duration.into());
    }
    promoted(left, right)
}

fn subtract(left: &Nature, right: &Nature) -> Option<Nature> {
    if left.is_time() && right.is_duration() {
        return Some(Type::Time.into());
    }
    if (left.is_time() && right.is_time()) || (left.is_duration() && right.is_duration()) {
        return Some(Type::Duration.into());
    }
    promoted(left, right)
}

fn multiply(left: &Nature, right: &Nature) -> Option<Nature> {
    let is_factor = |it: &Nature| it.is_number() || it.is_duration();
    if is_factor(left) && is_factor(right) && (left.is_duration() || right.is_duration()) {
        return Some(Type::Duration.into());
    }
    promoted(left, right)
}

fn is_in(left: &Nature, right: &Nature) -> Result<bool, String> {
    if (left.is_string() || left.is_unknown()) && right.is_struct() {
        return Ok(true);
    }
    if right.is_map() {
        let key = right.key();
        if !left.is_unknown() && !left.is_assignable_to(&key) {
            return Err(format!("cannot use {left} as type {key} in map key"));
        }
        return Ok(true);
    }
    if right.is_array() {
        let element = right.element();
        if !left.is_comparable_to(&element) {
            return Err(format!("cannot use {left} as type {element} in array"));
        }
        return Ok(true);
    }
    Ok((left.is_unknown() && right.is_string()) || right.is_unknown())
}

fn coalesce(left: &Nature, right: &Nature) -> Nature {
    match (left.is_nil, right.is_nil) {
        (true, true) => Nature::nil(),
        (true, false) => right.clone(),
        (false, true) => left.clone(),
        (false, false) if right.is_assignable_to(left) => left.clone(),
        (false, false) => Nature::default(),
    }
}
