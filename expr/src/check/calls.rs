//! Calls of functions and methods.

use super::{Checker, Nature};
use crate::builtin;
use crate::syntax::{Kind, Node, Operator};
use crate::value::{Signature, Type};

/// What a function gives for arguments that fit one of its signatures, or why they do not.
type Fit = Result<Nature, String>;

impl Checker<'_> {
    pub(super) fn call(&mut self, callee: &mut Node, arguments: &mut [Node]) -> Result<Nature, String> {
        if matches!(&callee.kind, Kind::Identifier(name) if &**name == "$env") {
            return Err("map[string]interface {} is not callable".to_owned());
        }
        let nature = self.visit(callee)?;
        if nature.is_unknown() {
            // Upstream does not look at the arguments either; they are unknown to it.
            return Ok(Nature::default());
        }
        if let Some(which) = nature.function {
            return self.function(which, arguments);
        }
        let name = match &callee.kind {
            Kind::Identifier(name) => name.clone(),
            Kind::Member { property, .. } => match &property.kind {
                Kind::String(name) => name.clone(),
                _ => "function".into(),
            },
            _ => "function".into(),
        };
        if nature.is_nil {
            return Err(format!("{name} is nil; cannot call nil as function"));
        }
        match nature.signature() {
            Some(signature) => self.arguments(&name, signature, arguments)?,
            None => Err(format!("{nature} is not callable")),
        }
    }

    /// A built-in function without a closure.
    pub(super) fn function(&mut self, which: builtin::Builtin, arguments: &mut [Node]) -> Result<Nature, String> {
        let signatures = match builtin::signatures(which) {
            builtin::Checked::Signatures(signatures) => signatures,
            builtin::Checked::ByRule => {
                let mut natures = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    natures.push(self.visit(argument)?);
                }
                return builtin::check(which, &natures);
            }
        };
        let mut last = Ok(Nature::default());
        for signature in &signatures {
            last = self.arguments(which.name(), signature, arguments)?;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// Arguments against parameters: what the function gives, or why they do not fit. What is wrong within an argument ends
    /// the check, whatever other signatures there are.
    fn arguments(&mut self, name: &str, signature: &Signature, arguments: &mut [Node]) -> Result<Fit, String> {
        let given = match signature.results.as_slice() {
            [] => return Ok(Err(format!("func {name} doesn't return value"))),
            [first] | [first, _] => first,
            _ => return Ok(Err(format!("func {name} returns more then two values"))),
        };
        let wanted = signature.parameters.len();
        let least = wanted - usize::from(signature.is_variadic);
        let count = arguments.len();
        let wrong = if count < least {
            Some("not enough")
        } else if count > wanted && !signature.is_variadic {
            Some("too many")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            for argument in arguments {
                self.visit(argument)?;
            }
            return Ok(Err(format!("{wrong} arguments to call {name}")));
        }
        for (index, argument) in arguments.iter_mut().enumerate() {
            let nature = self.visit(argument)?;
            let parameter = match signature.parameters.get(index.min(wanted.saturating_sub(1))) {
                Some(Type::Slice(element)) if signature.is_variadic && index + 1 >= wanted => Type::clone(element),
                Some(parameter) => parameter.clone(),
                None => continue,
            };
            if let Err(why) = fit(name, argument, &nature, &parameter.into()) {
                return Ok(Err(why));
            }
        }
        Ok(Ok(given.clone().into()))
    }
}

/// Whether an argument fits a parameter; integers where a float is wanted become floats.
fn fit(name: &str, argument: &mut Node, nature: &Nature, parameter: &Nature) -> Result<(), String> {
    if parameter.is_float() && nature.is_integer() {
        make_float(argument);
        return Ok(());
    }
    if parameter.is_integer() && nature.is_integer() && nature.of != parameter.of {
        return Ok(());
    }
    if nature.is_nil {
        if parameter.is_pointer() || parameter.of == Some(Type::Any) {
            return Ok(());
        }
        return Err(format!("cannot use nil as argument (type {parameter}) to call {name}"));
    }
    let fits = nature.is_assignable_to(parameter)
        || (nature.is_pointer() && nature.deref().is_assignable_to(parameter))
        || nature.is_unknown();
    if !fits {
        return Err(format!(
            "cannot use {nature} as argument (type {parameter}) to call {name} "
        ));
    }
    Ok(())
}

/// Literals of a sum or product become floats, so that `isNaN(1 + 2)` has one.
fn make_float(node: &mut Node) {
    match &mut node.kind {
        #[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
        Kind::Integer(number) => {
            node.kind = Kind::Float(*number as f64);
            node.nature = Type::Float.into();
        }
        Kind::Unary(_, operand) => make_float(operand),
        Kind::Binary(Operator::Add | Operator::Subtract | Operator::Multiply, left, right) => {
            make_float(left);
            make_float(right);
        }
        _ => {}
    }
}
