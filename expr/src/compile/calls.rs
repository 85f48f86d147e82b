//! Calls.

use super::{Code, Compiler, Loop, is_followed};
use crate::builtin::Builtin;
use crate::syntax::{Kind, Node};
use crate::value::{IntegerKind, Signature, Type};

impl Compiler<'_> {
    pub(super) fn call(&mut self, callee: &Node, arguments: &[Node]) -> Result<Code, String> {
        let signature = callee.nature.signature();
        let last = signature.map_or(0, |it| it.parameters.len().saturating_sub(1));
        let mut codes = Vec::with_capacity(arguments.len());
        for (index, argument) in arguments.iter().enumerate() {
            let code = self.code(argument)?;
            let parameter = signature.and_then(|it| match it.parameters.get(index.min(last)) {
                Some(Type::Slice(element)) if it.is_variadic && index >= last => Some(&**element),
                parameter => parameter,
            });
            let follows = parameter.is_some_and(|it| is_followed(&argument.nature, it));
            codes.push(if follows { Code::Deref(Box::new(code)) } else { code });
        }
        Ok(Code::Call {
            callee: Box::new(self.code(callee)?),
            arguments: codes,
            is_direct: signature.is_some_and(is_direct),
        })
    }

    pub(super) fn builtin(&mut self, node: &Node) -> Result<Code, String> {
        let Kind::Builtin {
            which,
            arguments,
            kept,
            throws,
            threshold,
        } = &node.kind
        else {
            return self.code(node);
        };
        if which.closure().is_none() {
            let mut codes = Vec::with_capacity(arguments.len());
            for argument in arguments {
                let code = if *which == Builtin::Now || is_zone(argument) {
                    self.code(argument)?
                } else {
                    self.value(argument)?
                };
                codes.push(code);
            }
            return Ok(Code::Builtin(*which, codes));
        }
        let [collection, rest @ ..] = arguments.as_slice() else {
            return Err(format!("not enough arguments to call {}", which.name()));
        };
        Ok(Code::Loop(Box::new(Loop {
            which: *which,
            collection: self.value(collection)?,
            closure: rest.first().map(|it| self.code(it)).transpose()?,
            extra: match rest.get(1) {
                Some(extra) if *which == Builtin::Reduce => Some(self.value(extra)?),
                Some(extra) => Some(self.code(extra)?),
                None => None,
            },
            kept: kept.as_deref().map(|it| self.code(it)).transpose()?,
            throws: *throws,
            threshold: *threshold,
        })))
    }
}

fn is_zone(argument: &Node) -> bool {
    matches!(&argument.nature.of, Some(Type::Pointer(to)) if **to == Type::Location)
}

/// Whether the library has a direct call for a signature.
fn is_direct(signature: &Signature) -> bool {
    let [result] = signature.results.as_slice() else {
        return false;
    };
    if signature.is_variadic {
        return false;
    }
    let is_integer = |it: &Type| matches!(it, Type::Integer(IntegerKind::Int | IntegerKind::Int64));
    match signature.parameters.as_slice() {
        [] => {
            is_integer(result)
                || matches!(
                    result,
                    Type::Duration
                        | Type::Month
                        | Type::Time
                        | Type::Weekday
                        | Type::Any
                        | Type::Bool
                        | Type::Float
                        | Type::String
                )
        }
        [Type::Any] => matches!(result, Type::Any | Type::Bool | Type::Float | Type::String) || *result == Type::INT,
        [Type::Any, Type::Any] => matches!(result, Type::Any | Type::Bool | Type::String),
        [Type::Float] => matches!(result, Type::Bool | Type::Float | Type::String) || *result == Type::INT,
        [Type::Duration] => matches!(result, Type::Duration | Type::Time),
        [Type::Time] => matches!(result, Type::Duration | Type::Bool),
        [Type::String] => matches!(result, Type::Bool | Type::Float | Type::String) || *result == Type::INT,
        _ => false,
    }
}
