//! The types of an expression, before it runs: what the environment's types allow, and the messages of what they do not.

mod calls;
mod closures;
mod members;
mod nature;
mod operators;

pub(crate) use nature::{Nature, Sort};

use crate::syntax::{Kind, Node, Pointer, Unary};
use crate::value::Type;
use nature::Field;
use std::sync::Arc;

/// The types of the names that an expression may use.
pub(crate) trait Names: crate::syntax::Names {
    /// The nature of a name.
    fn nature(&self, name: &str) -> Option<Nature>;
}

/// Gives each node its nature; the first thing that is wrong is the error.
pub(crate) fn check(node: &mut Node, names: &dyn Names) -> Result<Nature, String> {
    let mut checker = Checker {
        names,
        variables: Vec::new(),
        scopes: Vec::new(),
    };
    checker.visit(node)
}

struct Checker<'n> {
    names: &'n dyn Names,
    /// What `let` declared, the latest last.
    variables: Vec<(Arc<str>, Nature)>,
    /// The closures that are open.
    scopes: Vec<Scope>,
}

/// What a closure sees.
struct Scope {
    collection: Nature,
    has_index: bool,
    has_accumulator: bool,
}

impl Checker<'_> {
    fn visit(&mut self, node: &mut Node) -> Result<Nature, String> {
        let nature = self.nature_of(node)?;
        node.nature = nature.clone();
        Ok(nature)
    }

    fn nature_of(&mut self, node: &mut Node) -> Result<Nature, String> {
        Ok(match &mut node.kind {
            Kind::Nil => Nature::nil(),
            Kind::Identifier(name) => {
                let name = name.clone();
                self.identifier(&name)?
            }
            Kind::Integer(_) => Type::INT.into(),
            Kind::Float(_) => Type::Float.into(),
            Kind::Bool(_) => Type::Bool.into(),
            Kind::String(_) => Type::String.into(),
            Kind::Bytes(_) => Type::bytes().into(),
            Kind::Constant(value) => Type::of(value).map_or_else(Nature::nil, Nature::from),
            Kind::Unary(operator, operand) => {
                let operand = self.visit(operand)?.deref();
                unary(*operator, &operand)?
            }
            Kind::Binary(operator, left, right) => {
                let operator = *operator;
                let one = self.visit(left)?.deref();
                let other = self.visit(right)?.deref();
                operators::binary(operator, &one, &other, right)?
            }
            Kind::Chain(inner) => self.visit(inner)?,
            Kind::Member {
                base,
                property,
                is_optional,
                is_method,
            } => self.member(base, property, *is_optional, *is_method)?,
            Kind::Slice { base, from, to } => self.slice(base, from, to)?,
            Kind::Call { callee, arguments } => self.call(callee, arguments)?,
            Kind::Builtin { which, arguments, .. } => self.builtin(*which, arguments)?,
            Kind::Predicate(body) => Nature::predicate(self.visit(body)?),
            Kind::Pointer(pointer) => self.pointer(pointer)?,
            Kind::Let { name, value, body } => {
                let name = name.clone();
                self.declaration(&name, value, body)?
            }
            Kind::Sequence(nodes) => {
                let mut last = Nature::default();
                for node in nodes {
                    last = self.visit(node)?;
                }
                last
            }
            Kind::Conditional {
                condition,
                then,
                otherwise,
            } => self.conditional(condition, then, otherwise)?,
            Kind::Array(nodes) => self.array(nodes)?,
            Kind::Map(pairs) => {
                for (key, value) in pairs {
                    self.visit(key)?;
                    self.visit(value)?;
                }
                Type::string_map().into()
            }
        })
    }

    fn identifier(&self, name: &str) -> Result<Nature, String> {
        let variable = self.variables.iter().rev().find(|(it, _)| &**it == name);
        match variable {
            Some((_, nature)) => Ok(nature.clone()),
            None if name == "$env" => Ok(Nature::default()),
            None => self.name(name, true),
        }
    }

    /// A name of the environment, or a built-in function where those count.
    fn name(&self, name: &str, with_builtins: bool) -> Result<Nature, String> {
        if let Some(nature) = self.names.nature(name) {
            return Ok(nature);
        }
        if with_builtins && let Some(which) = crate::builtin::Builtin::of(name) {
            return Ok(Nature::builtin(which));
        }
        Err(format!("unknown name {name}"))
    }

    fn pointer(&self, pointer: &Pointer) -> Result<Nature, String> {
        let outside = || "cannot use pointer accessor outside predicate".to_owned();
        let scope = self.scopes.last().ok_or_else(outside)?;
        match pointer {
            Pointer::Item if scope.collection.is_unknown() => Ok(Nature::default()),
            Pointer::Item if scope.collection.is_array() => Ok(scope.collection.element()),
            Pointer::Item => Err(format!("cannot use {} as array", scope.collection)),
            Pointer::Index if scope.has_index => Ok(Type::INT.into()),
            Pointer::Accumulator if scope.has_accumulator => Ok(Nature::default()),
            Pointer::Index => Err("unknown pointer #index".to_owned()),
            Pointer::Accumulator => Err("unknown pointer #acc".to_owned()),
            Pointer::Unknown(name) => Err(format!("unknown pointer #{name}")),
        }
    }

    fn declaration(&mut self, name: &Arc<str>, value: &mut Node, body: &mut Node) -> Result<Nature, String> {
        if self.names.has(name) {
            return Err(format!("cannot redeclare {name}"));
        }
        if crate::builtin::Builtin::of(name).is_some() {
            return Err(format!("cannot redeclare builtin {name}"));
        }
        if self.variables.iter().any(|(it, _)| it == name) {
            return Err(format!("cannot redeclare variable {name}"));
        }
        let nature = self.visit(value)?;
        self.variables.push((name.clone(), nature));
        let nature = self.visit(body);
        self.variables.pop();
        nature
    }

    fn conditional(&mut self, condition: &mut Node, then: &mut Node, otherwise: &mut Node) -> Result<Nature, String> {
        let condition = self.visit(condition)?.deref();
        if !condition.is_bool() && !condition.is_unknown() {
            return Err(format!("non-bool expression (type {condition}) used as condition"));
        }
        let then = self.visit(then)?;
        let otherwise = self.visit(otherwise)?;
        Ok(match (then.is_nil, otherwise.is_nil) {
            (true, true) => Nature::nil(),
            (true, false) => otherwise,
            (false, true) => then,
            (false, false) if !then.is_assignable_to(&otherwise) => Nature::default(),
            (false, false) if then.is_array() && otherwise.is_array() => {
                let (one, other) = (then.element(), otherwise.element());
                if one.is_assignable_to(&other) && other.is_assignable_to(&one) {
                    then
                } else {
                    Type::slice(Type::Any).into()
                }
            }
            (false, false) => then,
        })
    }

    fn array(&mut self, nodes: &mut [Node]) -> Result<Nature, String> {
        let mut before: Option<Nature> = None;
        let mut is_uniform = true;
        for node in nodes {
            let nature = self.visit(node)?;
            is_uniform &= before.is_none_or(|it| it.has_kind_of(&nature));
            before = Some(nature);
        }
        Ok(match before {
            Some(last) if is_uniform => last.in_array(),
            None => Nature::default().in_array(),
            Some(_) => Type::slice(Type::Any).into(),
        })
    }
}

fn unary(operator: Unary, operand: &Nature) -> Result<Nature, String> {
    match operator {
        Unary::Not | Unary::NotWord if operand.is_bool() || operand.is_unknown() => Ok(Type::Bool.into()),
        Unary::Plus | Unary::Minus if operand.is_number() => Ok(operand.clone()),
        Unary::Plus | Unary::Minus if operand.is_unknown() => Ok(Nature::default()),
        Unary::Not | Unary::NotWord | Unary::Plus | Unary::Minus => Err(format!(
            "invalid operation: {} (mismatched type {operand})",
            operator.text()
        )),
    }
}
