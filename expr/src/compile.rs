//! From a checked tree to what runs: names become places, types become ways to compare and call.

mod calls;
mod code;

pub(crate) use code::{Code, Equality, Loop, TextTest};

use crate::check::{Nature, Sort};
use crate::go::regex;
use crate::run::{Arithmetic, Comparison};
use crate::syntax::{Kind, Node, Operator, Pointer, Unary};
use crate::value::{IntegerKind, Type, Value};
use std::sync::Arc;

/// The code of a tree, and how many variables it has.
pub(crate) fn compile(node: &Node, names: &[Arc<str>]) -> Result<(Code, usize), String> {
    let mut compiler = Compiler {
        names,
        scopes: Vec::new(),
        variables: 0,
    };
    let code = compiler.code(node)?;
    Ok((code, compiler.variables))
}

struct Compiler<'n> {
    /// The names of the environment, in the order of their values.
    names: &'n [Arc<str>],
    /// What `let` declared, the latest last, with its place.
    scopes: Vec<(Arc<str>, usize)>,
    variables: usize,
}

impl Compiler<'_> {
    fn code(&mut self, node: &Node) -> Result<Code, String> {
        Ok(match &node.kind {
            Kind::Nil => Code::Value(Value::Nil),
            Kind::Integer(number) => Code::Value(Value::int(*number)),
            Kind::Float(number) => Code::Value(Value::Float(*number)),
            Kind::Bool(is) => Code::Value(Value::Bool(*is)),
            Kind::String(text) => Code::Value(Value::String(text.clone())),
            Kind::Bytes(bytes) => Code::Value(Value::bytes(bytes)),
            Kind::Constant(value) => Code::Value(value.clone()),
            Kind::Identifier(name) => self.identifier(name),
            Kind::Pointer(Pointer::Item) => Code::Item,
            Kind::Pointer(Pointer::Index) => Code::Index,
            Kind::Pointer(Pointer::Accumulator) => Code::Accumulator,
            Kind::Pointer(Pointer::Unknown(name)) => return Err(format!("unknown pointer {name}")),
            Kind::Unary(operator, operand) => {
                let operand = Box::new(self.value(operand)?);
                match operator {
                    Unary::Not | Unary::NotWord => Code::Not(operand),
                    Unary::Minus => Code::Negate(operand),
                    Unary::Plus => *operand,
                }
            }
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Kind::Chain(inner) => Code::Chain(Box::new(self.code(inner)?)),
            Kind::Member {
                base,
                property,
                is_optional,
                ..
            } => {
                let base = Box::new(self.code(base)?);
                match &property.kind {
                    Kind::Integer(at) if !is_optional => Code::At(base, *at),
                    _ => Code::Member {
                        base,
                        property: Box::new(self.value(property)?),
                        is_optional: *is_optional,
                    },
                }
            }
            Kind::Slice { base, from, to } => Code::Slice {
                base: Box::new(self.code(base)?),
                from: self.boxed(from.as_deref())?,
                to: self.boxed(to.as_deref())?,
            },
            Kind::Call { callee, arguments } => self.call(callee, arguments)?,
            Kind::Builtin { .. } => self.builtin(node)?,
            Kind::Predicate(body) => self.code(body)?,
            Kind::Let { name, value, body } => {
                let value = Box::new(self.code(value)?);
                let place = self.variables;
                self.variables += 1;
                self.scopes.push((name.clone(), place));
                let body = self.code(body);
                self.scopes.pop();
                Code::Let(place, value, Box::new(body?))
            }
            Kind::Sequence(nodes) => Code::Sequence(self.all(nodes)?),
            Kind::Conditional {
                condition,
                then,
                otherwise,
            } => Code::Conditional(
                Box::new(self.value(condition)?),
                Box::new(self.code(then)?),
                Box::new(self.code(otherwise)?),
            ),
            Kind::Array(nodes) => Code::Array(self.all(nodes)?),
            Kind::Map(pairs) => {
                let mut codes = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    codes.push((self.code(key)?, self.code(value)?));
                }
                Code::Map(codes)
            }
        })
    }

    fn all(&mut self, nodes: &[Node]) -> Result<Vec<Code>, String> {
        nodes.iter().map(|it| self.code(it)).collect()
    }

    fn boxed(&mut self, node: Option<&Node>) -> Result<Option<Box<Code>>, String> {
        node.map(|it| self.value(it).map(Box::new)).transpose()
    }

    /// The code of an operand, which pointers lead to.
    fn value(&mut self, node: &Node) -> Result<Code, String> {
        let code = self.code(node)?;
        let is_plain = match node.nature.sort() {
            // Unknown, or a pointer.
            None | Some(Sort::Interface | Sort::Pointer) => node.nature.is_nil,
            Some(_) => true,
        };
        let never_points = matches!(code, Code::Value(_));
        Ok(if is_plain || never_points {
            code
        } else {
            Code::Deref(Box::new(code))
        })
    }

    fn identifier(&self, name: &Arc<str>) -> Code {
        if let Some((_, place)) = self.scopes.iter().rev().find(|(it, _)| it == name) {
            return Code::Variable(*place);
        }
        if &**name == "$env" {
            return Code::Environment(self.names.to_vec());
        }
        // Names that nobody checked, behind a callee that is unknown, are nil.
        let place = self.names.iter().position(|it| it == name);
        place.map_or(Code::Value(Value::Nil), Code::Name)
    }

    fn binary(&mut self, operator: Operator, left: &Node, right: &Node) -> Result<Code, String> {
        if let Some(code) = self.special(operator, left, right)? {
            return Ok(code);
        }
        let one = Box::new(self.value(left)?);
        let other = Box::new(self.value(right)?);
        Ok(match operator {
            Operator::Or | Operator::OrWord => Code::Or(one, other),
            Operator::And | Operator::AndWord => Code::And(one, other),
            Operator::Coalesce => Code::Coalesce(one, other),
            Operator::Equal => Code::Equal(equality(left, right), one, other),
            Operator::NotEqual => {
                let equal = Code::Equal(equality(left, right), one, other);
                Code::Not(Box::new(equal))
            }
            Operator::Less => Code::Compare(Comparison::Less, one, other),
            Operator::LessOrEqual => Code::Compare(Comparison::LessOrEqual, one, other),
            Operator::More => Code::Compare(Comparison::More, one, other),
            Operator::MoreOrEqual => Code::Compare(Comparison::MoreOrEqual, one, other),
            Operator::In => Code::In(one, other),
            Operator::Matches => Code::Matches(one, other),
            Operator::Contains => Code::Test(TextTest::Contains, one, other),
            Operator::StartsWith => Code::Test(TextTest::StartsWith, one, other),
            Operator::EndsWith => Code::Test(TextTest::EndsWith, one, other),
            Operator::Range => Code::Range(one, other),
            Operator::Add => Code::Calculate(Arithmetic::Add, one, other),
            Operator::Subtract => Code::Calculate(Arithmetic::Subtract, one, other),
            Operator::Multiply => Code::Calculate(Arithmetic::Multiply, one, other),
            Operator::Divide => Code::Calculate(Arithmetic::Divide, one, other),
            Operator::Modulo => Code::Calculate(Arithmetic::Modulo, one, other),
            Operator::Power | Operator::PowerCaret => Code::Calculate(Arithmetic::Power, one, other),
            Operator::Pipe => return Err("unknown operator (|)".to_owned()),
        })
    }

    /// Operations that are not made of two values: with a constant expression, within constant bounds.
    fn special(&mut self, operator: Operator, left: &Node, right: &Node) -> Result<Option<Code>, String> {
        if let (Operator::Matches, Kind::String(pattern)) = (operator, &right.kind) {
            let pattern = Box::new(regex::compile(pattern)?);
            return Ok(Some(Code::MatchesConstant(Box::new(self.value(left)?), pattern)));
        }
        let is_int = left.nature.sort() == Some(Sort::Integer(IntegerKind::Int));
        if operator == Operator::In
            && is_int
            && let Kind::Binary(Operator::Range, from, to) = &right.kind
            && let (Kind::Integer(from), Kind::Integer(to)) = (&from.kind, &to.kind)
        {
            let value = Box::new(self.value(left)?);
            return Ok(Some(Code::InRange(value, *from, *to)));
        }
        Ok(None)
    }
}

/// How two operands are compared, which their types say.
fn equality(left: &Node, right: &Node) -> Equality {
    let both = |of: &Type| left.nature.of.as_ref() == Some(of) && right.nature.of.as_ref() == Some(of);
    if both(&Type::INT) {
        Equality::Ints
    } else if both(&Type::String) {
        Equality::Texts
    } else {
        Equality::Any
    }
}

/// Whether a pointer is followed before it becomes an argument of a type.
fn is_followed(argument: &Nature, parameter: &Type) -> bool {
    let parameter = Nature::from(parameter.clone());
    argument.is_pointer() && !argument.is_assignable_to(&parameter) && !parameter.is_pointer()
}
