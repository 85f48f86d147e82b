//! From words to a tree: operators by their precedence, calls, closures.

use super::lexer::Lexer;
use super::token::{Token, TokenKind};
use super::tree::{Kind, Node, Operator, Pointer, Unary};
use crate::builtin::{Argument, Builtin};
use crate::go::number::{parse_float, parse_int, parse_prefixed_int};
use crate::go::quote::quoted;
use std::sync::Arc;

/// How many nodes an expression may have.
const NODES: usize = 10_000;
/// How deep parentheses, operands and calls may be nested. (The library has no limit but its stack, which grows.)
const DEPTH: usize = 200;
/// How many levels a tree may have; `a + b + c` has three.
const HEIGHT: usize = 400;
/// How many nodes a chained comparison may repeat: `1 < x < 3` judges `x` twice.
const REPEATED: usize = 20_000;

/// Which names the environment has: they win over built-in functions.
pub(crate) trait Names {
    /// Whether there is one.
    fn has(&self, name: &str) -> bool;
}

/// The tree of an expression.
pub(crate) fn parse(source: &str, names: &dyn Names) -> Result<Node, String> {
    let mut parser = Parser {
        lexer: Lexer::new(source),
        current: Token::new(TokenKind::End, ""),
        stashed: None,
        names,
        closures: 0,
        nodes: 0,
        repeated: 0,
        depth: 0,
    };
    parser.advance()?;
    let node = parser.sequence()?;
    if parser.current.kind != TokenKind::End {
        return Err(parser.unexpected());
    }
    Ok(node)
}

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    pub(super) current: Token,
    stashed: Option<Token>,
    names: &'a dyn Names,
    /// How many closures are open.
    closures: usize,
    nodes: usize,
    repeated: usize,
    depth: usize,
}

impl Parser<'_> {
    pub(super) fn advance(&mut self) -> Result<(), String> {
        self.current = match self.stashed.take() {
            Some(token) => token,
            None => self.lexer.token()?.ok_or("unexpected end of expression")?,
        };
        Ok(())
    }

    pub(super) fn unexpected(&self) -> String {
        format!("unexpected token {}", self.current)
    }

    fn expect_operator(&mut self, text: &str) -> Result<(), String> {
        if !self.current.is_operator(text) {
            return Err(self.unexpected());
        }
        self.advance()
    }

    pub(super) fn expect_bracket(&mut self, text: &str) -> Result<(), String> {
        if !self.current.is_bracket(text) {
            return Err(self.unexpected());
        }
        self.advance()
    }

    fn expect_identifier(&mut self) -> Result<Token, String> {
        if self.current.kind != TokenKind::Identifier {
            return Err(self.unexpected());
        }
        let token = self.current.clone();
        self.advance()?;
        Ok(token)
    }

    pub(super) fn node(&mut self, kind: Kind) -> Result<Node, String> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err("compilation failed: expression exceeds maximum allowed nodes".to_owned());
        }
        let node = Node::from(kind);
        if node.height > HEIGHT {
            return Err(too_deep(HEIGHT));
        }
        Ok(node)
    }

    /// Goes one level deeper for as long as the work takes.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= DEPTH {
            return Err(too_deep(DEPTH));
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        done
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.expression(0)?];
        while self.current.is_operator(";") {
            self.advance()?;
            if self.current.kind == TokenKind::End {
                break;
            }
            nodes.push(self.expression(0)?);
        }
        match nodes.pop() {
            Some(only) if nodes.is_empty() => Ok(only),
            last => {
                nodes.extend(last);
                self.node(Kind::Sequence(nodes))
            }
        }
    }

    pub(super) fn expression(&mut self, precedence: u16) -> Result<Node, String> {
        self.deeper(|parser| parser.expression_here(precedence))
    }

    fn expression_here(&mut self, precedence: u16) -> Result<Node, String> {
        if precedence == 0 && self.current.is_operator("let") {
            return self.declaration();
        }
        if precedence == 0 && self.current.is_operator("if") {
            return self.if_else();
        }
        let mut left = self.primary()?;
        let mut before: Option<Operator> = None;
        while let Some((operator, is_negated)) = self.operator(precedence)? {
            self.advance()?;
            if operator == Operator::Pipe {
                let name = self.expect_identifier()?;
                left = self.call(&name.text, vec![left], true)?;
            } else if before == Some(Operator::Coalesce) && operator != Operator::Coalesce {
                let text = operator.text();
                return Err(format!(
                    "Operator ({text}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses."
                ));
            } else if operator.is_comparison() {
                left = self.comparison(left, operator)?;
                // Comparisons that follow are read already: the last of them stands before what comes now.
            } else {
                let above = u16::from(!operator.is_right_associative());
                let right = self.expression(operator.precedence() + above)?;
                left = self.node(Kind::binary(operator, left, right))?;
                if is_negated {
                    left = self.node(Kind::Unary(Unary::NotWord, Box::new(left)))?;
                }
            }
            before = Some(operator);
        }
        if precedence == 0 {
            left = self.conditional(left)?;
        }
        Ok(left)
    }

    /// The binary operator that comes next, if it binds at least so tightly, and whether `not` stands before it. `not` is
    /// read, and comes back if the operator after it does not belong here.
    fn operator(&mut self, precedence: u16) -> Result<Option<(Operator, bool)>, String> {
        if self.current.kind != TokenKind::Operator {
            return Ok(None);
        }
        let binds = |operator: &Operator| operator.precedence() >= precedence;
        if self.current.text != "not" {
            let operator = Operator::of(&self.current.text).filter(binds);
            return Ok(operator.map(|it| (it, false)));
        }
        let not = self.current.clone();
        self.advance()?;
        let operator = Operator::of(&self.current.text).filter(|it| it.is_negatable());
        let operator = operator.ok_or_else(|| self.unexpected())?;
        if binds(&operator) {
            return Ok(Some((operator, true)));
        }
        self.stashed = Some(std::mem::replace(&mut self.current, not));
        Ok(None)
    }

    /// `a < b <= c` means `a < b && b <= c`.
    fn comparison(&mut self, left: Node, operator: Operator) -> Result<Node, String> {
        let mut left = left;
        let mut operator = operator;
        let mut root: Option<Node> = None;
        loop {
            let right = self.expression(operator.precedence() + 1)?;
            let next = Operator::of(&self.current.text)
                .filter(|it| it.is_comparison() && self.current.kind == TokenKind::Operator);
            let again = match next {
                Some(_) => Some(self.repeat(&right)?),
                None => None,
            };
            let compared = self.node(Kind::binary(operator, left, right))?;
            let whole = match root.take() {
                None => compared,
                Some(root) => self.node(Kind::binary(Operator::And, root, compared))?,
            };
            let (Some(next), Some(again)) = (next, again) else {
                return Ok(whole);
            };
            self.advance()?;
            root = Some(whole);
            left = again;
            operator = next;
        }
    }

    fn repeat(&mut self, node: &Node) -> Result<Node, String> {
        self.repeated += node.size();
        if self.repeated > REPEATED {
            return Err("compilation failed: expression exceeds maximum allowed nodes".to_owned());
        }
        Ok(node.clone())
    }

    fn declaration(&mut self) -> Result<Node, String> {
        self.expect_operator("let")?;
        let name = self.expect_identifier()?;
        self.expect_operator("=")?;
        let value = Box::new(self.expression(0)?);
        self.expect_operator(";")?;
        let body = Box::new(self.sequence()?);
        let name = Arc::from(name.text);
        self.node(Kind::Let { name, value, body })
    }

    fn if_else(&mut self) -> Result<Node, String> {
        self.advance()?;
        let condition = Box::new(self.expression(0)?);
        self.expect_bracket("{")?;
        let then = Box::new(self.sequence()?);
        self.expect_bracket("}")?;
        self.expect_operator("else")?;
        let otherwise = if self.current.is_operator("if") {
            self.deeper(Self::if_else)?
        } else {
            self.expect_bracket("{")?;
            let otherwise = self.sequence()?;
            self.expect_bracket("}")?;
            otherwise
        };
        let otherwise = Box::new(otherwise);
        self.node(Kind::Conditional {
            condition,
            then,
            otherwise,
        })
    }

    fn conditional(&mut self, node: Node) -> Result<Node, String> {
        let mut node = node;
        while self.current.is_operator("?") {
            self.advance()?;
            let then = if self.current.is_operator(":") {
                self.repeat(&node)?
            } else {
                self.expression(0)?
            };
            self.expect_operator(":")?;
            let otherwise = Box::new(self.expression(0)?);
            let (condition, then) = (Box::new(node), Box::new(then));
            node = self.node(Kind::Conditional {
                condition,
                then,
                otherwise,
            })?;
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, String> {
        if self.current.kind == TokenKind::Operator
            && let Some(operator) = Unary::of(&self.current.text)
        {
            self.advance()?;
            let operand = Box::new(self.expression(operator.precedence())?);
            let node = self.node(Kind::Unary(operator, operand))?;
            return self.postfix(node);
        }
        if self.current.is_bracket("(") {
            self.advance()?;
            let node = self.sequence()?;
            self.expect_bracket(")")?;
            return self.postfix(node);
        }
        if self.closures > 0 && (self.current.is_operator("#") || self.current.is_operator(".")) {
            let pointer = self.pointer()?;
            let node = self.node(Kind::Pointer(pointer))?;
            return self.postfix(node);
        }
        if self.current.is_operator("::") {
            self.advance()?;
            let name = self.expect_identifier()?;
            let node = self.call(&name.text, Vec::new(), false)?;
            return self.postfix(node);
        }
        self.secondary()
    }

    /// `#`, `#index`; nothing where `.field` is short for `#.field`.
    fn pointer(&mut self) -> Result<Pointer, String> {
        if self.current.is_operator(".") {
            return Ok(Pointer::Item);
        }
        self.advance()?;
        if self.current.kind != TokenKind::Identifier {
            return Ok(Pointer::Item);
        }
        let pointer = match self.current.text.as_str() {
            "index" => Pointer::Index,
            "acc" => Pointer::Accumulator,
            other => Pointer::Unknown(Arc::from(other)),
        };
        self.advance()?;
        Ok(pointer)
    }

    fn secondary(&mut self) -> Result<Node, String> {
        let token = self.current.clone();
        let node = match token.kind {
            TokenKind::Identifier => {
                self.advance()?;
                match token.text.as_str() {
                    "true" => return self.node(Kind::Bool(true)),
                    "false" => return self.node(Kind::Bool(false)),
                    "nil" => return self.node(Kind::Nil),
                    name if self.current.is_bracket("(") => self.call(name, Vec::new(), true)?,
                    name => self.node(Kind::Identifier(Arc::from(name)))?,
                }
            }
            TokenKind::Number => {
                self.advance()?;
                let literal = number(&token.text)?;
                return self.node(literal);
            }
            TokenKind::String => {
                self.advance()?;
                self.node(Kind::String(Arc::from(token.text)))?
            }
            TokenKind::Bytes => {
                self.advance()?;
                self.node(Kind::Bytes(Arc::from(token.bytes)))?
            }
            TokenKind::Bracket if token.text == "[" => self.array()?,
            TokenKind::Bracket if token.text == "{" => self.map()?,
            TokenKind::Bracket | TokenKind::Operator | TokenKind::End => return Err(self.unexpected()),
        };
        self.postfix(node)
    }

    /// A call whose name is read, with the arguments that a pipe brings.
    fn call(&mut self, name: &str, piped: Vec<Node>, may_be_overridden: bool) -> Result<Node, String> {
        let is_overridden = may_be_overridden && self.names.has(name);
        let Some(which) = Builtin::of(name).filter(|_| !is_overridden) else {
            let callee = Box::new(self.node(Kind::Identifier(Arc::from(name)))?);
            let arguments = self.arguments(piped)?;
            return self.node(Kind::Call { callee, arguments });
        };
        let arguments = match which.closure() {
            Some(wanted) => self.closure_arguments(wanted, piped)?,
            None => self.arguments(piped)?,
        };
        self.node(Kind::builtin(which, arguments))
    }

    fn closure_arguments(&mut self, wanted: &[Argument], piped: Vec<Node>) -> Result<Vec<Node>, String> {
        self.expect_bracket("(")?;
        let mut arguments = piped;
        let wanted = wanted.get(arguments.len()..).unwrap_or_default();
        for (index, argument) in wanted.iter().enumerate() {
            if self.current.is_bracket(")") {
                if argument.is_optional() {
                    break;
                }
                return Err(format!("expected at least {} arguments", wanted.len()));
            }
            if index > 0 {
                self.expect_operator(",")?;
            }
            let node = match argument {
                Argument::Value | Argument::OptionalValue => self.expression(0)?,
                Argument::Closure | Argument::OptionalClosure => self.predicate()?,
            };
            arguments.push(node);
        }
        if self.current.is_operator(",") {
            self.advance()?;
        }
        self.expect_bracket(")")?;
        Ok(arguments)
    }

    pub(super) fn arguments(&mut self, piped: Vec<Node>) -> Result<Vec<Node>, String> {
        let mut arguments = piped;
        let before = arguments.len();
        self.expect_bracket("(")?;
        while !self.current.is_bracket(")") {
            if arguments.len() > before {
                self.expect_operator(",")?;
            }
            if self.current.is_bracket(")") {
                break;
            }
            arguments.push(self.expression(0)?);
        }
        self.expect_bracket(")")?;
        Ok(arguments)
    }

    fn predicate(&mut self) -> Result<Node, String> {
        let in_brackets = self.current.is_bracket("{");
        if in_brackets {
            self.advance()?;
        }
        self.closures += 1;
        let body = if in_brackets {
            self.sequence()
        } else {
            self.expression(0)
        };
        self.closures -= 1;
        let body = body?;
        if in_brackets {
            self.expect_bracket("}")?;
        } else if self.current.is_operator(";") {
            return Err("wrap predicate with brackets { and }".to_owned());
        }
        self.node(Kind::Predicate(Box::new(body)))
    }

    fn array(&mut self) -> Result<Node, String> {
        self.expect_bracket("[")?;
        let mut nodes = Vec::new();
        while !self.current.is_bracket("]") {
            if !nodes.is_empty() {
                self.expect_operator(",")?;
                if self.current.is_bracket("]") {
                    break;
                }
            }
            nodes.push(self.expression(0)?);
        }
        self.expect_bracket("]")?;
        self.node(Kind::Array(nodes))
    }

    fn map(&mut self) -> Result<Node, String> {
        self.expect_bracket("{")?;
        let mut pairs = Vec::new();
        while !self.current.is_bracket("}") {
            if !pairs.is_empty() {
                self.expect_operator(",")?;
                if self.current.is_bracket("}") {
                    break;
                }
                if self.current.is_operator(",") {
                    return Err(self.unexpected());
                }
            }
            let key = self.key()?;
            self.expect_operator(":")?;
            let value = self.expression(0)?;
            self.nodes += 1;
            pairs.push((key, value));
        }
        self.expect_bracket("}")?;
        self.node(Kind::Map(pairs))
    }

    fn key(&mut self) -> Result<Node, String> {
        match self.current.kind {
            TokenKind::Number | TokenKind::String | TokenKind::Identifier => {
                let key = self.node(Kind::String(Arc::from(self.current.text.as_str())))?;
                self.advance()?;
                Ok(key)
            }
            TokenKind::Bracket if self.current.text == "(" => self.expression(0),
            TokenKind::Bracket | TokenKind::Operator | TokenKind::Bytes | TokenKind::End => Err(format!(
                "a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses \
                 (unexpected token {})",
                self.current
            )),
        }
    }
}

fn too_deep(limit: usize) -> String {
    format!("compilation failed: expression is nested more than {limit} levels deep")
}

/// What a number means.
fn number(written: &str) -> Result<Kind, String> {
    let digits = written.replace('_', "");
    let lower = digits.to_lowercase();
    let integer = |parse: fn(&str) -> Result<i64, &'static str>, name: &str| {
        parse(&digits).map(Kind::Integer).map_err(|why| {
            format!(
                "invalid {name} literal: strconv.ParseInt: parsing {}: {why}",
                quoted(&digits)
            )
        })
    };
    if lower.starts_with("0x") {
        integer(parse_prefixed_int, "hex")
    } else if lower.contains(['.', 'e']) {
        parse_float(&digits).map(Kind::Float).map_err(|why| {
            format!(
                "invalid float literal: strconv.ParseFloat: parsing {}: {why}",
                quoted(&digits)
            )
        })
    } else if lower.starts_with("0b") {
        integer(parse_prefixed_int, "binary")
    } else if lower.starts_with("0o") {
        integer(parse_prefixed_int, "octal")
    } else {
        integer(parse_int, "integer")
    }
}
