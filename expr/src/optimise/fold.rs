//! Operations on constants.

use super::{replace, replace_with, take};
use crate::builtin::Builtin;
use crate::go::number::power;
use crate::syntax::{Kind, Node, Operator, Unary};
use crate::value::{Type, Value};
use std::sync::Arc;

/// Folds one node; whether it did.
pub(super) fn fold(node: &mut Node) -> Result<bool, String> {
    match &mut node.kind {
        Kind::Unary(operator, operand) => {
            let Some(folded) = unary(*operator, operand) else {
                return Ok(false);
            };
            set(node, folded);
            Ok(true)
        }
        Kind::Binary(operator, left, right) => {
            let operator = *operator;
            if operator.is_and() || operator.is_or() {
                return Ok(logic(node, operator.is_or()));
            }
            if let Some(folded) = binary(operator, left, right)? {
                set(node, folded);
                return Ok(true);
            }
            Ok(false)
        }
        Kind::Array(nodes) => {
            let values: Option<Vec<Value>> = nodes.iter().map(literal).collect();
            let Some(values) = values.filter(|it| !it.is_empty()) else {
                return Ok(false);
            };
            replace_with(node, Kind::Constant(Value::values(values)), Type::slice(Type::Any));
            Ok(true)
        }
        Kind::Builtin {
            which: Builtin::Filter, ..
        } => Ok(filter_of_filter(node)),
        _ => Ok(false),
    }
}

/// A constant in the place of a node, with the type of the constant.
fn set(node: &mut Node, kind: Kind) {
    let of = match kind {
        Kind::Integer(_) => Type::INT,
        Kind::Float(_) => Type::Float,
        Kind::Bool(_) => Type::Bool,
        _ => Type::String,
    };
    replace_with(node, kind, of);
}

fn literal(node: &Node) -> Option<Value> {
    Some(match &node.kind {
        Kind::Integer(number) => Value::int(*number),
        Kind::Float(number) => Value::Float(*number),
        Kind::String(text) => Value::String(text.clone()),
        Kind::Bool(is) => Value::Bool(*is),
        _ => return None,
    })
}

fn unary(operator: Unary, operand: &Node) -> Option<Kind> {
    match (operator, &operand.kind) {
        (Unary::Minus, Kind::Integer(number)) => Some(Kind::Integer(number.wrapping_neg())),
        (Unary::Minus, Kind::Float(number)) => Some(Kind::Float(-number)),
        (Unary::Plus, Kind::Integer(number)) => Some(Kind::Integer(*number)),
        (Unary::Plus, Kind::Float(number)) => Some(Kind::Float(*number)),
        (Unary::Not | Unary::NotWord, Kind::Bool(is)) => Some(Kind::Bool(!is)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
fn binary(operator: Operator, left: &Node, right: &Node) -> Result<Option<Kind>, String> {
    Ok(match (&left.kind, &right.kind) {
        (Kind::Integer(a), Kind::Integer(b)) => integers(operator, *a, *b)?,
        (Kind::Integer(a), Kind::Float(b)) => floats(operator, *a as f64, *b),
        (Kind::Float(a), Kind::Integer(b)) => floats(operator, *a, *b as f64),
        (Kind::Float(a), Kind::Float(b)) => floats(operator, *a, *b),
        (Kind::String(a), Kind::String(b)) => match operator {
            Operator::Add => Some(Kind::String(Arc::from([&**a, &**b].concat()))),
            Operator::Equal => Some(Kind::Bool(a == b)),
            _ => None,
        },
        (Kind::Bool(a), Kind::Bool(b)) if operator == Operator::Equal => Some(Kind::Bool(a == b)),
        _ => None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
fn integers(operator: Operator, a: i64, b: i64) -> Result<Option<Kind>, String> {
    Ok(match operator {
        Operator::Add => Some(Kind::Integer(a.wrapping_add(b))),
        Operator::Subtract => Some(Kind::Integer(a.wrapping_sub(b))),
        Operator::Multiply => Some(Kind::Integer(a.wrapping_mul(b))),
        Operator::Modulo if b == 0 => return Err("integer divide by zero".to_owned()),
        Operator::Modulo => Some(Kind::Integer(a.wrapping_rem(b))),
        Operator::Equal => Some(Kind::Bool(a == b)),
        _ => floats(operator, a as f64, b as f64),
    })
}

fn floats(operator: Operator, a: f64, b: f64) -> Option<Kind> {
    Some(Kind::Float(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Power | Operator::PowerCaret => power(a, b),
        _ => return None,
    }))
}

/// `true && x` is `x`, `x && false` is `false`, whatever `x` is; `||` the other way round.
fn logic(node: &mut Node, is_or: bool) -> bool {
    let Kind::Binary(_, left, right) = &mut node.kind else {
        return false;
    };
    let constant = |it: &Node| match it.kind {
        Kind::Bool(is) => Some(is),
        _ => None,
    };
    let neutral = Some(!is_or);
    let kept = if constant(left) == neutral {
        take(right)
    } else if constant(right) == neutral {
        take(left)
    } else if constant(left).or(constant(right)).is_some() {
        replace_with(node, Kind::Bool(is_or), Type::Bool);
        return true;
    } else {
        return false;
    };
    replace(node, kept.kind);
    true
}

/// Two filters in a row are one with both conditions.
fn filter_of_filter(node: &mut Node) -> bool {
    let Kind::Builtin { arguments, .. } = &mut node.kind else {
        return false;
    };
    let [base, outer] = arguments.as_mut_slice() else {
        return false;
    };
    let Kind::Builtin {
        which: Builtin::Filter,
        arguments: inner,
        ..
    } = &mut base.kind
    else {
        return false;
    };
    let [collection, inner] = inner.as_mut_slice() else {
        return false;
    };
    let (Kind::Predicate(first), Kind::Predicate(second)) = (&mut inner.kind, &mut outer.kind) else {
        return false;
    };
    let both = Kind::binary(Operator::And, take(first), take(second));
    let closure = Kind::Predicate(Box::new(both.into())).into();
    let filter = Kind::builtin(Builtin::Filter, vec![take(collection), closure]);
    replace(node, filter);
    true
}
