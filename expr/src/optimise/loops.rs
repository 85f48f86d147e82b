//! Loops that become one, or end early.

use super::{replace, take};
use crate::builtin::Builtin;
use crate::syntax::{Kind, Node, Operator, Pointer};

/// The parts of a filter with a closure: its arguments, and what is kept.
fn filter(node: &mut Node) -> Option<(Vec<Node>, Option<Box<Node>>)> {
    match &mut node.kind {
        Kind::Builtin {
            which: Builtin::Filter,
            arguments,
            kept,
            ..
        } if arguments.len() == 2 => Some((std::mem::take(arguments), kept.take())),
        _ => None,
    }
}

fn uses_index(node: &Node) -> bool {
    node.kind == Kind::Pointer(Pointer::Index) || node.children().into_iter().any(uses_index)
}

/// `map(filter(x, …), …)` goes over the list once.
pub(super) fn map_of_filter(node: &mut Node) {
    let Kind::Builtin {
        which: Builtin::Map,
        arguments,
        ..
    } = &mut node.kind
    else {
        return;
    };
    let [base, closure] = arguments.as_mut_slice() else {
        return;
    };
    let is_kept = matches!(
        &base.kind,
        Kind::Builtin {
            which: Builtin::Filter,
            kept: None,
            ..
        }
    );
    if !is_kept || uses_index(closure) {
        return;
    }
    let Kind::Predicate(body) = &mut closure.kind else {
        return;
    };
    let Some((arguments, _)) = filter(base) else { return };
    let kind = Kind::Builtin {
        which: Builtin::Filter,
        arguments,
        kept: Some(Box::new(take(body))),
        throws: false,
        threshold: None,
    };
    replace(node, kind);
}

/// The one argument of a function that is a filter.
fn filter_within(node: &mut Node, wanted: Builtin) -> Option<(Vec<Node>, Option<Box<Node>>)> {
    match &mut node.kind {
        Kind::Builtin { which, arguments, .. } if *which == wanted => match arguments.as_mut_slice() {
            [only] => filter(only),
            _ => None,
        },
        _ => None,
    }
}

/// `len(filter(x, …))` counts.
pub(super) fn length_of_filter(node: &mut Node) {
    if let Some((arguments, _)) = filter_within(node, Builtin::Len) {
        replace(node, Kind::builtin(Builtin::Count, arguments));
    }
}

/// `filter(x, …)[0]` and `first(filter(x, …))` stop at the first hit.
pub(super) fn first_of_filter(node: &mut Node) {
    end_of_filter(node, 0, Builtin::First, Builtin::Find);
}

/// `filter(x, …)[-1]` and `last(filter(x, …))` begin at the end.
pub(super) fn last_of_filter(node: &mut Node) {
    end_of_filter(node, -1, Builtin::Last, Builtin::FindLast);
}

fn end_of_filter(node: &mut Node, at: i64, function: Builtin, which: Builtin) {
    let mut throws = false;
    let mut found = None;
    if let Kind::Member {
        base,
        property,
        is_optional: false,
        ..
    } = &mut node.kind
        && property.kind == Kind::Integer(at)
    {
        throws = true;
        found = filter(base);
    }
    let Some((arguments, kept)) = found.or_else(|| filter_within(node, function)) else {
        return;
    };
    let kind = Kind::Builtin {
        which,
        arguments,
        kept,
        throws,
        threshold: None,
    };
    replace(node, kind);
}

/// `all(x, …) && all(x, …)` goes over the list once; so do `any` with `||`, and `none` with `&&`.
pub(super) fn join_closures(node: &mut Node) {
    let Kind::Binary(operator, left, right) = &mut node.kind else {
        return;
    };
    let (
        Kind::Builtin {
            which, arguments: one, ..
        },
        Kind::Builtin {
            which: other_which,
            arguments: other,
            ..
        },
    ) = (&mut left.kind, &mut right.kind)
    else {
        return;
    };
    let which = *which;
    let joined = match (which, *operator) {
        (Builtin::All, Operator::And | Operator::AndWord) | (Builtin::Any, Operator::Or | Operator::OrWord) => {
            *operator
        }
        (Builtin::None, Operator::And) => Operator::Or,
        (Builtin::None, Operator::AndWord) => Operator::OrWord,
        _ => return,
    };
    let ([collection, first], [other_collection, second]) = (one.as_mut_slice(), other.as_mut_slice()) else {
        return;
    };
    let is_same =
        which == *other_which && collection == other_collection && collection.nature.of == other_collection.nature.of;
    let (true, Kind::Predicate(first), Kind::Predicate(second)) = (is_same, &mut first.kind, &mut second.kind) else {
        return;
    };
    let mut body: Node = Kind::binary(joined, take(first), take(second)).into();
    join_closures(&mut body);
    let closure = Kind::Predicate(Box::new(body)).into();
    let kind = Kind::builtin(which, vec![take(collection), closure]);
    replace(node, kind);
}

/// The count of a comparison `count(x, …) > 1`: its arguments, the operator, and the number.
fn counted(node: &mut Node) -> Option<(&mut Node, Operator, i64)> {
    let Kind::Binary(operator, left, right) = &mut node.kind else {
        return None;
    };
    let Kind::Integer(number) = right.kind else { return None };
    let is_count = matches!(
        &left.kind,
        Kind::Builtin { which: Builtin::Count, arguments, .. } if arguments.len() == 2
    );
    is_count.then_some((left, *operator, number))
}

/// `count(x, …) > 0` stops at the first hit.
pub(super) fn count_as_any(node: &mut Node) {
    let Some((count, operator, number)) = counted(node) else {
        return;
    };
    if !matches!((operator, number), (Operator::More, 0) | (Operator::MoreOrEqual, 1)) {
        return;
    }
    let Kind::Builtin { arguments, .. } = &mut count.kind else {
        return;
    };
    let kind = Kind::builtin(Builtin::Any, std::mem::take(arguments));
    replace(node, kind);
}

/// A count that is compared stops once the answer is certain.
pub(super) fn count_enough(node: &mut Node) {
    let Some((count, operator, number)) = counted(node) else {
        return;
    };
    let enough = match operator {
        Operator::More | Operator::LessOrEqual => number.checked_add(1),
        Operator::MoreOrEqual | Operator::Less => Some(number),
        _ => None,
    };
    if let (Some(enough), Kind::Builtin { threshold, .. }) = (enough.filter(|it| *it > 1), &mut count.kind) {
        *threshold = Some(enough);
    }
}
