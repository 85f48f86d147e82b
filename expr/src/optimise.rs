//! What the library changes of an expression before it runs, as far as users can tell: constants that it folds, operands
//! that it leaves out, loops that it joins or ends early. Each changes which error comes first, or whether one comes.

mod fold;
mod loops;
mod sums;

use crate::check::{Nature, Sort};
use crate::syntax::{Kind, Node, Operator};
use crate::value::{Key, Map, Type, Value};
use std::sync::Arc;

/// How often constants are folded at most.
const FOLDS: usize = 1_000;

/// Rewrites an expression that is checked.
///
/// # Errors
/// A division of constants by zero.
pub(crate) fn optimise(node: &mut Node) -> Result<(), String> {
    walk(node, &mut |it| {
        in_constants(it);
        Ok(())
    })?;
    for _ in 0..FOLDS {
        let mut is_changed = false;
        walk(node, &mut |it| {
            is_changed |= fold::fold(it)?;
            Ok(())
        })?;
        if !is_changed {
            break;
        }
    }
    let passes: [fn(&mut Node); 10] = [
        loops::map_of_filter,
        loops::length_of_filter,
        loops::last_of_filter,
        loops::first_of_filter,
        loops::join_closures,
        sums::of_range,
        sums::of_array,
        sums::of_map,
        loops::count_as_any,
        loops::count_enough,
    ];
    for pass in passes {
        walk(node, &mut |it| {
            pass(it);
            Ok(())
        })?;
    }
    Ok(())
}

/// Visits each node, those below it first.
fn walk(node: &mut Node, visit: &mut dyn FnMut(&mut Node) -> Result<(), String>) -> Result<(), String> {
    for child in node.children_mut() {
        walk(child, visit)?;
    }
    visit(node)
}

/// Another node in the place of one, with its type.
fn replace(node: &mut Node, kind: Kind) {
    node.kind = kind;
    node.nature = Nature::from(node.nature.of.take().unwrap_or(Type::Any));
}

/// Another node in the place of one, with a type of its own.
fn replace_with(node: &mut Node, kind: Kind, of: Type) {
    node.kind = kind;
    node.nature = of.into();
}

/// Takes a node out of the tree; what is left behind is to be replaced.
fn take(node: &mut Node) -> Node {
    std::mem::replace(node, Kind::Nil.into())
}

/// `x in ["a", "b"]` looks into a map whose keys are texts, and fails where `x` is something else.
fn in_constants(node: &mut Node) {
    let Kind::Binary(Operator::In, left, right) = &mut node.kind else {
        return;
    };
    let Kind::Array(nodes) = &right.kind else { return };
    if nodes.is_empty() {
        return;
    }
    let is_int = left.nature.sort() == Some(Sort::Integer(crate::value::IntegerKind::Int));
    let int = |it: &Node| match &it.kind {
        Kind::Integer(number) => Some(Value::int(*number)),
        _ => None,
    };
    let text = |it: &Node| match &it.kind {
        Kind::String(text) => Some(Value::String(text.clone())),
        _ => None,
    };
    let ints: Option<Vec<Value>> = nodes.iter().map(int).collect();
    let texts: Option<Vec<Value>> = nodes.iter().map(text).collect();
    let (key, keys) = match (ints.filter(|_| is_int), texts) {
        (Some(ints), _) => (Type::INT, ints),
        (None, Some(texts)) => (Type::String, texts),
        (None, None) => return,
    };
    let map = Map {
        key,
        value: Type::Any,
        entries: keys.into_iter().map(|it| (Key(it), Value::Nil)).collect(),
        is_new_relic: false,
    };
    right.kind = Kind::Constant(Value::Map(Arc::new(map)));
}
