//! Sums that are computed otherwise than one by one.

use super::{replace, replace_with, take};
use crate::builtin::Builtin;
use crate::syntax::{Kind, Node, Operator, Pointer};
use crate::value::Type;

/// An array with more elements is summed one by one: each would be a level of the tree.
const ARRAY: usize = 200;

/// The bounds of a range of constants that is not empty.
fn bounds(node: &Node) -> Option<(i64, i64)> {
    match &node.kind {
        Kind::Binary(Operator::Range, from, to) => match (&from.kind, &to.kind) {
            (Kind::Integer(from), Kind::Integer(to)) if to >= from => Some((*from, *to)),
            _ => None,
        },
        _ => None,
    }
}

/// The sum of a range of constants comes from the formula.
pub(super) fn of_range(node: &mut Node) {
    let Kind::Builtin { which, arguments, .. } = &node.kind else {
        return;
    };
    let Some((from, to)) = arguments.first().and_then(bounds) else {
        return;
    };
    let count = to.wrapping_sub(from).wrapping_add(1);
    let sum = count.wrapping_mul(from.wrapping_add(to)).wrapping_div(2);
    let found = match (which, arguments.as_slice()) {
        (Builtin::Sum, [_]) => Some(sum),
        (Builtin::Sum, [_, closure]) => of_closure(sum, count, closure),
        (Builtin::Reduce, [_, closure]) if adds_up(closure) => Some(sum),
        (Builtin::Reduce, [_, closure, initial]) if adds_up(closure) => match initial.kind {
            Kind::Integer(initial) => Some(initial.wrapping_add(sum)),
            _ => None,
        },
        _ => None,
    };
    if let Some(found) = found {
        replace_with(node, Kind::Integer(found), Type::INT);
    }
}

/// The sum where each element is taken as such, or with a constant added, subtracted or multiplied.
fn of_closure(sum: i64, count: i64, closure: &Node) -> Option<i64> {
    let Kind::Predicate(body) = &closure.kind else {
        return None;
    };
    let item = Kind::Pointer(Pointer::Item);
    if body.kind == item {
        return Some(sum);
    }
    let Kind::Binary(operator, left, right) = &body.kind else {
        return None;
    };
    let (constant, item_is_left) = match (&left.kind, &right.kind) {
        (left, Kind::Integer(constant)) if *left == item => (*constant, true),
        (Kind::Integer(constant), right) if *right == item => (*constant, false),
        _ => return None,
    };
    let constants = count.wrapping_mul(constant);
    Some(match operator {
        Operator::Multiply => constant.wrapping_mul(sum),
        Operator::Add => sum.wrapping_add(constants),
        Operator::Subtract if item_is_left => sum.wrapping_sub(constants),
        Operator::Subtract => constants.wrapping_sub(sum),
        _ => return None,
    })
}

/// Whether a closure is `# + #acc` or `#acc + #`.
fn adds_up(closure: &Node) -> bool {
    let Kind::Predicate(body) = &closure.kind else {
        return false;
    };
    let Kind::Binary(Operator::Add, left, right) = &body.kind else {
        return false;
    };
    matches!(
        (&left.kind, &right.kind),
        (Kind::Pointer(Pointer::Item), Kind::Pointer(Pointer::Accumulator))
            | (Kind::Pointer(Pointer::Accumulator), Kind::Pointer(Pointer::Item))
    )
}

/// `sum([a, b, c])` is `a + (b + c)`.
pub(super) fn of_array(node: &mut Node) {
    let Kind::Builtin {
        which: Builtin::Sum,
        arguments,
        ..
    } = &mut node.kind
    else {
        return;
    };
    let [only] = arguments.as_mut_slice() else { return };
    let Kind::Array(nodes) = &mut only.kind else { return };
    if !(2..=ARRAY).contains(&nodes.len()) {
        return;
    }
    let mut nodes = std::mem::take(nodes).into_iter().rev();
    let Some(last) = nodes.next() else { return };
    let total = nodes.fold(last, |total, it| Kind::binary(Operator::Add, it, total).into());
    replace(node, total.kind);
}

/// `sum(map(x, …))` is `sum(x, …)`.
pub(super) fn of_map(node: &mut Node) {
    let Kind::Builtin {
        which: Builtin::Sum,
        arguments,
        ..
    } = &mut node.kind
    else {
        return;
    };
    let [only] = arguments.as_mut_slice() else { return };
    let Kind::Builtin {
        which: Builtin::Map,
        arguments: mapped,
        ..
    } = &mut only.kind
    else {
        return;
    };
    if let [collection, closure] = mapped.as_mut_slice() {
        let kind = Kind::builtin(Builtin::Sum, vec![take(collection), take(closure)]);
        replace(node, kind);
    }
}
